"""``linearize``: the derivative of a function at one point, as a linear function to be used again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.func.differentiation import end, pull_back, recorded, vjp_with
from pullback.tensor import LEAF, Tensor
from pullback.tensor.modes import NO_GRAD, mode
from pullback.tensor.trees import described, flatten, unflatten


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of ``func``, and the function that multiplies its Jacobian with tangents, without running it again.

    Parameters
    ----------
    func : callable
        Takes the primals, and returns tensors in any structure.
    *primals
        Tensors, or structures of them.

    Returns
    -------
    (output, jvp_fn)
        ``jvp_fn`` takes tangents as ``func`` takes the primals, and returns those of the output.

    Raises
    ------
    RuntimeError
        When it is called, for tangents whose structure, shapes or dtypes differ from the primals'.

    Notes
    -----
    A pass back through the function's graph is linear in the cotangent, so that a pass back through that pass
    multiplies with the Jacobian itself. It is run once, and what it computes of the primals alone is kept.

    Examples
    --------
    >>> import pullback as pb
    >>> output, jvp_fn = pb.func.linearize(lambda x: x ** 2, pb.tensor([1., 2.]))
    >>> output, jvp_fn(pb.tensor([1., 10.]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    values, structure = flatten(primals)
    recording = not mode() & NO_GRAD
    output, pull, _, begun = vjp_with(func, primals, False)
    outputs, output_structure = flatten(output)
    with recorded():
        cotangents = [o.new_zeros(o.shape) for o in outputs]
        for cotangent in cotangents:
            cotangent.edge = LEAF
        pulled = flatten(pull(unflatten(output_structure, cotangents), True, True))[0]
    begun = begun.union(cotangents)

    def push(*tangents: Any) -> Any:
        given, given_structure = flatten(tangents)
        if given_structure != structure:
            raise RuntimeError(
                f"Expected the tangents {described(tangents)} to have the same argspec as the primals"
                f" {described(primals)}"
            )
        for number, (tangent, primal) in enumerate(zip(given, values, strict=True)):
            _check_tangent(number, tangent, primal)
        again = recording and not mode() & NO_GRAD
        with recorded():
            results = pull_back(pulled, given, cotangents, recording=again, keep_graph=True, also_begun=begun)
        return unflatten(output_structure, [end(result, begun, again) for result in results])

    return output, push


def _check_tangent(number: int, tangent: Any, primal: Tensor) -> None:
    for what in ("shape", "device", "dtype"):
        own, other = getattr(tangent, what), getattr(primal, what)
        if own != other:
            raise RuntimeError(
                f"tangent:{number} with {what} {own} in flattened pytree doesn't match the {what} {other} of the"
                " corresponding primal."
            )

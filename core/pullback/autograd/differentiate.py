"""``backward`` and ``grad``: what to differentiate, checked, and handed to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.autograd.engine import ones_of, run_backward, unshared_wrap
from pullback.tensor import LEAF, Tensor
from pullback.views import edge_of

if TYPE_CHECKING:
    from pullback.autograd.node import Edge


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Accumulate the gradients of ``tensors`` into the leaves they were computed from.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
        What to differentiate.
    grad_tensors : Tensor or sequence, optional
        The gradient with respect to each, of its shape; may be None for tensors of a single element.
    retain_graph : bool, optional
        Keep what the graph saved; by default as ``create_graph``.
    create_graph : bool
        Record the backward pass too, for higher derivatives.
    inputs : Tensor or sequence of Tensor, optional
        Accumulate into these only.

    Raises
    ------
    RuntimeError
        If there is no graph, it has been freed, or a gradient is missing or of another shape.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([1., 2.], requires_grad=True)
    >>> pb.autograd.backward(x * x, pb.tensor([1., 10.]))
    >>> x.grad
    tensor([ 2., 40.])
    """
    if create_graph:
        import warnings

        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its"
            " gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid"
            " this. If you have to use this function, make sure to reset the .grad fields of your parameters to None"
            " after use to break the cycle and avoid the leak.",
            UserWarning,
            stacklevel=2,
        )
    outputs = _as_sequence(tensors)
    roots = _roots(outputs, _as_gradients(grad_tensors, len(outputs)), "grad_tensors")
    keep = create_graph if retain_graph is None else retain_graph
    targets: list[Edge] | None = None
    if inputs is not None:
        chosen = _as_sequence(inputs)
        if not chosen:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        targets = []
        for number, tensor in enumerate(chosen):
            if tensor.edge is None:
                raise RuntimeError(f"One of the differentiated Tensors does not require grad (inputs[{number}])")
            if tensor.edge is not LEAF:
                tensor.retain_grad()
            edge = edge_of(tensor)
            assert edge is not None
            targets.append(edge)
    run_backward(roots, keep_graph=keep, create_graph=create_graph, accumulate_into=targets)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; no tensor's ``grad`` changes.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence, optional
        The gradient with respect to each output; may be None for outputs of a single element.
    retain_graph : bool, optional
        Keep what the graph saved; by default as ``create_graph``.
    create_graph : bool
        Record the pass, so that the results can be differentiated again.
    allow_unused : bool, optional
        Give None for an input that no output depends on; otherwise that is an error.
    is_grads_batched : bool
        Not supported yet.
    materialize_grads : bool
        Give zeros instead of None for unused inputs.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    RuntimeError
        If an input requires no gradient or is unused, or the graph is missing or freed.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor(2., requires_grad=True)
    >>> (dy,) = pb.autograd.grad(x ** 3, x, create_graph=True)
    >>> pb.autograd.grad(dy, x)
    (tensor(12.),)
    """
    if is_grads_batched:
        raise NotImplementedError("grad(): is_grads_batched needs vmap, which pullback does not have yet")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False.")
    results, sources = _as_sequence(outputs), _as_sequence(inputs)
    if not sources:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    roots = _roots(results, _as_gradients(grad_outputs, len(results)), "grad_outputs")
    edges = []
    for tensor in sources:
        edge = edge_of(tensor)
        if edge is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        edges.append(edge)
    keep = create_graph if retain_graph is None else retain_graph
    captured = run_backward(roots, keep_graph=keep, create_graph=create_graph, capture=edges)
    gradients: list[Tensor | None] = []
    for number, (tensor, edge) in enumerate(zip(sources, edges, strict=True)):
        gradient = captured.get(edge)
        if gradient is None and materialize_grads:
            gradient = tensor.new_zeros(tensor.shape)
        elif gradient is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {number} appears to not have been used in the graph. Set"
                " allow_unused=True if this is the desired behavior."
            )
        gradients.append(gradient)
    return tuple(gradients)


def _as_sequence(tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    found = list(tensors)
    for tensor in found:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected a Tensor or a sequence of Tensors, got {type(tensor).__name__} in it")
    return found


def _as_gradients(gradients: Any, count: int) -> list[Tensor | None]:
    if gradients is None:
        return [None] * count
    given = [gradients] if isinstance(gradients, Tensor) or not isinstance(gradients, list | tuple) else list(gradients)
    if len(given) != count:
        raise RuntimeError(f"got {count} tensors and {len(given)} gradients")
    for gradient in given:
        if gradient is not None and not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    return given


def _roots(outputs: list[Tensor], gradients: list[Tensor | None], argument: str) -> list[tuple[Edge, Tensor]]:
    roots: list[tuple[Edge, Tensor]] = []
    for number, (output, gradient) in enumerate(zip(outputs, gradients, strict=True)):
        if gradient is None:
            if output.edge is not None and output.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
        elif tuple(gradient.array.shape) != tuple(output.array.shape):
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{number}] has a shape of {gradient.shape} and output[{number}] has a"
                f" shape of {output.shape}."
            )
        elif gradient.backend is not output.backend:
            raise RuntimeError(
                f"{argument}[{number}] is on backend {gradient.backend.name!r} and output[{number}] on"
                f" {output.backend.name!r}: move it with .to({output.backend.name!r})"
            )
        elif gradient.dtype.is_complex != output.dtype.is_complex:
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in"
                f" dtype: grad_output[{number}] has a dtype of {gradient.dtype} and output[{number}] has a dtype of"
                f" {output.dtype}."
            )
        edge = edge_of(output)
        if edge is None:
            raise RuntimeError(f"element {number} of tensors does not require grad and does not have a grad_fn")
        if gradient is None:
            if output.dtype.is_complex:
                raise RuntimeError(
                    "grad can be implicitly created only for real scalar outputs but got " + str(output.dtype)
                )
            gradient = ones_of(output)
        elif gradient.dtype is not output.dtype:
            gradient = gradient.to(output.dtype)
        else:
            gradient = unshared_wrap(gradient)
        roots.append((edge, gradient))
    return roots

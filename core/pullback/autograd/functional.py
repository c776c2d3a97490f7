"""Jacobians, Hessians and their products with vectors, as functions of a function.

Follows https://pytorch.org/docs/stable/autograd.html#functional-higher-level-api.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pullback.autograd as autograd
from pullback.autograd.grad_mode import enable_grad
from pullback.tensor import Tensor

Tensors: TypeAlias = "Tensor | tuple[Tensor, ...]"


def _inputs(inputs: Tensors, create_graph: bool) -> tuple[tuple[Tensor, ...], bool]:
    """The inputs as fresh tensors that require gradients; connected to the caller's where a graph is wanted."""
    several = isinstance(inputs, tuple | list)
    given: Sequence[Tensor] = inputs if several else (inputs,)  # type: ignore[assignment]
    for number, tensor in enumerate(given):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"inputs must be a Tensor or a tuple of Tensors, got {type(tensor).__name__} at {number}")
    if create_graph:
        return tuple(t.view_as(t) if t.requires_grad else t.detach().requires_grad_() for t in given), several
    return tuple(t.detach().requires_grad_() for t in given), several


def _outputs(outputs: Any) -> tuple[tuple[Tensor, ...], bool]:
    several = isinstance(outputs, tuple | list)
    given = tuple(outputs) if several else (outputs,)
    for output in given:
        if not isinstance(output, Tensor):
            raise TypeError(f"the function must return a Tensor or a tuple of Tensors, got {type(output).__name__}")
    return given, several


def _vectors(v: Any, like: tuple[Tensor, ...], what: str) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {what} is a single Tensor with a single element (one number)."
            )
        return (like[0].new_ones(like[0].shape),)
    given = tuple(v) if isinstance(v, tuple | list) else (v,)
    if len(given) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}.")
    for number, (vector, tensor) in enumerate(zip(given, like, strict=True)):
        if vector.shape != tensor.shape:
            raise RuntimeError(
                f"Entry {number} in v has invalid size: should be {tensor.shape} but got {vector.shape}."
            )
    return given


def _filled(gradients: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool) -> tuple[Tensor, ...]:
    found = []
    for number, (gradient, tensor) in enumerate(zip(gradients, like, strict=True)):
        if gradient is None and strict:
            raise RuntimeError(f"The output of the user-provided function is independent of input {number}.")
        found.append(tensor.new_zeros(tensor.shape) if gradient is None else gradient)
    return tuple(found)


def _result(values: tuple[Any, ...], several: bool) -> Any:
    return values if several else values[0]


def vjp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of ``func`` and the product of ``v`` with its Jacobian.

    Parameters
    ----------
    func : callable
        Takes Tensors and returns a Tensor or a tuple of Tensors.
    inputs : Tensor or tuple of Tensor
    v : Tensor or tuple of Tensor, optional
        Of the shapes of the outputs; may be None for a single output of one element.
    create_graph : bool
        Record the computation, for higher derivatives.
    strict : bool
        Raise where an output does not depend on an input, instead of giving zeros.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.vjp(lambda x: (x * x).sum(), pb.tensor([1., 2.]))
    (tensor(5.), tensor([2., 4.]))
    """
    with enable_grad():
        fresh, several = _inputs(inputs, create_graph)
        outputs, outputs_several = _outputs(func(*fresh))
        vectors = _vectors(v, outputs, "the user-provided function returns")
        gradients = _gradients(outputs, fresh, vectors, create_graph)
    product = _filled(gradients, fresh, strict)
    if not create_graph:
        outputs = tuple(o.detach() for o in outputs)
    return _result(outputs, outputs_several), _result(product, several)


def _gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    vectors: Sequence[Tensor],
    create_graph: bool,
    retain: bool = False,
) -> tuple[Tensor | None, ...]:
    kept = [(o, v) for o, v in zip(outputs, vectors, strict=True) if o.requires_grad]
    if not kept:
        return (None,) * len(inputs)
    return autograd.grad(
        [o for o, _ in kept],
        inputs,
        [v for _, v in kept],
        create_graph=create_graph,
        retain_graph=True if retain else None,
        allow_unused=True,
    )


def jvp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of ``func`` and the product of its Jacobian with ``v``, by differentiating the VJP once more.

    Parameters are those of :func:`vjp`, with ``v`` of the shapes of the inputs.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.jvp(lambda x: x * x, pb.tensor([1., 2.]), pb.tensor([1., 1.]))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        fresh, _ = _inputs(inputs, create_graph)
        vectors = _vectors(v, fresh, "the input to the user-provided function")
        outputs, outputs_several = _outputs(func(*fresh))
        # The VJP is linear in its cotangent, so its derivative in the cotangent, along v, is the JVP.
        cotangents = tuple(o.new_zeros(o.shape).requires_grad_() for o in outputs)
        gradients = _gradients(outputs, fresh, cotangents, True)
        pairs = [(g, w) for g, w in zip(gradients, vectors, strict=True) if g is not None and g.requires_grad]
        products: tuple[Tensor | None, ...] = (None,) * len(outputs)
        if pairs:
            products = _gradients([g for g, _ in pairs], cotangents, [w for _, w in pairs], create_graph)
    product = _filled(products, outputs, strict)
    if not create_graph:
        outputs = tuple(o.detach() for o in outputs)
    return _result(outputs, outputs_several), _result(product, outputs_several)


def jacobian(func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False) -> Any:
    """The Jacobian of ``func``: for each output and input, a tensor of the output's shape followed by the input's.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.jacobian(lambda x: x * x, pb.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    with enable_grad():
        fresh, several = _inputs(inputs, create_graph)
        outputs, outputs_several = _outputs(func(*fresh))
        rows = tuple(_jacobian_rows(output, fresh, create_graph, strict) for output in outputs)
    return _result(tuple(_result(row, several) for row in rows), outputs_several)


def _jacobian_rows(output: Tensor, inputs: tuple[Tensor, ...], create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    from pullback.op import registry

    stack = registry["stack"].call
    columns: list[list[Tensor]] = [[] for _ in inputs]
    count = output.numel()
    flat = output.reshape(-1)
    for element in range(count):
        gradients = _gradients((flat[element],), inputs, (flat.new_ones(()),), create_graph, retain=True)
        for column, gradient in zip(columns, _filled(gradients, inputs, strict), strict=True):
            column.append(gradient)
    return tuple(
        stack(column).reshape(tuple(output.shape) + tuple(tensor.shape))
        if count
        else tensor.new_zeros(tuple(output.shape) + tuple(tensor.shape))
        for column, tensor in zip(columns, inputs, strict=True)
    )


def _scalar(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise RuntimeError("The function given to hessian should return a single Tensor")
    if value.numel() != 1:
        raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
    return value.reshape(())


def hessian(func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False) -> Any:
    """The Hessian of a function that returns one number: the Jacobian of its gradient.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.hessian(lambda x: (x ** 3).sum(), pb.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def gradient(*values: Tensor) -> Any:
        output = _scalar(func(*values))
        found = _filled(_gradients((output,), values, (output.new_ones(()),), True), values, strict)
        return found if isinstance(inputs, tuple | list) else found[0]

    return jacobian(gradient, inputs, create_graph=create_graph, strict=strict)


def hvp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of a function that returns one number, and the product of its Hessian with ``v``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.hvp(lambda x: (x ** 3).sum(), pb.tensor([1., 2.]), pb.tensor([1., 1.]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    several = isinstance(inputs, tuple | list)
    with enable_grad():
        fresh, _ = _inputs(inputs, create_graph)
        vectors = _vectors(v, fresh, "the input to the user-provided function")
        output = _scalar(func(*fresh))
        first = _gradients((output,), fresh, (output.new_ones(()),), True)
        pairs = [(g, w) for g, w in zip(first, vectors, strict=True) if g is not None and g.requires_grad]
        second: tuple[Tensor | None, ...] = (None,) * len(fresh)
        if pairs:
            second = _gradients([g for g, _ in pairs], fresh, [w for _, w in pairs], create_graph)
    product = _filled(second, fresh, strict)
    return output if create_graph else output.detach(), _result(product, several)


#: The Hessian is symmetric: its product from the left is the one from the right.
vhp = hvp

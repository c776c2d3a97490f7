"""Jacobians, Hessians and their products with vectors, as functions of a function.

Follows https://pytorch.org/docs/stable/autograd.html#functional-higher-level-api.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias

import pullback.autograd as autograd
from pullback.autograd.grad_mode import enable_grad, is_grad_enabled, set_grad_enabled
from pullback.func.differentiation import grad
from pullback.func.jacobians import pushed_forward, unit_tangents
from pullback.ops.shape.joining import stack
from pullback.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors: TypeAlias = "Tensor | tuple[Tensor, ...]"

_OF_FUNCTION = "outputs of the user-provided function"


# -- arguments and results ---------------------------------------------------------------------------------------------


def _tensors(value: Any, what: str, function: str) -> tuple[tuple[Tensor, ...], bool]:
    """A Tensor or a tuple of them as a tuple, and whether it was one.

    Raises
    ------
    TypeError
        For anything else.
    """
    several = isinstance(value, tuple)
    given: tuple[Any, ...] = value if several else (value,)
    for number, tensor in enumerate(given):
        if not isinstance(tensor, Tensor):
            which = f"the value at index {number}" if several else f"the given {what}"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but {which} has type"
                f" {type(tensor)}."
            )
    return given, several


def _inputs(inputs: Any, function: str, create_graph: bool) -> tuple[tuple[Tensor, ...], bool]:
    """The inputs as fresh tensors that require gradients; connected to the caller's where a graph is wanted."""
    given, several = _tensors(inputs, "inputs", function)
    return _fresh(given, create_graph, True), several


def _fresh(given: Sequence[Tensor], create_graph: bool, requires_grad: bool) -> tuple[Tensor, ...]:
    return tuple(
        t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_(requires_grad) for t in given
    )


def _vectors(
    v: Any, function: str, create_graph: bool, like: tuple[Tensor, ...], several: bool, of_inputs: bool
) -> tuple[Tensor, ...] | None:
    """The vector to multiply with; None stands for the number one.

    Raises
    ------
    RuntimeError
        If it does not fit the tensors in ``like``.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            what = "input to the user-provided function is" if of_inputs else "user-provided function returns"
            raise RuntimeError(f"The vector v can only be None if the {what} a single Tensor with a single element.")
        return None
    given = _fresh(_tensors(v, "v", function)[0], create_graph, False)
    if len(given) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}."
            if several
            else "The given v should contain a single Tensor."
        )
    for number, (vector, tensor) in enumerate(zip(given, like, strict=True)):
        if vector.shape != tensor.shape:
            entry = f"Entry {number} in " if several else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {tensor.shape} but got {vector.shape}.")
    return given


def _results(values: Sequence[Tensor], several: bool, create_graph: bool) -> Any:
    """What the caller gets: without a history unless it asked for one."""
    found = tuple(values) if create_graph else tuple(t.detach() for t in values)
    return found if several else found[0]


def _number(func: Callable[..., Any], inputs: Sequence[Tensor], function: str, strict: bool) -> Tensor:
    """The value of a function that returns one number.

    Raises
    ------
    RuntimeError
        If it returns something else.
    """
    outputs, several = _tensors(func(*inputs), _OF_FUNCTION, function)
    if strict:
        _check_outputs(outputs)
    if several:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")
    return outputs[0]


# -- passes ------------------------------------------------------------------------------------------------------------


def _gradients(
    outputs: Sequence[Tensor | None],
    inputs: Sequence[Tensor],
    vectors: Sequence[Tensor] | None,
    create_graph: bool,
    retain: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs that have a history; None where nothing leads to an input."""
    given: Sequence[Tensor | None] = (None,) * len(outputs) if vectors is None else vectors
    kept = [(o, v) for o, v in zip(outputs, given, strict=True) if o is not None and o.requires_grad]
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


#: Of each kind of pass what is found independent of what, in strict mode: where there is no gradient, and where the
#: gradient has no history though one is wanted.
_INDEPENDENT = {
    "back": "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "back_trick": "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the"
    " double backward trick to compute forward mode gradients. This is not allowed in strict mode.",
    "double_back": "The jacobian of the user-provided function is independent of input {}. This is not allowed in"
    " strict mode.",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in the grad_jacobian."
    " This is not allowed in strict mode as it prevents from using the double backward trick to replace forward mode"
    " AD.",
}


def _filled(
    gradients: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool, create_graph: bool, kind: str
) -> tuple[Tensor, ...]:
    """Zeros where there is no gradient; an error in strict mode."""
    found = []
    for number, (gradient, tensor) in enumerate(zip(gradients, like, strict=True)):
        if strict and gradient is None:
            raise RuntimeError(_INDEPENDENT[kind].format(number))
        if strict and create_graph and gradient is not None and not gradient.requires_grad:
            what = "hessian" if "double" in kind else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {number}. This is not allowed in"
                " strict mode when create_graph=True."
            )
        found.append(tensor.new_zeros(tensor.shape) if gradient is None else gradient)
    return tuple(found)


def _check_outputs(outputs: Sequence[Tensor]) -> None:
    """Refuse, in strict mode, outputs without a history."""
    for number, output in enumerate(outputs):
        if not output.requires_grad:
            raise RuntimeError(
                f"Output {number} of the user-provided function does not require gradients. The outputs must be"
                " computed in a differentiable manner from the input when running in strict mode."
            )


def _check_gradients(gradients: Sequence[Tensor | None], explain: Callable[[int], NoReturn]) -> None:
    """Refuse, in strict mode, gradients that are missing or have no history."""
    for number, gradient in enumerate(gradients):
        if gradient is None:
            raise RuntimeError(_INDEPENDENT["back"].format(number))
        if not gradient.requires_grad:
            explain(number)


def _constant_gradient(number: int) -> NoReturn:
    raise RuntimeError(
        f"The gradient with respect to input {number} is independent of the inputs of the user-provided function. This"
        " is not allowed in strict mode."
    )


def _constant_jacobian(number: int) -> NoReturn:
    raise RuntimeError(
        "While computing the hessian, found that the jacobian of the user-provided function with respect to input"
        f" {number} is independent of the input. This is not allowed in strict mode. You should ensure that your"
        " function is twice differentiable and that the jacobian depends on the inputs (this would be violated by a"
        " linear function for example)."
    )


# -- the functions -----------------------------------------------------------------------------------------------------


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

    Raises
    ------
    TypeError
        If an input, ``v`` or a result of ``func`` is no Tensor.
    RuntimeError
        If ``v`` does not fit the results; with ``strict`` also where the results are independent of an input.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.vjp(lambda x: (x * x).sum(), pb.tensor([1., 2.]))
    (tensor(5.), tensor([2., 4.]))
    """
    with enable_grad():
        fresh, several = _inputs(inputs, "vjp", create_graph)
        outputs, outputs_several = _tensors(func(*fresh), _OF_FUNCTION, "vjp")
        if strict:
            _check_outputs(outputs)
        vectors = _vectors(v, "vjp", create_graph, outputs, outputs_several, of_inputs=False)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        product = _filled(_gradients(outputs, fresh, vectors, create_graph), fresh, strict, create_graph, "back")
    return _results(outputs, outputs_several, create_graph), _results(product, several, create_graph)


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
        fresh, several = _inputs(inputs, "jvp", create_graph)
        vectors = _vectors(v, "jvp", create_graph, fresh, several, of_inputs=True)
        outputs, outputs_several = _tensors(func(*fresh), _OF_FUNCTION, "jvp")
        if strict:
            _check_outputs(outputs)
        # The VJP is linear in its cotangent, so its derivative in the cotangent, along v, is the JVP.
        cotangents = tuple(o.new_zeros(o.shape).requires_grad_() for o in outputs)
        gradients = _gradients(outputs, fresh, cotangents, True)
        if strict:
            _check_gradients(gradients, _constant_gradient)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(gradients, cotangents, vectors, create_graph)
        product = _filled(found, outputs, strict, create_graph, "back_trick")
    return _results(outputs, outputs_several, create_graph), _results(product, outputs_several, create_graph)


_STRATEGIES = ("forward-mode", "reverse-mode")


def jacobian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of ``func``: for each output and input, a tensor of the output's shape followed by the input's.

    Parameters
    ----------
    func : callable
        Takes Tensors and returns a Tensor or a tuple of Tensors.
    inputs : Tensor or tuple of Tensor
    create_graph : bool
        Record the computation, for higher derivatives.
    strict : bool
        Raise where an output does not depend on an input, instead of giving zeros.
    vectorize : bool
        Run all passes at once, by :func:`pullback.vmap`.
    strategy : {"reverse-mode", "forward-mode"}
        One pass for each output element, or for each input element; the latter needs ``vectorize``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.jacobian(lambda x: x * x, pb.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in _STRATEGIES:
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs'
            ' than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        return _forward_jacobian(func, inputs, create_graph, strict, vectorize)
    with enable_grad():
        fresh, several = _inputs(inputs, "jacobian", create_graph)
        outputs, outputs_several = _tensors(func(*fresh), _OF_FUNCTION, "jacobian")
        if strict:
            _check_outputs(outputs)
        if not vectorize:
            rows = tuple(_jacobian_rows(n, o, fresh, create_graph, strict) for n, o in enumerate(outputs))
        elif strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together."
                " Please either set `strict=False` or `vectorize=False`."
            )
        else:
            rows = _all_jacobian_rows(outputs, fresh, create_graph)
    found = tuple(_results(row, several, create_graph) for row in rows)
    return found if outputs_several else found[0]


def _forward_jacobian(
    func: Callable[..., Any], inputs: Tensors, create_graph: bool, strict: bool, vectorize: bool
) -> Any:
    """The Jacobian by one forward pass for each input element, all at once."""
    if create_graph:
        raise NotImplementedError(
            'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not supported'
            ' together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together'
            ' (yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    given, several = _tensors(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for"
            " `vectorize=True`."
        )

    def checked(*values: Tensor) -> Any:
        outputs, outputs_several = _tensors(func(*values), _OF_FUNCTION, "jacobian")
        return outputs if outputs_several else outputs[0]

    found = pushed_forward(checked, tuple(range(len(given))))(*given)
    if isinstance(found[0], Tensor):
        return list(found) if several else found[0]
    return [list(row) for row in found] if several else tuple(row[0] for row in found)  # lists, as PyTorch's are


def _all_jacobian_rows(
    outputs: tuple[Tensor, ...], inputs: tuple[Tensor, ...], create_graph: bool
) -> tuple[tuple[Tensor, ...], ...]:
    """The rows of all outputs, by one pass with all of their unit gradients."""
    kept = [(o, u) for o, u in zip(outputs, unit_tangents(outputs), strict=True) if o.requires_grad]
    counts = [o.numel() for o in outputs]
    total = sum(counts)
    found: Sequence[Tensor | None] = (None,) * len(inputs)
    if kept and total:
        found = autograd.grad(
            [o for o, _ in kept],
            inputs,
            [u for _, u in kept],
            create_graph=create_graph,
            allow_unused=True,
            is_grads_batched=True,
        )
    columns = [
        (t.new_zeros((total, *t.shape)) if f is None else f).split_with_sizes(counts, 0)
        for f, t in zip(found, inputs, strict=True)
    ]
    return tuple(
        tuple(c[number].reshape((*o.shape, *t.shape)) for c, t in zip(columns, inputs, strict=True))
        for number, o in enumerate(outputs)
    )


def _jacobian_rows(
    number: int, output: Tensor, inputs: tuple[Tensor, ...], create_graph: bool, strict: bool
) -> tuple[Tensor, ...]:
    """The Jacobians of one output by all inputs, from a pass for each of its elements."""
    columns: list[list[Tensor]] = [[] for _ in inputs]
    count = output.numel()
    flat = output.reshape(-1)
    for element in range(count):
        gradients = _gradients((flat[element],), inputs, None, create_graph, retain=True)
        for place, (column, gradient, tensor) in enumerate(zip(columns, gradients, inputs, strict=True)):
            if strict and gradient is None:
                raise RuntimeError(
                    f"Output {number} of the user-provided function is independent of input {place}. This is not"
                    " allowed in strict mode."
                )
            if strict and create_graph and gradient is not None and not gradient.requires_grad:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of input {number}. This is not allowed"
                    " in strict mode when create_graph=True."
                )
            column.append(tensor.new_zeros(tensor.shape) if gradient is None else gradient)
    return tuple(
        (stack(column) if count else tensor.new_zeros(0)).reshape((*output.shape, *tensor.shape))
        for column, tensor in zip(columns, inputs, strict=True)
    )


def hessian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function that returns one number: the Jacobian of its gradient.

    Parameters are those of :func:`jacobian`; ``outer_jacobian_strategy`` is the strategy for that Jacobian.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.hessian(lambda x: (x ** 3).sum(), pb.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    given, several = _tensors(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in _STRATEGIES:
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def number(*values: Tensor) -> Tensor:
        return _number(func, values, "hessian", strict).squeeze()

    def gradient(*values: Tensor) -> tuple[Tensor, ...]:
        if outer_jacobian_strategy == "forward-mode":
            first: tuple[Tensor, ...] = grad(number, tuple(range(len(values))))(*values)
        else:
            first = jacobian(number, values, create_graph=True)
        if strict:
            _check_gradients(first, _constant_jacobian)
        return first

    found = jacobian(gradient, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if several else found[0][0]


def vhp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of a function that returns one number, and the product of ``v`` with its Hessian.

    Parameters are those of :func:`vjp`, with ``v`` of the shapes of the inputs.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.functional.vhp(lambda x: (x ** 3).sum(), pb.tensor([1., 2.]), pb.tensor([1., 1.]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        fresh, several = _inputs(inputs, "vhp", create_graph)
        vectors = _vectors(v, "vhp", create_graph, fresh, several, of_inputs=True)
        output = _number(func, fresh, "vhp", strict)
        gradients = _gradients((output,), fresh, None, True)
        if strict:
            _check_gradients(gradients, _constant_jacobian)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(gradients, fresh, vectors, create_graph)
        product = _filled(found, fresh, strict, create_graph, "double_back")
    return _results((output,), False, create_graph), _results(product, several, create_graph)


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
    with enable_grad():
        fresh, several = _inputs(inputs, "hvp", create_graph)
        vectors = _vectors(v, "hvp", create_graph, fresh, several, of_inputs=True)
        output = _number(func, fresh, "hvp", strict)
        gradients = _gradients((output,), fresh, None, True)
        if strict:
            _check_gradients(gradients, _constant_jacobian)
        # As in jvp: the product from the left is linear in its vector.
        cotangents = tuple(t.new_zeros(t.shape).requires_grad_() for t in fresh)
        pulled = _gradients(gradients, fresh, cotangents, True)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(pulled, cotangents, vectors, create_graph)
        product = _filled(found, fresh, strict, create_graph, "double_back_trick")
    return _results((output,), False, create_graph), _results(product, several, create_graph)

"""Checking gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pullback.autograd as autograd
from pullback.dtypes import complex128, float64
from pullback.tensor import Tensor


class GradcheckError(RuntimeError):
    """The computed gradients differ from the numerical ones."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients of ``func`` with central finite differences.

    Parameters
    ----------
    func : callable
        Takes the inputs and returns a Tensor or a tuple of Tensors.
    inputs : Tensor or sequence
        Those that require gradients are checked; they must be of float64 or complex128.
    eps : float
        The step of the differences.
    atol, rtol : float
        Allowed: ``|analytical - numerical| <= atol + rtol * |numerical|``.
    raise_exception : bool
        Raise where they differ, instead of returning False.

    Raises
    ------
    GradcheckError
        Naming the output, the input and the worst element.
    ValueError
        If no input requires gradients, or one has less than double precision: there differences say nothing.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([0.5, 1.5], dtype=pb.float64, requires_grad=True)
    >>> pb.autograd.gradcheck(pb.exp, x)
    True
    """
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [(i, a) for i, a in enumerate(arguments) if isinstance(a, Tensor) and a.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input Tensor to require gradient, but none of them have it.")
    for number, argument in checked:
        if argument.dtype not in (float64, complex128):
            raise ValueError(
                f"gradcheck: input {number} has dtype {argument.dtype}; finite differences need float64 or complex128:"
                " use .double()"
            )
    try:
        for number, argument in checked:
            _check_input(func, arguments, number, argument, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _outputs_of(func: Callable[..., Any], arguments: tuple[Any, ...]) -> list[Tensor]:
    result = func(*arguments)
    outputs = [result] if isinstance(result, Tensor) else list(result)
    return [o for o in outputs if isinstance(o, Tensor) and o.dtype.category >= 2]


def _check_input(
    func: Callable[..., Any],
    arguments: tuple[Any, ...],
    number: int,
    argument: Tensor,
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    """Compare, column by column, d(output)/d(element of the argument)."""
    outputs = _outputs_of(func, arguments)
    analytical = [_rows(output, argument) for output in outputs]
    values = argument.detach().clone()
    directions: tuple[complex, ...] = (1, 1j) if argument.dtype.is_complex else (1,)
    flat = values.reshape(-1)
    for element in range(values.numel()):
        original = flat[element].item()
        for direction in directions:
            high = _perturbed(func, arguments, number, flat, element, original + eps * direction, values)
            low = _perturbed(func, arguments, number, flat, element, original - eps * direction, values)
            flat[element] = original
            for which, (above, below) in enumerate(zip(high, low, strict=True)):
                for row, (a, b) in enumerate(zip(above, below, strict=True)):
                    difference = (a - b) / (2 * eps)
                    for part, expected in _parts(difference, outputs[which]):
                        got = analytical[which][row, part][element]
                        shown = got.real if direction == 1 else got.imag
                        if not abs(shown - expected) <= atol + rtol * abs(expected):
                            raise GradcheckError(
                                f"Jacobian mismatch for output {which} with respect to input {number},\nat element"
                                f" {row} of the output and {element} of the input:\nnumerical: {expected}\nanalytical:"
                                f" {shown}"
                            )


def _parts(value: complex, output: Tensor) -> list[tuple[int, float]]:
    """The real parts that a derivative has: for a complex output, of its real and of its imaginary part."""
    return [(0, value.real), (1, value.imag)] if output.dtype.is_complex else [(0, float(value.real))]


def _rows(output: Tensor, argument: Tensor) -> dict[tuple[int, int], list[complex]]:
    """The gradients of each output element's real (0) and imaginary (1) part, flattened."""
    rows: dict[tuple[int, int], list[complex]] = {}
    for element in range(output.numel()):
        for part, unit in enumerate((1, 1j) if output.dtype.is_complex else (1,)):
            cotangent = output.new_zeros(output.shape)
            cotangent.reshape(-1)[element] = unit
            (gradient,) = (
                autograd.grad(output, argument, cotangent, retain_graph=True, allow_unused=True)
                if output.requires_grad
                else (None,)
            )
            numbers = [0.0] * argument.numel() if gradient is None else gradient.reshape(-1).tolist()
            rows[element, part] = [complex(n) for n in numbers]
    return rows


def _perturbed(
    func: Callable[..., Any],
    arguments: tuple[Any, ...],
    number: int,
    flat: Any,
    element: int,
    value: complex,
    values: Any,
) -> list[list[complex]]:
    flat[element] = value
    changed = (*arguments[:number], values.clone(), *arguments[number + 1 :])
    with autograd.no_grad():
        return [o.reshape(-1).tolist() for o in _outputs_of(func, changed)]


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the second derivatives of ``func`` with finite differences of its first.

    Takes what :func:`gradcheck` takes; ``grad_outputs`` are the cotangents of the outputs, by default numbers spread
    over (-1, 1).

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([0.5, 1.5], dtype=pb.float64, requires_grad=True)
    >>> pb.autograd.gradgradcheck(pb.exp, x)
    True
    """
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = _outputs_of(func, arguments)
    if grad_outputs is None:
        cotangents = tuple(_spread(o) for o in outputs)
    else:
        given = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
        cotangents = tuple(g.detach().clone().requires_grad_() for g in given)
    count = len(arguments)
    positions = [i for i, a in enumerate(arguments) if isinstance(a, Tensor) and a.requires_grad]

    def gradient(*values: Any) -> tuple[Tensor, ...]:
        with autograd.enable_grad():
            own = tuple(
                v if v.requires_grad else v.detach().requires_grad_() if i in positions else v
                for i, v in enumerate(values[:count])
            )
            found = autograd.grad(
                _outputs_of(func, own),
                [own[i] for i in positions],
                list(values[count:]),
                create_graph=True,
                allow_unused=True,
            )
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradient, (*arguments, *cotangents), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )


def _spread(output: Tensor) -> Tensor:
    count = max(output.numel(), 1)
    numbers = [((7 * i) % count + 0.5) / count * 2 - 1 for i in range(output.numel())]
    made = output.new_tensor(numbers).reshape(output.shape)
    return made.detach().requires_grad_()

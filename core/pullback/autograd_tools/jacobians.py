"""Jacobians as matrices, of one row for each element of the input and one column for each of the output.

Numerical ones are central finite differences; analytical ones take a backward pass for each column, or a forward pass
for each row. Each can also be multiplied with one vector, which takes a single pass. The derivative of a real number by
a complex one, x + iy, is ``d/dx + i d/dy``, as gradients have it (https://pytorch.org/docs/stable/notes/autograd.html).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pullback.autograd as autograd
from pullback.autograd import forward_ad
from pullback.meta.dtypes import FLOATING, float64
from pullback.ops.shape.joining import stack
from pullback.tensor import Tensor

#: Takes the inputs and returns its results.
Checked: TypeAlias = Callable[..., Any]
#: A direction among the elements of an input; for a complex one that of the real and that of the imaginary parts.
Direction: TypeAlias = "Tensor | tuple[Tensor, Tensor]"


def as_tuple(value: Any) -> tuple[Any, ...]:
    """A tuple or list as a tuple; anything else as the only element of one."""
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def needing_grad(values: Sequence[Any]) -> tuple[Tensor, ...]:
    """The tensors among some values that require gradients."""
    return tuple(v for v in values if isinstance(v, Tensor) and v.requires_grad)


def differentiable(result: Any) -> tuple[Tensor, ...]:
    """The results of a function that require gradients.

    Raises
    ------
    AttributeError
        If one is no tensor.
    """
    return tuple(o for o in as_tuple(result) if o.requires_grad)


# -- directions --------------------------------------------------------------------------------------------------------


class Directions:
    """Makes random vectors: the same sequence in each check, whatever the backend and the state of its generator."""

    def __init__(self) -> None:
        from random import Random

        self._random = Random(0)

    def _numbers(self, count: int, low: float = 0.0) -> list[float]:
        return [self._random.uniform(low, 1.0) for _ in range(count)]

    def _unit(self, like: Tensor) -> Tensor:
        numbers = self._numbers(like.numel())
        length = sum(n * n for n in numbers) ** 0.5 or 1.0
        return like.detach().new_tensor([n / length for n in numbers], dtype=like.dtype.to_real())

    def of_input(self, tensor: Tensor) -> Direction:
        """A flat vector of length one and no negative element, with one for the imaginary parts of a complex input."""
        return (self._unit(tensor), self._unit(tensor)) if tensor.dtype.is_complex else self._unit(tensor)

    def of_output(self, tensor: Tensor) -> Tensor:
        """A flat vector of length one and no negative element."""
        return self._unit(tensor)

    def cotangent(self, output: Tensor, contiguous: bool = True) -> Tensor:
        """Numbers between -1 and 1 in the shape of an output, as a leaf that requires gradients."""
        like = output.detach()
        count = output.numel()
        numbers: list[Any] = self._numbers(count, -1.0)
        if output.dtype.is_complex:
            numbers = [complex(n, m) for n, m in zip(numbers, self._numbers(count, -1.0), strict=True)]
        made = like.new_tensor(numbers, dtype=output.dtype).reshape(output.shape)
        if not contiguous and output.ndim:
            spread = like.new_zeros((*output.shape, 2), dtype=output.dtype)
            spread[..., 0] = made
            made = spread[..., 0]
        return made.detach().requires_grad_()


def vector(direction: Direction) -> Tensor:
    """The direction of a real input."""
    assert isinstance(direction, Tensor)
    return direction


def total(direction: Direction) -> float:
    """The sum of a direction's elements: by how much a tolerance for one element grows in a product with it."""
    parts = (direction,) if isinstance(direction, Tensor) else direction
    return float(sum(p.sum().item() for p in parts))


def along(jacobian: Tensor, direction: Direction) -> Tensor:
    """The product of a column with a direction, real and imaginary parts each with their own."""
    column = jacobian.reshape(-1)
    if isinstance(direction, Tensor):
        return (column * direction).sum()
    real, imaginary = direction
    return (column.real * real).sum() + 1j * (column.imag * imaginary).sum()


# -- real functions of real inputs -------------------------------------------------------------------------------------


def real_outputs(func: Callable[..., Any], part: str) -> Checked:
    """The function with the real or imaginary part of complex results in their place; as it is where ``part`` is"
    " empty."""
    if not part:
        return func
    attribute = "imag" if part == "imaginary" else "real"

    def parts(*inputs: Any) -> tuple[Any, ...]:
        return tuple(
            getattr(o, attribute) if isinstance(o, Tensor) and o.dtype.is_complex else o
            for o in as_tuple(func(*inputs))
        )

    return parts


def real_inputs(func: Callable[..., Any], part: str, inputs: tuple[Any, ...]) -> tuple[Checked, tuple[Any, ...]]:
    """The function of the real or imaginary parts of complex inputs, the other parts staying as they are, and those
    parts."""
    if not part:
        return func, inputs
    places = [i for i, a in enumerate(inputs) if isinstance(a, Tensor) and a.dtype.is_complex]

    def joined(*given: Any) -> Any:
        values = list(given)
        for place in places:
            if part == "imaginary":
                values[place] = inputs[place].real + values[place] * 1j
            else:
                values[place] = values[place] + inputs[place].imag * 1j
        return func(*values)

    attribute = "imag" if part == "imaginary" else "real"
    return joined, tuple(getattr(a, attribute) if i in places else a for i, a in enumerate(inputs))


# -- numerical ---------------------------------------------------------------------------------------------------------


def numerical(
    func: Checked, inputs: tuple[Any, ...], place: int, eps: float, direction: Direction | None = None
) -> list[Tensor]:
    """For each result of ``func`` its Jacobian by one input; with a direction the product of the direction with it.

    Raises
    ------
    AssertionError
        If the function's results change their shape or dtype.
    """
    tensor = inputs[place]
    elements = tensor.data  # written behind the back of the graph, which the results may need later

    def differences(target: Tensor, step: Any, described: str) -> list[Tensor]:
        """The derivatives of all results in the direction of ``step``, in which ``target`` is moved."""
        original = target.clone()
        try:
            target.copy_(original - step * eps)
            below = _results(func, inputs)
            target.copy_(original + step * eps)
            above = _results(func, inputs)
        finally:
            target.copy_(original)
        for a, b in zip(below, above, strict=True):
            for what in ("shape", "dtype"):
                if getattr(a, what) != getattr(b, what):
                    raise AssertionError(
                        f"Expected `func` to return outputs with the same {what} when inputs are perturbed"
                        f" {described}by {eps}, but got: {what}s {getattr(a, what)} and {getattr(b, what)}."
                    )
        return [(b - a) / (2 * eps) for a, b in zip(below, above, strict=True)]

    def derivatives(target: Tensor, real: Any, imaginary: Any, described: str) -> list[Tensor]:
        found = differences(target, real, described)
        if not tensor.dtype.is_complex:
            return found
        return [a + 1j * b for a, b in zip(found, differences(target, imaginary * 1j, described), strict=True)]

    if direction is not None:
        parts = direction if isinstance(direction, tuple) else (direction, direction)
        return derivatives(elements, parts[0].reshape(tensor.shape), parts[1].reshape(tensor.shape), "")
    rows = [
        derivatives(elements[index] if index else elements, 1, 1, f"on index {index} ")
        for index in itertools.product(*(range(size) for size in tensor.shape))
    ]
    if not rows:
        return [o.new_zeros((0, o.numel())) for o in _results(func, inputs)]
    return [stack(list(column)) for column in zip(*rows, strict=True)]


def _results(func: Checked, inputs: tuple[Any, ...]) -> list[Tensor]:
    """The results of the function, each as a flat copy; those of integers and booleans as floating."""
    with autograd.enable_grad():  # the function may be one that differentiates
        results = as_tuple(func(*inputs))
    flat = [o.detach().clone().reshape(-1) for o in results]
    return [o if o.dtype.category >= FLOATING else o.to(float64) for o in flat]


# -- analytical --------------------------------------------------------------------------------------------------------


def by_backward(
    output: Tensor,
    inputs: tuple[Tensor, ...],
    direction: Tensor | None = None,
    check: Callable[[Tensor, Tensor], None] | None = None,
) -> list[Tensor]:
    """For each input the Jacobian of an output by it, from backward passes; with a direction their product.

    ``check`` is called with each gradient and its input.
    """
    columns: list[list[Tensor]] = [[] for _ in inputs]
    blank = output.detach().new_zeros(output.numel())
    for element in range(output.numel()) if direction is None else (None,):
        if element is None:
            assert direction is not None
            cotangent = direction.to(output.dtype)
        else:
            cotangent = blank.clone()
            cotangent[element] = 1
        gradients = autograd.grad(output, inputs, cotangent.reshape(output.shape), retain_graph=True, allow_unused=True)
        for column, gradient, tensor in zip(columns, gradients, inputs, strict=True):
            if gradient is not None and check is not None:
                check(gradient, tensor)
            value = tensor.new_zeros(tensor.shape) if gradient is None else gradient
            column.append(value.detach().reshape(-1))
    return [
        stack(column, 1) if column else tensor.detach().new_zeros((tensor.numel(), 0))
        for column, tensor in zip(columns, inputs, strict=True)
    ]


def by_forward(
    func: Checked,
    inputs: tuple[Any, ...],
    results: tuple[Any, ...],
    place: int,
    direction: Direction | None = None,
    check: Callable[[Tensor, Tensor], None] | None = None,
) -> list[Tensor]:
    """For each result of ``func`` its Jacobian by one input, from forward passes; with a direction their product.

    ``check`` is called with each tangent and its result.
    """
    tensor = inputs[place].detach()
    zeros = {
        i: a.detach().new_zeros(a.shape) for i, a in enumerate(inputs) if isinstance(a, Tensor) and a.requires_grad
    }
    rows: list[list[Tensor]] = []
    for element in range(tensor.numel()) if direction is None else (None,):
        if element is None:
            assert direction is not None
            tangent = vector(direction)
        else:
            tangent = tensor.new_zeros(tensor.numel())
            tangent[element] = 1
        row = []
        for out, found in pushed(func, inputs, {**zeros, place: tangent.reshape(tensor.shape)}, with_results=True):
            if found is not None and check is not None:
                check(found, out)
            row.append((out.new_zeros(out.shape) if found is None else found).detach().reshape(-1))
        rows.append(row)
    if direction is not None:
        return rows[0]
    if not rows:
        return [o.detach().new_zeros((0, o.numel())) for o in results]
    return [stack(list(row)) for row in zip(*rows, strict=True)]


def pushed(
    func: Checked, inputs: tuple[Any, ...], tangents: Mapping[int, Tensor | None], with_results: bool = False
) -> list[Any]:
    """The tangents of the results for these of the inputs, None where there is none; in pairs with the results."""
    with forward_ad.dual_level():
        duals = list(inputs)
        for place, tangent in tangents.items():
            value = inputs[place].detach()
            duals[place] = value if tangent is None else forward_ad.make_dual(value, tangent)
        parts = [forward_ad.unpack_dual(o) for o in as_tuple(func(*duals))]
    return [(p.primal.detach(), p.tangent) if with_results else p.tangent for p in parts]

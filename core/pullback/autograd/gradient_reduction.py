"""Gradients brought to the shape and dtype of the operands they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.autograd.grad_mode import NO_GRAD, mode
from pullback.tensor import Tensor

_wrap = Tensor._wrap


def reduced(grads: Sequence[Any], reductions: Sequence[Any]) -> list[Any]:
    """Reduce each gradient to its operand: sum over broadcast dimensions, drop the imaginary part, cast."""
    return [
        grad if reduction is None or grad is None else reduce_gradient(grad, *reduction)
        for grad, reduction in zip(grads, reductions)  # noqa: B905  a reduction for each edge
    ]


def reduce_gradient(grad: Tensor, shape: tuple[int, ...] | None, dtype: Any) -> Tensor:
    """A gradient reduced to an operand of that shape (None: as it is) and dtype."""
    if shape is not None and grad.array.shape != shape:
        grad = sum_to_size(grad, shape)
    if grad.dtype is not dtype:
        if grad.dtype.is_complex and not dtype.is_complex:
            grad = grad.real
        if grad.dtype is not dtype:
            grad = grad.to(dtype)
    return grad


def sum_to_size(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sum over the dimensions that broadcasting added or stretched."""
    given = grad.array.shape
    extra = len(given) - len(shape)
    if given[extra:] == shape:
        if not extra:
            return grad
        axis = 0 if extra == 1 else tuple(range(extra))
        if mode() == NO_GRAD:  # the gradient of every bias comes through here: the kernel alone does
            backend = grad.backend
            summed = backend.sum(grad.array, axis=axis)
            return _wrap(summed if summed.__class__ is backend.array_type else backend.as_array(summed), backend)
        return grad.sum(axis)
    stretched = [d + extra for d, size in enumerate(shape) if size == 1 and given[d + extra] != 1]
    kept = grad.sum((*range(extra), *stretched), keepdim=True)
    return kept.reshape(shape) if extra else kept

"""Zeros in the shape a formula needs, where the derivative is zero."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.tensor import Tensor


def zeros_of(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Zeros of the given shape, with dtype and backend of ``like``."""
    backend = like.backend
    return Tensor._wrap(backend.zeros(tuple(shape), dtype=like.array.dtype, device=like.device), backend)


def step_derivative(value: Tensor) -> Tensor:
    """The derivative of a step function: zero, whatever comes in."""
    return zeros_of(value, value.array.shape)

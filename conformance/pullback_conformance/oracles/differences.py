"""Derivatives as differences of values: no formula takes part, so they check every formula.

Central differences of fourth order in extended precision are good to about twelve digits. Complex numbers count as
pairs of real ones: then PyTorch's gradient of a complex operand is just the transposed Jacobian matrix applied to the
cotangent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Function = Callable[[list[Any]], list[Any]]


def as_real_vector(arrays: Sequence[Any]) -> Any:
    """The elements of all arrays in one vector, complex ones as real and imaginary part."""
    wide = [np.longdouble if a.dtype.kind != "c" else np.clongdouble for a in arrays]
    parts = [
        np.ascontiguousarray(a, dtype=w).reshape(-1).view(np.longdouble) for a, w in zip(arrays, wide, strict=True)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.longdouble)


def from_real_vector(vector: Any, like: Sequence[Any]) -> list[Any]:
    """The inverse of :func:`as_real_vector`, in the shapes and kinds of ``like``."""
    arrays, start = [], 0
    for array in like:
        count = array.size * (2 if array.dtype.kind == "c" else 1)
        part = np.ascontiguousarray(vector[start : start + count])
        arrays.append((part.view(np.clongdouble) if array.dtype.kind == "c" else part).reshape(array.shape))
        start += count
    return arrays


def step_for(backend_is_extended: bool) -> float:
    """The step at which truncation and rounding errors of the fourth order formula balance."""
    return 2.0**-12 if backend_is_extended else 2.0**-9


def directional(function: Function, at: Sequence[Any], direction: Any, step: float) -> tuple[Any, Any]:
    """The derivative of ``function`` at ``at`` along a real vector, as a real vector, and where there is none.

    Twice the step makes the second difference of a smooth function four times as large, at a kink twice, at a jump not
    at all.
    """
    point = as_real_vector(at)
    step_ = np.longdouble(step)

    def value(multiple: int) -> Any:
        return as_real_vector(function(from_real_vector(point + multiple * step_ * direction, at)))

    one, two, zero, minus_one, minus_two = (value(m) for m in (1, 2, 0, -1, -2))
    derivative = (8 * (one - minus_one) - (two - minus_two)) / (12 * step_)
    near, far = np.abs(one - 2 * zero + minus_one), np.abs(two - 2 * zero + minus_two)
    size = np.maximum(np.abs(zero), np.abs(derivative))
    is_rough = (far < 3 * near) & (near > 1e-6 * step_ * size)
    return derivative, is_rough


def jacobian(function: Function, at: Sequence[Any], step: float, outputs: int) -> tuple[Any, Any]:
    """The matrix of all derivatives, a column for each real part of ``at``, and where it has no elements."""
    size = as_real_vector(at).size
    columns = [directional(function, at, direction, step) for direction in np.eye(size, dtype=np.longdouble)]
    if not columns:
        return np.zeros((outputs, 0), np.longdouble), np.zeros((outputs, 0), bool)
    return np.stack([c for c, _ in columns], axis=1), np.stack([r for _, r in columns], axis=1)

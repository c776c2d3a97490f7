"""Derivatives as differences of values: no formula takes part, so they check every formula.

Central differences of fourth order in extended precision are good to about twelve digits. Complex numbers count as
pairs of real ones: then PyTorch's gradient of a complex operand is just the transposed Jacobian matrix applied to the
cotangent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

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


#: A kink or jump that makes a difference quotient wrong by less than a quarter of this, relative, is not noticed; nor
#: is one that makes it wrong by less than the floor, which is above the quotient's own error at a zero of ``x ** 5``.
SMALLEST_KINK: Final = 1e-8
FLOOR: Final = 1e-12

#: Differences of fifth and sixth order over seven points, as weights of the values at 0, 1, 2, 3 steps; the fifth is
#: odd, the sixth even.
_FIFTH: Final = (0, 5, -4, 1)
_SIXTH: Final = (-20, 15, -6, 1)


def directional(function: Function, at: Sequence[Any], direction: Any, step: float) -> tuple[Any, Any]:
    """The derivative of ``function`` at ``at`` along a real vector, as a real vector, and where there is none.

    The quotient needs two steps on either side, where a smooth function's differences of fifth and sixth order, over
    three steps, all but vanish. At a kink that changes the slope by ``s`` they are about ``s * step``, at a jump about
    as large as the jump, wherever in reach of the quotient it is: where one of the two is zero, the other is not. The
    larger one is at least four times the step times what the quotient is wrong by.
    """
    point = as_real_vector(at)
    step_ = np.longdouble(step)

    def value(multiple: int) -> Any:
        return as_real_vector(function(from_real_vector(point + multiple * step_ * direction, at)))

    zero = value(0)
    right, left = [value(m) for m in (1, 2, 3)], [value(-m) for m in (1, 2, 3)]
    with np.errstate(invalid="ignore", over="ignore"):
        odd = [r - m for r, m in zip(right, left, strict=True)]
        even = [r + m for r, m in zip(right, left, strict=True)]
        derivative = (8 * odd[0] - odd[1]) / (12 * step_)
        fifth = np.abs(_FIFTH[1] * odd[0] + _FIFTH[2] * odd[1] + _FIFTH[3] * odd[2])
        sixth = np.abs(_SIXTH[0] * zero + _SIXTH[1] * even[0] + _SIXTH[2] * even[1] + _SIXTH[3] * even[2])
        size = np.maximum(np.abs(zero), np.abs(derivative))
        is_rough = ~(np.maximum(fifth, sixth) <= (SMALLEST_KINK * size + FLOOR) * step_)
    return derivative, is_rough


def jacobian(function: Function, at: Sequence[Any], step: float, outputs: int) -> tuple[Any, Any]:
    """The matrix of all derivatives, a column for each real part of ``at``, and where it has no elements."""
    size = as_real_vector(at).size
    columns = [directional(function, at, direction, step) for direction in np.eye(size, dtype=np.longdouble)]
    if not columns:
        return np.zeros((outputs, 0), np.longdouble), np.zeros((outputs, 0), bool)
    return np.stack([c for c, _ in columns], axis=1), np.stack([r for _, r in columns], axis=1)

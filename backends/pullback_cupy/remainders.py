"""Floored division of floating numbers, exact where CuPy rounds the quotient.

CuPy's loops compute ``x - floor(x / y) * y`` (the loops' text; ``_floor_divide`` in its ``carray.cuh``). Where the
quotient rounds up to a whole number the result has the wrong sign, where it is large no digit is right, and for
infinite divisors it is NaN. C's ``fmod``, which CuPy has as well, is exact.
"""

from __future__ import annotations

from typing import Any

import cupy

from pullback.extend import NativeArray


def remainder(x: Any, y: Any) -> NativeArray:
    """What is left of ``x`` by floored division: it has the sign of ``y``, a zero that of ``x``, as PyTorch's."""
    rest = cupy.fmod(x, y)
    return cupy.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


def floor_divide(x: Any, y: Any) -> NativeArray:
    """The floor of the exact quotient, rounded once."""
    plain = x / y
    rest = cupy.fmod(x, y)
    quotient = (x - rest) / y
    quotient = cupy.where((rest != 0) & ((rest < 0) != (y < 0)), quotient - 1, quotient)
    whole = cupy.floor(quotient)
    whole = cupy.where(quotient - whole > 0.5, whole + 1, whole)
    whole = cupy.where(quotient == 0, cupy.copysign(cupy.zeros_like(plain), plain), whole)
    return cupy.where(y == 0, plain, whole)

"""Evaluating polynomials on arrays, for functions that a library lacks."""

from __future__ import annotations

from pullback.backend.base import NativeArray


def polynomial(x: NativeArray, coefficients: tuple[float, ...]) -> NativeArray:
    """The polynomial with these coefficients, from the constant one on, by Horner's rule."""
    total = x * coefficients[-1] + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        total = total * x + coefficient
    return total

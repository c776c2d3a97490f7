"""Integers from pairs of random words, where a backend has no arithmetic of uint64.

A pair of words, each an array of int64 below 2**32, stands for ``high * 2**32 + low``. What is computed here is what
uint64 arithmetic gives, and no step overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


def in_order(backend: Backend, high: NativeArray, low: NativeArray) -> NativeArray:
    """The pairs' numbers less 2**63: in the same order."""
    upper = backend.multiply(backend.subtract(high, 1 << 31), 1 << 32)
    return backend.add(upper, low)


def remainder_plus(backend: Backend, high: NativeArray, low: NativeArray, span: int, start: int) -> NativeArray:
    """``start`` plus the remainders of the pairs' numbers by ``span``, where the sums fit into int64."""
    if span > 1 << 63:
        numbers = in_order(backend, high, low)
        if span < 1 << 64:  # a number is its own remainder, or exceeds the span once
            excess = span - (1 << 63)
            reduced = backend.subtract(backend.maximum(numbers, excess), excess)
            reduced = backend.subtract(backend.subtract(reduced, 1 << 62), 1 << 62)
            numbers = backend.where(backend.greater_equal(numbers, excess), reduced, numbers)
        return _plus(backend, numbers, start + (1 << 63))
    if span <= 1 << 31:
        rest = backend.multiply(backend.remainder(high, span), 1 << 32)
        return _plus(backend, backend.remainder(backend.add(rest, low), span), start)
    rest = high if span > 1 << 32 else backend.remainder(high, span)
    for place in reversed(range(32)):
        bit = backend.bitwise_and(backend.bitwise_right_shift(low, place), 1)
        # Twice the rest plus the bit, less the span: negative where it fits already.
        over = backend.add(backend.subtract(rest, backend.subtract(span - 1, rest)), backend.subtract(bit, 1))
        exceeds = backend.greater_equal(over, 0)
        fitting = backend.where(exceeds, 0, rest)
        rest = backend.where(exceeds, over, backend.add(backend.add(fitting, fitting), bit))
    return _plus(backend, rest, start)


def _plus(backend: Backend, numbers: NativeArray, start: int) -> Any:
    return backend.add(numbers, start) if start else numbers

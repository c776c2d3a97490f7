"""Products of many factors, which stay in range wherever the result does."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from pullback import float32
from pullback.extend import Axis, finfo
from pullback_numpy.silence import computing

#: Of numbers between a half and one so many may be multiplied before their exponents are taken out again.
BLOCK = 512
#: So many numbers of single precision, times one more in its normal range, stay in that of double precision.
TOGETHER = 6
SMALLEST, LARGEST = finfo(float32).tiny, finfo(float32).max
#: Greater exponents than any result has.
BEYOND = 4000

_multiplied = computing(np.multiply.reduce, all="ignore", over="raise", under="raise")


def product_of_few(factors: list[float]) -> float | None:
    """The product of numbers of single precision in double, for less than a call of NumPy; None if out of range."""
    out = 1.0
    for start in range(0, len(factors), TOGETHER):
        out *= prod(factors[start : start + TOGETHER])
        if not SMALLEST < abs(out) < LARGEST:
            return None
    return out


def product(x: Any, axis: Axis, dtype: Any, keepdims: bool) -> Any:
    """``np.multiply.reduce`` in double precision, real or complex."""
    try:
        return _multiplied(x, axis, dtype, None, keepdims)
    except FloatingPointError:
        return _scaled_product(x.astype(dtype), axis, keepdims)


def _scaled_product(x: Any, axis: Axis, keepdims: bool) -> Any:
    """The product of the fractions, with the exponents summed apart."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = sorted({a % x.ndim for a in axes})
    kept = [a for a in range(x.ndim) if a not in reduced]
    rows = x.transpose([*kept, *reduced]).reshape((*(x.shape[a] for a in kept), -1))
    exponents = np.zeros(rows.shape[:-1], np.int64)
    with np.errstate(all="ignore"):
        while True:
            own = np.frexp(_magnitude(rows))[1].astype(np.int64)
            rows = _shifted(rows, -own)
            exponents += own.sum(-1)
            if rows.shape[-1] == 1:
                break
            rows = np.multiply.reduceat(rows, np.arange(0, rows.shape[-1], BLOCK), axis=-1)
        out = _shifted(rows[..., 0], np.clip(exponents, -BEYOND, BEYOND))
    return out.reshape([1 if a in reduced else n for a, n in enumerate(x.shape)]) if keepdims else out


def _magnitude(x: Any) -> Any:
    return np.maximum(abs(x.real), abs(x.imag)) if x.dtype.kind == "c" else abs(x)


def _shifted(x: Any, exponents: Any) -> Any:
    """``x * 2**exponents``, rounded once."""
    if x.dtype.kind != "c":
        return np.ldexp(x, exponents)
    out = np.empty_like(x)
    out.real, out.imag = np.ldexp(x.real, exponents), np.ldexp(x.imag, exponents)
    return out

"""How far two arrays are apart, in units in the last place."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pullback.extend import DType, finfo

#: The precision of each dtype in bits.
PRECISION: Final = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def smallest_normal(dtype: DType) -> float:
    """The smallest number of a dtype that is not subnormal."""
    return float(finfo(dtype.to_real()).smallest_normal)


def ulp_at(scale: Any, dtype: DType) -> Any:
    """One ulp of ``dtype`` at each value: never less than that of the smallest normal number.

    Examples
    --------
    >>> import pullback as pb
    >>> float(ulp_at(1.0, pb.float32)) == 2.0**-23
    True
    """
    scale = np.maximum(np.where(np.isfinite(scale), np.abs(scale), 0.0), smallest_normal(dtype))
    exponent = np.frexp(scale)[1] - 1
    return np.ldexp(1.0, exponent - (PRECISION[dtype.to_real().name] - 1))


def wide(array: Any) -> Any:
    """An array of floating or complex numbers in double precision."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def magnitudes(array: Any) -> Any:
    """The magnitude of each element, in double precision; 0 for those that are not finite."""
    sizes = np.abs(wide(array))
    return np.where(np.isfinite(sizes), sizes, 0.0)


def apart(first: Any, second: Any, dtype: DType, scale: Any = 0.0) -> Any:
    """How many ulp apart the elements of two arrays of ``dtype`` are, in float64.

    Parameters
    ----------
    scale : numpy.ndarray
        Where to take the ulp, if that is more than the larger of both elements.

    Returns
    -------
    numpy.ndarray
        0 where both are NaN, the same infinity, or complex and not finite; infinity where one of them is; 1 where one
        is infinite and the other the end of the dtype's range.
    """
    one, other = wide(first), wide(second)
    sizes = np.maximum(magnitudes(one), magnitudes(other))
    distance = np.abs(one - other) / ulp_at(np.maximum(sizes, scale), dtype)
    finite, both = np.isfinite(one) & np.isfinite(other), ~np.isfinite(one) & ~np.isfinite(other)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    if one.dtype.kind == "c":
        same |= both
    else:
        edge = float(finfo(dtype).max) * (1 - 2.0 ** (3 - PRECISION[dtype.name]))
        ends = ~finite & ~both & (np.abs(one) >= edge) & (np.abs(other) >= edge) & (np.sign(one) == np.sign(other))
        distance = np.where(ends, 1.0, distance)
        finite = finite | ends
    return np.where(same, 0.0, np.where(finite, distance, np.inf))

"""Errors in units in the last place.

One ulp at a value ``x`` in a dtype of precision ``p`` is the distance between the two numbers of that dtype around
``x``: ``2 ** (exponent(x) - p + 1)``, and never less than the smallest subnormal number. A result that is the exact
value correctly rounded has an error of at most 0.5 ulp.

At which value the ulp is taken, the *scale*, decides what a bound means:

* Elementwise results are measured each at its own exact value, complex ones at its modulus: rounding errors of complex
  arithmetic are small against the modulus, not against each part. Where several operands can cancel each other
  (``lerp``, ``logaddexp``), at what rounding each operand could move the result by, if that is more.
* A result that adds up terms, such as a sum, a matrix product or a gradient, is measured at the sum of the terms'
  absolute values. That is what rounding errors grow with: where terms cancel, every algorithm loses digits of the
  result, and a correct one none of the sum of absolute values.
* Other results that combine elements (a variance, a softmax, a decomposition) are measured at the largest magnitude in
  the result, or at what rounding the operands could move it by, ``|J| |x|`` with the Jacobian matrix, if that is more:
  no algorithm can be expected to do better on operands that are rounded themselves.

With the scale taken so, bounds need not grow with the size of the operands, and here none do.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pullback.extend import DType

#: Precision in bits, and the exponent of the smallest normal number.
_FORMATS: Final = {
    "float16": (11, -14),
    "bfloat16": (8, -126),
    "float32": (24, -126),
    "float64": (53, -1022),
}
_LARGEST: Final = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}


def ulp_at(scale: Any, dtype: DType) -> Any:
    """The size of one ulp of ``dtype`` at each (real, nonnegative) value of ``scale``, in float64.

    Examples
    --------
    >>> from pullback.meta.dtypes import float32
    >>> float(ulp_at(1.0, float32)) == 2.0**-23
    True
    """
    precision, smallest = _FORMATS[dtype.to_real().name]
    scale = np.asarray(scale, np.float64)
    finite = np.where(np.isfinite(scale), scale, 0.0)
    exponent = np.maximum(np.frexp(finite)[1] - 1, smallest)
    exponent = np.where(finite == 0, smallest, exponent)
    return np.ldexp(1.0, exponent - (precision - 1))


def errors_in_ulp(actual: Any, exact: Any, dtype: DType, scale: Any = None) -> Any:
    """How far each element of ``actual`` is from ``exact``, in ulp of ``dtype`` at ``scale``.

    Parameters
    ----------
    actual : numpy.ndarray
        Results of ``dtype``, of any NumPy dtype that holds their values.
    exact : numpy.ndarray
        The values in higher precision, of the same shape.
    dtype : DType
        A floating or complex dtype.
    scale : numpy.ndarray, optional
        Where to take the ulp; each element's own magnitude by default.

    Returns
    -------
    numpy.ndarray
        float64; 0 where both are the same infinity or both NaN, infinity where only one of them is. A finite
        value whose rounding to ``dtype`` overflows may be infinite or the largest number.

    Examples
    --------
    >>> from pullback.meta.dtypes import float32
    >>> errors_in_ulp(np.float32([1.0, 3.0]), np.float64([1.0, 3.0 + 2.0**-23]), float32)
    array([0. , 0.5])
    """
    wide = np.clongdouble if np.iscomplexobj(exact) or np.iscomplexobj(actual) else np.longdouble
    actual, exact = np.asarray(actual).astype(wide), np.asarray(exact).astype(wide)
    with np.errstate(all="ignore"):
        magnitude = np.abs(exact)
        # Measured against the double nearest to the exact value: reports and scripts can write that one down.
        nearest = exact.astype(np.complex128 if wide is np.clongdouble else np.float64).astype(wide)
        unit = ulp_at(magnitude if scale is None else np.maximum(np.asarray(scale, np.float64), 0), dtype)
        # Or against the exact value itself, which may be half an ulp off where the nearest double is more.
        errors = (np.minimum(np.abs(actual - nearest), np.abs(actual - exact)) / unit).astype(np.float64)
    same = (actual == nearest) | (np.isnan(actual) & np.isnan(nearest))
    finite = np.isfinite(actual) & np.isfinite(nearest)
    errors = np.where(same, 0.0, np.where(finite, errors, np.inf))
    if wide is np.clongdouble and not np.all(finite):  # infinite in one part, the other is a number like any
        parts = [errors_in_ulp(a, e, dtype) for a, e in ((actual.real, exact.real), (actual.imag, exact.imag))]
        errors = np.where(finite | same, errors, np.maximum(*parts))
    if wide is np.longdouble:
        edge = _LARGEST[dtype.to_real().name]
        overflowed = (
            np.isfinite(magnitude) & (magnitude > edge) & (np.abs(actual) >= edge) & (np.sign(actual) == np.sign(exact))
        )
        errors = np.where(overflowed, 0.0, errors)
    return errors

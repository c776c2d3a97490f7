"""mpmath: values to any precision, for operations that name its function in their declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def function_named(name: str | None) -> Callable[..., Any] | None:
    """mpmath's function of that name; None where the operation names none or mpmath is not installed.

    Raises
    ------
    AttributeError
        If mpmath has no such function: the declaration is wrong.
    """
    if name is None:
        return None
    try:
        import mpmath  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        return None
    function: Callable[..., Any] = getattr(mpmath, name.removeprefix("mpmath."))
    return function


def evaluate(name: str, *operands: Any) -> Any:
    """The function at each element, broadcasting, rounded from 40 digits to ``long double``."""
    import mpmath

    function = function_named(name)
    assert function is not None
    arrays = np.broadcast_arrays(*operands)
    is_complex = any(a.dtype.kind == "c" for a in arrays)
    out = np.empty(arrays[0].shape, np.clongdouble if is_complex else np.longdouble)
    with mpmath.workdps(40):
        for index in np.ndindex(*arrays[0].shape):
            result = function(*[_number(a[index]) for a in arrays])
            if is_complex:
                result = mpmath.mpc(result)
                out[index] = _rounded(result.real) + 1j * _rounded(result.imag)
            else:
                out[index] = _rounded(result)
    return out


def _number(value: Any) -> Any:
    import mpmath

    if value.dtype.kind == "c":
        return mpmath.mpc(float(value.real), float(value.imag))
    return mpmath.mpf(float(value))


def _rounded(value: Any) -> Any:
    import mpmath

    if isinstance(value, mpmath.mpc):  # a real function left its domain
        return np.longdouble("nan")
    return np.longdouble(mpmath.nstr(value, 30))

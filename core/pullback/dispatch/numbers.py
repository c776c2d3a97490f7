"""Python numbers beside tensors: which values are such numbers, and which number a dtype holds in a number's place."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from pullback.meta import dtypes
from pullback.meta.dtype_names import c_name
from pullback.meta.dtypes import DType
from pullback.meta.limits import finfo, iinfo


def fitted(value: Any, dtype: DType) -> Any:
    """A Python number as one that ``dtype`` can hold: without its fraction for an integer dtype, negative ones wrapped.

    Raises
    ------
    RuntimeError, OverflowError
        For a number out of the dtype's range, and a complex one where the dtype is real.
    """
    if dtype.category >= dtypes.FLOATING and isinstance(value, _REAL) and -65504.0 <= value <= 65504.0:
        return value  # in the range of each of them; NaN is not
    if isinstance(value, int):
        dtypes.dtype_of_scalar(value)  # refuses what has more than 64 bits
    if dtype is dtypes.bool_:
        return bool(value)

    number = value
    if isinstance(value, complex) and dtype.category != dtypes.COMPLEX:
        number = value.real if not value.imag else math.nan
        if value.imag:
            _overflows(dtype)
    if dtype.category == dtypes.INTEGER:
        limits = iinfo(dtype)
        if not isinstance(number, int):
            if not limits.min <= number <= limits.max:  # nor is NaN
                _overflows(dtype)
            number = int(number)
        # As C does, PyTorch lets negative numbers wrap around in an unsigned dtype.
        if not (limits.min if dtype.is_signed else -limits.max) <= number <= limits.max:
            _overflows(dtype)
        return number if number >= limits.min else number + limits.max + 1
    if dtype is not dtypes.float64 and dtype is not dtypes.complex128:
        greatest = finfo(dtype).max
        for part in (number.real, number.imag) if isinstance(number, complex) else (number,):
            if abs(part) > greatest and not (isinstance(part, float) and math.isinf(part)):
                _overflows(dtype)
    return number


_REAL = (int, float)


def _overflows(dtype: DType) -> NoReturn:
    raise RuntimeError(f"value cannot be converted to type {c_name(dtype)} without overflow")


def python_number(value: Any) -> bool | int | float | complex | None:
    """A Python number as it is, a NumPy scalar as the Python number it stands for, else None."""
    kinds: tuple[Any, ...] = (bool, int, float, complex)
    for kind in kinds:
        if isinstance(value, kind):
            number: bool | int | float | complex = value if value.__class__ is kind else kind(value)
            return number
    if getattr(value, "shape", None) == () and hasattr(value, "item") and not hasattr(value, "__dlpack__"):
        return python_number(value.item())
    return None

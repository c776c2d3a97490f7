"""What a number becomes in another dtype, in Python's integers and fractions: IEEE 754's rounding, or modulo 2**n."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

from pullback.extend import DType, iinfo

#: Bits of the significand, and the exponents of the smallest and of the largest normal number.
FORMATS: Final = {
    "float16": (11, -14, 15),
    "bfloat16": (8, -126, 127),
    "float32": (24, -126, 127),
    "float64": (53, -1022, 1023),
}


def rounded(value: Any, dtype: DType) -> float:
    """A real number in a floating dtype: to the nearest, of two the even one; infinite beyond the largest."""
    if isinstance(value, float) and (not math.isfinite(value) or value == 0):
        return value
    bits, smallest, largest = FORMATS[dtype.name]
    exact = Fraction(value)
    if not exact:
        return 0.0
    magnitude = abs(exact)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if magnitude < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, smallest) - bits + 1)
    nearest = round(magnitude / unit) * unit  # Fraction's round is to even
    size = math.inf if nearest >= Fraction(2) ** (largest + 1) else float(nearest)
    return -size if exact < 0 else size


def wrapped(value: int, dtype: DType) -> int:
    """An integer modulo the number of those that an integer dtype has."""
    ends = iinfo(dtype)
    return (value - ends.min) % (1 << ends.bits) + ends.min


def is_defined(value: Any, dtype: DType) -> bool:
    """Whether the conversion of a number is: of NaN, infinities and what it does not hold to an integer dtype not."""
    number = value.real if isinstance(value, complex) else value
    if dtype.category != 1 or isinstance(number, int):
        return True
    ends = iinfo(dtype)
    return math.isfinite(number) and ends.min <= math.trunc(number) <= ends.max


def converted(value: Any, dtype: DType) -> Any:
    """A Python number in a dtype: its real part where that is real, whether a part is nonzero where that is bool."""
    if dtype.category == 0:
        return value != 0
    if dtype.is_complex:
        part = dtype.to_real()
        return complex(
            rounded(complex(value).real if isinstance(value, complex) else value, part),
            rounded(value.imag, part) if isinstance(value, complex) else 0.0,
        )
    number = value.real if isinstance(value, complex) else value
    if dtype.category == 1:
        return wrapped(math.trunc(number), dtype)
    return rounded(number, dtype)

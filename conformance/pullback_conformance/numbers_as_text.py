"""Numbers as they stand in scripts and messages."""

from __future__ import annotations

from typing import Any

import numpy as np


def literal(value: Any) -> str:
    """A number as Python source that gives exactly this value, to the precision of a double."""
    number = plain(value)
    if isinstance(number, complex):
        return f"complex({_float(number.real)}, {_float(number.imag)})"
    return _float(number) if isinstance(number, float) else repr(number)


def _float(value: float) -> str:
    return repr(value) if np.isfinite(value) else f'float("{value}")'


def plain(value: Any) -> Any:
    """A number of NumPy as Python's."""
    kind = np.asarray(value).dtype.kind
    if kind == "b":
        return bool(value)
    if kind in "iu":
        return int(value)
    return complex(value) if kind == "c" else float(value)


def number_of(value: Any) -> str:
    """A number for messages, to the digits of a double."""
    number = plain(value)
    return f"{number:.17g}" if isinstance(number, float) else str(number)


def place_of(index: tuple[Any, ...]) -> str:
    """Where in an array, for messages."""
    return f" at [{', '.join(str(int(i)) for i in index)}]" if index else ""

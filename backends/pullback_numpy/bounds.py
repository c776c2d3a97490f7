"""Whether all elements are in range, asked at the price that a small array can pay."""

from __future__ import annotations

from cmath import isfinite
from typing import Any

import numpy as np

#: So many elements are looked at faster as Python numbers.
FEW = 32


def all_within(values: Any, least: float | None) -> bool:
    """Whether all values are finite and, unless ``least`` is None, greater than that."""
    if values.ndim == 0:
        number = values.item()
        return isfinite(number) and (least is None or number > least)
    if values.size <= FEW:
        numbers = values.tolist() if values.ndim == 1 else values.ravel().tolist()
        return isfinite(sum(numbers)) and (least is None or not numbers or min(numbers) > least)
    right = np.isfinite(values)
    if least is not None:
        right &= values > least
    return b"\0" not in right.tobytes()

"""The operand's value for each element of a result, where an operation works element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Tensor
from pullback_conformance.case import Case
from pullback_conformance.moving import tensors_in, to_numpy


def works_elementwise(case: Case) -> bool:
    """Whether an element of the result comes from one element of each operand."""
    return bool(getattr(case.operation, "broadcasts", False)) and case.dtype.category == 2


def operand_at(case: Case, shape: tuple[int, ...], tensor: Any = None) -> Any:
    """The values of the first operand, or of another, broadcast to a result's shape; None where that says nothing."""
    if not works_elementwise(case):
        return None
    if tensor is None:
        tensor = next(iter(tensors_in((case.arguments.args, case.arguments.kwargs))), None)
    if not isinstance(tensor, Tensor):
        return None
    values = to_numpy(tensor)
    values = values if values.dtype.kind in "iu" else values.astype(np.float64)
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        return None

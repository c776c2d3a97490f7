"""Exact results on integers by Python's own, for operations that no floating kernel can stand in for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

_BY_ELEMENT: Final[dict[str, Callable[..., Any]]] = {
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "bitwise_not": operator.invert,
    "bitwise_left_shift": operator.lshift,
    "bitwise_right_shift": operator.rshift,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "logical_and": lambda a, b: bool(a) and bool(b),
    "logical_or": lambda a, b: bool(a) or bool(b),
    "logical_xor": lambda a, b: bool(a) != bool(b),
    "logical_not": operator.not_,
    "maximum": max,
    "minimum": min,
    "add": lambda a, b, alpha=1: a + alpha * b,
    "sub": lambda a, b, alpha=1: a - alpha * b,
    "rsub": lambda a, b, alpha=1: b - alpha * a,
}


def evaluate(name: str, operands: list[Any], attributes: Mapping[str, Any], result_dtype: Any) -> Any | None:
    """The operation at each element, wrapped to the result's width; None where it is not in the table."""
    function = _BY_ELEMENT.get(name)
    if function is None:
        return None
    arrays = np.broadcast_arrays(*[np.asarray(o) for o in operands])
    is_bool = all(a.dtype.kind == "b" for a in arrays)
    if is_bool and name == "bitwise_not":
        function = operator.not_
    flat = [function(*[a[index].item() for a in arrays], **attributes) for index in np.ndindex(*arrays[0].shape)]
    result_dtype = np.dtype(result_dtype)
    if result_dtype.kind in "iu":
        bits = 8 * result_dtype.itemsize
        flat = [v & ((1 << bits) - 1) for v in flat]
        if result_dtype.kind == "i":
            flat = [v - (1 << bits) if v >> (bits - 1) else v for v in flat]
    return np.array(flat, dtype=result_dtype).reshape(arrays[0].shape)

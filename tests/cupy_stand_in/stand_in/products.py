"""Products of matrices, and sums of products (cupy/linalg/_product.py and _einsum.py, _routines_linalg.pyx).

cuBLAS adds up in an order of its own. Here a wider dtype stands for it, as in ``reductions``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stand_in.array import ndarray, writable
from stand_in.dtypes import bfloat16
from stand_in.launches import launch, operand, result, silently
from stand_in.reductions import _wide


def matmul(
    *args: Any,
    axes: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    casting: str = "same_kind",
    dtype: Any = None,
    signature: Any = None,
    order: str = "K",
    out: Any = None,
) -> ndarray:
    a, b = (operand(x) for x in args)
    if not isinstance(a, ndarray) or not isinstance(b, ndarray) or not a.ndim or not b.ndim:
        raise ValueError("Scalar operands are not allowed, use '*' instead")
    launch(a, b)
    made = np.promote_types(a.dtype, b.dtype)
    with silently():
        product = np.matmul(a._host.astype(_wide(made)), b._host.astype(_wide(made)))
    made = result(product, made)
    if out is None:
        return made
    out[...] = made
    return out


def einsum(*operands: Any, **kwargs: Any) -> ndarray:
    dtype, optimize = kwargs.pop("dtype", None), kwargs.pop("optimize", False)
    if kwargs:
        raise TypeError(f"Did not understand the following kwargs: {list(kwargs)}")
    equation, *given = operands
    arrays = [operand(x) for x in given]
    made = np.result_type(*(a.dtype for a in arrays)) if dtype is None else np.dtype(dtype)
    hosts = [a._host for a in arrays]
    if len(arrays) == 1:
        view = np.einsum(equation, hosts[0])
        if np.may_share_memory(view, hosts[0]) and view.size and dtype is None:
            return arrays[0]._view(writable(view, arrays[0]))
    launch(*arrays)
    with silently():
        wide = np.float32 if made == bfloat16 else _wide(made)
        return result(np.einsum(equation, *(h.astype(wide) for h in hosts), optimize=optimize), made)


#: The compute types of float16, float32 and float64, as ``set_compute_type`` of _routines_linalg.pyx keeps them.
_compute_types = {"e": 1, "f": 1, "d": 1}


def get_compute_type(dtype: Any) -> int:
    return _compute_types[np.dtype(dtype).char.lower()]


def set_compute_type(dtype: Any, compute_type: int) -> None:
    if compute_type not in range(8):
        raise ValueError(f"Unknown compute type: {compute_type}")
    _compute_types[np.dtype(dtype).char.lower()] = compute_type

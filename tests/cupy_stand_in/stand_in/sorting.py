"""Sorting, searching and choosing (cupy/_sorting, cupy/_core/_routines_sorting.pyx, cupy/cuda/thrust.pyx)."""

from __future__ import annotations

from typing import Any

import numpy as np

from stand_in.array import ndarray
from stand_in.dtypes import bfloat16
from stand_in.launches import launch, result, silently
from stand_in.loops import ufunc


def _check(a: ndarray, kind: str | None) -> None:
    if kind is not None and kind != "stable":
        raise ValueError("kind can only be None or 'stable'")
    if a.dtype == bfloat16:
        raise NotImplementedError(f"Sorting arrays with dtype '{a.dtype}' is not supported")
    launch(a)


def sort(a: ndarray, axis: int | None = -1, kind: str | None = None) -> ndarray:
    _check(a, kind)
    if not a.ndim and axis is not None:
        raise np.exceptions.AxisError("Sorting arrays with the rank of zero is not supported")
    return result(np.sort(a._host, axis=axis, kind="stable"), a.dtype)


def argsort(a: ndarray, axis: int | None = -1, kind: str | None = None) -> ndarray:
    _check(a, kind)
    host = np.atleast_1d(a._host)
    order = np.argsort(host, axis=axis, kind="stable")
    if axis is None or axis in (-1, host.ndim - 1):
        return result(order, np.dtype(np.intp))
    # Sorted along the last axis, whose place in memory then is not the last one.
    moved = result(np.moveaxis(order, axis, -1), np.dtype(np.intp))
    return moved._view(np.moveaxis(moved._host, -1, axis))


def _sort_in_place(self: ndarray, axis: int = -1, kind: str | None = None) -> None:
    if not self.flags.c_contiguous:
        raise NotImplementedError("Sorting non-contiguous array is not supported.")
    self._host[...] = sort(self, axis, kind)._host


ndarray.sort = _sort_in_place  # type: ignore[attr-defined]
ndarray.argsort = argsort  # type: ignore[attr-defined]


def searchsorted(a: ndarray, v: Any, side: str = "left", sorter: Any = None) -> ndarray:
    if not isinstance(a, ndarray):
        raise NotImplementedError("Only int or ndarray are supported for a")
    if not isinstance(v, ndarray):
        if not isinstance(v, (int, float, complex)):
            raise NotImplementedError("Only python scalars or ndarrays are supported for v")
        from stand_in.creation import asarray

        v = asarray(v)
    if a.ndim != 1:
        raise ValueError("object too deep for desired array" if a.ndim else "object of too small depth")
    launch(a, v)
    bins = a._host if sorter is None else a._host[sorter._host]
    with silently():
        # The kernel compares as C does: bool and numbers, integers and floating numbers with each other.
        return result(np.searchsorted(bins, v._host, side=side), np.dtype(np.int64))


# cupy/_sorting/search.py; unlike other functions it has no loop for bfloat16, which therefore gives float32.
_where = ufunc(
    "where",
    {
        "name": "cupy_where",
        "nin": 3,
        "nout": 1,
        "scatter": None,
        "loops": [
            (f"bool {name} {name}", name, None)
            for name in (
                "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32",
                "float64", "complex64", "complex128",
            )
        ],
        "loops_of_dtype": None,
    },
    lambda loop, condition, x, y: np.where(condition, x, y),
)  # fmt: skip


def where(condition: ndarray, x: Any = None, y: Any = None) -> Any:
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return condition.nonzero()
    return _where(condition.astype("?", copy=False), x, y)

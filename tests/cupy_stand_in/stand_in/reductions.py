"""Reductions and scans (cupy/_core/_routines_math.pyx, _routines_statistics.pyx, _routines_logic.pyx, _reduction.pyx).

Sums are made in a wider dtype and rounded once, where CuPy adds up in blocks: near it, and never exactly it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stand_in.array import method, ndarray
from stand_in.dtypes import bfloat16, get_dtype
from stand_in.launches import launch, result, silently

_WIDE = {"e": np.float32, "f": np.float64, "d": np.longdouble, "F": np.complex128, "D": np.clongdouble}


def _axes(axis: Any, ndim: int) -> Any:
    if axis is None:
        return None
    axes = tuple(axis) if np.iterable(axis) else (axis,)
    for one in axes:
        if not -ndim <= one < ndim:
            raise np.exceptions.AxisError(one, ndim)
    if len({one % ndim for one in axes}) < len(axes):
        raise ValueError("duplicate value in 'axis'")
    return axes


def _finished(host: Any, dtype: Any, out: Any) -> ndarray:
    made = result(host, dtype)
    if out is None:
        return made
    if out.shape != made.shape:
        raise ValueError("Output shape is mismatched")
    out._host[...] = made._host
    return out


def _wide(dtype: Any) -> Any:
    return np.float32 if dtype == bfloat16 else _WIDE.get(dtype.char, dtype)


def _sum_or_product(reduce: Any) -> Any:
    def reduction(a: ndarray, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        launch(a)
        if dtype is None:
            # The automatic dtype: small integers in 64 bits.
            dtype = np.dtype({"b": "l", "i": "l", "u": "L"}.get(a.dtype.kind, a.dtype))
        dtype = get_dtype(dtype)
        with silently():
            elements = a._host.real if a.dtype.kind == "c" and dtype.kind not in "cb" else a._host
            elements = elements.astype(dtype).astype(_wide(dtype))
            return _finished(
                reduce(elements, axis=_axes(axis, a.ndim), dtype=elements.dtype, keepdims=keepdims), dtype, out
            )

    return reduction


sum = _sum_or_product(np.add.reduce)
prod = _sum_or_product(np.multiply.reduce)


def _choice(reduce: Any, name: str) -> Any:
    def reduction(a: ndarray, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        launch(a)
        axes = _axes(axis, a.ndim)
        if not a.size and 0 in (a.shape if axes is None else tuple(a.shape[one] for one in axes)):
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
        with silently():
            elements = a._host.astype(np.float32) if a.dtype == bfloat16 else a._host
            return _finished(reduce(elements, axis=axes, keepdims=keepdims), a.dtype, out)

    return reduction


max = amax = _choice(np.maximum.reduce, "cupy_max")
min = amin = _choice(np.minimum.reduce, "cupy_min")


def _truth(reduce: Any) -> Any:
    def reduction(a: ndarray, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        if not isinstance(a, ndarray):
            raise TypeError(f"a must be a cupy.ndarray. (actual: {type(a)})")
        launch(a)
        return _finished(reduce(a._host != 0, axis=_axes(axis, a.ndim), keepdims=keepdims), np.dtype(bool), out)

    return reduction


all = _truth(np.logical_and.reduce)
any = _truth(np.logical_or.reduce)


def _position(search: Any, name: str) -> Any:
    def reduction(a: ndarray, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        launch(a)
        axes = _axes(axis, a.ndim)
        if not a.size and 0 in (a.shape if axes is None else tuple(a.shape[one] for one in axes)):
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
        elements = a._host.astype(np.float32) if a.dtype == bfloat16 else a._host
        with silently():
            found = search(elements, axis=None if axes is None else axes[0], keepdims=keepdims)
        return _finished(found, np.dtype(np.int64 if dtype is None else dtype), out)

    return reduction


argmax = _position(np.argmax, "cupy_argmax")
argmin = _position(np.argmin, "cupy_argmin")


def _scan(accumulate: Any) -> Any:
    def scan(a: ndarray, axis: Any = None, dtype: Any = None, out: Any = None) -> ndarray:
        launch(a)
        if dtype is None:
            dtype = out.dtype if out is not None else {"b": "l", "i": "l", "u": "L"}.get(a.dtype.kind, a.dtype)
        dtype = get_dtype(dtype)
        with silently():
            elements = a._host.real if a.dtype.kind == "c" and dtype.kind not in "cb" else a._host
            elements = elements.astype(dtype).astype(_wide(dtype))
            if axis is None:
                elements, axis = elements.ravel(), 0
            if not -elements.ndim <= axis < elements.ndim:
                raise np.exceptions.AxisError(axis, elements.ndim)
            return _finished(accumulate(elements, axis=axis, dtype=elements.dtype), dtype, out)

    return scan


cumsum = _scan(np.add.accumulate)
cumprod = _scan(np.multiply.accumulate)

for _name in ("sum", "prod", "max", "min", "all", "any", "argmax", "argmin", "cumsum", "cumprod"):
    _function = globals()[_name]
    _function.__name__ = _function.__qualname__ = _name
    method(_function)


def count_nonzero(a: ndarray, axis: Any = None) -> ndarray:
    launch(a)
    return result(np.count_nonzero(a._host, axis=axis), np.dtype(np.int64))

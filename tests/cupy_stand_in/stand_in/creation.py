"""Functions that make arrays, or take them to the host (cupy/_creation, ``array`` of cupy/_core/core.pyx)."""

from __future__ import annotations

from typing import Any

import numpy as np

from stand_in.array import ndarray
from stand_in.counters import count
from stand_in.devices import getDevice
from stand_in.dtypes import get_dtype
from stand_in.launches import check_device


def array(
    obj: Any,
    dtype: Any = None,
    copy: Any = True,
    order: str | None = "K",
    subok: bool = False,
    ndmin: int = 0,
    *,
    blocking: bool = False,
) -> ndarray:
    if subok:
        raise NotImplementedError
    if isinstance(obj, ndarray):
        dtype = obj.dtype if dtype is None else dtype
        if obj.data.device_id == getDevice():
            if copy is False and get_dtype(dtype) != obj.dtype:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return obj.astype(dtype, order=order or "K", copy=bool(copy))
        return obj.copy().astype(dtype, copy=False)
    host = np.array(_nested(obj), dtype=None if dtype is None else get_dtype(dtype), copy=None, ndmin=ndmin)
    made = ndarray(host.shape, get_dtype(host.dtype), order="F" if host.flags.fnc else "C")
    made._host[...] = host
    count("to device")
    if blocking:
        count("synchronizations")
    return made


def _nested(obj: Any) -> Any:
    """Sequences may hold arrays of CuPy's, if nothing else: they are put together on the device."""
    if isinstance(obj, (list, tuple)) and any(isinstance(x, ndarray) for x in obj):
        for x in obj:
            check_device(x)
        return np.stack([x._host for x in obj])
    return (
        [_nested(x) for x in obj]
        if isinstance(obj, (list, tuple)) and any(isinstance(x, (list, tuple)) for x in obj)
        else obj
    )


def asarray(
    a: Any, dtype: Any = None, order: str | None = None, *, copy: Any = None, blocking: bool = False
) -> ndarray:
    return array(a, dtype, copy, order, blocking=blocking)


def ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    made = asarray(a, dtype)
    return made if made.flags.c_contiguous else made.copy()


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> Any:
    if isinstance(a, ndarray):
        return a.get(stream=stream, order=order, out=out, blocking=blocking)
    host = np.asarray(a, order=order)
    if out is None:
        return host
    np.copyto(out, host)
    return out


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return ndarray(shape, dtype, order=order)


def zeros(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    made = ndarray(shape, dtype, order=order)
    made.fill(0)
    return made


def ones(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    made = ndarray(shape, dtype, order=order)
    made.fill(1)
    return made


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, ndarray) else np.array(fill_value).dtype
    made = ndarray(shape, dtype, order=order)
    if isinstance(fill_value, ndarray) and fill_value.ndim:
        made[...] = fill_value
    else:
        made.fill(fill_value)
    return made


def _like(a: ndarray, dtype: Any, shape: Any) -> ndarray:
    """An array of the same shape, whose elements lie in memory in the same order (``order='K'``)."""
    dtype = get_dtype(a.dtype if dtype is None else dtype)
    if shape is not None:
        return ndarray(shape, dtype)
    laid_out = np.empty_like(a._host, dtype=dtype)
    made = ndarray(a.shape, dtype)
    return ndarray(a.shape, dtype, made.data, laid_out.strides) if made.size else made


def empty_like(
    prototype: ndarray, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None
) -> ndarray:
    return _like(prototype, dtype, shape)


def zeros_like(a: ndarray, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None) -> ndarray:
    made = _like(a, dtype, shape)
    made.fill(0)
    return made


def ones_like(a: ndarray, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None) -> ndarray:
    made = _like(a, dtype, shape)
    made.fill(1)
    return made


def full_like(
    a: ndarray, fill_value: Any, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None
) -> ndarray:
    made = _like(a, dtype, shape)
    made.fill(fill_value)
    return made


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float, order: str = "C") -> ndarray:
    made = zeros((N, N if M is None else M), dtype)
    np.copyto(made._host, np.eye(N, M, k), where=np.eye(N, M, k, bool), casting="unsafe")
    return made


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    if stop is None:
        start, stop = 0, start
    host = np.arange(start, stop, step, None if dtype is None else get_dtype(dtype))
    made = ndarray(host.shape, host.dtype)
    made._host[...] = host
    return made

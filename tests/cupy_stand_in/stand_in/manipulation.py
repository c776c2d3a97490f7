"""Functions that lay arrays out otherwise, or join them (cupy/_manipulation, _routines_manipulation.pyx)."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from stand_in.array import ndarray, writable
from stand_in.creation import asarray, empty_like
from stand_in.dtypes import get_dtype
from stand_in.indexing import scatter
from stand_in.launches import launch, operand, result, silently
from stand_in.sorting import where


def reshape(a: ndarray, newshape: Any, order: str = "C", *, copy: Any = None) -> ndarray:
    return a.reshape(newshape, order=order, copy=copy)


def ravel(a: ndarray, order: str = "C") -> ndarray:
    return a.ravel(order)


def transpose(a: ndarray, axes: Any = None) -> ndarray:
    return a.transpose(axes)


def squeeze(a: ndarray, axis: Any = None) -> ndarray:
    return a.squeeze(axis)


def swapaxes(a: ndarray, axis1: int, axis2: int) -> ndarray:
    return a.swapaxes(axis1, axis2)


def moveaxis(a: ndarray, source: Any, destination: Any) -> ndarray:
    return a._view(np.moveaxis(a._host, source, destination))


def expand_dims(a: ndarray, axis: Any) -> ndarray:
    return a._view(np.expand_dims(a._host, axis))


def broadcast_to(array: ndarray, shape: Any) -> ndarray:
    return array._view(writable(np.broadcast_to(array._host, shape), array))


def broadcast_arrays(*args: ndarray) -> list[ndarray]:
    shape = np.broadcast_shapes(*(a.shape for a in args))
    return [a if a.shape == shape else broadcast_to(a, shape) for a in args]


def concatenate(
    tup: Any, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> ndarray:
    arrays = [operand(a) for a in tup]
    if not arrays:
        raise ValueError("Cannot concatenate from empty tuple")
    if not all(isinstance(a, ndarray) for a in arrays):
        raise TypeError("Only cupy arrays can be concatenated")
    if axis is None:
        arrays, axis = [a.ravel() for a in arrays], 0
    if not all(a.ndim for a in arrays):
        raise TypeError("zero-dimensional arrays cannot be concatenated")
    if dtype is None:
        dtype = reduce(np.promote_types, (a.dtype for a in arrays)) if out is None else out.dtype
    dtype = get_dtype(dtype)
    for a in arrays:
        if not np.can_cast(a.dtype, dtype, casting):
            raise TypeError(f"Cannot cast array data from {a.dtype!r} to {dtype!r} according to the rule '{casting}'")
    with silently():
        joined = np.concatenate([a._host.astype(dtype) for a in arrays], axis=axis)
    if out is None:
        return result(joined, dtype)
    if out.shape != joined.shape:
        raise ValueError("Output array is the wrong shape")
    out._host[...] = joined
    return out


concat = concatenate


def stack(tup: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> ndarray:
    return concatenate([expand_dims(x, axis) for x in tup], axis, out, dtype=dtype, casting=casting)


def flip(a: ndarray, axis: Any = None) -> ndarray:
    return a._view(np.flip(a._host, axis))


def roll(a: ndarray, shift: Any, axis: Any = None) -> ndarray:
    launch(a)
    if axis is None:
        return roll(a.ravel(), shift, 0).reshape(a.shape)
    made = empty_like(a)
    made._host[...] = np.roll(a._host, shift, axis)
    return made


def tril(m: ndarray, k: int = 0) -> ndarray:
    m = asarray(m)
    return where(asarray(np.tri(*m.shape[-2:], k=k, dtype=bool)), m, m.dtype.type(0))


def triu(m: ndarray, k: int = 0) -> ndarray:
    m = asarray(m)
    return where(asarray(np.tri(*m.shape[-2:], k=k - 1, dtype=bool)), m.dtype.type(0), m)


def copyto(dst: ndarray, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    """cupy/_manipulation/basic.py, for arrays of one device."""
    kind = np.asarray(src).dtype if not isinstance(src, ndarray) else src.dtype
    if type(src) in (bool, int, float, complex):
        np.copyto(np.empty((), dst.dtype), src, casting=casting)
    elif isinstance(src, np.ndarray) and src.size != 1:
        raise ValueError("non-scalar numpy.ndarray cannot be used for copyto")
    elif not np.can_cast(kind, dst.dtype, casting):
        raise TypeError(f"Cannot cast {kind} to {dst.dtype} in {casting} casting mode")
    if where is None:
        scatter(dst, ..., src if isinstance(src, ndarray) else np.asarray(src).reshape(()).item(), "update")
        return
    launch(dst)
    source = operand(src[()] if isinstance(src, np.ndarray) else src)
    mask = operand(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"Cannot cast array data from {mask.dtype!r} to dtype('bool') according to the rule 'safe'")
    values = source._host if isinstance(source, ndarray) else source.as_dtype(dst.dtype)
    with silently():
        np.copyto(dst._host, values, casting, where=mask._host if isinstance(mask, ndarray) else bool(mask.value))


def result_of(a: ndarray) -> ndarray:
    """A copy, for functions that the stand-in has no better way for."""
    return result(a._host)

"""Indexing (cupy/_core/_routines_indexing.pyx): positions beyond the end wrap around, and no error says so."""

from __future__ import annotations

from typing import Any

import numpy as np

from stand_in.array import method, ndarray
from stand_in.creation import arange, array
from stand_in.launches import launch, result, silently

#: What each kind of atomic update is there for (``_scatter_op_single``).
_ATOMIC = {
    "add": ("int32", "int64", "float16", "float32", "float64", "uint32", "uint64"),
    "sub": ("int32", "uint32"),
    **dict.fromkeys(("max", "min"), ("int32", "int64", "float32", "float64", "uint32", "uint64")),
    **dict.fromkeys(("and", "or", "xor"), ("int32", "int64", "uint32", "uint64")),
}
_UPDATES = {
    "add": np.add, "sub": np.subtract, "max": np.maximum, "min": np.minimum, "and": np.bitwise_and,
    "or": np.bitwise_or, "xor": np.bitwise_xor,
}  # fmt: skip


def _parts(slices: Any) -> list[Any]:
    """``_prepare_slice_list``: integers stay, other sequences and NumPy's arrays become arrays on the device."""
    parts = list(slices) if isinstance(slices, tuple) else [slices]
    for place, part in enumerate(parts):
        if part is None or part is Ellipsis or isinstance(part, (slice, ndarray)):
            continue
        if np.isscalar(part) and not isinstance(part, (bool, np.bool_)):
            int(part)
            continue
        try:
            made = array(part, copy=None)
        except ValueError:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
                "are valid indices"
            ) from None
        parts[place] = made.astype(np.int32) if isinstance(part, (list, tuple)) and not made.size else made
    return parts


def _on_host(a: ndarray, parts: list[Any]) -> tuple[tuple[Any, ...], bool]:
    """The key for NumPy, positions wrapped around; and whether there is an array in it."""
    used = 0
    for part in parts:
        if isinstance(part, ndarray):
            if part.dtype.kind not in "biu":
                raise IndexError(
                    f"arrays used as indices must be of integer or boolean type. (actual: {part.dtype.type})"
                )
            used += part.ndim if part.dtype.kind == "b" else 1
        elif part is not None and part is not Ellipsis:
            used += 1
    if used > a.ndim:
        raise IndexError(f"too many indices for array: array is {a.ndim}-dimensional, but {used} were indexed")
    key: list[Any] = []
    axis = 0
    advanced = False
    for part in parts:
        if part is Ellipsis:
            axis += a.ndim - used
            key.append(part)
        elif isinstance(part, ndarray):
            launch(part)
            advanced = True
            if part.dtype.kind == "b":
                axis += part.ndim
                key.append(part._host)
            else:
                size = a.shape[axis]
                positions = part._host.astype(np.int64)
                if not size and positions.size:
                    raise IndexError("cannot do a non-empty take from an empty axes.")
                key.append(positions % size if size else positions)
                axis += 1
        else:
            key.append(part)
            axis += part is not None
    return tuple(key), advanced


def getitem(a: ndarray, slices: Any) -> ndarray:
    key, advanced = _on_host(a, _parts(slices))
    if not advanced:
        return a._view(a._host[key if Ellipsis in key else (*key, ...)])
    launch(a)
    return result(a._host[key])


def scatter(a: ndarray, slices: Any, value: Any, op: str) -> None:
    key, advanced = _on_host(a, _parts(slices))
    if not advanced:
        view = a._view(a._host[key if Ellipsis in key else (*key, ...)])
        _write(view, value, op)
        return
    launch(a)
    if not isinstance(value, ndarray):
        value = array(value, dtype=a.dtype)
    launch(value)
    with silently():
        values = _as_dtype(value._host, a.dtype)
    masks = [part for part in key if isinstance(part, np.ndarray) and part.dtype == np.bool_]
    arrays = [part for part in key if isinstance(part, np.ndarray)]
    if op != "update" and not (len(arrays) == 1 and masks) and a.dtype.name not in _ATOMIC[op]:
        name = {"add": "cupy.add", "sub": "cupy.subtract", "max": "cupy.maximum", "min": "cupy.minimum"}.get(
            op, f"cupy.bitwise_{op}"
        )
        raise TypeError(f"{name}.at only supports {', '.join(_ATOMIC[op])} as data type")
    where = np.arange(a.size).reshape(a.shape)[key]
    values = np.broadcast_to(_without_leading_ones(values, where.ndim), where.shape)
    # In which order threads write is not known. Here the last one comes first, which no caller may mind.
    where, values = where.ravel()[::-1], values.ravel()[::-1]
    target = a._host if a.ndim else a._host.reshape(1)
    places = np.unravel_index(where, target.shape)
    with silently():
        if op == "update":
            target[places] = values
        else:
            _UPDATES[op].at(target, places, values)


def _without_leading_ones(values: Any, ndim: int) -> Any:
    while values.ndim > ndim and values.shape[0] == 1:
        values = values[0]
    return values


def _as_dtype(host: Any, dtype: Any) -> Any:
    if host.dtype.kind == "c" and dtype.kind not in "cb":
        host = host.real
    return host.astype(dtype)


def _write(view: ndarray, value: Any, op: str) -> None:
    if op != "update":
        from stand_in.array import _functions

        names = {"add": "add", "sub": "subtract", "max": "maximum", "min": "minimum"}
        _functions[names.get(op, f"bitwise_{op}")](view, value, view)
    elif isinstance(value, ndarray):
        launch(view, value)
        with silently():
            view._host[...] = _without_leading_ones(_as_dtype(value._host, view.dtype), view.ndim)
    else:
        view.fill(value)


@method
def take(a: ndarray, indices: Any, axis: int | None = None, out: Any = None) -> ndarray:
    launch(a)
    if not np.isscalar(indices) and not isinstance(indices, ndarray):
        indices = array(indices, dtype=int)
    if isinstance(indices, ndarray):
        launch(indices)
        host = indices._host.astype(np.int64)
    else:
        host = np.asarray(indices)
    if a.ndim == 0 and axis is not None:
        if not -1 <= axis < 1:
            raise np.exceptions.AxisError(axis, 1)
        axis = None
    if axis is not None and not -a.ndim <= axis < a.ndim:
        raise np.exceptions.AxisError(axis, a.ndim)
    size = a.size if axis is None else a.shape[axis]
    if not size and host.size:
        raise IndexError("cannot do a non-empty take from an empty axes.")
    found = np.take(a._host, host % size if size else host, axis=axis)
    if out is None:
        return result(found, a.dtype)
    if out.dtype != a.dtype:
        raise TypeError("Output dtype mismatch")
    if out.shape != found.shape:
        raise ValueError("Output shape mismatch")
    out._host[...] = found
    return out


def take_along_axis(a: ndarray, indices: ndarray, axis: int | None) -> ndarray:
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        a, axis = a.ravel(), 0
    axis = _normalized(axis, a.ndim)
    if a.ndim != indices.ndim:
        raise ValueError("`indices` and `a` must have the same number of dimensions")
    key = [
        indices if d == axis else arange(n).reshape((1,) * d + (-1,) + (1,) * (a.ndim - d - 1))
        for d, n in enumerate(a.shape)
    ]
    return a[tuple(key)]


def _normalized(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def put(a: ndarray, ind: Any, v: Any, mode: str = "wrap") -> None:
    a.put(ind, v, mode)


def _put(a: ndarray, indices: Any, values: Any, mode: str = "wrap") -> None:
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError("clipmode not understood")
    launch(a)
    indices = indices if isinstance(indices, ndarray) else array(indices)
    values = values if isinstance(values, ndarray) else array(values, dtype=a.dtype)
    if values.size:
        np.put(a._host, indices._host, values._host, mode)


ndarray.put = _put  # type: ignore[attr-defined]


@method
def nonzero(a: ndarray) -> tuple[ndarray, ...]:
    if not a.ndim:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use cp.atleast_1d(scalar).nonzero() instead.")
    launch(a)
    from stand_in.counters import count

    count("synchronizations")
    found = result(np.argwhere(a._host), np.dtype(np.int64))
    return tuple(found[:, d] for d in range(a.ndim))


def argwhere(a: ndarray) -> ndarray:
    launch(a)
    from stand_in.counters import count

    count("synchronizations")
    return result(np.argwhere(a._host), np.dtype(np.int64))


def diagonal(a: ndarray, offset: int = 0, axis1: int = 0, axis2: int = 1) -> ndarray:
    return a.diagonal(offset, axis1, axis2)


def shares_memory(a: ndarray, b: ndarray, max_work: Any = None) -> bool:
    """cupy/_misc/memory_ranges.py."""
    return a.data.device_id == b.data.device_id and bool(np.shares_memory(a._host, b._host))


def may_share_memory(a: ndarray, b: ndarray, max_work: Any = None) -> bool:
    return a.data.device_id == b.data.device_id and bool(np.may_share_memory(a._host, b._host))

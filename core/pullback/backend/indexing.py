"""Indexing composed from the functions of the Array API standard, for libraries that have no more than those.

NumPy's semantics: the key may hold integers, slices, None, Ellipsis, and integer or boolean arrays.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from pullback.backend.base import NativeArray
from pullback.meta import dtypes as dt

if TYPE_CHECKING:
    from pullback.backend.array_api.namespace import NamespaceBackend


def getitem(backend: NamespaceBackend, x: NativeArray, key: Any) -> NativeArray:
    """``x[key]``."""
    parts = _expand(backend, x, key if isinstance(key, tuple) else (key,))
    if not any(backend.is_array(part) for part in parts):
        basic_key = tuple(_in_bounds(parts, x.shape))
        return x[(*basic_key, ...)] if backend.mutable or not parts else x[basic_key]  # one element as a view, too
    # Beside an index array an integer is one too, as in NumPy.
    basic: list[Any] = []
    advanced: list[tuple[int, NativeArray]] = []
    places: list[int] = []
    for place, part in enumerate(parts):
        if backend.is_array(part) or isinstance(part, int):
            advanced.append((len(basic), part))
            places.append(place)
            basic.append(slice(None))
        else:
            basic.append(part)
    adjacent = places == list(range(places[0], places[-1] + 1))
    y = x[tuple(_in_bounds(basic, x.shape))]
    axes = [axis for axis, _ in advanced]
    linear, index_shape = _linear(backend, [index for _, index in advanced], [y.shape[a] for a in axes])
    rest = [a for a in range(len(y.shape)) if a not in axes]
    rest_shape = tuple(y.shape[a] for a in rest)
    rows = backend.reshape(backend.permute_dims(y, (*axes, *rest)), (prod(y.shape[a] for a in axes), *rest_shape))
    found = backend.reshape(backend.take(rows, linear, axis=0), (*index_shape, *rest_shape))
    before = sum(a < axes[0] for a in rest) if adjacent else 0
    if not before:
        return found
    n = len(index_shape)
    order = (*range(n, n + before), *range(n), *range(n + before, n + len(rest)))
    return backend.permute_dims(found, order)


def _expand(backend: NamespaceBackend, x: NativeArray, key: tuple[Any, ...]) -> list[Any]:
    """The key with one part for each axis (and None for new ones): no Ellipsis, no boolean arrays."""
    boolean = backend.native_dtypes[dt.bool_]

    def consumed(part: Any) -> int:
        if part is None or part is Ellipsis or isinstance(part, bool):
            return 0
        return len(part.shape) if backend.is_array(part) and part.dtype == boolean else 1

    used = sum(consumed(part) for part in key)
    dims = len(x.shape)
    if used > dims:
        raise IndexError(f"too many indices for tensor of dimension {dims}")
    parts: list[Any] = []
    filled = False
    for part in key:
        if part is Ellipsis:
            parts += [slice(None)] * (0 if filled else dims - used)
            filled = True
        elif isinstance(part, bool) or (backend.is_array(part) and part.dtype == boolean):
            mask = backend.as_array(part)
            if len(mask.shape):
                parts += backend.nonzero(mask)
            else:  # it keeps or drops everything, along a new axis
                raise IndexError("a 0-d boolean index is not supported by this backend")
        else:
            parts.append(part)
    if not filled:
        parts += [slice(None)] * (dims - used)
    return parts


def _in_bounds(parts: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """The parts with every slice within its axis: the standard leaves others undefined."""
    result: list[Any] = []
    axis = 0
    for part in parts:
        if part is None:
            result.append(None)
            continue
        size = shape[axis]
        if isinstance(part, slice):
            start, stop, step = part.indices(size)
            if step > 0:
                result.append(slice(min(start, size), min(max(stop, start), size), step))
            elif start < 0 or stop >= start:
                result.append(slice(0, 0, 1))
            else:
                result.append(slice(start, stop if stop >= 0 else None, step))
        else:
            if not -size <= part < size:
                raise IndexError(f"index {part} is out of bounds for dimension {axis} with size {size}")
            result.append(int(part))
        axis += 1
    return result


def _linear(backend: NamespaceBackend, indices: list[Any], sizes: list[int]) -> tuple[NativeArray, tuple[int, ...]]:
    """Flat positions in the C-ordered product of ``sizes``, and the shape of the broadcast indices."""
    integer = backend.native_dtypes[dt.int64]
    arrays = []
    for axis, (index, size) in enumerate(zip(indices, sizes, strict=True)):
        array = backend.xp.asarray(index, dtype=integer) if isinstance(index, int) else backend.convert(index, integer)
        check_bounds(backend, array, size, axis)
        arrays.append(backend.where(array < 0, array + size, array))
    arrays = backend.xp.broadcast_arrays(*arrays) if len(arrays) > 1 else arrays
    total = arrays[0]
    for array, size in zip(arrays[1:], sizes[1:], strict=True):
        total = total * size + array
    return backend.reshape(total, (-1,)) if prod(total.shape) else backend.reshape(total, (0,)), total.shape


def check_bounds(backend: NamespaceBackend, indices: NativeArray, size: int, axis: int) -> None:
    """Raise IndexError where an index is outside an axis of that size."""
    if not prod(indices.shape):
        return
    lowest, highest = int(backend.xp.min(indices)), int(backend.xp.max(indices))
    if lowest < -size or highest >= size:
        wrong = lowest if lowest < -size else highest
        raise IndexError(f"index {wrong} is out of bounds for dimension {axis} with size {size}")


def index_put(backend: NamespaceBackend, x: NativeArray, key: Any, values: Any, accumulate: bool) -> NativeArray:
    """A copy of ``x`` with ``values`` at ``key``; of several for one, the last stays or all add up."""
    integer = backend.native_dtypes[dt.int64]
    positions = getitem(backend, backend.reshape(backend.xp.arange(prod(x.shape), dtype=integer), x.shape), key)
    values = backend.broadcast_to(backend.like(values, x), positions.shape)
    return _put(backend, x, positions, values, "add" if accumulate else None)


def scatter(
    backend: NamespaceBackend, x: NativeArray, axis: int, indices: NativeArray, values: Any, reduce: str | None
) -> NativeArray:
    """``torch.scatter``: ``indices`` may be smaller than ``x`` in every dimension but ``axis``."""
    if reduce not in (None, "add", "multiply", "max", "min"):
        raise ValueError(f"scatter: reduce must be None, 'add', 'multiply', 'max' or 'min', got {reduce!r}")
    if not x.shape:
        flat = scatter(backend, backend.reshape(x, (1,)), 0, backend.reshape(indices, (-1,)), values, reduce)
        return backend.reshape(flat, ())
    axis %= len(x.shape)
    integer = backend.native_dtypes[dt.int64]
    shape = indices.shape
    indices = backend.convert(indices, integer)
    check_bounds(backend, indices, x.shape[axis], axis)
    positions = backend.xp.zeros(shape, dtype=integer)
    for d, size in enumerate(shape):
        own = backend.reshape(
            backend.xp.arange(size, dtype=integer), tuple(size if e == d else 1 for e in range(len(shape)))
        )
        step = backend.where(indices < 0, indices + x.shape[axis], indices) if d == axis else own
        positions = positions * x.shape[d] + step
    values = backend.like(values, x)
    if values.shape and shape:
        values = values[tuple(slice(0, n) for n in shape)]
    return _put(backend, x, positions, backend.broadcast_to(values, shape), reduce)


def _put(
    backend: NamespaceBackend, x: NativeArray, positions: NativeArray, values: NativeArray, reduce: str | None
) -> NativeArray:
    xp = backend.xp
    count = prod(positions.shape)
    if not count:
        return backend.copy(x)
    integer = backend.native_dtypes[dt.int64]
    positions = backend.reshape(positions, (count,))
    # Sorted stably by target, the values for one target lie side by side in the order given.
    order = backend.argsort(positions, axis=0)
    positions, values = (
        xp.take(positions, order, axis=0),
        xp.take(backend.reshape(values, (count,)), order, axis=0),
    )
    targets = xp.arange(prod(x.shape), dtype=integer)
    first = backend.convert(xp.searchsorted(positions, targets, side="left"), integer)
    end = backend.convert(xp.searchsorted(positions, targets, side="right"), integer)
    dtype = x.dtype
    out = backend.reshape(x, (prod(x.shape),))
    if reduce is None:
        last = xp.take(values, backend.maximum(end - 1, 0), axis=0)
        return backend.reshape(backend.where(end > first, last, out), x.shape)
    wide = backend.wider(dtype)
    out, values = backend.convert(out, wide), backend.convert(values, wide)
    combine = getattr(backend, {"max": "maximum", "min": "minimum"}.get(reduce, reduce))
    for round_ in range(int(xp.max(end - first))):
        position = first + round_
        value = xp.take(values, backend.minimum(position, count - 1), axis=0)
        out = backend.where(position < end, combine(out, value), out)
    return backend.reshape(backend.convert(out, dtype), x.shape)

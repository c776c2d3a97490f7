"""Shape, strides and storage offset of tensors, and kernels that read and write elements where these say.

The geometry of a view follows from the chain of operations that made it, replayed on
:data:`pullback.backend.geometry.GEOMETRIES`; that of another tensor from the strides of its array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.backend.geometry import GEOMETRIES, Geometry
from pullback.errors import MissingKernelError
from pullback.meta.dtypes import int64
from pullback.meta.formats import order_of_copy, strides_in_order
from pullback.meta.strides import contiguous_strides
from pullback.tensor import Tensor
from pullback.tensor.memory import alias_of
from pullback.tensor.modes import MODE, NO_GRAD, mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullback.backend.base import Backend, NativeArray
    from pullback.meta.formats import MemoryFormat
    from pullback.tensor.memory import Step


def geometry_of(tensor: Tensor) -> Geometry:
    """Where the tensor's elements lie in its storage.

    For a view it follows from the chain of operations that made it, by PyTorch's rules; for other tensors from the
    strides of the array, where it has any.
    """
    if tensor.backend is GEOMETRIES:
        return tensor.array  # type: ignore[no-any-return]
    alias = tensor.alias
    if alias is None or alias.origin is None:
        return _own_geometry(tensor) if alias is None or alias.geometry is None else alias.geometry
    if alias.geometry is None:
        try:
            alias.geometry = geometry_after(geometry_of(alias.origin), alias.path)
        except MissingKernelError:  # a plugin's view that is more than strides
            alias.geometry = _own_geometry(tensor)
    return alias.geometry


def geometry_after(geometry: Geometry, steps: Sequence[Step]) -> Geometry:
    """The geometry that the steps lead to."""
    mode_before = mode()
    try:
        MODE.set(NO_GRAD)
        return replay(Tensor._wrap(geometry, GEOMETRIES), steps).array  # type: ignore[no-any-return]
    finally:
        MODE.set(mode_before)


def _own_geometry(tensor: Tensor) -> Geometry:
    """The geometry of a tensor that is the beginning of its storage."""
    array, backend = tensor.array, tensor.backend
    shape = tuple(array.shape)
    strides = backend.strides(array)
    if strides is None or backend.is_contiguous(array):
        return Geometry.contiguous(tensor.dtype, shape)
    # An array library may step anything along a dimension of size 1; PyTorch steps over what lies to its right.
    usual = contiguous_strides(shape)
    return Geometry(tensor.dtype, shape, [u if n == 1 else s for n, s, u in zip(shape, strides, usual, strict=True)])


def replay(tensor: Any, steps: Sequence[Step]) -> Any:
    """The tensor after the steps of a view's chain."""
    for call, arguments in steps:
        tensor = call(tensor, *arguments)
    return tensor


def keep_layout(out: Tensor, source: Tensor, memory_format: MemoryFormat | None = None) -> None:
    """Have a copy on an immutable backend lie in memory in the order of ``source``, or in that of the format."""
    if out.backend.mutable:
        return  # the array has the strides that its kernel gave it

    geometry = geometry_of(source)
    order = order_of_copy(geometry.shape, geometry.strides, memory_format)
    if order is not None:
        alias_of(out).geometry = Geometry(out.dtype, geometry.shape, strides_in_order(geometry.shape, order))


def address_of(tensor: Tensor) -> int:
    """The address of the tensor's first element; 0 where it has none, as PyTorch."""
    if 0 in tensor.array.shape:
        return 0
    pointer = tensor.backend.data_pointer(tensor.array)
    if pointer is None:
        return alias_of(tensor).storage.address + geometry_of(tensor).offset * tensor.dtype.itemsize
    return pointer


def places(backend: Backend, geometry: Geometry) -> NativeArray:
    """Where in the storage each element of the geometry lies, as a vector of int64 in the elements' order."""
    native = backend.native_dtypes[int64]
    if 0 in geometry.shape:
        return backend.zeros((0,), dtype=native)
    start = geometry.offset
    total = None
    trailing = 0
    for size, stride in zip(reversed(geometry.shape), reversed(geometry.strides), strict=True):
        if size == 1:
            continue
        if stride:
            axis = backend.arange(start, start + size * stride, stride, dtype=native)
        else:
            axis = backend.full((size,), start, dtype=native)
        axis = backend.reshape(axis, (size,) + (1,) * trailing)
        total = axis if total is None else backend.add(total, axis)
        start = 0
        trailing += 1
    return backend.full((1,), start, dtype=native) if total is None else backend.reshape(total, (-1,))


def places_after(backend: Backend, geometry: Geometry, steps: Sequence[Step]) -> NativeArray:
    """Where in the storage the elements lie that the steps lead to, from a tensor of the given geometry; a vector."""
    try:
        return places(backend, geometry_after(geometry, steps))
    except MissingKernelError:  # a plugin's view that is more than strides: it shows the places themselves
        every = backend.reshape(places(backend, geometry), geometry.shape)
        mode_before = mode()
        try:
            MODE.set(NO_GRAD)
            return backend.reshape(replay(Tensor._wrap(every, backend), steps).array, (-1,))
        finally:
            MODE.set(mode_before)


def flattened(origin: Tensor) -> NativeArray:
    """The elements of a storage in the order they have there, as a vector, on an immutable backend."""
    geometry = geometry_of(origin)
    backend = origin.backend
    array = origin.array if geometry.is_contiguous else backend.permute_dims(origin.array, geometry.order)
    return backend.reshape(array, (-1,))


def put_at(backend: Backend, array: NativeArray, geometry: Geometry, count: int, accumulate: bool) -> NativeArray:
    """A vector of ``count`` zeros with the array's elements where the geometry says."""
    flat = backend.zeros((count,), dtype=array.dtype, device=backend.device_of(array))
    if backend.mutable and not (accumulate and geometry.may_overlap):
        backend.assign(backend.as_strided(flat, geometry.shape, geometry.strides, geometry.offset), array)
        return flat
    return backend.index_put(flat, (places(backend, geometry),), backend.reshape(array, (-1,)), accumulate)


def taken_at(backend: Backend, flat: NativeArray, geometry: Geometry) -> NativeArray:
    """What lies at the places of the geometry in a vector, as an array of its own."""
    if backend.mutable:
        return backend.copy(backend.as_strided(flat, geometry.shape, geometry.strides, geometry.offset))
    return backend.reshape(backend.take(flat, places(backend, geometry), axis=0), geometry.shape)

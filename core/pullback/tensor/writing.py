"""In-place writes to a storage, and how they reach every tensor that shares it.

On a backend with mutable arrays the arrays themselves share memory. Where arrays are immutable the sharing is kept up
here: a write goes to the view's places in the array of the storage's origin, and every live tensor of the storage is
refreshed at once, so reading stays a plain slot access.
"""

from __future__ import annotations

from _thread import get_ident  # `threading` itself takes a millisecond to import
from typing import TYPE_CHECKING

from pullback.process.blocks import surely
from pullback.process.locks import MEMORY
from pullback.tensor import Tensor
from pullback.tensor.geometry import flattened, geometry_of, places_after, replay
from pullback.tensor.memory import alias_of, bump_version
from pullback.tensor.modes import MODE, NO_GRAD, mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullback.backend.base import NativeArray


def write(tensor: Tensor, array: NativeArray) -> None:
    """Replace the tensor's elements by those of ``array``, of its shape and dtype, in the memory it shares.

    On a mutable backend into the array; otherwise into the origin's array, and every live tensor of the storage is
    refreshed. An interrupt ends it before it begins or after it is complete (and then counted twice).
    """
    surely(_write, tensor, array)


def _write(tensor: Tensor, array: NativeArray) -> None:
    backend = tensor.backend
    if backend.mutable:
        backend.assign(writable_array(tensor), array)
        bump_version(tensor)
        return
    with MEMORY:
        _write_all(tensor, array)


def _write_all(tensor: Tensor, array: NativeArray) -> None:
    """Replace the elements of a tensor on an immutable backend, in all tensors that share them."""
    backend = tensor.backend
    alias = alias_of(tensor)
    alias.storage.writer = get_ident()
    others = [t for t in alias.storage.live() if t is not tensor]
    if backend.level and not alias.path:
        alias.geometry = geometry_of(tensor)
        array = backend.laid_out(array, alias.geometry)
    elif backend.level:
        others.append(tensor)  # what it wraps shall lie in memory as a part of what the origin wraps
    if alias.origin is None:
        tensor.array = array
    else:
        origin = alias.origin
        origin.array = array if not alias.path else _with_elements(origin, tensor, array)
        tensor.array = array
    bump_version(tensor)
    _refresh(tensor, others)


def writable_array(tensor: Tensor) -> NativeArray:
    """The array to write a tensor's elements into; an expanded array, which is read-only, as what it is a view of."""
    backend, array, alias = tensor.backend, tensor.array, tensor.alias
    if alias is None or alias.origin is None or backend.writable(array):
        return array
    geometry = geometry_of(tensor)
    native = backend.native_dtype(geometry.dtype)
    return backend.as_strided(alias.origin.array, geometry.shape, geometry.strides, geometry.offset, dtype=native)


def _with_elements(origin: Tensor, view: Tensor, array: NativeArray) -> NativeArray:
    """The origin's array with the elements that the view shows replaced."""
    backend = origin.backend
    own = geometry_of(origin)
    alias = view.alias
    assert alias is not None
    flat = flattened(origin)
    seen_as = view.dtype
    if seen_as is not own.dtype:
        flat = backend.reinterpret(flat, seen_as)
    where = places_after(backend, own, alias.path)
    flat = backend.index_put(flat, (where,), backend.reshape(array, (-1,)))
    if seen_as is not own.dtype:
        flat = backend.reinterpret(flat, own.dtype)
    if own.is_contiguous:
        return backend.reshape(flat, own.shape)
    order = own.order
    ordered = backend.reshape(flat, tuple(own.shape[d] for d in order))
    return backend.permute_dims(ordered, tuple(order.index(d) for d in range(len(order))))


def _refresh(written: Tensor, others: Sequence[Tensor]) -> None:
    """Show in the other tensors of an immutable storage what has been written through one of them."""
    if not others:
        return
    assert written.alias is not None
    _refresh_from(written if written.alias.origin is None else written.alias.origin, others)


def _refresh_from(origin: Tensor, members: Sequence[Tensor]) -> None:
    # What tensors of a level wrap has a history of its own.
    mode_before = mode()
    try:
        MODE.set(mode() if origin.backend.level else mode() | NO_GRAD)
        source = _stand_in(origin)
        for member in members:
            if member is not origin:
                assert member.alias is not None
                member.array = replay(source, member.alias.path).array
    finally:
        MODE.set(mode_before)


def _stand_in(origin: Tensor) -> Tensor:
    """A tensor with the origin's array and geometry, on which the steps to its views can be replayed."""
    source = Tensor._wrap(origin.array, origin.backend)
    alias = alias_of(source)
    alias.geometry = geometry_of(origin)
    return source


def catch_up(member: Tensor) -> None:
    """Show in a new member of an immutable storage what another thread may have written while it was made."""
    alias = member.alias
    assert alias is not None
    if alias.storage.writer == get_ident() or member.backend.level:
        return
    with MEMORY:
        assert alias.origin is not None
        _refresh_from(alias.origin, [member])

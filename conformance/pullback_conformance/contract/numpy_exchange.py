"""``from_numpy`` and ``to_numpy``: values, layouts, byte orders, and whose memory it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Backend, DType
from pullback_conformance.contract.arrays import (
    after_a_write,
    arrived,
    difference,
    elements,
    first,
    layouts,
    native,
    numpy_copy,
    other_elements,
    refusal,
)
from pullback_conformance.contract.exported import Exported
from pullback_conformance.contract.probe import NotAsked, probe


def has_byte_orders(dtype: DType) -> bool:
    """Whether elements have several bytes, in an order that NumPy has another of."""
    return dtype.itemsize > 1 and dtype.name != "bfloat16"


def is_seen(backend: Backend, made: Any, array: Any) -> bool:
    """Whether what is written into a NumPy array is seen in an array of the backend."""
    array[...] = other_elements(array)
    return difference("", numpy_copy(backend, made), np.array(array)) is None


def can_share(backend: Backend, array: Any) -> bool:
    """Whether a NumPy array is one of the backend's already, or its memory is shared when it comes by DLPack."""
    if backend.is_array(array):
        return True
    try:
        made = backend.from_dlpack(array)
    except Exception:
        return False
    if array.flags.writeable:
        return is_seen(backend, made, array)
    return backend.data_pointer(made) == array.__array_interface__["data"][0]


@probe("from_numpy", "layouts")
def from_numpy_in_every_layout(backend: Backend, dtype: DType) -> str | None:
    """Does the array have the elements of NumPy's, whatever their order in memory?"""
    others = [
        ("running backwards", elements(dtype, 6)[::-1]),
        ("repeated", np.broadcast_to(elements(dtype, 1), (3, 1))),
    ]
    return first(
        arrived(backend, backend.from_numpy(array), dtype, array, how) for how, array in [*layouts(dtype), *others]
    )


@probe("from_numpy", "the other byte order", dtypes=has_byte_orders)
def from_numpy_of_swapped_bytes(backend: Backend, dtype: DType) -> str | None:
    """Are elements of the other byte order read as the numbers that they are?"""
    array = elements(dtype, 5)
    swapped = array.astype(array.dtype.newbyteorder())
    return arrived(backend, backend.from_numpy(swapped), dtype, array, "of the other byte order")


@probe("from_numpy", "read-only memory")
def from_numpy_of_read_only_memory(backend: Backend, dtype: DType) -> str | None:
    """Does memory that must not be written stay so?"""
    array = elements(dtype, 5)
    array.flags.writeable = False
    made = backend.from_numpy(array)
    problem = arrived(backend, made, dtype, array, "in read-only memory")
    if problem is not None or not backend.mutable:
        return problem
    address = array.__array_interface__["data"][0]
    if backend.data_pointer(made) == address:
        return "an array in read-only memory can be written to" if backend.writable(made) else None
    if can_share(backend, array):
        return "read-only memory is copied, which the backend shares otherwise"
    return None


@probe("from_numpy", "shared memory", mutable=True)
def from_numpy_shares(backend: Backend, dtype: DType) -> str | None:
    """Does it share memory where the backend can: by DLPack, or because its arrays are NumPy's?"""
    for how, array in layouts(dtype):
        if not array.size:
            continue
        made = backend.from_numpy(array)
        if is_seen(backend, made, array):
            continue
        if can_share(backend, array):
            return f"an array {how} is copied, whose memory the backend shares otherwise"
    return None


@probe("from_numpy", "memory of its own", mutable=False)
def from_numpy_does_not_share(backend: Backend, dtype: DType) -> str | None:
    """Do arrays that nobody writes to stay as they are when NumPy's are written to?"""
    return after_a_write(backend, dtype, backend.from_numpy)


@probe("from_numpy", "dtypes that pullback lacks", dtypes=lambda dtype: dtype.name == "float32")
def from_numpy_of_unknown_dtypes(backend: Backend, dtype: DType) -> str | None:
    """Are arrays of strings, dates, records and objects refused, by a TypeError?"""
    for array in (np.array(["a"]), np.array([b"a"]), np.zeros(1, "M8[s]"), np.zeros(1, "i4,f4"), np.array([None])):
        problem = refusal(TypeError, lambda array=array: backend.from_numpy(array))
        if problem is not None:
            return f"an array of {array.dtype} {problem}"
    return None


@probe("to_numpy", "layouts")
def to_numpy_in_every_layout(backend: Backend, dtype: DType) -> str | None:
    """Does NumPy's array have the elements, the dtype and the shape?"""
    for how, array in layouts(dtype):
        problem = difference(f"an array {how}", backend.to_numpy(native(backend, array, dtype)), array)
        if problem is not None:
            return problem
    x = native(backend, elements(dtype, 4, 6), dtype)
    want = elements(dtype, 4, 6)
    views = [
        ("with permuted dimensions", backend.permute_dims(x, (1, 0)), want.T),
        ("with a step", backend.getitem(x, (slice(1, None), slice(None, None, 2))), want[1:, ::2]),
        ("of one row", backend.getitem(x, 2), want[2]),
        ("that is expanded", backend.broadcast_to(x, (2, 4, 6)), np.broadcast_to(want, (2, 4, 6))),
    ]
    return first(difference(f"an array {how}", backend.to_numpy(view), right) for how, view, right in views)


@probe("to_numpy", "shared memory", mutable=True)
def to_numpy_shares(backend: Backend, dtype: DType) -> str | None:
    """Does it share memory where the backend can, as it does by DLPack?"""
    for how in ("row-major", "with permuted dimensions", "with a step"):
        x = native(backend, elements(dtype, 4, 6), dtype)
        if how == "with permuted dimensions":
            x = backend.permute_dims(x, (1, 0))
        elif how == "with a step":
            x = backend.getitem(x, (slice(None), slice(None, None, 2)))
        shown = backend.to_numpy(x)
        if shares_with(backend, x, shown):
            continue
        if not shown.flags.writeable and backend.data_pointer(x) == shown.__array_interface__["data"][0]:
            return f"what to_numpy gives of an array {how} cannot be written to, as the array can"
        try:
            given = np.from_dlpack(Exported(backend, x))
        except Exception:
            continue
        if shares_with(backend, x, given):
            return f"an array {how} is copied, whose memory to_dlpack shares"
    return None


def shares_with(backend: Backend, x: Any, shown: Any) -> bool:
    """Whether what is written into NumPy's array is seen in the backend's."""
    if not shown.flags.writeable:
        return False
    shown[...] = other_elements(shown)
    return difference("", numpy_copy(backend, x), np.array(shown)) is None


@probe("to_numpy", "strides", mutable=True)
def to_numpy_keeps_strides(backend: Backend, dtype: DType) -> str | None:
    """Do the elements lie in NumPy's array as the backend says that they lie in its own?"""
    x = native(backend, elements(dtype, 4, 6), dtype)
    for view in (x, backend.permute_dims(x, (1, 0)), backend.getitem(x, (slice(1, None), slice(None, None, 2)))):
        shown, strides = backend.to_numpy(view), backend.strides(view)
        if backend.data_pointer(view) != shown.__array_interface__["data"][0]:
            raise NotAsked("NumPy's array has memory of its own")
        seen = tuple(s // shown.itemsize for s in shown.strides)
        if strides is not None and seen != tuple(strides):
            return f"NumPy's array has strides of {seen} elements, where the backend says {tuple(strides)}"
    return None


@probe("to_numpy", "nothing to write to", mutable=False)
def to_numpy_gives_nothing_to_write_to(backend: Backend, dtype: DType) -> str | None:
    """Can an array that nobody writes to not be written through NumPy's?"""
    for array in (elements(dtype, 6), elements(dtype, 1).reshape(())):
        x = native(backend, array, dtype)
        shown = backend.to_numpy(x)
        if not shown.flags.writeable:
            continue
        shown[...] = other_elements(shown)
        problem = difference("an array", numpy_copy(backend, x), array)
        if problem is not None:
            return f"{problem}, after what to_numpy gave was written to"
    return None

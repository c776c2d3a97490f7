"""``to_dlpack``, ``dlpack_device`` and ``from_dlpack``: arrays that cross to other libraries and back."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pullback.extend import Backend, DType, get_backend
from pullback_conformance.contract.arrays import (
    after_a_write,
    difference,
    elements,
    layouts,
    native,
    numpy_copy,
    other_elements,
)
from pullback_conformance.contract.exported import Exported
from pullback_conformance.contract.probe import NotAsked, any_dtype, probe

#: DLPack's numbers for kinds of device that it has a name for, by pullback's.
NUMBERS: Final = {"cpu": (1, 3, 11), "cuda": (2, 3, 13), "rocm": (10, 11), "mps": (8,), "tpu": ()}


def on_the_cpu(backend: Backend) -> None:
    """NumPy takes arrays of the processor's memory alone."""
    if backend.default_device.type != "cpu":
        raise NotAsked(f"NumPy takes no arrays from {backend.default_device}")


def taken_by_numpy(backend: Backend, x: Any, **asked: Any) -> Any:
    """What NumPy gets of an array by the backend's own methods, bfloat16 too."""
    return np.array(get_backend("numpy").from_dlpack(Exported(backend, x), **asked))


def producer(array: Any) -> Any:
    """A NumPy array as an object with ``__dlpack__``, which NumPy has none of for bfloat16."""
    return Exported(get_backend("numpy"), array)


@probe("dlpack_device", "what it is called", dtypes=any_dtype)
def dlpack_device(backend: Backend, dtype: DType) -> str | None:
    """Is an array where DLPack's number says, by the kind of its device and its index?"""
    for device in backend.devices():
        kind, index = backend.dlpack_device(backend.zeros((2,), dtype=backend.native_dtype(dtype), device=device))
        known = NUMBERS.get(device.type)
        if known and kind not in known:
            return f"an array on {device} is said to be on a device of kind {int(kind)}"
        if device.type != "cpu" and int(index) != (device.index or 0):
            return f"an array on {device} is said to be on the device of number {int(index)}"
    return None


@probe("to_dlpack", "layouts")
def to_dlpack(backend: Backend, dtype: DType) -> str | None:
    """Does the consumer get the elements, of this dtype and in every layout?"""
    on_the_cpu(backend)
    want = elements(dtype, 4, 6)
    x = native(backend, want, dtype)
    views = [
        ("a row-major array", x, want),
        ("one of permuted dimensions", backend.permute_dims(x, (1, 0)), want.T),
        ("one with a step", backend.getitem(x, (slice(1, None), slice(None, None, 2))), want[1:, ::2]),
        ("one of no dimensions", native(backend, want[1, 2], dtype), want[1, 2, ...]),
    ]
    for how, view, right in views:
        problem = difference(how, taken_by_numpy(backend, view), right)
        if problem is not None:
            return problem
    return None


@probe("to_dlpack", "shared memory", mutable=True)
def to_dlpack_shares(backend: Backend, dtype: DType) -> str | None:
    """Does the consumer share the memory, where to_numpy does, and have a copy where it asks for one?"""
    on_the_cpu(backend)
    want = elements(dtype, 4, 6)
    x = native(backend, want, dtype)
    if not is_written_through(backend, x, backend.to_numpy(x)):
        raise NotAsked("the library shares no memory with NumPy")
    taken = get_backend("numpy").from_dlpack(Exported(backend, x))
    before = np.array(taken)
    backend.assign(x, native(backend, other_elements(before), dtype))
    if difference("", np.array(taken), other_elements(before)) is not None:
        return "the consumer gets a copy, where to_numpy shares memory"
    copied = get_backend("numpy").from_dlpack(Exported(backend, x), copy=True)
    before = np.array(copied)
    backend.assign(x, native(backend, other_elements(before), dtype))
    problem = difference("a copy", np.array(copied), before)
    return problem and f"{problem}, after the array was written to"


def is_written_through(backend: Backend, x: Any, shown: Any) -> bool:
    """Whether what is written into the backend's array is seen in NumPy's."""
    before = np.array(shown)
    backend.assign(x, backend.from_data(other_elements(before), backend.dtype_of(x.dtype), None))
    return difference("", np.array(shown), other_elements(before)) is None


@probe("from_dlpack", "layouts")
def from_dlpack(backend: Backend, dtype: DType) -> str | None:
    """Does the array have the elements, with steps and in any order, and the dtype?"""
    on_the_cpu(backend)
    for how, array in layouts(dtype):
        for copy in (None, True):
            want = array.copy()
            made = backend.from_dlpack(producer(array), copy=copy)
            if backend.dtype_of(made.dtype) is not dtype:
                return f"an array {how} becomes one of {backend.dtype_of(made.dtype)}"
            problem = difference(f"an array {how}, copy={copy}", numpy_copy(backend, made), want)
            if problem is not None:
                return problem
    return None


@probe("from_dlpack", "a copy")
def from_dlpack_copies(backend: Backend, dtype: DType) -> str | None:
    """Is memory never shared with copy=True?"""
    on_the_cpu(backend)
    problem = after_a_write(backend, dtype, lambda array: backend.from_dlpack(producer(array), copy=True))
    return problem and f"{problem}, in spite of copy=True"


@probe("from_dlpack", "no copy")
def from_dlpack_shares(backend: Backend, dtype: DType) -> str | None:
    """Does it share memory with copy=False, or raise?"""
    on_the_cpu(backend)
    for how, array in layouts(dtype):
        if not array.size:
            continue
        try:
            made = backend.from_dlpack(producer(array), copy=False)
        except Exception:
            continue
        array[...] = other_elements(array)
        if difference("", numpy_copy(backend, made), array.copy()) is not None:
            return f"an array {how} is copied, in spite of copy=False"
    return None


@probe("from_dlpack", "shared memory", mutable=True)
def from_dlpack_shares_where_it_can(backend: Backend, dtype: DType) -> str | None:
    """Is memory shared by default, where from_numpy shares it or copy=False does not raise?"""
    on_the_cpu(backend)
    for how, array in layouts(dtype):
        if not array.size:
            continue
        made = backend.from_dlpack(producer(array))
        array[...] = other_elements(array)
        if difference("", numpy_copy(backend, made), array.copy()) is None:
            continue
        for name in ("from_numpy", "from_dlpack"):
            try:
                if name == "from_numpy":
                    other = backend.from_numpy(array)
                else:
                    other = backend.from_dlpack(producer(array), copy=False)
            except Exception:
                continue
            array[...] = other_elements(array)
            if difference("", numpy_copy(backend, other), array.copy()) is None:
                return f"an array {how} is copied, whose memory {name} shares"
    return None


@probe("from_dlpack", "its own arrays")
def own_arrays(backend: Backend, dtype: DType) -> str | None:
    """Does an array come back that was exported?"""
    want = elements(dtype, 4, 6)
    x = native(backend, want, dtype)
    for view, right in ((x, want), (backend.permute_dims(x, (1, 0)), want.T)):
        made = backend.from_dlpack(Exported(backend, view))
        if backend.dtype_of(made.dtype) is not dtype:
            return f"an array comes back as one of {backend.dtype_of(made.dtype)}"
        problem = difference("an array that comes back", numpy_copy(backend, made), right)
        if problem is not None:
            return problem
    return None


@probe("to_dlpack", "consumers of before version 1")
def to_dlpack_without_arguments(backend: Backend, dtype: DType) -> str | None:
    """Does a consumer get the elements that asks for no version, no device and no copy?"""
    on_the_cpu(backend)
    want = elements(dtype, 2, 3)
    x = native(backend, want, dtype)
    taken = get_backend("numpy").from_dlpack(Plainly(backend, x))
    return difference("what it gets", np.array(taken), want)


class Plainly(Exported):
    """What a consumer gets that asks for nothing in particular."""

    def __dlpack__(self, **asked: Any) -> Any:
        return self.backend.to_dlpack(self.array)

"""``strides``, ``same_strides``, ``is_contiguous``, ``data_pointer``, ``owns_memory`` and ``writable``."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Backend, BackendError, DType
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy, other_elements
from pullback_conformance.contract.probe import NotAsked, probe


def in_every_order(backend: Backend, dtype: DType) -> list[tuple[str, Any, Any]]:
    """Arrays of the backend, views of one of 4 by 6 elements, and NumPy's made in the same way."""
    want = elements(dtype, 4, 6)
    x = native(backend, want, dtype)
    return [
        ("a row-major array", x, want),
        ("one of permuted dimensions", backend.permute_dims(x, (1, 0)), want.T),
        ("every other column", backend.getitem(x, (slice(None), slice(None, None, 2))), want[:, ::2]),
        ("all but the first row", backend.getitem(x, (slice(1, None),)), want[1:]),
        ("all but the first column", backend.getitem(x, (slice(None), slice(1, None))), want[:, 1:]),
        ("one column", backend.getitem(x, (slice(None), 2)), want[:, 2]),
        ("one element", backend.getitem(x, (3, 5)), want[3, 5, ...]),
        ("one of three dimensions", backend.reshape(x, (2, 2, 6)), want.reshape(2, 2, 6)),
        ("one that is expanded", backend.broadcast_to(x, (2, 4, 6)), np.broadcast_to(want, (2, 4, 6))),
    ]


@probe("strides", "views", mutable=True)
def strides(backend: Backend, dtype: DType) -> str | None:
    """Are strides those of the elements, in elements?"""
    for how, view, right in in_every_order(backend, dtype):
        want = tuple(s // right.itemsize for s in right.strides)
        got = backend.strides(view)
        if got is None or tuple(got) != want:
            return f"the strides of {how} are said to be {got}, not {want}"
    return None


@probe("strides", "arrays that nobody writes to", mutable=False)
def no_strides(backend: Backend, dtype: DType) -> str | None:
    """Are there none, for arrays count as row-major?"""
    for how, view, _ in in_every_order(backend, dtype):
        if backend.strides(view) is not None:
            return f"the strides of {how} are said to be {backend.strides(view)}, where arrays are immutable"
        if not backend.is_contiguous(view):
            return f"{how} is said not to be contiguous, where arrays are immutable"
    return None


@probe("same_strides", "pairs of arrays", mutable=True)
def same_strides(backend: Backend, dtype: DType) -> str | None:
    """Is it true of two arrays whose elements lie in the same order, and of no others?"""
    square = native(backend, elements(dtype, 4, 4), dtype)
    other = native(backend, elements(dtype, 4, 4), dtype)
    wide = native(backend, elements(dtype, 4, 8), dtype)
    half = backend.getitem(wide, (slice(None), slice(0, 4)))
    stepped = backend.getitem(wide, (slice(None), slice(None, None, 2)))
    turned, tall = backend.permute_dims(square, (1, 0)), native(backend, elements(dtype, 2, 3), dtype)
    across = backend.permute_dims(native(backend, elements(dtype, 3, 2), dtype), (1, 0))
    pairs = [
        ("two row-major arrays", square, other, True),
        ("an array and itself", turned, turned, True),
        ("an array and its transpose", square, turned, False),
        ("an array and the columns of a wider one", square, half, False),
        ("an array and every other column of a wider one", square, stepped, False),
        ("a row-major array and the transpose of another", tall, across, False),
    ]
    for how, one, two, want in pairs:
        for left, right in ((one, two), (two, one)):
            if bool(backend.same_strides(left, right)) is not want:
                return f"the strides of {how} are said to be {'different' if want else 'the same'}"
    return None


@probe("is_contiguous", "views", mutable=True)
def is_contiguous(backend: Backend, dtype: DType) -> str | None:
    """Is it true of arrays in row-major order without gaps, and of no others?"""
    for how, view, right in in_every_order(backend, dtype):
        want = bool(right.flags.c_contiguous)
        if bool(backend.is_contiguous(view)) is not want:
            return f"{how} is said {'not ' if want else ''}to be contiguous"
    return None


@probe("data_pointer", "views", mutable=True)
def data_pointer(backend: Backend, dtype: DType) -> str | None:
    """Is it the address of the first element: of a view as far behind its base's as the element is?"""
    views = in_every_order(backend, dtype)
    base = backend.data_pointer(views[0][1])
    if base is None:
        raise NotAsked("the library tells no addresses")
    start = views[0][2].__array_interface__["data"][0]
    for how, view, right in views:
        got, want = backend.data_pointer(view), right.__array_interface__["data"][0] - start
        if got is None or got - base != want:
            return f"{how} begins {got if got is None else got - base} bytes behind what it is a view of, not {want}"
    other = native(backend, elements(dtype, 4, 6), dtype)
    if backend.data_pointer(other) == base:
        return "two arrays are said to be in one place"
    return None


@probe("owns_memory", "views", mutable=True)
def owns_memory(backend: Backend, dtype: DType) -> str | None:
    """Does no view claim the memory that it shares?"""
    for how, view, _ in in_every_order(backend, dtype)[1:]:
        if backend.owns_memory(view):
            return f"{how}, a view, is said to own its memory"
    return None


@probe("writable", "arrays that can be written", mutable=True)
def writable(backend: Backend, dtype: DType) -> str | None:
    """Can be written what is said to be writable, and are new arrays and their views?"""
    for how, view, _ in in_every_order(backend, dtype)[:-1]:
        if not backend.writable(view):
            return f"{how} is said not to be writable"
    array = elements(dtype, 3)
    before = array.copy()
    array.flags.writeable = False
    x = backend.from_numpy(array)
    if not backend.writable(x):
        return None
    value = native(backend, other_elements(before), dtype)
    try:
        backend.assign(x, value)
    except Exception as error:
        return f"an array in read-only memory is said to be writable, and raises {type(error).__name__}: {error}"
    if difference("", np.array(array), before) is not None:
        return "an array in read-only memory is written to"
    return difference("what was written", numpy_copy(backend, x), other_elements(before))


@probe("writable", "arrays that nobody writes to", mutable=False)
def nothing_is_writable(backend: Backend, dtype: DType) -> str | None:
    """Is nothing said to be writable, and does writing raise a BackendError?"""
    want = elements(dtype, 3)
    x = native(backend, want, dtype)
    if backend.writable(x):
        return "an array is said to be writable, where arrays are immutable"
    if backend.inplace_kernels:
        return f"{sorted(backend.inplace_kernels)[0]} is said to accept out=, where arrays are immutable"
    try:
        backend.assign(x, native(backend, other_elements(want), dtype))
    except BackendError:
        return difference("an array", numpy_copy(backend, x), want)
    except Exception as error:
        return f"assign raises {type(error).__name__}, not BackendError"
    return "assign raises nothing, where arrays are immutable"

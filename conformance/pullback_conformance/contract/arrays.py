"""Arrays for probes: NumPy's, of values that every dtype holds, in every layout; and comparing what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from pullback.extend import Backend, DType, get_backend


def numpy_dtype(dtype: DType) -> Any:
    """NumPy's dtype for one of pullback's."""
    return get_backend("numpy").native_dtype(dtype)


def elements(dtype: DType, *shape: int) -> Any:
    """A NumPy array whose elements differ from their neighbours, and whose last one is true."""
    numbers = np.arange(1, prod(shape) + 1)
    if dtype.category == 0:
        values = (numbers + prod(shape)) % 3 != 2
        values[-1:] = True
    elif dtype.category == 1:
        values = 1 + numbers % 100
    elif dtype.is_complex:
        values = 1 + numbers % 100 - 0.5j * (numbers % 50)
    else:
        values = (1 + numbers % 100) * np.where(numbers % 2, 0.5, -0.5)
    return values.astype(numpy_dtype(dtype)).reshape(shape)


def other_elements(array: Any) -> Any:
    """An array each of whose elements differs from that of the array."""
    return ~array if array.dtype == bool else (array + np.ones((), array.dtype)).astype(array.dtype)


def layouts(dtype: DType) -> Iterator[tuple[str, Any]]:
    """NumPy arrays that lie in memory in every way, with a word for it."""
    yield "row-major", elements(dtype, 3, 4)
    yield "0-d", elements(dtype, 1).reshape(())
    yield "empty", elements(dtype, 0, 3)
    yield "columnwise", elements(dtype, 4, 3).T
    yield "with a step", elements(dtype, 3, 8)[:, ::2]
    yield "beginning inside its memory", elements(dtype, 10)[3:]
    yield "a row of several", elements(dtype, 3, 4)[1]
    yield "permuted", elements(dtype, 2, 3, 4).transpose(1, 2, 0)
    yield "of 2000 elements", elements(dtype, 2000)


def native(backend: Backend, array: Any, dtype: DType) -> Any:
    """The array on a backend, in memory of its own."""
    return backend.from_data(np.array(array, order="C"), dtype, None)


def numpy_copy(backend: Backend, array: Any) -> Any:
    """What NumPy has of an array now, in memory of its own."""
    return np.array(backend.to_numpy(array))


def difference(what: str, got: Any, want: Any) -> str | None:
    """How two NumPy arrays differ, in dtype, shape or the bits of an element; None where they do not."""
    if not isinstance(got, np.ndarray):
        return f"{what} is of {type(got).__name__}, no NumPy array"
    if got.dtype != want.dtype:
        return f"{what} has dtype {got.dtype}, not {want.dtype}"
    if got.shape != want.shape:
        return f"{what} has shape {got.shape}, not {want.shape}"
    size = want.dtype.itemsize
    left, right = np.array(got, order="C").tobytes(), np.array(want, order="C").tobytes()
    if left == right:
        return None
    for place in range(want.size):
        if left[place * size : (place + 1) * size] != right[place * size : (place + 1) * size]:
            index = tuple(int(i) for i in np.unravel_index(place, want.shape))
            return f"{what} has {got[index]!s} at {list(index)}, not {want[index]!s}"
    return None


def arrived(backend: Backend, made: Any, dtype: DType, want: Any, how: str) -> str | None:
    """What is wrong with an array of the backend that has to have a NumPy array's elements."""
    if not backend.is_array(made):
        return f"an array {how} becomes an object of {type(made).__name__}, no array of the backend"
    known = backend.dtype_of(made.dtype)
    if known is not dtype:
        return f"an array {how} becomes one of {known.name}, not {dtype.name}"
    return difference(f"an array {how}", numpy_copy(backend, made), np.array(want))


def after_a_write(backend: Backend, dtype: DType, make: Callable[[Any], Any]) -> str | None:
    """What is wrong with arrays made of NumPy's that have to stay when those are written to, and be writable."""
    for how, array in layouts(dtype):
        before = array.copy()
        made = make(array)
        array[...] = other_elements(array)
        problem = arrived(backend, made, dtype, before, how)
        if problem is not None:
            return f"{problem}, after NumPy's array was written to"
        if backend.mutable and not backend.writable(made):
            return f"what is made of an array {how} cannot be written to"
    return None


def refusal(error: type[Exception], call: Any) -> str | None:
    """What a call that has to raise does instead; None where it raises an error of that class."""
    try:
        result = call()
    except error:
        return None
    except Exception as other:
        return f"raises {type(other).__name__}, not {error.__name__}: {other}"
    return f"raises no {error.__name__}, and gives {str(result)[:60]}"


def first(problems: Iterator[str | None]) -> str | None:
    """The first problem that there is."""
    return next((problem for problem in problems if problem is not None), None)

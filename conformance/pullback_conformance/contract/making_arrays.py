"""``from_data``, ``copy``, ``is_array``, ``as_array`` and ``number``: arrays of data, of arrays and of results."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Backend, DType, dtypes, iinfo
from pullback_conformance.contract.arrays import (
    after_a_write,
    difference,
    elements,
    layouts,
    native,
    numpy_copy,
    numpy_dtype,
    other_elements,
)
from pullback_conformance.contract.probe import NotAsked, any_dtype, probe


@probe("from_data", "lists and numbers")
def from_lists(backend: Backend, dtype: DType) -> str | None:
    """Does the array have the numbers of nested lists, or of one number, in the dtype asked for?"""
    wide = {2: "d", 3: "D"}.get(dtype.category)
    for want in (elements(dtype, 2, 3), elements(dtype, 1).reshape(()), elements(dtype, 0), elements(dtype, 2, 0)):
        data = (want if wide is None else want.astype(wide)).tolist()
        made = backend.from_data(data, dtype, None)
        if not backend.is_array(made):
            return f"{data!r} becomes an object of {type(made).__name__}, no array of the backend"
        if backend.dtype_of(made.dtype) is not dtype:
            return f"{data!r} becomes an array of {backend.dtype_of(made.dtype).name}, not {dtype.name}"
        problem = difference(f"the array of {data!r}", numpy_copy(backend, made), want)
        if problem is not None:
            return problem
    return None


@probe("from_data", "the ends of integers", dtypes=lambda dtype: dtype.category == 1)
def from_large_integers(backend: Backend, dtype: DType) -> str | None:
    """Are the largest and the smallest integers kept to the last digit?"""
    ends = iinfo(dtype)
    data = [ends.max, ends.max - 1, ends.min, ends.min + 1]
    got = backend.to_numpy(backend.from_data(data, dtype, None)).tolist()
    return None if got == data else f"{data} becomes {got}"


@probe("from_data", "NumPy's arrays")
def from_numpy_arrays(backend: Backend, dtype: DType) -> str | None:
    """Does the array have the elements of NumPy's, of this dtype and of another, in every layout?"""
    for how, array in layouts(dtype):
        made = backend.from_data(array, dtype, None)
        if backend.dtype_of(made.dtype) is not dtype:
            return f"an array {how} becomes one of {backend.dtype_of(made.dtype).name}, not {dtype.name}"
        problem = difference(f"an array {how}", numpy_copy(backend, made), array)
        if problem is not None:
            return problem
    other = elements(dtypes.by_name["uint8"], 5)
    got = numpy_copy(backend, backend.from_data(other, dtype, None))
    return difference("an array of uint8", got, other.astype(numpy_dtype(dtype)))


@probe("from_data", "memory of its own")
def from_data_is_new(backend: Backend, dtype: DType) -> str | None:
    """Is the array a new one, which stays when NumPy's is written to?"""
    return after_a_write(backend, dtype, lambda array: backend.from_data(array, dtype, None))


@probe("copy", "elements and memory")
def copies(backend: Backend, dtype: DType) -> str | None:
    """Is a copy contiguous, equal, and in memory of its own?"""
    x = native(backend, elements(dtype, 4, 6), dtype)
    want = elements(dtype, 4, 6)
    views = [
        ("a row-major array", x, want),
        ("one of permuted dimensions", backend.permute_dims(x, (1, 0)), want.T),
        ("one with a step", backend.getitem(x, (slice(1, None), slice(None, None, 2))), want[1:, ::2]),
        ("one that is expanded", backend.broadcast_to(x, (2, 4, 6)), np.broadcast_to(want, (2, 4, 6))),
        ("one of no dimensions", backend.getitem(x, (1, 2)), want[1, 2, ...]),
        ("one without elements", backend.getitem(x, (slice(0, 0),)), want[:0]),
    ]
    made = [(how, backend.copy(view), right.copy()) for how, view, right in views]
    for _ in range(2):
        for how, copy, right in made:
            problem = difference(f"the copy of {how}", numpy_copy(backend, copy), right)
            if problem is not None:
                return problem
            if not backend.is_contiguous(copy):
                return f"the copy of {how} is not contiguous"
            if backend.mutable and not backend.writable(copy):
                return f"the copy of {how} cannot be written to"
        if backend.mutable:  # and once more after this
            backend.assign(x, native(backend, other_elements(want), dtype))
    return None


@probe("copy", "writing into it", mutable=True)
def copies_that_are_written(backend: Backend, dtype: DType) -> str | None:
    """Does an array stay as it is when its copy is written to?"""
    want = elements(dtype, 4, 6)
    x = native(backend, want, dtype)
    for view in (x, backend.permute_dims(x, (1, 0)), backend.getitem(x, (1, 2))):
        copy = backend.copy(view)
        backend.assign(copy, native(backend, other_elements(numpy_copy(backend, copy)), dtype))
        problem = difference("the array", numpy_copy(backend, x), want)
        if problem is not None:
            return f"{problem}, after a copy was written to"
    return None


@probe("is_array", "what is one", dtypes=any_dtype)
def is_array(backend: Backend, dtype: DType) -> str | None:
    """Is an array of the backend one, and nothing else?"""
    for shape in ((2, 3), (), (0,)):
        x = backend.zeros(shape, dtype=backend.native_dtype(dtype))
        if backend.is_array(x) is not True:
            return f"an array of shape {shape} is said to be none"
    for other in ([1.0], (), 1.0, 1, True, None, "a", object()):
        if backend.is_array(other):
            return f"{other!r} is said to be an array of the backend"
    return None


@probe("as_array", "results of kernels")
def as_array(backend: Backend, dtype: DType) -> str | None:
    """Is a kernel's result an array, of no dimensions where the library gives a scalar?"""
    x = native(backend, elements(dtype, 3), dtype)
    if numpy_copy(backend, backend.as_array(x)).tolist() != elements(dtype, 3).tolist():
        return "an array becomes another one"
    scalars = [backend.getitem(x, 1)] if dtype.is_complex else [backend.getitem(x, 1), backend.max(x)]
    for result in scalars:
        made = backend.as_array(result)
        if not backend.is_array(made):
            return f"a result of {type(result).__name__} becomes an object of {type(made).__name__}"
        if tuple(made.shape) or backend.dtype_of(made.dtype) is not dtype:
            return f"a scalar of {dtype.name} becomes an array of shape {tuple(made.shape)} and dtype {made.dtype}"
    return None


@probe("number", "beside arrays", dtypes=lambda dtype: dtype.category >= 1)
def numbers(backend: Backend, dtype: DType) -> str | None:
    """Is a number in a dtype that number to a kernel, beside an array of it?"""
    want = elements(dtype, 4)
    x = native(backend, want, dtype)
    for value in (2, 0, 1):
        number = backend.number(value, dtype)
        got = backend.as_array(backend.add(x, number))
        problem = difference(f"x + {value}", numpy_copy(backend, got), want + np.array(value, want.dtype))
        if problem is not None:
            return problem
    return None


@probe("array_type", "of new arrays")
def array_type(backend: Backend, dtype: DType) -> str | None:
    """Is it the exact class of an array?"""
    kind = backend.native_dtype(dtype)
    made = {"zeros": backend.zeros((2,), dtype=kind), "from_data": backend.from_data([1, 0], dtype, None)}
    for how, array in made.items():
        if type(array) is not backend.array_type:
            return f"an array of {how} is of {type(array).__name__}, not {backend.array_type.__name__}"
    return None


@probe("strong_scalar_dtypes", "beside Python's numbers", dtypes=lambda dtype: dtype.category >= 1)
def scalars(backend: Backend, dtype: DType) -> str | None:
    """Do dtypes survive an operation with a Python number, all but those that are said not to?"""
    if dtype in backend.strong_scalar_dtypes:
        raise NotAsked("it is said that the dtype does not survive")
    want = elements(dtype, 3)
    x = native(backend, want, dtype)
    numbers: list[Any] = [2] if dtype.category == 1 else [2, 0.5]
    for number in numbers:
        other = np.array(number, want.dtype)
        for name, right in (("multiply", want * other), ("add", want + other)):
            got = backend.as_array(getattr(backend, name)(x, number))
            problem = difference(f"{name} of an array and {number}", numpy_copy(backend, got), right)
            if problem is not None:
                return problem
    return None


@probe("any_negative", "positions", dtypes=lambda dtype: dtype.name == "int64")
def any_negative(backend: Backend, dtype: DType) -> str | None:
    """Is it known whether a position is negative?"""
    for positions in ([0, 1, 2], [], [3, -1], [-5], [[1, 2], [0, -7]]):
        got = backend.any_negative(native(backend, np.array(positions, np.int64), dtype))
        if got is not bool((np.array(positions) < 0).any()):
            return f"it says {got!r} of {positions}"
    return None

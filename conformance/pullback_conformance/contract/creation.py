"""``zeros``, ``ones``, ``full``, ``empty``, ``eye``, ``arange`` and ``linspace``: new arrays of known numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Backend, DType
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy, numpy_dtype
from pullback_conformance.contract.exact_conversion import converted
from pullback_conformance.contract.probe import probe

SHAPES = ((), (0,), (3,), (2, 0), (2, 3), (300,))


def new(backend: Backend, name: str, made: Any, want: Any, dtype: DType) -> str | None:
    """What is wrong with a new array."""
    if not backend.is_array(made):
        return f"{name} gives an object of {type(made).__name__}, no array of the backend"
    if backend.dtype_of(made.dtype) is not dtype:
        return f"{name} gives an array of {backend.dtype_of(made.dtype).name}, not {dtype.name}"
    problem = difference(name, numpy_copy(backend, made), want)
    if problem is not None:
        return problem
    if backend.mutable and not backend.writable(made):
        return f"the array of {name} cannot be written to"
    return None


def filled(backend: Backend, dtype: DType, name: str, value: Any, *given: Any) -> str | None:
    """What is wrong with arrays of one number, of several shapes, each made twice."""
    kind, make = backend.native_dtype(dtype), getattr(backend, name)
    for shape in SHAPES:
        want = np.full(shape, value, numpy_dtype(dtype))
        one, other = (make(shape, *given, dtype=kind) for _ in range(2))
        problem = new(backend, f"{name}({shape})", one, want, dtype)
        if problem is None and backend.mutable and want.size:
            backend.assign(one, native(backend, elements(dtype, 1).reshape(()), dtype))
            again = make(shape, *given, dtype=kind)
            for array in (other, again):
                problem = problem or difference(f"{name}({shape})", numpy_copy(backend, array), want)
            problem = problem and f"{problem}, after another such array was written to"
        if problem is not None:
            return problem
    return None


@probe("zeros", "values and memory")
def zeros(backend: Backend, dtype: DType) -> str | None:
    """Are all elements 0, in memory of the array's own?"""
    return filled(backend, dtype, "zeros", 0)


@probe("ones", "values and memory")
def ones(backend: Backend, dtype: DType) -> str | None:
    """Are all elements 1, in memory of the array's own?"""
    return filled(backend, dtype, "ones", 1)


@probe("full", "values and memory")
def full(backend: Backend, dtype: DType) -> str | None:
    """Are all elements the number that is given, in memory of the array's own?"""
    value = elements(dtype, 3)[1].item() if dtype.name != "bfloat16" else float(elements(dtype, 3)[1])
    return filled(backend, dtype, "full", value, value)


@probe("empty", "shape and memory")
def empty(backend: Backend, dtype: DType) -> str | None:
    """Is the array of the shape and dtype that are asked for, and does it keep what is written into it?"""
    for shape in SHAPES:
        made = backend.empty(shape, dtype=backend.native_dtype(dtype))
        if tuple(made.shape) != shape or backend.dtype_of(made.dtype) is not dtype:
            return f"empty({shape}) gives an array of shape {tuple(made.shape)} and {backend.dtype_of(made.dtype).name}"
        if backend.mutable:
            want = elements(dtype, *shape)
            backend.assign(made, native(backend, want, dtype))
            problem = difference(f"what was written into empty({shape})", numpy_copy(backend, made), want)
            if problem is not None:
                return problem
    return None


@probe("eye", "values")
def eye(backend: Backend, dtype: DType) -> str | None:
    """Are the elements of the diagonal 1 and all others 0, of matrices with more rows or columns too?"""
    kind = backend.native_dtype(dtype)
    for rows, columns in ((3, None), (2, 4), (4, 2), (0, 2)):
        want = np.eye(rows, columns, dtype=numpy_dtype(dtype))
        problem = new(backend, f"eye({rows}, {columns})", backend.eye(rows, columns, dtype=kind), want, dtype)
        if problem is not None:
            return problem
    return None


def held(values: list[Any], dtype: DType) -> Any:
    """Numbers in a dtype, each rounded once."""
    wide = {0: "?", 1: None, 2: "d", 3: "D"}[dtype.category]
    numbers = [converted(v, dtype) for v in values]
    return np.array(numbers, wide or numpy_dtype(dtype)).astype(numpy_dtype(dtype))


@probe("arange", "values", dtypes=lambda dtype: dtype.category >= 1)
def arange(backend: Backend, dtype: DType) -> str | None:
    """Is each element start + i * step, computed in double precision where it is no integer?"""
    kind = backend.native_dtype(dtype)
    ranges: list[tuple[Any, Any, Any]] = [(0, 8, 1), (2, 24, 3), (0, 0, 1), (3, 0, 1), (30, 8, -3), (0, 100, 1)]
    if dtype.category == 1:
        if dtype.itemsize == 8:
            ranges.append((2**53 + 1, 2**53 + 16, 2))
    else:
        ranges += [(0.5, 2.5, 0.25), (-1.0, -0.2, 0.1), (1.0, -1.2, -0.3)]
    for start, stop, step in ranges:
        count = max(0, int(np.ceil((stop - start) / step)))
        want = held([start + i * step for i in range(count)], dtype)
        made = backend.arange(start, stop, step, dtype=kind)
        problem = new(backend, f"arange({start}, {stop}, {step})", made, want, dtype)
        if problem is not None:
            return problem
    return None


@probe("linspace", "values", dtypes=lambda dtype: dtype.category >= 2)
def linspace(backend: Backend, dtype: DType) -> str | None:
    """Are both ends exact, and the elements between them those of double precision, from the nearer end?"""
    kind = backend.native_dtype(dtype)
    for start, stop, count in ((0.0, 1.0, 7), (-1.0, 3.0, 7), (2.0, -2.0, 8), (0.0, 1.0, 1), (0.0, 1.0, 0)):
        step = (stop - start) / max(count - 1, 1)
        half = 1 if count == 1 else count // 2
        values = [start + i * step if i < half else stop - (count - 1 - i) * step for i in range(count)]
        made = backend.linspace(start, stop, count, dtype=kind)
        problem = new(backend, f"linspace({start}, {stop}, {count})", made, held(values, dtype), dtype)
        if problem is not None:
            return problem
    return None

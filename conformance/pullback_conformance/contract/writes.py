"""``assign``, and the kernels that may overwrite their first operand: ``index_put_into`` and its like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.extend import Backend, DType, dtypes
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy, other_elements
from pullback_conformance.contract.probe import probe


def parts(backend: Backend, dtype: DType, *shape: int) -> Iterator[tuple[str, Any, Any, Any, Any]]:
    """Arrays of two dimensions in every layout, and what each is a view of: the backend's, and NumPy's."""
    rows, columns = shape
    want = elements(dtype, rows, columns)
    x = native(backend, want, dtype)
    yield "a row-major array", x, x, want, want
    if not backend.mutable:
        return
    want = elements(dtype, columns, rows)
    x = native(backend, want, dtype)
    yield "one of permuted dimensions", x, backend.permute_dims(x, (1, 0)), want, want.T
    want = elements(dtype, rows + 1, 2 * columns)
    x = native(backend, want, dtype)
    view = backend.getitem(x, (slice(1, None), slice(None, None, 2)))
    yield "one with a step and an offset", x, view, want, want[1:, ::2]
    want = elements(dtype, rows, columns + 3)
    x = native(backend, want, dtype)
    view = backend.getitem(x, (slice(None), slice(2, columns + 2)))
    yield "columns of a wider one", x, view, want, want[:, 2 : columns + 2]


@probe("assign", "layouts", mutable=True)
def assign(backend: Backend, dtype: DType) -> str | None:
    """Is every element written, and none beside it, of arrays that lie in memory in any way?"""
    for shape in ((3, 4), (20, 30)):
        values = [other_elements(elements(dtype, *shape)), elements(dtype, shape[1]), elements(dtype, shape[0], 1),
                  elements(dtype, 3)[2, ...]]  # fmt: skip
        for value in values:
            for how, x, view, base, seen in parts(backend, dtype, *shape):
                backend.assign(view, native(backend, value, dtype))
                seen[...] = value
                problem = difference("what was written into", numpy_copy(backend, x), base)
                if problem is not None:
                    return f"{how} of shape {shape}, a value of shape {value.shape}: {problem}"
    return None


@probe("assign", "values in every layout", mutable=True)
def assign_of_layouts(backend: Backend, dtype: DType) -> str | None:
    """Is every element of a value written where it belongs, however the value lies in memory?"""
    for shape in ((3, 4), (4, 4), (20, 30)):
        for _, _, target, _, seen in parts(backend, dtype, *shape):
            for how, _, value, _, want in parts(backend, dtype, *shape):
                backend.assign(target, native(backend, other_elements(seen), dtype))
                backend.assign(target, value)
                problem = difference("what was written", numpy_copy(backend, target), np.array(want))
                if problem is not None:
                    return f"the value is {how} of shape {shape}: {problem}"
    return None


@probe("assign", "vectors and single elements", mutable=True)
def assign_of_vectors(backend: Backend, dtype: DType) -> str | None:
    """Is every element written, of vectors of any length, and of arrays of no dimensions or no elements?"""
    for length in (0, 1, 7, 9, 64, 129, 1000):
        want = other_elements(elements(dtype, length))
        x = native(backend, elements(dtype, length), dtype)
        backend.assign(x, native(backend, want, dtype))
        problem = difference(f"a vector of {length} elements", numpy_copy(backend, x), want)
        if problem is not None:
            return problem
        step = backend.getitem(x, (slice(None, None, 2),))
        backend.assign(step, native(backend, elements(dtype, length)[::2], dtype))
        want[::2] = elements(dtype, length)[::2]
        problem = difference(f"every other of {length} elements", numpy_copy(backend, x), want)
        if problem is not None:
            return problem
    want = elements(dtype, 2, 3)
    x = native(backend, want, dtype)
    want[1, 2] = other_elements(want)[1, 2]
    backend.assign(backend.getitem(x, (1, 2)), native(backend, want[1, 2], dtype))
    return difference("one element", numpy_copy(backend, x), want)


@probe("assign", "the value", mutable=True)
def assign_leaves_the_value(backend: Backend, dtype: DType) -> str | None:
    """Does what is written stay as it is, and the array when the value changes afterwards?"""
    want = other_elements(elements(dtype, 3, 4))
    x, value = native(backend, elements(dtype, 3, 4), dtype), native(backend, want, dtype)
    backend.assign(x, value)
    problem = difference("the value", numpy_copy(backend, value), want)
    if problem is not None:
        return problem
    backend.assign(value, native(backend, elements(dtype, 3, 4), dtype))
    return difference("the array", numpy_copy(backend, x), want)


def overwritten(backend: Backend, x: Any, base: Any, result: Any, want: Any, how: str) -> str | None:
    """What is wrong with the result of a kernel that may have overwritten a part of ``x``.

    ``base`` is what ``x`` was, and what it has to be once it is written: it may be either.
    """
    problem = difference(f"the result for {how}", numpy_copy(backend, result), want)
    if problem is not None:
        return problem
    now = numpy_copy(backend, x)
    if difference("", now, base[0]) is None:  # a copy was made
        return None
    if not backend.mutable:
        return f"{how} is overwritten, where arrays are immutable"
    return difference(f"what {how} is a view of", now, base[1])


@probe("index_put_into", "layouts", mutable=True)
@probe("index_put_into", "layouts of immutable arrays", mutable=False, long=True)
def index_put_into(backend: Backend, dtype: DType) -> str | None:
    """Are the elements at the positions replaced, or added to once for each time that they are named?"""
    integer = dtypes.by_name["int64"]
    positions = [np.array([0, 2]), np.array([2, 0, 2])]
    for accumulate in (False, True):
        if accumulate and dtype.category == 0:
            continue
        for rows in positions if accumulate else positions[:1]:
            values = elements(dtype, len(rows), 4)
            for how, x, view, base, seen in parts(backend, dtype, 3, 4):
                before = base.copy()
                if accumulate:
                    for row, value in zip(rows, values, strict=True):
                        seen[row] += value
                else:
                    seen[rows] = values
                key = (native(backend, rows, integer),)
                put = native(backend, values, dtype)
                with backend.guard():
                    result = backend.index_put_into(view, key, put, accumulate)
                problem = overwritten(backend, x, (before, base), result, seen.copy(), how)
                problem = problem or difference("the values", numpy_copy(backend, put), values)
                problem = problem or difference("the positions", numpy_copy(backend, key[0]), rows)
                if problem is not None:
                    return f"{problem} (rows {rows.tolist()}{', added up' if accumulate else ''})"
    return None


@probe("index_put_into", "masks", mutable=True)
@probe("index_put_into", "masks of immutable arrays", mutable=False, long=True)
def index_put_into_masks(backend: Backend, dtype: DType) -> str | None:
    """Are the elements replaced where a mask is true, by one value and by as many as there are?"""
    mask = np.arange(12).reshape(3, 4) % 5 < 2
    for values in (elements(dtype, int(mask.sum())), elements(dtype, 3)[2, ...]):
        for how, x, view, base, seen in parts(backend, dtype, 3, 4):
            before = base.copy()
            seen[mask] = values
            key = (native(backend, mask, dtypes.bool_),)
            result = backend.index_put_into(view, key, native(backend, values, dtype), False)
            problem = overwritten(backend, x, (before, base), result, seen.copy(), how)
            problem = problem or difference("the mask", numpy_copy(backend, key[0]), mask)
            if problem is not None:
                return problem
    return None


@probe("index_put_into", "positions out of range", mutable=True)
def index_put_into_raises(backend: Backend, dtype: DType) -> str | None:
    """Is nothing written where a position is out of range?"""
    want = elements(dtype, 3, 4)
    x = native(backend, want, dtype)
    key = (native(backend, np.array([0, 5]), dtypes.by_name["int64"]),)
    try:
        backend.index_put_into(x, key, native(backend, elements(dtype, 2, 4), dtype), False)
    except Exception:
        return difference("the array", numpy_copy(backend, x), want)
    return "position 5 of 3 rows raises nothing"


@probe("scatter_into", "layouts", mutable=True)
@probe("scatter_into", "layouts of immutable arrays", mutable=False, long=True)
def scatter_into(backend: Backend, dtype: DType) -> str | None:
    """Are elements replaced, added to, multiplied or compared, each as often as it is named?"""
    index = np.array([[0, 2, 1, 0], [2, 2, 0, 1]])
    combined = {"add": lambda a, b: a + b, "multiply": lambda a, b: a * b, "max": max, "min": min}
    for reduce in (None, *combined):
        if reduce is not None and (dtype.category == 0 or (dtype.is_complex and reduce in ("max", "min"))):
            continue
        values = elements(dtype, 2, 4)
        for how, x, view, base, seen in parts(backend, dtype, 3, 4):
            before = base.copy()
            rows = index[:1] if reduce is None else index
            with np.errstate(all="ignore"):
                for place in np.ndindex(*rows.shape):
                    target = (int(rows[place]), place[1])
                    value = values[place]
                    seen[target] = value if reduce is None else combined[reduce](seen[target], value)
            positions = native(backend, rows, dtypes.by_name["int64"])
            put = native(backend, values[: len(rows)], dtype)
            with backend.guard():
                result = backend.scatter_into(view, 0, positions, put, reduce)
            problem = overwritten(backend, x, (before, base), result, seen.copy(), how)
            problem = problem or difference("the values", numpy_copy(backend, put), values[: len(rows)])
            problem = problem or difference("the positions", numpy_copy(backend, positions), rows)
            if problem is not None:
                return f"{problem} (reduce={reduce!r})"
    return None


@probe("scatter_into", "no dimensions")
def scatter_into_a_scalar(backend: Backend, dtype: DType) -> str | None:
    """Is the one element replaced of an array without dimensions?"""
    want = elements(dtype, 2)[1, ...]
    x = native(backend, other_elements(want), dtype)
    index = native(backend, np.array(0), dtypes.by_name["int64"])
    result = backend.scatter_into(x, 0, index, native(backend, want, dtype), None)
    return difference("the result", numpy_copy(backend, result), np.array(want))


@probe("fill_where_into", "masks", mutable=True)
@probe("fill_where_into", "masks of immutable arrays", mutable=False, long=True)
def fill_where_into(backend: Backend, dtype: DType) -> str | None:
    """Is each element replaced where the mask is true, which may broadcast, and no other?"""
    for shape in ((3, 4), (70, 80)):
        whole = np.arange(shape[0] * shape[1]).reshape(shape) % 5 < 2
        ones = np.ones(shape, bool)
        masks = [whole, whole[0], whole[:, :1], whole[1:2], whole[0, 0, ...], ones, ~ones]
        for mask in masks:
            for how, x, view, base, seen in parts(backend, dtype, *shape):
                before = base.copy()
                value = other_elements(elements(dtype, 2))[1, ...]
                np.copyto(seen, value, where=mask)
                given, filled = native(backend, mask, dtypes.bool_), native(backend, value, dtype)
                result = backend.fill_where_into(view, given, filled)
                problem = overwritten(backend, x, (before, base), result, seen.copy(), how)
                problem = problem or difference("the mask", numpy_copy(backend, given), mask)
                problem = problem or difference("the value", numpy_copy(backend, filled), np.array(value))
                if problem is not None:
                    return f"{problem} (a mask of shape {mask.shape})"
    return None

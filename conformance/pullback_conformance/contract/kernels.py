"""Kernels in ways of calling them that the contract has and few operations use."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Backend, DType
from pullback_conformance.contract.arrays import native, numpy_copy, numpy_dtype
from pullback_conformance.contract.probe import NotAsked, probe

#: Shapes of two operands, one vector or one batch among them.
PRODUCTS = (
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3, 4)), ((2, 3), (4, 3, 2)), ((2, 2, 3), (3,)),
    ((2, 1, 2, 3), (3, 3, 2)), ((2, 0), (0, 3)),
)  # fmt: skip
#: What is summed, and the shapes of the operands.
SUMS = (
    ("i,i->", ((3,), (3,))), ("ij->", ((2, 3),)), ("ij->i", ((2, 3),)), ("ij->ji", ((2, 3),)), ("ii->i", ((3, 3),)),
    ("ij,jk->ik", ((2, 3), (3, 2))), ("bij,bjk->bik", ((2, 2, 3), (2, 3, 2))), ("i,j->ij", ((2,), (3,))),
)  # fmt: skip


def numbers(dtype: DType) -> bool:
    """Of dtypes that are multiplied."""
    return dtype.category >= 1


def real_floating(dtype: DType) -> bool:
    """Of dtypes that hold NaN, and one number beside it."""
    return dtype.category == 2


def wide_floating(dtype: DType) -> bool:
    """Of dtypes that sums are kept in."""
    return dtype.category == 2 and dtype.itemsize > 2


def required(backend: Backend, name: str, dtype: DType) -> Any:
    """A kernel; where the backend has none, operations say so."""
    kernel = backend.kernel_for(name, dtype)
    if kernel is None:
        raise NotAsked(f"the backend has no kernel {name!r}")
    return kernel


def small_numbers(dtype: DType, *shape: int) -> Any:
    """Whole numbers whose sums of products every dtype holds, each its own."""
    return (1 + np.arange(int(np.prod(shape))) % 5).astype(numpy_dtype(dtype)).reshape(shape)


def unlike(backend: Backend, got: Any, want: Any) -> bool:
    """Whether an array is not the one of whole numbers that it should be."""
    found = numpy_copy(backend, got)
    return found.shape != want.shape or found.dtype != want.dtype or not np.array_equal(found, want)


@probe("any", "NaN and zeros", dtypes=real_floating)
def truth_of_numbers(backend: Backend, dtype: DType) -> str | None:
    """Is NaN true, and a zero of either sign not, along every axis?"""
    values = np.array([[np.nan, 0.0, -0.0], [0.0, -0.0, 0.0]]).astype(numpy_dtype(dtype))
    x = native(backend, values, dtype)
    for name, reduced in (("any", np.any), ("all", np.all)):
        kernel = required(backend, name, dtype)
        for axis in (None, 0, 1, (0, 1)):
            for keepdims in (False, True):
                want = np.asarray(reduced(values.astype(np.float64) != 0, axis=axis, keepdims=keepdims))
                if unlike(backend, kernel(x, axis, keepdims=keepdims), want):
                    return f"{name} of {values.tolist()}, axis {axis}, keepdims={keepdims}, is not {want.tolist()}"
    return None


@probe("matmul", "numbers of dimensions", dtypes=numbers)
def products_of_any_dimensions(backend: Backend, dtype: DType) -> str | None:
    """Are products of vectors, matrices and batches those of their last two dimensions?"""
    kernel = required(backend, "matmul", dtype)
    for shapes in PRODUCTS:
        left, right = (small_numbers(dtype, *shape) for shape in shapes)
        want = np.asarray(np.matmul(left.real.astype(np.float64), right.real.astype(np.float64))).astype(left.dtype)
        got = kernel(native(backend, left, dtype), native(backend, right, dtype))
        if unlike(backend, got, want):
            return f"the product of shapes {shapes[0]} and {shapes[1]} is not {want.tolist()}"
    return None


@probe("einsum", "what is summed", dtypes=numbers)
def sums_of_products(backend: Backend, dtype: DType) -> str | None:
    """Are sums of products right, with every index left, some or none?"""
    kernel = required(backend, "einsum", dtype)
    for equation, shapes in SUMS:
        operands = [small_numbers(dtype, *shape) for shape in shapes]
        exact = np.einsum(equation, *(operand.real.astype(np.float64) for operand in operands))
        want = np.asarray(exact).astype(operands[0].dtype)
        if unlike(backend, kernel(equation, *(native(backend, operand, dtype) for operand in operands)), want):
            return f"{equation} of shapes {shapes} is not {want.tolist()}"
    return None


@probe("root_of_squares", "of everything", dtypes=wide_floating)
def root_of_many_squares(backend: Backend, dtype: DType) -> str | None:
    """Is the root of the sum of many squares right to a few units in the last place?"""
    kernel = required(backend, "root_of_squares", dtype)
    for count in (1, 9, 1000, 4096):
        values = np.full(count, 0.1, numpy_dtype(dtype))
        want = np.sqrt(np.longdouble(count)) * np.longdouble(values[0])
        got = numpy_copy(backend, kernel(native(backend, values, dtype)))
        if got.shape != () or abs(got - want) > 4 * np.spacing(want.astype(got.dtype)):
            return f"the norm of {count} times {values[0]} is {got}, not {want}"
    return None

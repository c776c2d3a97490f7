"""What operations that reduce dimensions share: their dimension arguments, in bodies and in formulas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample
from pullback.meta import dtypes
from pullback.meta.dtypes import DType
from pullback.meta.shapes import Dims, normalize_dims
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullback.backend.base import Backend


def axis_of(dim: Dims, array: Array) -> Any:
    """``dim`` as a kernel's ``axis``: None for all dimensions."""
    return None if dim is None else normalize_dims(dim, array.ndim)


def count_reduced(shape: tuple[int, ...], dim: Dims) -> int:
    """How many elements are reduced to one."""
    return math.prod(shape[d] for d in normalize_dims(dim, len(shape)))


def keep_dims(value: Tensor, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """A result of a reduction of ``shape`` with its reduced dimensions back, of size 1, so that it broadcasts."""
    if keepdim or not shape:
        return value
    if dim is None:
        return value  # 0-d: broadcasts as it is
    reduced = normalize_dims(dim, len(shape))
    return ops.reshape(value, [1 if d in reduced else size for d, size in enumerate(shape)])


def expand_reduced(grad: Tensor, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """The gradient of a sum: that of the result at every element that went into it."""
    return ops.expand(keep_dims(grad, shape, dim, keepdim), shape)


def in_dtype(value: Tensor, dtype: DType) -> Any:
    """The tensor converted to ``dtype``; itself where it has that."""
    return value if value.dtype is dtype else ops.to_dtype(value, dtype)


def over_count(value: Tensor, count: Tensor | float) -> Any:
    """The tensor divided by a number of elements, which half precision need not hold."""
    wide = wide_dtype(value.dtype)
    if isinstance(count, Tensor):
        count = ops.to_dtype(count, wide)
    return in_dtype(in_dtype(value, wide) / count, value.dtype)


def mean_of_some(values: Tensor, count: Tensor | float, dim: Dims, keepdim: bool) -> Any:
    """The sum of the tensor's elements over a number of them: neither need half precision hold."""
    wide = wide_dtype(values.dtype)
    return in_dtype(over_count(ops.sum(in_dtype(values, wide), dim, keepdim), count), values.dtype)


def wide_dtype(dtype: DType) -> DType:
    """The dtype in which formulas compute that half precision has not the range or the digits for."""
    return dtypes.float32 if dtype.itemsize == 2 else dtype


def in_wide(formula: Callable[..., Any], *tensors: Tensor) -> Any:
    """A formula evaluated on the tensors; of half precision in float32, and rounded once."""
    dtype = tensors[0].dtype
    if dtype.itemsize > 2:
        return formula(*tensors)
    return in_dtype(formula(*(in_dtype(t, dtypes.float32) for t in tensors)), dtype)


def accumulation_dtype(backend: Backend, array: Array, dtype: DType | None) -> Any:
    """The native dtype of a sum: the one asked for, and int64 for integers and bools; None for the array's own."""
    if dtype is not None:
        return backend.native_dtype(dtype)
    if backend.dtypes[array.dtype].category < dtypes.FLOATING:
        return backend.native_dtypes[dtypes.int64]
    return None


def cast(backend: Backend, array: Array, dtype: DType | None) -> Array:
    """The array in the floating or complex dtype asked for, where one is."""
    return array if dtype is None or backend.dtypes[array.dtype] is dtype else backend.astype(array, dtype)


def samples_over_dims(make: Any) -> Iterator[Sample]:
    """Calls of a reduction over none, one or several dimensions."""
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), 1, True)
    yield Sample(make(3, 4), 0)
    yield Sample(make(2, 3, 4), (0, -1))
    yield Sample(make(2, 3, 4), -2, True)
    yield Sample(make(3, 2).mT, 1)
    yield Sample(make())
    yield Sample(make(), -1)
    yield Sample(make(2, 0, 3), 0)
    yield sampling.values_only(make(2, 0, 3), 1)
    yield sampling.values_only(make(2, 0, 3), (0, 1), True)
    yield sampling.values_only(make(0))
    yield Sample(make(2, 1, 3, 2, 2), (1, 3))
    yield Sample(make(2, 3, 1, 2, 2), (-1, 0, 2), True)
    yield Sample(make(3, 3, 3), 1)
    yield Sample(make(2, 2, 2, 2, 2), -4)
    yield Sample(make(2, 2, 2, 2, 2), (0, 3))
    yield sampling.values_only(make(2, 0), 1)
    yield sampling.values_only(make(0, 2), -1)
    yield sampling.values_only(make.values(3, 129, 2), 1)
    yield from samples_around_blocks(make)
    # More ones than half precision can count to, unless they are added up in a wider dtype; and what a sum that has
    # grown large forgets.
    yield sampling.values_only(make.constant(4097))
    if make.dtype.category >= 2:
        yield sampling.values_only(make.given([2048.0] + [0.5] * 1024))
        yield sampling.values_only(make.constant(4096, value=0.1))
    for many in sampling.hundred_thousand(make):
        yield sampling.values_only(many)


def samples_around_blocks(make: Any) -> Iterator[Sample]:
    """Calls of a reduction over everything, the last and the first dimension, of sizes around blocks."""
    for number, size in enumerate(sampling.block_sizes(make)):
        yield sampling.values_only(sampling.whole(make, size))
        shape, dim = ((2, size), -1) if number % 2 else ((size, 3), 0)
        yield sampling.values_only(sampling.whole(make, *shape), dim)


def samples_along_dim(make: Any) -> Iterator[Sample]:
    """Calls of an operation that works along one dimension."""
    yield Sample(make(5), 0)
    yield Sample(make(3, 4), -1)
    yield Sample(make(2, 3, 4), 1)
    yield Sample(make(3, 2).mT, 0)
    yield Sample(make(), 0)
    yield Sample(make(0, 3), 0)
    yield Sample(make(0, 3), 1)
    yield Sample(make(2, 1, 3, 2, 2), 2)
    yield Sample(make(2, 3, 2), -3)
    yield Sample(make(2, 2, 2, 2, 2), 1)
    yield sampling.values_only(make(0), -1)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make(2, size), 1)
        yield sampling.values_only(make(size, 2), -2)


def samples_of_products_along_dim(make: Any) -> Iterator[Sample]:
    """Calls of a running product along one dimension."""
    yield from samples_along_dim(make)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(sampling.factors(make, size), 0)

"""Sums whose error grows like the logarithm of the number of summands, along every axis of every layout.

``np.add.reduce`` sums pairwise where the axis in which neighbours lie side by side in memory is summed over. Over any
other it adds row to row, with an error that grows like the number of rows. Here such an axis is cut into blocks of
:data:`BLOCK` rows, whose sums are added up in the same way: pairwise summation with blocks (Higham 1993, The accuracy
of floating point summation, https://doi.org/10.1137/0914050).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from pullback.extend import Axis

BLOCK = 64
#: So many summands may be added one after the other: as many as a block of NumPy's own pairwise summation has.
SEQUENTIAL = 128
#: An array that is summed in another dtype NumPy converts in pieces of 8,192, and adds those one after the other.
CONVERTED = 8192 * BLOCK

# Any: positional for speed, and of no dtype that the stubs know.
add_reduce: Any = np.add.reduce


def pairwise_sum(x: Any, axis: Axis, dtype: Any, keepdims: bool) -> Any:
    """``np.add.reduce`` in a floating or complex dtype, pairwise in every layout."""
    if axis is None:
        if x.flags.c_contiguous and (x.dtype is dtype or x.size <= CONVERTED):
            return add_reduce(x, None, dtype, None, keepdims)
        axes = tuple(range(x.ndim))
    elif axis.__class__ is tuple and len(axis) != 1:
        axes = tuple(sorted([a % x.ndim for a in axis]))
    else:
        along = axis[0] if axis.__class__ is tuple else axis
        if x.shape[along] <= SEQUENTIAL or (along == x.ndim - 1 and x.flags.c_contiguous and x.dtype is dtype):
            return add_reduce(x, axis, dtype, None, keepdims)
        axes = (along % x.ndim,)
    out = _sum_over(x, axes, dtype) if len(axes) != 1 else _sum_along(x, axes[0], dtype)
    return out.reshape([1 if d in axes else n for d, n in enumerate(x.shape)]) if keepdims else out


def _sum_over(x: Any, axes: tuple[int, ...], dtype: Any) -> Any:
    """The sum over several axes."""
    x, left = _joined(x, axes)
    while len(left) > 1:
        count = prod([x.shape[a] for a in left])
        if count <= SEQUENTIAL:
            break
        longest = max(left, key=x.shape.__getitem__)
        others = count // x.shape[longest]
        inner = next((a for a in left if x.shape[a] > BLOCK and _is_inner(x, a)), None)
        if inner is None and others <= BLOCK:
            # The short axes together with a part of the long one: short inner loops are slow.
            x = _sum_of_blocks(x, longest, SEQUENTIAL // others, left, dtype)
            return _sum_along(x, longest - sum(a < longest for a in left), dtype)
        chosen = longest if inner is None else inner
        x = _sum_along(x, chosen, dtype)
        left = tuple([a - (a > chosen) for a in left if a != chosen])
    return _sum_along(x, left[0], dtype) if len(left) == 1 else add_reduce(x, left, dtype)


def _joined(x: Any, axes: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    """The array with axes that are summed over, and follow one another in memory, made one."""
    if len(axes) == x.ndim:
        x = x.transpose(sorted(axes, key=lambda a: -abs(x.strides[a])))
    shape: list[int] = []
    left: list[int] = []
    stride = 0
    for a, (size, own) in enumerate(zip(x.shape, x.strides, strict=True)):
        if a in axes:
            if left and left[-1] == len(shape) - 1 and stride == own * size:
                shape[-1] *= size
            else:
                left.append(len(shape))
                shape.append(size)
            stride = own
        else:
            shape.append(size)
    return x.reshape(shape), tuple(left)


def _is_inner(x: Any, axis: int) -> bool:
    """Whether NumPy's inner loop is sure to run along the axis: every other one has larger strides."""
    own = abs(x.strides[axis])
    if not own:
        return bool(x.ndim == 1)
    return all(
        size == 1 or other == axis or abs(stride) > own
        for other, (size, stride) in enumerate(zip(x.shape, x.strides, strict=True))
    )


def _sum_along(x: Any, axis: int, dtype: Any) -> Any:
    """The sum over one axis."""
    block = BLOCK
    if x.shape[axis] > SEQUENTIAL and _is_inner(x, axis):
        if x.dtype == dtype:
            return add_reduce(x, axis, dtype)
        block = CONVERTED
    while x.shape[axis] > max(block, SEQUENTIAL):
        x = _sum_of_blocks(x, axis, block, (axis,), dtype)
        block = BLOCK
    return add_reduce(x, axis, dtype)


def _sum_of_blocks(x: Any, axis: int, block: int, axes: tuple[int, ...], dtype: Any) -> Any:
    """The sums of blocks of an axis, each over the other ``axes`` as well; the last block takes in what remains."""
    size, shape = x.shape[axis], x.shape
    count = size // block
    before = (slice(None),) * axis
    blocks = x[(*before, slice(0, count * block))].reshape((*shape[:axis], count, block, *shape[axis + 1 :]))
    sums = add_reduce(blocks, tuple([a + (a >= axis) for a in axes]), dtype)
    if count * block < size:
        place = (slice(None),) * (axis - sum(a < axis for a in axes))
        sums[(*place, -1)] += add_reduce(x[(*before, slice(count * block, None))], axes, dtype)
    return sums

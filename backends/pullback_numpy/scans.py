"""Running sums whose error grows like the logarithm of their length."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_numpy.summation import SEQUENTIAL

BLOCK = 128
#: So many elements stay in a processor's cache between the two passes over them.
CACHED = 65536

add_accumulate: Any = np.add.accumulate


def running_sum(x: Any, axis: int, dtype: Any) -> Any:
    """``np.add.accumulate``: running sums of blocks, each plus the running sum of the blocks before it."""
    size = x.shape[axis]
    if size <= SEQUENTIAL:
        return add_accumulate(x, axis, dtype)
    axis %= x.ndim
    out = np.empty(x.shape, dtype)
    if axis != x.ndim - 1 or x.size <= CACHED:
        _fill(x, axis, out)
        return out
    rows = out.reshape((-1, size))
    given = x.reshape((-1, size))
    if size <= CACHED:
        step = CACHED // size
        for start in range(0, len(rows), step):
            _fill(given[start : start + step], 1, rows[start : start + step])
        return out
    part = max(CACHED, -(-size // SEQUENTIAL))
    for row, values in zip(rows, given, strict=True):
        for start in range(0, size, part):
            _fill(values[start : start + part], 0, row[start : start + part], row[start - 1] if start else None)
    return out


def _fill(x: Any, axis: int, out: Any, offset: Any = None) -> None:
    """Write the running sum of ``x``, plus an offset, into ``out``."""
    size = x.shape[axis]
    before = (slice(None),) * axis
    count = size // BLOCK
    whole = count * BLOCK
    tail = (*before, slice(whole, None))
    offsets = offset
    if count:
        head = (*before, slice(0, whole))
        shape = (*x.shape[:axis], count, BLOCK, *x.shape[axis + 1 :])
        blocks = out[head].reshape(shape)  # a view: of one axis two are made
        add_accumulate(x[head].reshape(shape), axis + 1, out.dtype, blocks)
        offsets = running_sum(blocks[(*before, slice(None), -1)], axis, out.dtype)
        if offset is not None:
            offsets += offset
            blocks[(*before, 0)] += offset
        later = blocks[(*before, slice(1, None))]
        np.add(later, np.expand_dims(offsets[(*before, slice(0, -1))], axis + 1), out=later)
        offsets = offsets[(*before, slice(count - 1, count))]
    if whole < size:
        rest = add_accumulate(x[tail], axis, out.dtype)
        np.add(rest, 0 if offsets is None else offsets, out=out[tail])

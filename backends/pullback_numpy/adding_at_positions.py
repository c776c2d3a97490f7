"""Sums of many values for one element, whose error grows like the logarithm of their number.

``np.add.at`` adds one value after the other, whatever element they belong to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_numpy.summation import BLOCK, SEQUENTIAL, pairwise_sum

add_at: Any = np.add.at


def accumulate_at(x: Any, key: Any, values: Any) -> None:
    """``x[key] += values``, where an element that the key names several times gets the sum of its values."""
    values = np.asarray(values, x.dtype)
    parts = key if isinstance(key, tuple) else (key,)
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if x.dtype.kind not in "fc" or all(array.size <= SEQUENTIAL for array in arrays) or not x.size:
        add_at(x, key, values)
    elif len(arrays) == 1 and all(part is arrays[0] or part == slice(None) for part in parts):
        axis = next(place for place, part in enumerate(parts) if part is arrays[0])
        _accumulate_slices(x, key, arrays[0], axis, values)
    else:
        positions = np.arange(x.size).reshape(x.shape)[key]
        counts = np.bincount(positions.reshape(-1), minlength=x.size)
        if counts.max() <= SEQUENTIAL:
            add_at(x, key, values)
            return
        sums = _sums(np.broadcast_to(values, positions.shape).reshape(-1), positions.reshape(-1), counts)
        x[np.unravel_index(counts.nonzero()[0], x.shape)] += sums


def _accumulate_slices(x: Any, key: Any, index: Any, axis: int, values: Any) -> None:
    size = x.shape[axis]
    positions = index.reshape(-1)
    positions = np.where(positions < 0, positions + size, positions)
    if positions.min() < 0 or positions.max() >= size:
        add_at(x, key, values)  # raises
    counts = np.bincount(positions, minlength=size)
    if counts.max() <= SEQUENTIAL:
        add_at(x, key, values)
        return
    values = np.broadcast_to(values, (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))
    values = np.moveaxis(values, range(axis, axis + index.ndim), range(index.ndim))
    slices = np.moveaxis(x, axis, 0)
    slices[counts.nonzero()[0]] += _sums(values.reshape((-1, *slices.shape[1:])), positions, counts)


def _sums(values: Any, positions: Any, counts: Any) -> Any:
    """For each position that occurs the sum of its values."""
    if values.ndim > 1:
        return _sums_of_sorted(values, positions)
    kind = values.dtype.kind
    if kind == "c":
        return _sums(values.real, positions, counts) + 1j * _sums(values.imag, positions, counts)
    occurring = counts.nonzero()[0]
    if values.dtype.itemsize < 8:
        return np.bincount(positions, values, len(counts))[occurring]  # in double precision
    # In as many partial sums as take the memory of the values a few times.
    lanes = min(-(-values.size // SEQUENTIAL), 4 * values.size // len(counts))
    if lanes * SEQUENTIAL * 4 < values.size:
        return _sums_of_sorted(values, positions)
    lane = np.arange(values.size) // -(-values.size // lanes)
    partial = np.bincount(positions + lane * len(counts), values, lanes * len(counts))
    return pairwise_sum(partial.reshape((lanes, -1)), 0, values.dtype, False)[occurring]


def _sums_of_sorted(values: Any, positions: Any) -> Any:
    order = np.argsort(positions, kind="stable")
    values, positions = values[order], positions[order]
    while True:
        first = np.flatnonzero(np.concatenate([[True], positions[1:] != positions[:-1]]))
        if len(first) == len(positions):
            return values
        lengths = np.diff(np.append(first, len(positions)))
        cuts = np.flatnonzero((np.arange(len(positions)) - np.repeat(first, lengths)) % BLOCK == 0)
        values, positions = np.add.reduceat(values, cuts, axis=0), positions[cuts]

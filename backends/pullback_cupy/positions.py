"""Reading and writing by position.

CuPy wraps positions beyond the end around. On PyTorch they end the process's use of the GPU, some time later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cupy
import numpy as np

from pullback.extend import ArrayAPIBackend, NativeArray, NumPyLikeBackend, elements_read
from pullback.extend import dtypes as dt

#: The dtypes that CuPy 13 and 14 add atomically at positions (``_scatter_op_single`` of its
#: ``_routines_indexing.pyx``; 14 adds int64 too).
ATOMIC_ADD = frozenset({dt.int32, dt.uint32, dt.uint64, dt.float32, dt.float64})


class Positions(NumPyLikeBackend):
    """Kernels that take positions, which look at them only where ``checks_positions`` is set."""

    checks_positions: bool = False

    def has_zero(self, x: Any) -> bool:
        # PyTorch doesn't look on a GPU either: it would have to wait.
        return (self.checks_positions or not self.is_array(x)) and super().has_zero(x)

    def any_negative(self, indices: NativeArray) -> bool:
        return self.checks_positions and super().any_negative(indices)

    def getitem(self, x: NativeArray, key: Any) -> NativeArray:
        self._check_key(x, key)
        return super().getitem(x, key)

    def take(self, x: NativeArray, indices: NativeArray, *, axis: int | None = None) -> NativeArray:
        self._check(indices, x.size if axis is None else x.shape[axis], axis or 0)
        return super().take(x, indices, axis=axis)

    def take_along_axis(self, x: NativeArray, indices: NativeArray, axis: int = -1) -> NativeArray:
        self._check(indices, x.shape[axis], axis % x.ndim)
        return super().take_along_axis(x, indices, axis)

    def index_put_into(self, x: NativeArray, key: Any, values: Any, accumulate: bool = False) -> NativeArray:
        self._check_key(x, key)
        if accumulate and not self._adds_atomically(x):
            return self._written(x, ArrayAPIBackend.index_put(self, x, key, values, accumulate))
        return super().index_put_into(x, key, values, accumulate)

    def scatter_into(
        self, x: NativeArray, axis: int, indices: NativeArray, values: Any, reduce: str | None = None
    ) -> NativeArray:
        if x.ndim:
            self._check(indices, x.shape[axis], axis % x.ndim)
        if reduce in ("multiply", "max", "min") or (reduce == "add" and not self._adds_atomically(x)):
            return self._written(x, ArrayAPIBackend.scatter(self, x, axis, indices, values, reduce))
        return super().scatter_into(x, axis, indices, values, reduce)

    _scatter_there = scatter_into

    def _adds_atomically(self, x: NativeArray) -> bool:
        return self.dtypes[self.wider(x.dtype)] in ATOMIC_ADD

    def _written(self, x: NativeArray, value: NativeArray) -> NativeArray:
        x[...] = value
        return x

    # -- bounds

    def _check_key(self, x: NativeArray, key: Any) -> None:
        if self.checks_positions:
            for axis, positions in _positions(x, key):
                self._check(positions, x.shape[axis], axis)

    def _check(self, positions: NativeArray, size: int, axis: int) -> None:
        """Raise IndexError for a position that is out of range, where that is asked for: this waits for the device."""
        if not self.checks_positions or not positions.size:
            return
        what = "an index, checked for its bounds,"
        lowest, highest = (int(elements_read(what, self, end)) for end in (positions.min(), positions.max()))
        if lowest < -size or highest >= size:
            wrong = lowest if lowest < -size else highest
            raise IndexError(f"index {wrong} is out of bounds for dimension {axis} with size {size}")


def _positions(x: NativeArray, key: Any) -> Iterator[tuple[int, NativeArray]]:
    """The arrays of positions in a key, each with the axis that it is for."""
    parts = key if type(key) is tuple else (key,)
    used = sum(_axes(part) for part in parts)
    axis = 0
    for part in parts:
        if part is Ellipsis:
            axis += x.ndim - used
            continue
        if isinstance(part, cupy.ndarray) and part.dtype.kind in "iu":
            yield axis, part
        axis += _axes(part)


def _axes(part: Any) -> int:
    """How many axes a part of a key is for."""
    if part is None or part is Ellipsis or isinstance(part, (bool, np.bool_)):
        return 0
    return part.ndim if isinstance(part, cupy.ndarray) and part.dtype.kind == "b" else 1

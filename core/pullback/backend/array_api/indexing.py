"""Kernels that take and put elements by position, and that put them in order."""

from __future__ import annotations

from math import prod
from typing import Any

from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import NativeArray
from pullback.backend.indexing import check_bounds, getitem, index_put, scatter
from pullback.meta import dtypes as dt


class Indexing(NamespaceBackend):
    """Indexing, gathering, scattering and sorting."""

    def getitem(self, x: NativeArray, key: Any) -> NativeArray:
        return getitem(self, x, key)

    def index_put(self, x: NativeArray, key: Any, values: Any, accumulate: bool = False) -> NativeArray:
        return index_put(self, x, key, values, accumulate)

    def scatter(
        self, x: NativeArray, axis: int, indices: NativeArray, values: Any, reduce: str | None = None
    ) -> NativeArray:
        return scatter(self, x, axis, indices, values, reduce)

    def nonzero(self, x: NativeArray) -> tuple[NativeArray, ...]:
        integer = self.native_dtypes[dt.int64]
        return tuple(self.convert(found, integer) for found in self.xp.nonzero(x))

    def take(self, x: NativeArray, indices: NativeArray, *, axis: int | None = None) -> NativeArray:
        if axis is None:
            x, axis = self.reshape(x, (-1,)), 0
        size = x.shape[axis]
        check_bounds(self, indices, size, axis)
        shape = indices.shape
        indices = self.reshape(self.where(indices < 0, indices + size, indices), (prod(shape),))
        taken = self.xp.take(x, indices, axis=axis)
        axis %= len(x.shape)
        return taken if len(shape) == 1 else self.reshape(taken, x.shape[:axis] + shape + x.shape[axis + 1 :])

    def take_along_axis(self, x: NativeArray, indices: NativeArray, axis: int = -1) -> NativeArray:
        axis %= len(x.shape)
        key = tuple(
            indices
            if d == axis
            else self.reshape(self.xp.arange(n), tuple(n if e == d else 1 for e in range(len(x.shape))))
            for d, n in enumerate(x.shape)
        )
        return self.getitem(x, key)

    def sort(self, x: NativeArray, *, axis: int = -1, descending: bool = False, stable: bool = True) -> NativeArray:
        if not x.shape:
            return self.copy(x)
        return self._through_integers(self._sorted, x, axis=axis, descending=descending)

    def _sorted(self, x: NativeArray, *, axis: int, descending: bool) -> NativeArray:
        if not descending:
            return self.xp.sort(x, axis=axis, stable=True)
        # Reversed before and after, equal elements keep their order and NaN, the greatest, comes first.
        return self.flip(self.xp.sort(self.xp.flip(x, axis=axis), axis=axis, stable=True), axis=axis)

    def argsort(self, x: NativeArray, *, axis: int = -1, descending: bool = False, stable: bool = True) -> NativeArray:
        integer = self.native_dtypes[dt.int64]
        if not x.shape:
            return self.xp.zeros((), dtype=integer)
        if x.dtype == self.native_dtypes[dt.bool_]:
            x = self.xp.astype(x, self.native_dtypes[dt.uint8])
        if not descending:
            return self.convert(self.xp.argsort(x, axis=axis, stable=True), integer)
        order = self.xp.argsort(self.xp.flip(x, axis=axis), axis=axis, stable=True)
        return x.shape[axis] - 1 - self.convert(self.xp.flip(order, axis=axis), integer)

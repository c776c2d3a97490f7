"""Kernels that make arrays."""

from __future__ import annotations

import math
from typing import Any

from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import NativeArray
from pullback.meta import dtypes as dt
from pullback.meta.devices import Device


class Creation(NamespaceBackend):
    """Arrays of one number, and of numbers in steps."""

    def zeros(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.zeros(shape, dtype=dtype, device=self.native_device(device))

    def ones(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.ones(shape, dtype=dtype, device=self.native_device(device))

    def full(self, shape: Any, value: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.full(shape, value, dtype=dtype, device=self.native_device(device))

    def empty(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.empty(shape, dtype=dtype, device=self.native_device(device))

    def eye(self, n: int, m: int | None = None, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.eye(n, m, dtype=dtype, device=self.native_device(device))

    def zero_where(self, condition: NativeArray, x: NativeArray) -> NativeArray:
        """Zero where the condition holds, whatever ``x`` is there, and ``x`` elsewhere."""
        return self.where(condition, self.from_data(0, self.dtypes[x.dtype], self.device_of(x)), x)

    def positions(self, count: int, dtype: Any, device: Device | None) -> NativeArray:
        """0, 1, ... ``count`` - 1."""
        return self.xp.arange(count, dtype=dtype, device=self.native_device(device))

    def arange(
        self, start: float, stop: float, step: float = 1, *, dtype: Any, device: Device | None = None
    ) -> NativeArray:
        # start + i * step in double precision, as PyTorch: every backend gives the same elements.
        if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int):
            count = max(0, -((start - stop) // step))
        else:
            count = max(0, math.ceil((stop - start) / step))
        exact = isinstance(start, int) and isinstance(step, int) and self.dtypes[dtype].category <= dt.INTEGER
        if exact and start == 0 and step == 1:
            return self.positions(count, dtype, device)
        working = self.native_dtypes[dt.int64 if exact else dt.float64]
        return self.convert(self.positions(count, working, device) * step + start, dtype)

    def linspace(
        self, start: complex, stop: complex, num: int, *, dtype: Any, device: Device | None = None
    ) -> NativeArray:
        # From both ends, in double precision, as PyTorch: symmetric, and each end is exact.
        working = self.native_dtypes[dt.complex128 if self.dtypes[dtype].is_complex else dt.float64]
        if num < 2:
            return self.full((num,), start, dtype=dtype, device=device)
        index = self.positions(num, self.native_dtypes[dt.int64], device)
        i, j = self.convert(index, working), self.convert(num - 1 - index, working)
        step = (stop - start) / (num - 1)
        return self.convert(self.where(index < num // 2, i * step + start, stop - j * step), dtype)

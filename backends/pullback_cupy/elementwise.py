"""Elementwise kernels that CuPy has for fewer dtypes than PyTorch, or computes with fewer digits."""

from __future__ import annotations

from typing import Any

import cupy
import cupyx.scipy.special
import numpy as np

from pullback.extend import ArrayAPIBackend, NativeArray, NumPyLikeBackend
from pullback.extend import dtypes as dt
from pullback_cupy import remainders


class Elementwise(NumPyLikeBackend):
    """CuPy's own functions but for these, which are composed of them."""

    def _in_wide(self, function: Any, *operands: Any) -> NativeArray:
        """What a function of arrays gives in a dtype that holds its intermediate results, rounded once."""
        dtype = next(x.dtype for x in operands if isinstance(x, cupy.ndarray))
        wide = self.wider(dtype)
        if wide == dtype:
            return function(*operands)
        return function(*(self.convert(x, wide) if hasattr(x, "dtype") else x for x in operands)).astype(dtype)

    def erf(self, x: NativeArray) -> NativeArray:
        return self._in_wide(cupyx.scipy.special.erf, x)

    def erfc(self, x: NativeArray) -> NativeArray:
        return self._in_wide(cupyx.scipy.special.erfc, x)

    def remainder(self, x: Any, y: Any) -> NativeArray:
        if self._is_floating(x, y):
            return self._in_wide(remainders.remainder, x, y)
        return cupy.remainder(x, y)

    def floor_divide(self, x: Any, y: Any) -> NativeArray:
        if self._is_floating(x, y):
            return self._in_wide(remainders.floor_divide, x, y)
        return cupy.floor_divide(x, y)

    def _is_floating(self, x: Any, y: Any) -> bool:
        return self.dtypes[(x if isinstance(x, cupy.ndarray) else y).dtype].is_floating_point

    def log1p(self, x: NativeArray) -> NativeArray:
        if x.dtype not in self._real:
            return cupy.log1p(x)
        # CuPy's is log(x + 1), which has no digits of a small x.
        real, imag = x.real, x.imag
        squared = real * (2 + real) + imag * imag  # |1 + x|² - 1
        result = cupy.log1p(x)
        near = (abs(real) < 0.5) & (abs(imag) < 0.5)
        cupy.copyto(result.real, 0.5 * cupy.log1p(squared), where=near)
        return result

    def expm1(self, x: NativeArray) -> NativeArray:
        if x.dtype not in self._real:
            return cupy.expm1(x)
        # CuPy's is exp(x) - 1, which has no digits of a small x.
        real, imag = x.real, x.imag
        result = cupy.exp(x)
        half = cupy.sin(imag * 0.5)
        smaller = cupy.expm1(real) * cupy.cos(imag) - 2 * half * half
        cupy.copyto(result.real, smaller, where=cupy.isfinite(smaller))
        return result

    def logical_and(self, x: Any, y: Any) -> NativeArray:
        return cupy.logical_and(self._truth(x), self._truth(y))

    def logical_or(self, x: Any, y: Any) -> NativeArray:
        return cupy.logical_or(self._truth(x), self._truth(y))

    def logical_xor(self, x: Any, y: Any) -> NativeArray:
        return cupy.logical_xor(self._truth(x), self._truth(y))

    def logical_not(self, x: NativeArray) -> NativeArray:
        return cupy.logical_not(self._truth(x))

    def _truth(self, x: Any) -> Any:
        """An operand of a logical function, which CuPy lacks for complex numbers."""
        return x != 0 if getattr(x, "dtype", None) in self._real else x

    def where(self, condition: NativeArray, x: Any, y: Any) -> NativeArray:
        bfloat16 = self.native_dtypes.get(dt.bfloat16)
        if bfloat16 is None or bfloat16 not in (getattr(x, "dtype", None), getattr(y, "dtype", None)):
            return cupy.where(condition, x, y)
        # CuPy has no such function of bfloat16, and would give float32.
        return cupy.where(condition, _bits(x, bfloat16), _bits(y, bfloat16)).view(bfloat16)

    def piecewise(self, x: NativeArray, magnitude: NativeArray, pieces: Any) -> NativeArray:
        # All pieces of all elements: to look which are needed would be to wait for the device.
        return ArrayAPIBackend.piecewise(self, x, magnitude, pieces)

    def tril(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self._of_bits(cupy.tril, x, k)

    def triu(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self._of_bits(cupy.triu, x, k)

    def _of_bits(self, function: Any, x: NativeArray, k: int) -> NativeArray:
        if x.dtype != self.native_dtypes.get(dt.bfloat16):
            return function(x, k)
        return function(x.view(np.uint16), k).view(x.dtype)


def _bits(x: Any, dtype: Any) -> Any:
    """An operand in half precision, or a number, as the bits of one."""
    if isinstance(x, cupy.ndarray):
        return x.astype(dtype, copy=False).view(np.uint16)
    return np.asarray(x, dtype).view(np.uint16)[()]

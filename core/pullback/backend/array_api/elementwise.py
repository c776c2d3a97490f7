"""Elementwise kernels that the standard lacks, or has for fewer dtypes than PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import NativeArray
from pullback.backend.error_function import erf, erfc, erfinv
from pullback.backend.gamma_functions import digamma, lgamma, mvlgamma, polygamma
from pullback.errors import MissingKernelError
from pullback.meta import dtypes as dt


class Elementwise(NamespaceBackend):
    """Elementwise kernels composed of others."""

    def composed_exp2(self, x: NativeArray) -> NativeArray:
        return self.xp.pow(self.xp.full_like(x, 2), x)

    def composed_reciprocal(self, x: NativeArray) -> NativeArray:
        return self.xp.divide(self.xp.ones_like(x), x)

    def round(self, x: NativeArray) -> NativeArray:
        rounded = self.xp.round(x)
        return self.copy(x) if rounded is x and self.mutable else rounded

    def clip(self, x: NativeArray, min: Any = None, max: Any = None) -> NativeArray:
        if min is not None:
            x = self.maximum(x, min)
            return x if max is None else self.minimum(x, max)
        return self.copy(x) if max is None else self.minimum(x, max)

    def where(self, condition: NativeArray, x: Any, y: Any) -> NativeArray:
        # What has no dtype is a Python number; a library may give scalars of its own for 0-d results.
        if not hasattr(x, "dtype"):
            x = self.like(x, y)
        elif not hasattr(y, "dtype"):
            y = self.like(y, x)
        return self.xp.where(condition, x, y)

    def real(self, x: NativeArray) -> NativeArray:
        return self.xp.real(x) if x.dtype in self._real else x

    def imag(self, x: NativeArray) -> NativeArray:
        return self.xp.imag(x)

    def angle(self, x: NativeArray) -> NativeArray:
        if x.dtype in self._real:
            return self.atan2(self.imag(x), self.real(x))
        zero, pi = self.like(0, x), self.like(math.pi, x)
        return self.where(self.isnan(x), x, self.where(x < 0, pi, zero))

    def rsqrt(self, x: NativeArray) -> NativeArray:
        wide = self._wide.get(x.dtype)
        if wide is not None:
            return self.convert(self.rsqrt(self.convert(x, wide)), x.dtype)
        return self.reciprocal(self.sqrt(x))

    def sigmoid(self, x: NativeArray) -> NativeArray:
        dtype = x.dtype
        wide = self._wide.get(dtype)
        if wide is not None:
            return self.convert(self.sigmoid(self.convert(x, wide)), dtype)
        if dtype in self._real:
            return self.reciprocal(self.exp(-x) + 1)
        # exp of a number that is not positive cannot overflow.
        small = self.exp(-self.abs(x))
        return self.where(x < 0, small, self.like(1, x)) / (small + 1)

    def trunc_divide(self, x: Any, y: Any) -> NativeArray:
        dtype = (x if self.is_array(x) else y).dtype
        wide = self._wide.get(dtype)
        if wide is not None:
            x, y = (self.convert(v, wide) if self.is_array(v) else v for v in (x, y))
            return self.convert(self.trunc(self.divide(x, y)), dtype)
        if self.dtypes[dtype].is_floating_point:
            return self.trunc(self.divide(x, y))
        x, y = self.like(x, y) if not self.is_array(x) else x, self.like(y, x) if not self.is_array(y) else y
        quotient = self.floor_divide(x, y)
        if not self.dtypes[dtype].is_signed:
            return quotient
        # The floor is one less than the truncation where the exact quotient is negative and no integer.
        inexact = self.not_equal(self.multiply(quotient, y), x)
        return self.where(self.logical_and(inexact, (x < 0) != (y < 0)), quotient + 1, quotient)

    def erf(self, x: NativeArray) -> NativeArray:
        return self._in_double(erf, x)

    def erfc(self, x: NativeArray) -> NativeArray:
        return self._in_double(erfc, x)

    def erfinv(self, x: NativeArray) -> NativeArray:
        return self._in_double(erfinv, x)

    def lgamma(self, x: NativeArray) -> NativeArray:
        return self._in_double(lgamma, x)

    def digamma(self, x: NativeArray) -> NativeArray:
        return self._in_double(digamma, x)

    def polygamma(self, x: NativeArray, n: int) -> NativeArray:
        return self._in_double(lambda backend, wide: polygamma(backend, wide, n), x)

    def mvlgamma(self, x: NativeArray, p: int) -> NativeArray:
        return self._in_double(lambda backend, wide: mvlgamma(backend, wide, p), x)

    def gcd(self, x: NativeArray, y: NativeArray) -> NativeArray:
        if hasattr(self.xp, "gcd"):
            return self.xp.gcd(x, y)
        x, y = self.xp.broadcast_arrays(self.abs(x), self.abs(y))
        while self.xp.any(y != 0):  # Euclid's algorithm
            done = y == 0
            x, y = self.where(done, x, y), self.where(done, y, self.remainder(x, self.where(done, self.like(1, y), y)))
        return self.copy(x) if self.mutable else x  # one element may still stand for many

    def lcm(self, x: NativeArray, y: NativeArray) -> NativeArray:
        divisor = self.gcd(x, y)
        divisor = self.where(divisor == 0, self.like(1, divisor), divisor)
        return self.abs(self.trunc_divide(x, divisor) * y)

    def nextafter(self, x: NativeArray, y: NativeArray) -> NativeArray:
        if not hasattr(self.xp, "nextafter"):
            raise MissingKernelError("nextafter", "nextafter", None, self)
        return self.xp.nextafter(x, y)

    def isin(self, x: NativeArray, values: NativeArray) -> NativeArray:
        """Whether each element of ``x`` is among the values, a vector that is not empty."""
        x, values = self.convert(x, self.wider(x.dtype)), self.convert(values, self.wider(values.dtype))
        values = self.sort(values)
        place = self.xp.searchsorted(values, self.reshape(x, (-1,)))
        place = self.where(place < values.shape[0], place, values.shape[0] - 1)
        return self.reshape(self.equal(self.take(values, place, axis=0), self.reshape(x, (-1,))), x.shape)

    def _in_double(
        self, function: Callable[[NamespaceBackend, NativeArray], NativeArray], x: NativeArray
    ) -> NativeArray:
        double = self.native_dtypes[dt.float64]
        return self.convert(self.as_array(function(self, self.convert(x, double))), x.dtype)

    def shortened(self, x: NativeArray) -> NativeArray:
        """A float64 array rounded to float32's 24 bits."""
        return self.astype(self.astype(x, dt.float32), dt.float64)

    def product_of_exponentials(self, x: NativeArray, y: NativeArray) -> NativeArray:
        """``exp(x) * exp(y)``, never as ``exp(x + y)``."""
        return self.exp(x) * self.exp(y)

    def minus_in_parts(self, x: NativeArray, parts: Sequence[float]) -> NativeArray:
        """``x`` minus each part, one after the other, never minus their sum."""
        for part in parts:
            x = x - part
        return x

    def piecewise(
        self,
        x: NativeArray,
        magnitude: NativeArray,
        pieces: Sequence[tuple[float, Callable[[Any], NativeArray]]],
    ) -> NativeArray:
        """Each element by the first piece whose bound exceeds its magnitude, else by the last."""
        *bounded, (_, last) = pieces
        result = last(x)
        inside = self.like(1.0, x)
        for position in range(len(bounded) - 1, -1, -1):
            bound, function = bounded[position]
            chosen = magnitude < bound
            if position:
                chosen = self.logical_and(chosen, magnitude >= bounded[position - 1][0])
            # Elements of other pieces are replaced by one that no piece overflows at.
            result = self.where(chosen, function(self.where(chosen, x, inside)), result)
        return result

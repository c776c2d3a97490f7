"""Reductions that pick an element or ask of all of them, and norms that stay in range."""

from __future__ import annotations

import math
from collections.abc import Callable

from pullback.backend.array_api.axes import Axis, count_reduced
from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import Kernel, NativeArray
from pullback.backend.scaled_reductions import mean_square, root_of_mean_square, root_of_powers, root_of_squares
from pullback.meta import dtypes as dt


class Reductions(NamespaceBackend):
    """Extremes, truth and norms."""

    def mended(self, value: NativeArray, right: NativeArray, mend: Callable[[], NativeArray]) -> NativeArray:
        """``value`` where it is right, and what ``mend()`` gives elsewhere."""
        return self.where(right, value, mend())

    def norm(self, x: NativeArray, ord: float, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        """The norm of order ``ord`` of vectors in a dtype that needs no wider one, in range where the result is."""
        if ord == 0:
            nonzero = self.not_equal(x, 0)
            return self.sum(self.astype(nonzero, self.dtypes[x.dtype].to_real()), axis=axis, keepdims=keepdims)
        size = self.abs(x)
        if ord == 2:
            return self.root_of_squares(size, axis=axis, keepdims=keepdims)
        if ord == 1:
            return self.sum(size, axis=axis, keepdims=keepdims)
        if math.isinf(ord):
            return (self.max if ord > 0 else self.min)(size, axis=axis, keepdims=keepdims)
        return self.root_of_powers(size, float(ord), axis=axis, keepdims=keepdims)

    def root_of_squares(self, size: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        """The square root of the sum of squares of real magnitudes, in range where the result is."""
        return root_of_squares(self, size, axis, keepdims)

    def root_of_mean_square(self, x: NativeArray, axis: Axis, added: float) -> NativeArray:
        """The square root of the mean square of real elements plus a number, in range where the result is."""
        return root_of_mean_square(self, x, axis, added, count_reduced(x.shape, axis))

    def mean_square(self, x: NativeArray) -> NativeArray:
        """The mean square of real elements, in range where the result is."""
        return mean_square(self, x)

    def root_of_powers(self, size: NativeArray, ord: float, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        """The ``ord``-th root of the sum of such powers of real magnitudes, in range where the result is."""
        return root_of_powers(self, size, ord, axis, keepdims)

    def max(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self._through_integers(self.xp.max, x, axis=axis, keepdims=keepdims)

    def min(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self._through_integers(self.xp.min, x, axis=axis, keepdims=keepdims)

    def all(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.all(x, axis=axis, keepdims=keepdims)

    def any(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.any(x, axis=axis, keepdims=keepdims)

    def argmax(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        return self._position(self.xp.argmax, x, axis, keepdims)

    def argmin(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        return self._position(self.xp.argmin, x, axis, keepdims)

    def _position(self, function: Kernel, x: NativeArray, axis: int | None, keepdims: bool) -> NativeArray:
        if x.dtype == self.native_dtypes[dt.bool_]:
            x = self.xp.astype(x, self.native_dtypes[dt.uint8])
        return function(x, axis=axis, keepdims=keepdims)

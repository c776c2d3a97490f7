"""Kernels that add or multiply up many elements, and the dtype in which they do.

float16 and bfloat16 are accumulated in float32 and bool in int64, and the result is rounded once: ``wider`` says which
dtype that is. Backends over a library like NumPy do the same in ``numpy_like.py``, with fewer conversions.
"""

from __future__ import annotations

from typing import Any

from pullback.backend.array_api.axes import Axis, count_reduced
from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import Kernel, NativeArray
from pullback.backend.contraction import einsum
from pullback.backend.scaled_reductions import mean, variance
from pullback.meta import dtypes as dt


class Accumulation(NamespaceBackend):
    """Sums, products, means and contractions, in a dtype that holds what is added up."""

    def wider(self, native: Any) -> Any:
        """The dtype in which sums of that dtype accumulate: float32 for float16 and bfloat16."""
        return self._wide.get(native, native)

    def _accumulate(self, function: Kernel, x: NativeArray, dtype: Any, **options: Any) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        boolean = self.native_dtypes[dt.bool_]
        if dtype == boolean:
            x = self.convert(x, boolean)  # a fraction is true, and as an integer it would be zero
        wide = self.native_dtypes[dt.int64] if dtype == boolean else self.wider(dtype)
        return self.convert(function(self.convert(x, wide), dtype=wide, **options), dtype)

    def sum(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        return self._accumulate(self.xp.sum, x, dtype, axis=axis, keepdims=keepdims)

    def prod(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        return self._accumulate(self.xp.prod, x, dtype, axis=axis, keepdims=keepdims)

    def cumulative_sum(self, x: NativeArray, *, axis: int, dtype: Any = None) -> NativeArray:
        return self._accumulate(self.xp.cumulative_sum, x, dtype, axis=axis)

    def cumulative_prod(self, x: NativeArray, *, axis: int, dtype: Any = None) -> NativeArray:
        kernel = getattr(self.xp, "cumulative_prod", None) or self._cumulative_prod
        return self._accumulate(kernel, x, dtype, axis=axis)

    def _cumulative_prod(self, x: NativeArray, *, axis: int, dtype: Any) -> NativeArray:
        # Each pass multiplies by the product of as many elements before: log2(n) passes.
        size = x.shape[axis]
        axis %= len(x.shape)
        reach = 1
        while reach < size:
            head, tail = (
                (slice(None),) * axis + (slice(0, size - reach),),
                (slice(None),) * axis + (slice(0, reach),),
            )
            shifted = self.xp.concat([self.xp.ones_like(self.getitem(x, tail)), self.getitem(x, head)], axis=axis)
            x = self.multiply(x, shifted)
            reach *= 2
        return x

    def mean(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        dtype = x.dtype
        wide = self._wide.get(dtype)
        if wide is not None:
            return self.convert(self.as_array(self.mean(self.convert(x, wide), axis, keepdims)), dtype)
        return mean(self, x, axis, keepdims, count_reduced(x.shape, axis))

    def var(self, x: NativeArray, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> NativeArray:
        return self._variance(x, axis, correction, keepdims, False)

    def std(self, x: NativeArray, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> NativeArray:
        return self._variance(x, axis, correction, keepdims, True)

    def _variance(self, x: NativeArray, axis: Axis, correction: float, keepdims: bool, root: bool) -> NativeArray:
        dtype = x.dtype
        wide = self._wide.get(dtype)
        if wide is not None:
            found = self._variance(self.convert(x, wide), axis, correction, keepdims, root)
            return self.convert(self.as_array(found), dtype)
        count = count_reduced(x.shape, axis)
        return variance(self, x, axis, max(count - correction, 0), keepdims, root, count)

    def mm(self, x: NativeArray, y: NativeArray) -> NativeArray:
        """The product of two matrices."""
        return self.matmul(x, y)

    def matmul(self, x: NativeArray, y: NativeArray) -> NativeArray:
        wide = self._wide.get(x.dtype)
        if wide is None:
            return self.xp.matmul(x, y)
        return self.convert(self.xp.matmul(self.convert(x, wide), self.convert(y, wide)), x.dtype)

    def einsum(self, equation: str, *operands: NativeArray) -> NativeArray:
        dtype = operands[0].dtype
        wide = self._wide.get(dtype)
        if wide is not None:
            return self.convert(self.einsum(equation, *(self.convert(x, wide) for x in operands)), dtype)

        return einsum(self, equation, operands)  # a library's own may add up one product after the other

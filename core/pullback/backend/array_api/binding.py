"""Elementwise kernels as the namespace has them, wrapped where it takes less than PyTorch does."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

from pullback.backend.array_api.kernel_names import (
    BINARY,
    BOOL_AS_INTEGER,
    DIVISIONS,
    MAY_RETURN_OPERAND,
    UNARY,
    WIDE_NUMBERS,
)
from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import Kernel, NativeArray
from pullback.meta import dtypes as dt
from pullback.meta.dtypes import DType


class Binding(NamespaceBackend):
    """Kernels that are the namespace's functions, found by their names."""

    #: Whether the namespace's elementwise functions take Python scalars and bool in the way NumPy's do.
    lenient: bool = False

    def _bind_elementwise(self) -> None:
        accepts_scalars = str(getattr(self.xp, "__array_api_version__", "")) >= "2024.12"
        for name in (*UNARY, *BINARY):
            if hasattr(type(self), name):
                continue
            if self.lenient:
                setattr(self, name, getattr(self.xp, name))
                continue
            kernel = getattr(self.xp, name, None) or getattr(self, f"composed_{name}", None)
            if kernel is None:
                continue
            if name in BINARY and not accepts_scalars:
                kernel = self._with_scalars(kernel)
            if name == "remainder":
                kernel = self._with_zeros_of_dividends(kernel)
            if name == "signbit":
                kernel = self._with_integers(kernel)
            if name in BOOL_AS_INTEGER:
                kernel = self._with_bool(kernel, BOOL_AS_INTEGER[name])
            elif name.startswith("logical_"):
                kernel = self._with_any_dtype(kernel)
            if self.mutable and name in MAY_RETURN_OPERAND:
                kernel = self._with_own_memory(kernel)
            setattr(self, name, kernel)

    def _with_scalars(self, kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def call(x: Any, y: Any) -> NativeArray:
            if not self.is_array(x):
                x = self.like(x, y)
            elif not self.is_array(y):
                y = self.like(y, x)
            return kernel(x, y)

        return call

    def _with_zeros_of_dividends(self, remainder: Kernel) -> Kernel:
        """A remainder whose zeros have the dividend's sign, as C's and PyTorch's; the standard's have the divisor's."""

        @wraps(remainder)
        def call(x: Any, y: Any) -> NativeArray:
            return self.with_zeros_of(x, remainder(x, y))

        return call

    def with_zeros_of(self, dividend: Any, found: NativeArray) -> NativeArray:
        """A remainder, with the dividend's sign at its zeros."""
        if not self.dtypes[found.dtype].is_floating_point:
            return found
        return self.where(self.equal(found, 0), self.copysign(found, dividend), found)

    def _with_bool(self, kernel: Kernel, bool_result: bool) -> Kernel:
        boolean, integer = self.native_dtypes[dt.bool_], self.native_dtypes[dt.uint8]

        @wraps(kernel)
        def call(*operands: Any) -> NativeArray:
            if not any(self.is_array(x) and x.dtype == boolean for x in operands):
                return kernel(*operands)
            numbers = [self.xp.astype(x, integer) if self.is_array(x) else int(x) for x in operands]
            result = kernel(*numbers)
            return self.xp.astype(result, boolean) if bool_result else result

        return call

    def _with_integers(self, signbit: Kernel) -> Kernel:
        @wraps(signbit)
        def call(x: NativeArray) -> NativeArray:
            return signbit(x) if self.dtypes[x.dtype].is_floating_point else x < 0

        return call

    def _with_own_memory(self, kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def call(x: NativeArray) -> NativeArray:
            result = kernel(x)
            return self.copy(x) if result is x else result

        return call

    def _with_any_dtype(self, kernel: Kernel) -> Kernel:
        boolean = self.native_dtypes[dt.bool_]

        @wraps(kernel)
        def call(*operands: Any) -> NativeArray:
            truths = [self.convert(x, boolean) if self.is_array(x) else self.xp.asarray(bool(x)) for x in operands]
            return kernel(*truths)

        return call

    def guard(self) -> AbstractContextManager[object]:
        numpy: Any = sys.modules.get("numpy")  # libraries over NumPy pass its warnings on
        return nullcontext() if numpy is None else numpy.errstate(all="ignore")

    def silent(self, kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def call(*arguments: Any, **options: Any) -> Any:
            with self.guard():
                return kernel(*arguments, **options)

        return call

    def kernel_for(self, name: str, dtype: DType) -> Kernel | None:
        found = self.kernel(name)
        if found is None:
            return None
        if dtype.category == dt.INTEGER and name in DIVISIONS:
            return self._refusing_zero(found)
        if name in WIDE_NUMBERS and self.native_dtypes.get(dtype) in self._wide:
            return self._with_wide_numbers(found, self.native_dtypes[dtype])
        return found

    def _refusing_zero(self, divide: Kernel) -> Kernel:
        """A division of integers that refuses to divide by zero."""

        @wraps(divide)
        def call(x: Any, y: Any, **options: Any) -> NativeArray:
            if self.has_zero(y) and 0 not in getattr(x, "shape", ()):
                raise RuntimeError("ZeroDivisionError")  # PyTorch's error and words
            return divide(x, y, **options)

        return call

    def _with_wide_numbers(self, kernel: Kernel, half: Any) -> Kernel:
        """An operation of half precision whose second operand may be a number in float32."""
        wide = self._wide[half]

        @wraps(kernel)
        def call(x: Any, y: Any, **options: Any) -> NativeArray:
            if getattr(x, "dtype", wide) == half and getattr(y, "dtype", wide) == half:
                return kernel(x, y, **options)
            if options:
                raise TypeError("a number of another dtype leaves nothing to write the result into")
            x, y = (self.convert(v, wide) if self.is_array(v) else v for v in (x, y))
            return self.convert(kernel(x, y), half)

        call.number_dtype = self.dtypes[wide]  # type: ignore[attr-defined]
        return call

    def has_zero(self, x: Any) -> bool:
        """Whether an integer, or an element of an array of integers, is known to be zero."""
        return not bool(self.all(self.not_equal(x, 0))) if self.is_array(x) else x == 0

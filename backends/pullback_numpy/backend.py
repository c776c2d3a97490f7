"""The NumPy backend."""

from __future__ import annotations

from cmath import isfinite
from contextlib import AbstractContextManager
from math import hypot, inf
from typing import Any

import ml_dtypes
import numpy as np

from pullback.extend import (
    CPU,
    ArrayAPIBackend,
    Axis,
    Device,
    DType,
    Kernel,
    NativeArray,
    NumPyLikeBackend,
    count_reduced,
    finfo,
)
from pullback.extend import dtypes as dt
from pullback_numpy.adding_at_positions import accumulate_at
from pullback_numpy.bounds import FEW, all_within
from pullback_numpy.dlpack import BFLOAT, Relabelled, described
from pullback_numpy.products import SHORT, long_product, matrix_product
from pullback_numpy.scaled_products import product, product_of_few
from pullback_numpy.scans import running_sum
from pullback_numpy.silence import in_silence, nameless
from pullback_numpy.summation import SEQUENTIAL, pairwise_sum

# Any: the stubs know no arrays of unknown dtype, and these calls are positional for speed.
add_reduce: Any = np.add.reduce
multiply_reduce: Any = np.multiply.reduce
maximum_reduce: Any = np.maximum.reduce
minimum_reduce: Any = np.minimum.reduce
and_reduce: Any = np.logical_and.reduce
or_reduce: Any = np.logical_or.reduce
power = np.power
ufunc_remainder = np.remainder
count_nonzero = np.count_nonzero
matmul: Any = np.matmul
subtract: Any = np.subtract
multiply: Any = np.multiply
sqrt: Any = np.sqrt
_BLAS = frozenset({dt.float32, dt.float64, dt.complex64, dt.complex128})
ndarray = np.ndarray
#: Kernels, and operations that call only one, for whose silence a small one should not pay.
SILENT = frozenset({"sum", "mean", "prod", "var", "std", "vector_norm", "remainder"})
#: Functions that move or compare elements, of which NumPy has nothing to report.
QUIET = frozenset(
    {
        "cat",
        "clone",
        "copy",
        "diagonal_copy",
        "flip",
        "gather_elements",
        "hardtanh",
        "hardtanh_backward",
        "index",
        "logical_and",
        "logical_not",
        "logical_or",
        "logical_xor",
        "relu",
        "roll",
        "select_backward",
        "select_slices",
        "slice_backward",
        "stack",
        "take",
        "threshold_backward",
        "tril",
        "triu",
        "where",
        "zero",
    }
)
product_of_matrices = nameless(matrix_product)
_ONE = np.int8(1)
_INTEGER_OF_SIZE = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def integer_power(x: Any, y: Any) -> Any:
    """Integer power where exponents may be negative: the truncated exact result, 0 or ±1."""
    x, y = np.asarray(x), np.asarray(y)
    result = power(x, np.maximum(y, 0))
    inverse = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2 == 0, 1, -1), 0))
    return np.where(y < 0, inverse, result).astype(result.dtype)


def complex_power(x: Any, y: Any, out: Any = None) -> Any:
    """Complex power; to negative whole numbers of the inverse, for other powers may be out of range."""
    x, y = np.asarray(x), np.asarray(y)
    inverts = (y.imag == 0) & (y.real < 0) & (y.real == np.floor(y.real))
    if inverts.any():
        x, y = np.where(inverts, np.reciprocal(x), x), np.where(inverts, -y, y)
    return power(x, y, out=out)


def complex_log1p(x: Any, out: Any = None) -> Any:
    """Complex ``log(1 + x)``; NumPy's loses the digits of small operands in the sum."""
    x = np.asarray(x)
    real, imag = x.real, x.imag
    squared = real * (2 + real) + imag * imag  # |1 + x|^2 - 1
    result = np.asarray(np.log1p(x, out=out))
    near = (np.abs(real) < 0.5) & (np.abs(imag) < 0.5)
    result.real[near] = 0.5 * np.log1p(squared[near])
    return result


def remainder(x: Any, y: Any) -> Any:
    """The remainder, whose zeros have the sign of ``x``, as PyTorch's have; NumPy's have that of ``y``."""
    found = ufunc_remainder(x, y)
    if count_nonzero(found) == found.size or found.dtype.kind in "biu":
        return found
    return np.where(found == 0, np.copysign(found, x), found)


class NumPyBackend(NumPyLikeBackend):
    """NumPy on the CPU."""

    strong_scalar_dtypes = frozenset({dt.bfloat16})
    boolean_keys = True

    def __init__(self) -> None:
        super().__init__("numpy", np)
        self.inplace_kernels |= {"pow"}
        self._blas = frozenset(self.native_dtypes[dtype] for dtype in _BLAS)
        # Integers are not among them: their sums are exact in any order.
        self._summed_in = {native: native for native in self._blas} | self._wide
        # From where on sums of squares are accurate, and which part of the mean's square a variance has to exceed.
        self._limits = {
            self.native_dtypes[dtype]: (finfo(dtype).tiny / finfo(dtype).eps, finfo(dtype).eps ** 2 * 2.0**16)
            for dtype in (dt.float32, dt.float64)
        }
        self._largest = {native: finfo(self.dtypes[native]).max for native in self._limits}
        # Each multiplication rounds, in whatever order: where there is a wider dtype, its roundings do not show.
        double, complex_double = self.native_dtypes[dt.float64], self.native_dtypes[dt.complex128]
        self._multiplied_in = {native: complex_double if native in self._real else double for native in self._summed_in}

    def find_dtypes(self) -> tuple[dict[Any, DType], dict[DType, Any]]:
        known, native = super().find_dtypes()
        native[dt.bfloat16] = np.dtype(ml_dtypes.bfloat16)
        known[native[dt.bfloat16]] = dt.bfloat16
        return known, native

    def versions(self) -> dict[str, str]:
        return {"numpy": np.__version__, "ml_dtypes": ml_dtypes.__version__}

    def guard(self) -> AbstractContextManager[object]:
        return np.errstate(all="ignore")  # NaN and inf are values to PyTorch, not mishaps

    def silent(self, kernel: Kernel) -> Kernel:
        if isinstance(kernel, np.ufunc) or kernel is product_of_matrices or kernel.__name__ in QUIET | SILENT:
            return kernel
        return in_silence(kernel)

    def silent_for(self, kernel: Kernel, dtype: DType) -> Kernel:
        if dtype is dt.bfloat16 and getattr(kernel, "__name__", "") in QUIET:
            return in_silence(kernel)  # its comparisons are not NumPy's own, and report NaN
        return self.silent(kernel)

    remainder: Any = staticmethod(nameless(remainder))

    # -- arrays

    as_array: Any = staticmethod(np.asarray)

    def is_array(self, obj: object) -> bool:
        return isinstance(obj, np.ndarray)

    def from_data(self, data: Any, dtype: DType, device: Device | None = None) -> NativeArray:
        self._check(device)
        return np.array(data, dtype=self.native_dtype(dtype))

    def from_numpy(self, array: Any) -> NativeArray:
        array = np.asarray(array)
        dtype = self.dtypes.get(array.dtype)
        if dtype is None:
            native = array.dtype.newbyteorder("=")
            if native not in self.dtypes:
                self.dtype_of(array.dtype)  # raises
            return array.astype(native)
        native = self.native_dtypes[dtype]
        # One dtype object per dtype, so that the core can compare by identity (C's long and long long are
        # two).
        return array if array.dtype is native else array.view(native)

    def to_numpy(self, array: NativeArray) -> Any:
        return array

    def to_dlpack(self, array: NativeArray, **asked: Any) -> Any:
        if array.dtype != self.native_dtypes[dt.bfloat16]:
            return super().to_dlpack(array, **asked)
        capsule = super().to_dlpack(array.view(np.uint16), **asked)
        described(capsule).code = BFLOAT
        return capsule

    def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> NativeArray:
        relabelled = Relabelled(producer)
        array = super().from_dlpack(relabelled, copy=copy)
        if relabelled.was_bfloat16:
            array = array.view(self.native_dtypes[dt.bfloat16])
        return self.from_numpy(array)

    def astype(self, array: NativeArray, dtype: DType) -> NativeArray:
        try:
            return super().astype(array, dtype)
        except RuntimeWarning:  # warnings are errors here, and NaN became an integer
            with np.errstate(all="ignore"):
                return super().astype(array, dtype)

    def device_of(self, array: NativeArray) -> Device:
        return CPU

    def writable(self, array: NativeArray) -> bool:
        return bool(array.flags.writeable)

    def data_pointer(self, array: NativeArray) -> int:
        pointer: int = array.__array_interface__["data"][0]
        return pointer

    def _check(self, device: Device | None) -> None:
        if device is not None and (device.type != "cpu" or device.index):
            raise self.no_device(device)

    # -- kernels

    def kernel_for(self, name: str, dtype: DType) -> Kernel | None:
        found = super().kernel_for(name, dtype)
        if name == "mm" and dtype in _BLAS and getattr(found, "__func__", None) is NumPyBackend.mm:
            return product_of_matrices  # what mm would call, without the call
        if name == "pow" and dtype.is_complex and found is NumPyBackend.pow:
            return complex_power
        if name == "log1p" and dtype.is_complex and found is np.log1p:
            return complex_log1p
        return found

    def has_zero(self, x: Any) -> bool:
        return not (x.all() if x.ndim else x)  # a 0-d array's truth is had at a tenth of the price

    def zero_where(self, condition: Any, x: Any) -> NativeArray:
        integer = _INTEGER_OF_SIZE.get(x.dtype)
        if integer is None or condition.__class__ is not ndarray or condition.shape != x.shape:
            return super().zero_where(condition, x)
        # No bit of an element or all: without the branches of np.where, and exact for NaN and inf too.
        bits = np.subtract(condition.view(np.int8), _ONE).astype(integer)
        return np.bitwise_and(bits, x.view(integer), out=bits).view(x.dtype)

    def mm(self, x: Any, y: Any) -> NativeArray:
        return matrix_product(x, y) if x.dtype in self._blas else self.matmul(x, y)

    def matmul(self, x: NativeArray, y: NativeArray) -> NativeArray:
        dtype = x.dtype
        wide = self._wide.get(dtype)
        if wide is not None:
            return self.matmul(x.astype(wide), y.astype(wide)).astype(dtype)
        if x.shape[-1] <= SHORT or dtype not in self._blas:
            return matmul(x, y)
        return long_product(x, y, matmul)

    def einsum(self, equation: str, *operands: NativeArray) -> NativeArray:
        return ArrayAPIBackend.einsum(self, equation, *operands)  # NumPy's own adds up one product after the other

    @staticmethod
    def pow(x: Any, y: Any, out: Any = None) -> NativeArray:
        if out is not None and out.dtype.kind in "iu":
            # At a negative exponent NumPy stops in the middle: what it has written by then is lost.
            out[...] = NumPyBackend.pow(x, y)
            return out
        try:
            return power(x, y) if out is None else power(x, y, out=out)
        except ValueError:
            if (x if isinstance(x, np.ndarray) else y).dtype.kind not in "iu":
                raise
            return integer_power(x, y)

    def sum(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        if dtype is None:
            dtype = x.dtype
        if x.size <= SEQUENTIAL and dtype not in self._wide:
            return add_reduce(x, axis, dtype, None, keepdims)
        summed_in = self._summed_in.get(dtype)
        if summed_in is None:
            return add_reduce(x, axis, dtype, None, keepdims)
        out = pairwise_sum(x, axis, summed_in, keepdims)
        return out if summed_in is dtype else out.astype(dtype)

    def mean(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        if x.dtype not in self._wide:
            if axis is not None:
                mean = self.sum(x, axis, None, keepdims) / count_reduced(x.shape, axis)
                if all_within(mean, None):
                    return mean
            elif not keepdims and x.flags.c_contiguous:
                mean = add_reduce(x, None) / x.size
                if isfinite(mean):
                    return mean
        with self.guard():
            return super().mean(x, axis, keepdims)

    def var(self, x: NativeArray, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> NativeArray:
        return self._variance(x, axis, correction, keepdims, False)

    def std(self, x: NativeArray, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> NativeArray:
        return self._variance(x, axis, correction, keepdims, True)

    def _variance(self, x: NativeArray, axis: Axis, correction: float, keepdims: bool, root: bool) -> NativeArray:
        limits = self._limits.get(x.dtype)
        count = x.size if axis is None else count_reduced(x.shape, axis)
        freedom = count - correction
        if limits is None or count < 2 or freedom <= 0:
            with self.guard():
                return super()._variance(x, axis, correction, keepdims, root)
        least, steady = limits
        if axis is None and not keepdims:
            mean = self.sum(x) / count
            squares = subtract(x, mean)
            value = self.sum(multiply(squares, squares, squares)) / freedom
            middle = float(mean)
            if (least if root else 0.0) < float(value) - middle * middle * steady < inf:
                return sqrt(value) if root else value
        centre = self.sum(x, axis, None, True) / count
        squares = subtract(x, centre)
        multiply(squares, squares, squares)
        variance = self.sum(squares, axis, None, True) / freedom
        if not all_within(variance - centre * centre * steady, least if root else 0.0):
            with self.guard():
                return super()._variance(x, axis, correction, keepdims, root)
        if root:
            sqrt(variance, variance)
        if keepdims:
            return variance
        return variance.reshape(()) if axis is None else variance.squeeze(axis)

    def norm(self, x: NativeArray, ord: float, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        if ord == 2:
            dtype = x.dtype
            if axis is None and x.size <= FEW and dtype in self._largest and not keepdims:
                root = hypot(*x.ravel().tolist())
                if root < self._largest[dtype]:
                    return dtype.type(root)
            return self.root_of_squares(np.abs(x) if dtype in self._real else x, axis, keepdims)
        if ord == 1:
            return self.sum(np.abs(x), axis, None, keepdims)
        with self.guard():
            return super().norm(x, ord, axis, keepdims)

    def root_of_squares(self, size: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        limits = self._limits.get(size.dtype)
        if limits is not None and size.size:
            total = self.sum(multiply(size, size), axis, None, keepdims)
            if limits[0] < float(total) < inf if total.ndim == 0 else all_within(total, limits[0]):
                return sqrt(total)
        with self.guard():
            return super().root_of_squares(np.abs(size), axis, keepdims)

    def root_of_mean_square(self, x: NativeArray, axis: Axis, added: float) -> NativeArray:
        limits = self._limits.get(x.dtype)
        if limits is not None and x.size and added >= 0:
            total = self.sum(multiply(x, x), axis, None, True)
            total /= count_reduced(x.shape, axis)
            total += added
            if all_within(total, limits[0]):
                return sqrt(total, total)
        with self.guard():
            return super().root_of_mean_square(x, axis, added)

    def mean_square(self, x: NativeArray) -> NativeArray:
        mean = self.mean(multiply(x, x))
        if isfinite(mean):
            return mean
        with self.guard():
            return super().mean_square(x)

    def mended(self, value: Any, right: Any, mend: Any) -> NativeArray:
        # All of the truths at once, at a third of the price of all().
        return value if b"\0" not in right.tobytes() else np.where(right, value, mend())

    def prod(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        if dtype is None:
            dtype = x.dtype
        multiplied_in = self._multiplied_in.get(dtype)
        if multiplied_in is None:
            return multiply_reduce(x, axis, dtype, None, keepdims)
        if axis is None and dtype.char == "f" and x.size <= FEW and x.dtype is dtype and not keepdims:
            few = product_of_few(x.ravel().tolist())
            if few is not None:
                return dtype.type(few)
        out = product(x, axis, multiplied_in, keepdims)
        return out if multiplied_in is dtype else out.astype(dtype)

    def cumulative_sum(self, x: NativeArray, *, axis: int, dtype: Any = None) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        summed_in = self._summed_in.get(dtype)
        if summed_in is None:
            return np.add.accumulate(x, axis, dtype)
        out = running_sum(x, axis, summed_in)
        return out if summed_in is dtype else out.astype(dtype)

    def cumulative_prod(self, x: NativeArray, *, axis: int, dtype: Any = None) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        multiplied_in = self._multiplied_in.get(dtype, dtype)
        if multiplied_in == dtype:
            return np.multiply.accumulate(x, axis, dtype)
        return np.multiply.accumulate(x.astype(multiplied_in), axis).astype(dtype)

    def fill_where_into(self, x: NativeArray, mask: NativeArray, value: NativeArray) -> NativeArray:
        integer = _INTEGER_OF_SIZE.get(x.dtype)
        if integer is None or x.size < 4096 or mask.shape != x.shape or not x.flags.c_contiguous:
            np.copyto(x, value, where=mask)
            return x
        # Every bit of an element or none: without branches, which a mask makes hard to foresee.
        bits = x.view(integer)
        change = np.negative(mask.view(np.int8)).astype(integer)
        np.bitwise_and(change, np.bitwise_xor(bits, np.asarray(value).view(integer)), out=change)
        np.bitwise_xor(bits, change, out=bits)
        return x

    _fill_there = fill_where_into

    def _add_at(self, out: NativeArray, key: Any, values: Any) -> None:
        accumulate_at(out, key, values)

    def any_negative(self, indices: NativeArray) -> bool:
        return bool(indices.size and minimum_reduce(indices, None) < 0)

    def max(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return maximum_reduce(x, axis, None, None, keepdims)

    def min(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return minimum_reduce(x, axis, None, None, keepdims)

    def all(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return and_reduce(x, axis, None, None, keepdims)

    def any(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return or_reduce(x, axis, None, None, keepdims)

    def expand_dims(self, x: NativeArray, *, axis: int | tuple[int, ...]) -> NativeArray:
        if isinstance(axis, tuple) or not -x.ndim - 1 <= axis <= x.ndim:
            return np.expand_dims(x, axis)
        if axis < 0:
            axis += x.ndim + 1
        return x[(slice(None),) * axis + (None,)]

    def broadcast_to(self, x: NativeArray, shape: tuple[int, ...]) -> NativeArray:
        own = x.shape
        new = len(shape) - len(own)
        strides = [0] * new
        for size, wanted, stride in zip(own, shape[new:], x.strides, strict=False):
            if size == wanted:
                strides.append(stride)
            elif size == 1:
                strides.append(0)
        if len(strides) == len(shape):
            try:
                return ndarray(shape, x.dtype, x, 0, strides)
            except (ValueError, TypeError):
                pass  # not contiguous, or of a dtype that has no buffer
        out = np.broadcast_to(x, shape)
        # Read-only would pass on to views of it, which PyTorch lets one write to.
        if x.flags.writeable:
            out.flags.writeable = True
        return out

    def zeros(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        self._check(device)
        return np.zeros(shape, dtype)

    def ones(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        self._check(device)
        out = np.empty(shape, dtype)
        out.fill(1)  # np.ones does the same by way of the dispatch for other libraries' arrays: three times the time
        return out

    def full(self, shape: Any, value: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        self._check(device)
        return np.full(shape, value, dtype)

    def empty(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        self._check(device)
        return np.empty(shape, dtype)

    def eye(self, n: int, m: int | None = None, *, dtype: Any, device: Device | None = None) -> NativeArray:
        self._check(device)
        return np.eye(n, m, dtype=dtype)

    def positions(self, count: int, dtype: Any, device: Device | None) -> NativeArray:
        self._check(device)
        return np.arange(count, dtype=dtype)


for _name in ("sum", "mean", "prod", "var", "std", "_variance", "norm", "root_of_squares"):
    setattr(NumPyBackend, _name, nameless(vars(NumPyBackend)[_name]))

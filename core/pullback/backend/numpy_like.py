"""Backends over a library with NumPy's interface: mutable arrays, views that share memory, ufuncs.

NumPy and CuPy derive from it, so what a machine with a GPU runs is, but for the namespace, what NumPy runs
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pullback.backend.array_api import BINARY, UNARY, ArrayAPIBackend, Axis
from pullback.backend.base import NativeArray
from pullback.meta import dtypes as dt
from pullback.meta.devices import CPU, Device
from pullback.meta.dtypes import DType


class NumPyLikeBackend(ArrayAPIBackend):
    """A backend over a namespace that is a drop-in for NumPy's.

    Parameters
    ----------
    name : str
    namespace : module
        The library: its functions are named and behave as NumPy 2's.
    """

    mutable = True
    computes_uint64 = True

    def __init__(self, name: str, namespace: Any) -> None:
        xp = self.xp = namespace
        self.name = name
        self.array_type = xp.ndarray
        self._devices = {CPU: "cpu"}
        self.dtypes, self.native_dtypes = self.find_dtypes()
        self._relate_dtypes()
        # The library's own functions, with nothing in between: they take scalars, bool and `out=` themselves.
        bound = [kernel for kernel in (*UNARY, *BINARY) if not hasattr(type(self), kernel)]
        for kernel in bound:
            setattr(self, kernel, getattr(xp, kernel))
        self.inplace_kernels = frozenset(bound)

    def guard(self) -> AbstractContextManager[object]:
        return nullcontext()

    def find_dtypes(self) -> tuple[dict[Any, DType], dict[DType, Any]]:
        """The two dtype maps; a subclass adds what the namespace does not name."""
        xp = self.xp
        native = {d: xp.dtype(d.name) for d in dt.ALL if d is not dt.bfloat16}
        return {n: d for d, n in native.items()}, native

    # -- conversions

    def as_array(self, obj: Any) -> NativeArray:
        return self.xp.asarray(obj)

    def from_data(self, data: Any, dtype: DType, device: Device | None = None) -> NativeArray:
        return self.xp.array(data, dtype=self.native_dtype(dtype))

    def copy(self, array: NativeArray) -> NativeArray:
        return array.copy()

    def astype(self, array: NativeArray, dtype: DType) -> NativeArray:
        native = self.native_dtype(dtype)
        if array.dtype in self._real and native not in self._real and dtype is not dt.bool_:
            array = array.real  # converting a complex array to real ones would warn
        return array.astype(native)

    def convert(self, array: NativeArray, native: Any) -> NativeArray:
        return array if array.dtype == native else self.astype(array, self.dtypes[native])

    def like(self, value: Any, array: NativeArray) -> NativeArray:
        return self.xp.asarray(value, dtype=array.dtype)

    # -- memory

    def assign(self, target: NativeArray, value: Any) -> None:
        target[...] = value

    def owns_memory(self, array: NativeArray) -> bool:
        return array.base is None

    def strides(self, array: NativeArray) -> tuple[int, ...]:
        size = array.dtype.itemsize
        return tuple(stride // size for stride in array.strides)

    def same_strides(self, array: NativeArray, other: NativeArray) -> bool:
        return bool(array.strides == other.strides)

    def is_contiguous(self, array: NativeArray) -> bool:
        return bool(array.flags.c_contiguous)

    # -- elementwise

    def round(self, x: NativeArray) -> NativeArray:
        return x.copy() if x.dtype.kind in "biu" else self.xp.rint(x)

    def remainder(self, x: Any, y: Any) -> NativeArray:
        """The remainder, whose zeros have the sign of ``x``, as PyTorch's have; the library's have that of ``y``."""
        return self.with_zeros_of(x, self.xp.remainder(x, y))

    def where(self, condition: NativeArray, x: Any, y: Any) -> NativeArray:
        return self.xp.where(condition, x, y)

    def real(self, x: NativeArray) -> NativeArray:
        return x.real

    def imag(self, x: NativeArray) -> NativeArray:
        return x.imag

    def piecewise(
        self,
        x: NativeArray,
        magnitude: NativeArray,
        pieces: Sequence[tuple[float, Callable[[Any], NativeArray]]],
    ) -> NativeArray:
        x, magnitude = self.as_array(x), self.as_array(magnitude)
        out = self.xp.empty_like(x)
        below = 0.0
        for bound, function in pieces:
            inside = (magnitude >= below) & (magnitude < bound)
            if bound == float("inf"):
                inside = ~(magnitude < below)  # NaN belongs to the last piece
            if inside.any():
                out[inside] = function(x[inside])
            below = bound
        return out

    # -- reductions

    def sum(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        wide = self._wide.get(dtype)
        if wide is None:
            return self.xp.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)
        return self.xp.sum(x, axis=axis, dtype=wide, keepdims=keepdims).astype(dtype)

    def prod(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        wide = self._wide.get(dtype)
        if wide is None:
            return self.xp.prod(x, axis=axis, dtype=dtype, keepdims=keepdims)
        return self.xp.prod(x, axis=axis, dtype=wide, keepdims=keepdims).astype(dtype)

    def max(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.max(x, axis=axis, keepdims=keepdims)

    def min(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.min(x, axis=axis, keepdims=keepdims)

    def all(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.all(x, axis=axis, keepdims=keepdims)

    def any(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.any(x, axis=axis, keepdims=keepdims)

    def argmax(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        return self.xp.argmax(x, axis=axis, keepdims=keepdims)

    def argmin(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        return self.xp.argmin(x, axis=axis, keepdims=keepdims)

    def cumulative_sum(self, x: NativeArray, *, axis: int, dtype: Any = None) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        wide = self._wide.get(dtype)
        if wide is None:
            return self.xp.cumsum(x, axis=axis, dtype=dtype)
        return self.xp.cumsum(x, axis=axis, dtype=wide).astype(dtype)

    def cumulative_prod(self, x: NativeArray, *, axis: int, dtype: Any = None) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        wide = self._wide.get(dtype)
        if wide is None:
            return self.xp.cumprod(x, axis=axis, dtype=dtype)
        return self.xp.cumprod(x, axis=axis, dtype=wide).astype(dtype)

    # -- products

    def matmul(self, x: NativeArray, y: NativeArray) -> NativeArray:
        wide = self._wide.get(x.dtype)
        if wide is None:
            return self.xp.matmul(x, y)
        return self.xp.matmul(x.astype(wide), y.astype(wide)).astype(x.dtype)

    def einsum(self, equation: str, *operands: NativeArray) -> NativeArray:
        dtype = operands[0].dtype
        wide = self._wide.get(dtype)
        if wide is None:
            return self.xp.einsum(equation, *operands, optimize=len(operands) > 1)
        widened = [operand.astype(wide) for operand in operands]
        return self.xp.einsum(equation, *widened, optimize=len(operands) > 1).astype(dtype)

    # -- shape

    def reshape(self, x: NativeArray, shape: tuple[int, ...]) -> NativeArray:
        return x.reshape(shape)

    def permute_dims(self, x: NativeArray, axes: tuple[int, ...]) -> NativeArray:
        return x.transpose(axes)

    def expand_dims(self, x: NativeArray, *, axis: int | tuple[int, ...]) -> NativeArray:
        return self.xp.expand_dims(x, axis)

    def squeeze(self, x: NativeArray, axis: int | tuple[int, ...]) -> NativeArray:
        return x.squeeze(axis)

    def broadcast_to(self, x: NativeArray, shape: tuple[int, ...]) -> NativeArray:
        return self.xp.broadcast_to(x, shape)

    def concat(self, arrays: Sequence[NativeArray], *, axis: int | None = 0) -> NativeArray:
        return self.xp.concatenate(arrays, axis=axis)

    def stack(self, arrays: Sequence[NativeArray], *, axis: int = 0) -> NativeArray:
        return self.xp.stack(arrays, axis=axis)

    def flip(self, x: NativeArray, *, axis: Axis = None) -> NativeArray:
        # A copy, as PyTorch's: the library's own is a view.
        return self.xp.flip(x, axis=axis).copy()

    def roll(self, x: NativeArray, shift: int | tuple[int, ...], *, axis: Axis = None) -> NativeArray:
        return self.xp.roll(x, shift, axis=axis)

    def tril(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self.xp.tril(x, k)

    def triu(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self.xp.triu(x, k)

    def diagonal(self, x: NativeArray) -> NativeArray:
        return self.xp.einsum("...ii->...i", x)  # a writable view, which the library's own diagonal() is not

    # -- other views of the same memory

    def as_strided(
        self, x: NativeArray, shape: Sequence[int], strides: Sequence[int], offset: int, dtype: Any = None
    ) -> NativeArray:
        """Any part of the memory that begins where ``x`` does, with strides and offset in elements of ``dtype``."""
        step = x.dtype.itemsize
        extent = sum((n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)) // step + 1 if x.size else 0
        strided = self.xp.lib.stride_tricks.as_strided
        memory = strided(x, (extent,), (step,))
        if dtype is not None and dtype != x.dtype:
            step = dtype.itemsize
            memory = memory[: extent * x.dtype.itemsize // step * step // x.dtype.itemsize].view(dtype)
        return strided(memory[offset:], tuple(shape), tuple(s * step for s in strides))

    def unfold(self, x: NativeArray, axis: int, size: int, step: int) -> NativeArray:
        shape, strides = list(x.shape), list(x.strides)
        shape[axis] = (shape[axis] - size) // step + 1
        along = strides[axis]
        strides[axis] *= step
        return self.xp.lib.stride_tricks.as_strided(x, (*shape, size), (*strides, along))

    def reinterpret(self, x: NativeArray, dtype: DType) -> NativeArray:
        native = self.native_dtype(dtype)
        return x.view(native) if x.size else self.xp.empty(_rescaled(x, native.itemsize), native)

    def view_as_real(self, x: NativeArray) -> NativeArray:
        return x[..., None].view(self._real[x.dtype])

    def view_as_complex(self, x: NativeArray) -> NativeArray:
        # Dimensions of size 1 aside, only the last one need have its elements side by side.
        return x.view(self._complex[x.dtype])[..., 0]

    # -- indexing

    def getitem(self, x: NativeArray, key: Any) -> NativeArray:
        found = x[key]
        if type(found) is not self.array_type:
            # A scalar would be a copy; with an ellipsis the element comes as a 0-d view.
            found = x[(*key, ...) if type(key) is tuple else (key, ...)]
        return found

    def index_put(self, x: NativeArray, key: Any, values: Any, accumulate: bool = False) -> NativeArray:
        return self.index_put_into(x.copy(), key, values, accumulate)

    def index_put_into(self, x: NativeArray, key: Any, values: Any, accumulate: bool = False) -> NativeArray:
        last = key[-1] if type(key) is tuple and key else key
        if getattr(last, "dtype", None) == self.native_dtypes[dt.bool_]:
            self._put_where(x, key if type(key) is tuple else (key,), last, values, accumulate)
        elif not accumulate:
            x[key] = values
        else:
            wide = self._wide.get(x.dtype)
            if wide is None:
                self._add_at(x, key, values)
            else:
                sums = x.astype(wide)
                self._add_at(sums, key, values)
                x[...] = sums
        return x

    def scatter(
        self, x: NativeArray, axis: int, indices: NativeArray, values: Any, reduce: str | None = None
    ) -> NativeArray:
        return self.scatter_into(x.copy(), axis, indices, values, reduce)

    def scatter_into(
        self, x: NativeArray, axis: int, indices: NativeArray, values: Any, reduce: str | None = None
    ) -> NativeArray:
        xp = self.xp
        if reduce not in (None, "add", "multiply", "max", "min"):
            raise ValueError(f"scatter: reduce must be None, 'add', 'multiply', 'max' or 'min', got {reduce!r}")
        axis %= max(x.ndim, 1)
        if not indices.size:
            return x
        if x.ndim == 0:
            self._scatter_there(x.reshape((1,)), 0, indices.reshape((-1,)), values, reduce)  # a view of x
            return x
        if getattr(values, "ndim", 0):
            values = values[tuple(slice(0, n) for n in indices.shape)]
        key = tuple(
            indices if d == axis else xp.arange(n).reshape(tuple(n if e == d else 1 for e in range(indices.ndim)))
            for d, n in enumerate(indices.shape)
        )
        if reduce is None:
            x[key] = values
            return x
        wide = self._wide.get(x.dtype)
        out = x if wide is None else x.astype(wide)
        if reduce == "add":
            self._add_at(out, key, values)
        elif reduce == "multiply":
            self._multiply_at(out, key, values)
        elif reduce == "max":
            xp.maximum.at(out, key, values)
        else:
            xp.minimum.at(out, key, values)
        if out is not x:
            x[...] = out
        return x

    # What writes for sure: where arrays are to be treated as immutable, the kernel of the public name writes elsewhere.
    _scatter_there = scatter_into

    def _put_where(self, x: NativeArray, key: Any, mask: NativeArray, values: Any, accumulate: bool) -> None:
        """Put values where a mask, the last part of the key, is true."""
        whole = len(key) == 1 and mask.ndim == x.ndim
        if whole and not accumulate and self.xp.size(values) == 1 and self.xp.ndim(values) <= 1:
            self._fill_there(x, mask, self.xp.reshape(values, ()))
            return
        if x.flags.c_contiguous and all(part == slice(None) for part in key[:-1]):
            # Positions take fewer branches than a mask: in a flat view of x, where one array of them will do.
            axis = len(key) - 1
            x = x.reshape((*x.shape[:axis], mask.size, *x.shape[axis + mask.ndim :]))
            key = (*key[:-1], mask.reshape(-1).nonzero()[0])
        if accumulate:
            x[key] += values  # a mask names no element twice
        else:
            x[key] = values

    def fill_where_into(self, x: NativeArray, mask: NativeArray, value: NativeArray) -> NativeArray:
        self.xp.copyto(x, value, where=mask)
        return x

    _fill_there = fill_where_into

    def _add_at(self, out: NativeArray, key: Any, values: Any) -> None:
        self.xp.add.at(out, key, values)

    def _multiply_at(self, out: NativeArray, key: Any, values: Any) -> None:
        self.xp.multiply.at(out, key, values)

    def take(self, x: NativeArray, indices: NativeArray, *, axis: int | None = None) -> NativeArray:
        return x.take(indices, axis=axis)

    def take_along_axis(self, x: NativeArray, indices: NativeArray, axis: int = -1) -> NativeArray:
        return self.xp.take_along_axis(x, indices, axis)

    def sort(self, x: NativeArray, *, axis: int = -1, descending: bool = False, stable: bool = True) -> NativeArray:
        if not x.ndim:
            return x.copy()
        wide = self._wide.get(x.dtype)
        if wide is not None:
            return self.sort(x.astype(wide), axis=axis, descending=descending, stable=stable).astype(x.dtype)
        if not descending:
            return self.xp.sort(x, axis=axis, kind="stable")
        # Reversed before and after, equal elements keep their order and NaN, the greatest, comes first.
        flipped = self.xp.sort(self.xp.flip(x, axis=axis), axis=axis, kind="stable")
        return self.xp.flip(flipped, axis=axis).copy()

    def argsort(self, x: NativeArray, *, axis: int = -1, descending: bool = False, stable: bool = True) -> NativeArray:
        if not x.ndim:
            return self.xp.zeros((), dtype=self.native_dtypes[dt.int64])
        wide = self._wide.get(x.dtype)
        if wide is not None:
            x = x.astype(wide)
        if not descending:
            return self.xp.argsort(x, axis=axis, kind="stable")
        flipped = self.xp.argsort(self.xp.flip(x, axis=axis), axis=axis, kind="stable")
        return x.shape[axis] - 1 - self.xp.flip(flipped, axis=axis)

    # -- creation

    def zeros(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.zeros(shape, dtype=dtype)

    def ones(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.ones(shape, dtype=dtype)

    def full(self, shape: Any, value: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.full(shape, value, dtype=dtype)

    def empty(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.empty(shape, dtype=dtype)

    def eye(self, n: int, m: int | None = None, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.xp.eye(n, m, dtype=dtype)

    def positions(self, count: int, dtype: Any, device: Device | None) -> NativeArray:
        return self.xp.arange(count, dtype=dtype)


def _rescaled(x: NativeArray, itemsize: int) -> tuple[int, ...]:
    """The shape of an empty array once its elements are of another size."""
    return (*x.shape[:-1], x.shape[-1] * x.dtype.itemsize // itemsize) if x.ndim else x.shape

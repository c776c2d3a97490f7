"""The JAX backend.

Its first array or kernel switches on JAX's 64-bit types (``jax_enable_x64``) for the process: without them JAX would
truncate every 64-bit array without a word. To look for devices does not. If a program switches them off again, 64-bit
dtypes raise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial, wraps
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import jaxlib.version
import ml_dtypes
import numpy as np

from pullback.extend import (
    CPU,
    ArrayAPIBackend,
    Axis,
    BackendError,
    Device,
    DType,
    Kernel,
    Limitation,
    NativeArray,
    check_size,
    elements_read,
    get_backend,
)
from pullback.extend import dtypes as dt
from pullback_jax.elementwise import (
    asinh,
    atanh,
    cosh,
    differentiable_erfc,
    expm1,
    floor_divide,
    gcd,
    in_float32,
    log1p,
    on_both_sides,
    sign,
    sinh,
)
from pullback_jax.long_products import LONG, long_product, prod
from pullback_jax.ordering import (
    COMPARISONS,
    compared,
    maximum,
    minimum,
    nextafter,
    nonzero_bits,
    ordered,
    reduced,
    sorted_values,
)
from pullback_jax.positions import axis_of_only_index, check_bounds, consumed, nonzero, put, scatter
from pullback_jax.powers import pow
from pullback_jax.subnormal import KERNELS, adapted, widened

PRECISIONS = {"highest": "highest", "high": "high", "medium": "default"}
#: More values than these are added to elements of an array in double precision.
LONG_SUM = 128
#: The dtypes with subnormal numbers that are normal in a wider dtype, and the size of its elements.
WIDENED = {np.dtype(ml_dtypes.bfloat16): 8, np.dtype(np.float32): 8, np.dtype(np.complex64): 16}
SMALL_INTEGERS = frozenset({dt.uint8, dt.int8, dt.int16, dt.int32, dt.uint16, dt.uint32})

#: What holds on a GPU alone: there XLA writes the elements of a scatter in any order.
GPU_LIMITATIONS = tuple(
    Limitation(
        operation,
        frozenset(),
        "on a GPU, which of several values for one element stays is not defined",
        case="duplicate indices",
    )
    for operation in ("scatter", "index_put")
)


#: What holds on a CPU alone: while a program of XLA's runs, the processor is set to treat subnormal numbers as zero. No
#: option of XLA's changes that. What compares numbers, or asks whether they are zero, looks at bits here; products,
#: quotients, roots, logarithms, powers and conversions take subnormal operands for what they are.
CPU_LIMITATIONS = (
    Limitation(
        "*",
        frozenset({dt.bfloat16, dt.float32, dt.float64, dt.complex64, dt.complex128}),
        "on a CPU, XLA gives zero for a result, also one inside of a function, that is subnormal; sums, differences, "
        "remainders, products of matrices, special functions and complex arithmetic take subnormal operands for zero",
        case="subnormal numbers",
    ),
)

#: The kernels of two operands that broadcast, whose result may be larger than both.
BROADCASTING = frozenset(
    (
        "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
        "copysign", "divide", "equal", "floor_divide", "gcd", "greater", "greater_equal", "hypot", "lcm", "less",
        "less_equal", "logaddexp", "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply",
        "nextafter", "not_equal", "pow", "remainder", "subtract",
    )
)  # fmt: skip
#: Products of two sizes from here on may be of a result that XLA, which ends the process, cannot describe.
LARGE = 1 << 57
#: Arrays of one number with no more elements than this are filled by NumPy: sooner than XLA would, which compiles a
#: program for each shape.
SMALL = 1 << 12


def sized(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel of two operands that refuses those whose result no memory holds."""

    @wraps(kernel)
    def checked(x: Any, y: Any, **options: Any) -> Any:
        shape = getattr(y, "shape", ())
        if shape and shape != getattr(x, "shape", shape) and x.size * y.size > LARGE:
            check_size(np.broadcast_shapes(x.shape, shape), x.dtype.itemsize)
        return kernel(x, y, **options)

    return checked


class JAXBackend(ArrayAPIBackend):
    """JAX arrays, concrete or traced: under ``jax.jit`` kernels need only a tracer's dtype and shape."""

    lenient = True
    computes_uint64 = True
    compiles_each_shape = True

    def __init__(self) -> None:
        super().__init__("jax", jnp)
        self._begun = False
        kinds = {device.type for device in self._devices}
        self.limitations = (CPU_LIMITATIONS if "cpu" in kinds else ()) + (GPU_LIMITATIONS if "cuda" in kinds else ())
        # Composed of several kernels: compiled as one.
        self._atanh = jax.jit(atanh)
        self._erfc = jax.jit(differentiable_erfc(super().erfc))
        self._floor_divide = jax.jit(floor_divide)
        self._log1p = jax.jit(log1p)
        self._nonzero = jax.jit(nonzero, static_argnums=1)
        self._nonzero_bits = jax.jit(nonzero_bits)
        self._ordered = jax.jit(ordered)
        self._pow = jax.jit(pow)
        self._scatter = jax.jit(scatter, static_argnums=(3, 4))
        self._sign = jax.jit(sign)
        for name, compare in COMPARISONS.items():
            setattr(self, name, jax.jit(partial(compared, compare)))
        self.nextafter = jax.jit(nextafter)
        self.maximum, self.minimum = jax.jit(maximum), jax.jit(minimum)
        self._sorted_values = jax.jit(sorted_values, static_argnums=(1, 2))
        self._largest = jax.jit(partial(reduced, True), static_argnums=(1, 2))
        self._smallest = jax.jit(partial(reduced, False), static_argnums=(1, 2))
        # XLA's own exp2 is the exponential of a rounded product.
        self.exp2 = jax.jit(in_float32(lambda x: jnp.power(jnp.asarray(2, x.dtype), x)))
        self.expm1 = jax.jit(in_float32(expm1))
        self.cosh, self.sinh = jax.jit(in_float32(cosh)), jax.jit(in_float32(sinh))
        for name in ("sqrt", "asin", "acos"):
            setattr(self, name, jax.jit(on_both_sides(getattr(jnp, name))))
        self.acosh = jax.jit(in_float32(on_both_sides(jnp.acosh)))
        self.asinh = jax.jit(asinh)
        for name, function in KERNELS.items():
            setattr(self, name, jax.jit(adapted(getattr(self, name), function)))
        self._widened = jax.jit(widened, static_argnums=1)
        for name in ("lgamma", "digamma", "erfinv"):
            setattr(self, name, jax.jit(getattr(super(), name)))
        for name in BROADCASTING:
            setattr(self, name, sized(getattr(self, name)))
        self.polygamma = jax.jit(super().polygamma, static_argnums=1)
        self.mvlgamma = jax.jit(super().mvlgamma, static_argnums=1)
        self._long_product = jax.jit(long_product, static_argnums=(2, 3))
        self._prod = jax.jit(prod, static_argnums=(1, 2))
        self.mean = jax.jit(super().mean, static_argnums=(1, 2), static_argnames=("axis", "keepdims"))
        self._variance = jax.jit(super()._variance, static_argnums=(1, 2, 3, 4))
        self.root_of_squares = jax.jit(
            super().root_of_squares, static_argnums=(1, 2), static_argnames=("axis", "keepdims")
        )
        self.root_of_mean_square = jax.jit(super().root_of_mean_square, static_argnums=(1, 2))
        self.mean_square = jax.jit(super().mean_square)
        self.root_of_powers = jax.jit(
            super().root_of_powers, static_argnums=(1, 2, 3), static_argnames=("axis", "keepdims")
        )

    # -- set-up

    def find_dtypes(self) -> tuple[dict[Any, DType], dict[DType, Any]]:
        native = {d: np.dtype(ml_dtypes.bfloat16 if d is dt.bfloat16 else d.name) for d in dt.ALL}
        return {n: d for d, n in native.items()}, native

    def _find_devices(self) -> None:
        self._devices = {}
        for native in dict.fromkeys([*jax.devices(), *jax.devices("cpu")]):
            kind = "cuda" if native.platform == "gpu" else native.platform
            device = CPU if kind == "cpu" and native.id == 0 else Device(kind, native.id)
            self._devices[device] = native
        self.default_device = next(iter(self._devices))
        self._device_of = {native: device for device, native in self._devices.items()}

    def versions(self) -> dict[str, str]:
        return {"jax": jax.__version__, "jaxlib": jaxlib.version.__version__}

    def set_float32_matmul_precision(self, precision: str) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
        self.float32_matmul_precision = precision

    def guard(self) -> AbstractContextManager[object]:
        return nullcontext()  # XLA raises no floating-point warnings

    def silent(self, kernel: Kernel) -> Kernel:
        self._begin()
        return kernel

    def synchronize(self) -> None:
        for native in self._devices.values():
            jax.device_put(0, native).block_until_ready()  # what a GPU has in its queue comes before
        for array in jax.live_arrays():
            try:
                array.block_until_ready()
            except RuntimeError:
                if not array.is_deleted():  # by another thread
                    raise

    def clear_caches(self) -> None:
        jax.clear_caches()

    def keep(self, native: Any) -> Any:
        """``native`` itself, or an error where JAX would quietly take a narrower dtype in its place."""
        self._begin()
        if native.itemsize > 4 and jax.dtypes.canonicalize_dtype(native) != native:
            raise BackendError(
                f"backend 'jax' cannot hold {self.dtype_of(native)} while jax_enable_x64 is off; "
                'switch it on again with jax.config.update("jax_enable_x64", True)'
            )
        return native

    def _begin(self) -> None:
        """Switch on 64-bit dtypes, before the first use: integers, indices and counts have them, as PyTorch's."""
        if not self._begun:
            config: Any = jax.config  # its methods have no types
            config.update("jax_enable_x64", True)
            self._begun = True

    def native_dtype(self, dtype: DType) -> Any:
        self._begin()
        return super().native_dtype(dtype)

    def kernel_for(self, name: str, dtype: DType) -> Kernel | None:
        self._begin()
        return super().kernel_for(name, dtype)

    # -- devices

    def device_of(self, array: NativeArray) -> Device:
        if isinstance(array, jax.core.Tracer):
            return self.default_device  # a tracer has a place only when the compiled program runs
        return self._device_of.get(next(iter(array.devices())), self.default_device)

    def native_device(self, device: Device | None) -> Any:
        # None leaves an array uncommitted, so that JAX may combine it with arrays of any device.
        return None if device is None else super().native_device(device)

    def to_device(self, array: NativeArray, device: Device) -> NativeArray:
        native = self.native_device(device)
        is_there = not isinstance(array, jax.core.Tracer) and array.committed and array.devices() == {native}
        return array if is_there else jax.device_put(array, native)

    # -- conversions

    def is_array(self, obj: object) -> bool:
        return isinstance(obj, jax.Array)

    def as_array(self, obj: Any) -> NativeArray:
        return obj if isinstance(obj, jax.Array) else jnp.asarray(obj)

    def from_data(self, data: Any, dtype: DType, device: Device | None = None) -> NativeArray:
        native = self.keep(self.native_dtype(dtype))
        with suppress(jax.errors.TracerArrayConversionError), np.errstate(over="ignore"):
            # A new array, which nothing writes to: JAX may share its memory. jnp.array would compile a copy.
            return jax.device_put(np.array(data, dtype=native), self.native_device(device))
        return jnp.array(data, dtype=native, device=self.native_device(device))  # a list of tracers

    def number(self, value: Any, dtype: DType) -> Any:
        # An array of NumPy's: it belongs to no trace, and no device need be written to.
        with np.errstate(over="ignore"):
            return np.array(value, dtype=self.keep(self.native_dtype(dtype)))

    def from_numpy(self, array: Any) -> NativeArray:
        # Always a copy: JAX would share memory or not by its alignment.
        array = np.asarray(array)
        native = array.dtype.newbyteorder("=")
        self.dtype_of(native)
        return jax.device_put(array.astype(self.keep(native)))

    def to_numpy(self, array: NativeArray) -> Any:
        return np.asarray(array)

    def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> NativeArray:
        try:
            array = super().from_dlpack(producer, copy=False if copy else copy)
            # JAX's own copy=True may share memory all the same. The memory may change as soon as we return.
            return self.copy(array).block_until_ready() if copy else array
        except (BufferError, ValueError, jax.errors.JaxRuntimeError) as error:
            # Gaps between elements, or memory that NumPy will not lend because it is read-only.
            if copy is False:
                raise BufferError(f"backend 'jax' cannot share this memory: {error}") from error
        return self.from_numpy(get_backend("numpy").from_dlpack(producer))

    def copy(self, array: NativeArray) -> NativeArray:
        return jnp.array(array, copy=True)

    def convert(self, array: NativeArray, native: Any) -> NativeArray:
        if array.dtype == native:
            return array
        self.keep(native)
        target = self.dtype_of(native)
        source = self.dtype_of(array.dtype)
        if target is dt.bool_:
            return self._nonzero_bits(array)
        if source.is_complex and not target.is_complex:
            array = array.real
        if source.category >= dt.FLOATING and target in SMALL_INTEGERS:
            array = array.astype(np.int64)  # so that it wraps, as elsewhere, where XLA would clamp
        if native.itemsize >= WIDENED.get(array.dtype, 32) and target.category >= dt.FLOATING:
            return self._widened(array, native)
        return array.astype(native)

    def like(self, value: Any, array: NativeArray) -> NativeArray:
        return self.convert(value, array.dtype) if self.is_array(value) else jnp.asarray(value, dtype=array.dtype)

    # -- kernels

    def where(self, condition: NativeArray, x: Any, y: Any) -> NativeArray:
        if condition.size * getattr(x, "size", 1) * getattr(y, "size", 1) > LARGE:
            shapes = [getattr(operand, "shape", ()) for operand in (condition, x, y)]
            check_size(np.broadcast_shapes(*shapes), 8)
        return jnp.where(condition, x, y)

    def erf(self, x: NativeArray) -> NativeArray:
        return jax.scipy.special.erf(x)

    def gcd(self, x: NativeArray, y: NativeArray) -> NativeArray:
        return gcd(self.as_array(x), self.as_array(y))

    def erfc(self, x: NativeArray) -> NativeArray:
        # XLA's own loses two digits in the tail.
        return self.convert(self._erfc(self.convert(x, self.native_dtypes[dt.float64])), x.dtype)

    def shortened(self, x: NativeArray) -> NativeArray:
        return jax.lax.reduce_precision(x, 11, 23)  # XLA drops a conversion there and back

    def minus_in_parts(self, x: NativeArray, parts: Sequence[float]) -> NativeArray:
        apart: Any = jax.lax.optimization_barrier  # XLA would add the parts
        for part in parts:
            x = apart(x - part)
        return x

    def product_of_exponentials(self, x: NativeArray, y: NativeArray) -> NativeArray:
        apart: Any = jax.lax.optimization_barrier  # XLA would add the exponents
        return apart(jnp.exp(x)) * jnp.exp(y)

    def atanh(self, x: NativeArray) -> NativeArray:
        # XLA's own loses two digits in double precision.
        return self._atanh(x) if x.dtype == np.float64 else jnp.atanh(x)

    def log1p(self, x: NativeArray) -> NativeArray:
        # XLA's own loses two digits in double precision where 1 + x is between 0.59 and 0.71.
        return self._log1p(x) if x.dtype == np.float64 else jnp.log1p(x)

    def sign(self, x: NativeArray) -> NativeArray:
        return self._sign(x) if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.sign(x)

    def floor_divide(self, x: Any, y: Any) -> NativeArray:
        array = x if self.is_array(x) else y
        return (self._floor_divide if jnp.issubdtype(array.dtype, jnp.floating) else jnp.floor_divide)(x, y)

    def has_zero(self, x: Any) -> bool:
        # A tracer's elements are known only when the compiled program runs, and on a GPU PyTorch doesn't look either.
        if isinstance(x, jax.core.Tracer) or (isinstance(x, jax.Array) and self.device_of(x).type != "cpu"):
            return False
        return not np.all(elements_read("a divisor, looked at for zeros,", self, x) if self.is_array(x) else x)

    def pow(self, x: Any, y: Any) -> NativeArray:
        return self._pow(x, y)

    def _accumulate(self, function: Any, x: NativeArray, dtype: Any, **options: Any) -> NativeArray:
        if dtype is not None:
            self.keep(dtype)
        return super()._accumulate(function, x, dtype, **options)

    def prod(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        if self.dtypes[dtype].category < dt.FLOATING:
            return super().prod(x, axis, dtype, keepdims)
        return self._prod(self.convert(x, self._multiplied_in(dtype)), axis, keepdims).astype(self.keep(dtype))

    def cumulative_prod(self, x: NativeArray, *, axis: int, dtype: Any = None) -> NativeArray:
        dtype = x.dtype if dtype is None else dtype
        if self.dtypes[dtype].category < dt.FLOATING:
            return super().cumulative_prod(x, axis=axis, dtype=dtype)
        return jnp.cumulative_prod(self.convert(x, self._multiplied_in(dtype)), axis=axis).astype(self.keep(dtype))

    def _multiplied_in(self, dtype: Any) -> Any:
        # Each multiplication rounds, in whatever order: where there is a wider dtype, its roundings do not show.
        return self.native_dtypes[dt.complex128 if dtype in self._real else dt.float64]

    def mended(self, value: NativeArray, right: NativeArray, mend: Callable[[], NativeArray]) -> NativeArray:
        # Inside of a compiled program; what is not needed is not computed.
        return jax.lax.cond(jnp.all(right), lambda: value, lambda: jnp.where(right, value, mend()))

    def matmul(self, x: NativeArray, y: NativeArray) -> NativeArray:
        if x.size * y.size > LARGE:
            check_size((*x.shape[:-1], *y.shape[-1:]), x.dtype.itemsize)
        precision = PRECISIONS[self.float32_matmul_precision]
        inexact = self.dtypes[x.dtype].category >= dt.FLOATING
        if inexact and x.shape[-1] > LONG and x.ndim + y.ndim > 2:
            return self._long_product(x, y, precision, self.wider(x.dtype))
        if x.dtype in self._wide:
            wide = self._wide[x.dtype]
            return jnp.matmul(x, y, precision=precision, preferred_element_type=wide).astype(x.dtype)
        return jnp.matmul(x, y, precision=precision)

    def expand_dims(self, x: NativeArray, *, axis: int | tuple[int, ...]) -> NativeArray:
        return jnp.expand_dims(x, axis)

    # -- views of the same memory elsewhere, copies here

    def view_as_complex(self, x: NativeArray) -> NativeArray:
        return jax.lax.complex(x[..., 0], x[..., 1])

    def reinterpret(self, x: NativeArray, dtype: DType) -> NativeArray:
        if not x.ndim:
            return self.reinterpret(x.reshape((1,)), dtype).reshape(())
        if x.dtype in self._real:
            x = self.view_as_real(x)
            x = x.reshape((*x.shape[:-2], x.shape[-2] * 2)) if x.ndim > 1 else x
        elif x.dtype == np.bool_:
            x = x.astype(np.uint8)
        native = self.native_dtype(dtype)
        if native in self._real:
            parts = _reinterpreted(x, self._real[native])
            return self.view_as_complex(parts.reshape((*parts.shape[:-1], parts.shape[-1] // 2, 2)))
        if native == np.bool_:
            return _reinterpreted(x, np.dtype(np.uint8)) != 0
        return _reinterpreted(x, native)

    # -- indexing

    def getitem(self, x: NativeArray, key: Any) -> NativeArray:
        axis = axis_of_only_index(key)
        if axis is not None:  # jax.numpy's eager indexing takes milliseconds to translate a key
            return self.take(x, key[axis], axis=axis)
        self._check_key(x, key)
        return x[key]

    def index_put(self, x: NativeArray, key: Any, values: Any, accumulate: bool = False) -> NativeArray:
        self._check_key(x, key)
        values = self.like(values, x)
        if not accumulate:
            return put(x, key, values, "set")
        if x.dtype == np.bool_:
            return put(x, key, values, "max")  # logical or
        wide = self._added_in(x, values)
        return self.convert(put(self.convert(x, wide), key, self.convert(values, wide), "add"), x.dtype)

    def scatter(
        self, x: NativeArray, axis: int, indices: NativeArray, values: Any, reduce: str | None = None
    ) -> NativeArray:
        if reduce not in (None, "add", "multiply", "max", "min"):
            raise ValueError(f"scatter: reduce must be None, 'add', 'multiply', 'max' or 'min', got {reduce!r}")
        if not x.shape:
            return self.scatter(x.reshape((1,)), 0, indices.reshape((-1,)), values, reduce).reshape(())
        if not indices.size:
            return x
        axis %= x.ndim
        check_bounds(self, indices, x.shape[axis], axis)
        values = self.like(values, x)
        if reduce is None:
            return self._scatter(x, indices, values, axis, "set")
        if x.dtype == np.bool_:  # logical or, logical and
            return self._scatter(x, indices, values, axis, "max" if reduce in ("add", "max") else "min")
        wide = self._added_in(x, indices)
        out = self._scatter(self.convert(x, wide), indices, self.convert(values, wide), axis, reduce)
        return self.convert(out, x.dtype)

    def _added_in(self, x: NativeArray, values: NativeArray) -> Any:
        """The dtype to add many values for one element in: XLA adds one after the other."""
        if values.size <= LONG_SUM:
            return self.wider(x.dtype)
        kind = self.dtypes[x.dtype]
        if kind.category < dt.FLOATING:
            return x.dtype
        return self.native_dtypes[dt.complex128 if kind.is_complex else dt.float64]

    def nonzero(self, x: NativeArray) -> tuple[NativeArray, ...]:
        x = self.convert(x, self.native_dtypes[dt.bool_])
        count = elements_read("the number of elements that are not zero", self, jnp.count_nonzero(x))
        return tuple(self._nonzero(x, int(count)))

    def take(self, x: NativeArray, indices: NativeArray, *, axis: int | None = None) -> NativeArray:
        if axis is None:
            x, axis = x.reshape((-1,)), 0
        check_bounds(self, indices, x.shape[axis], axis)
        return jnp.take(x, indices, axis=axis)

    def take_along_axis(self, x: NativeArray, indices: NativeArray, axis: int = -1) -> NativeArray:
        check_bounds(self, indices, x.shape[axis], axis)
        return jnp.take_along_axis(x, indices, axis)

    def _sorted(self, x: NativeArray, *, axis: int, descending: bool) -> NativeArray:
        return self._sorted_values(x, axis % x.ndim, descending)

    def argsort(self, x: NativeArray, *, axis: int = -1, descending: bool = False, stable: bool = True) -> NativeArray:
        return super().argsort(self._ordered(x), axis=axis, descending=descending, stable=stable)

    def max(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self._largest(x, axis, keepdims)

    def min(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self._smallest(x, axis, keepdims)

    def argmax(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        return super().argmax(self._ordered(x), axis, keepdims)

    def argmin(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        # NaN is the greatest in the order, and what is looked for all the same.
        keys = self._ordered(x)
        if keys is not x and jnp.issubdtype(x.dtype, jnp.floating):
            keys = jnp.where(jnp.isnan(x), jnp.iinfo(keys.dtype).min, keys)
        return super().argmin(keys, axis, keepdims)

    def isin(self, x: NativeArray, values: NativeArray) -> NativeArray:
        found = super().isin(self._ordered(x), self._ordered(values))
        return found & ~jnp.isnan(x) if jnp.issubdtype(x.dtype, jnp.floating) else found

    def any_negative(self, indices: NativeArray) -> bool:
        if isinstance(indices, jax.core.Tracer):
            return False  # its values are known only when the compiled program runs
        return bool(indices.size and elements_read("an index, looked at for its signs,", self, indices).min() < 0)

    def _check_key(self, x: NativeArray, key: Any) -> None:
        """Raise IndexError for an index out of bounds, where JAX would clamp it or drop the write."""
        parts = key if isinstance(key, tuple) else (key,)
        axis = 0
        for position, part in enumerate(parts):
            if part is None or isinstance(part, bool):
                continue
            if part is Ellipsis:
                axis = x.ndim - sum(consumed(later) for later in parts[position + 1 :])
                continue
            if axis >= x.ndim:
                raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
            if not isinstance(part, slice) and consumed(part) == 1:
                check_bounds(self, part, x.shape[axis], axis)
            axis += consumed(part)

    # -- creation

    def zeros(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.full(shape, 0, dtype=dtype, device=device)

    def ones(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.full(shape, 1, dtype=dtype, device=device)

    def full(self, shape: Any, value: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        self.keep(dtype)
        if math.prod(shape) <= SMALL:
            with suppress(jax.errors.TracerArrayConversionError), np.errstate(over="ignore"):
                return jax.device_put(np.full(shape, value, dtype), self.native_device(device))
        return super().full(shape, value, dtype=dtype, device=device)

    def empty(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return self.full(shape, 0, dtype=dtype, device=device)

    def eye(self, n: int, m: int | None = None, *, dtype: Any, device: Device | None = None) -> NativeArray:
        return super().eye(n, m, dtype=self.keep(dtype), device=device)

    def positions(self, count: int, dtype: Any, device: Device | None) -> NativeArray:
        return super().positions(count, self.keep(dtype), device)


# XLA's programs on a CPU take subnormal numbers for zero. What says whether numbers are zero, or which of two is the
# greater, therefore looks at their bits.


def _reinterpreted(x: NativeArray, native: Any) -> NativeArray:
    """The bytes of an array as elements of another dtype, neither of them complex or bool."""
    ratio = native.itemsize // x.dtype.itemsize
    if ratio > 1:
        x = x.reshape((*x.shape[:-1], x.shape[-1] // ratio, ratio))
    found = jax.lax.bitcast_convert_type(x, native)
    return (
        found.reshape((*found.shape[:-2], found.shape[-2] * found.shape[-1]))
        if native.itemsize < x.dtype.itemsize
        else found
    )

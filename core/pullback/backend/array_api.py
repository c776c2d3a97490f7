"""A backend over any library that follows the Python Array API standard.

Kernels come from the namespace by name; what the standard lacks, or leaves undefined for a dtype PyTorch
allows, is composed from what it has.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from math import prod
from typing import Any, Final, TypeAlias

from pullback.backend.base import Backend, Kernel, NativeArray, NativeDType
from pullback.backend.contraction import einsum
from pullback.backend.error_function import erf, erfc, erfinv
from pullback.backend.gamma_functions import digamma, lgamma, mvlgamma, polygamma
from pullback.backend.indexing import check_bounds, getitem, index_put, scatter
from pullback.backend.scaled_reductions import (
    mean,
    mean_square,
    root_of_mean_square,
    root_of_powers,
    root_of_squares,
    variance,
)
from pullback.backend.selection import get_backend
from pullback.errors import BackendError, MissingKernelError
from pullback.meta import dtypes as dt
from pullback.meta.devices import CPU, Device
from pullback.meta.dtypes import DType

Axis: TypeAlias = int | tuple[int, ...] | None

#: Elementwise kernels: bound to the namespace's function of that name, or to ``composed_<name>``.
UNARY: Final = (
    "negative", "positive", "abs", "sign", "exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sqrt",
    "square", "reciprocal", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
    "acosh", "atanh", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "signbit", "logical_not",
    "bitwise_invert", "conj",
)  # fmt: skip
BINARY: Final = (
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "pow", "atan2", "copysign",
    "hypot", "logaddexp", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor",
    "bitwise_left_shift", "bitwise_right_shift", "maximum", "minimum",
)  # fmt: skip

#: Kernels to whose first operand, in half precision, PyTorch applies a number as it is, and rounds the result alone.
WIDE_NUMBERS: Final = frozenset(("multiply", "divide", "floor_divide", "trunc_divide"))

#: Kernels that divide: by zero, integers cannot be.
DIVISIONS: Final = frozenset(("floor_divide", "remainder", "trunc_divide"))

#: Kernels that PyTorch defines for bool and the standard does not: computed on 0 and 1. True where the result
#: is bool.
BOOL_AS_INTEGER: Final = {
    "add": True, "multiply": True, "maximum": True, "minimum": True, "abs": True,
    "less": False, "less_equal": False, "greater": False, "greater_equal": False,
    "isnan": False, "isinf": False, "isfinite": False, "signbit": False,
}  # fmt: skip

#: Kernels of mutable backends that give views the standard has no function for.
HOST_VIEWS: Final = ("as_strided", "diagonal", "unfold", "view_as_real", "view_as_complex", "reinterpret")

#: Kernels for which a library may return its operand, where there is nothing to do.
MAY_RETURN_OPERAND: Final = frozenset(("abs", "ceil", "conj", "floor", "positive", "trunc"))

_DEVICE_KIND: Final = re.compile(r"(?<![a-z])(cpu|cuda|gpu|tpu|xpu|mps)\D*(\d+)?")


def count_reduced(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements a reduction over ``axis`` combines into one."""
    if axis is None:
        return prod(shape)
    return prod(shape[a] for a in axis) if isinstance(axis, tuple) else shape[axis]


class ArrayAPIBackend(Backend):
    """A backend over a namespace of the Array API standard, 2023.12 or later.

    Parameters
    ----------
    name : str
        The backend's name.
    namespace : module
        The library's namespace, as ``array.__array_namespace__()`` gives it.
    mutable : bool, default False
        Whether ``array[...] = value`` writes, and basic indexing, ``reshape``, ``permute_dims``,
        ``broadcast_to``, ``expand_dims`` and ``squeeze`` give views wherever NumPy's do. Leave it False in
        doubt: an immutable backend does all that a mutable one does.

    Notes
    -----
    Dtypes that the namespace lacks are just absent. A subclass overrides any kernel by a method of its name.
    """

    xp: Any
    #: Whether the namespace's elementwise functions take Python scalars and bool in the way NumPy's do.
    lenient: bool = False

    def __init__(self, name: str, namespace: Any, *, mutable: bool = False) -> None:
        lacking = [function for function in ("asarray", "zeros", "reshape") if not hasattr(namespace, function)]
        if lacking:
            raise TypeError(
                f"{type(self).__name__}: argument 'namespace' must be an array library's namespace, as a module that "
                f"follows the Array API standard, not {type(namespace).__name__}, which has no {lacking[0]!r}"
            )
        xp = self.xp = namespace
        self.name = name
        self.mutable = mutable
        self._find_devices()
        self.dtypes, self.native_dtypes = self.find_dtypes()
        self.array_type = type(xp.zeros((1,), dtype=self.native_dtypes[dt.float32]))
        self._relate_dtypes()
        self._bind_elementwise()
        if mutable:
            self._bind_views()

    # -- set-up

    def find_dtypes(self) -> tuple[dict[NativeDType, DType], dict[DType, Any]]:
        """The two dtype maps: what of pullback's dtypes the namespace has."""
        known: dict[NativeDType, DType] = {}
        native: dict[DType, Any] = {}
        for dtype in dt.ALL:
            named = getattr(self.xp, dtype.name, None)
            if named is None:
                continue
            try:
                actual = self.xp.zeros((1,), dtype=named).dtype
            except Exception:
                continue  # named and not supported on the default device
            if actual not in known:
                known[actual] = dtype
                native[dtype] = actual
        return known, native

    def _relate_dtypes(self) -> None:
        native = self.native_dtypes
        self._wide: dict[NativeDType, Any] = {
            native[half]: native[dt.float32] for half in (dt.float16, dt.bfloat16) if half in native
        }
        self._real: dict[NativeDType, Any] = {
            native[c]: native[c.to_real()] for c in (dt.complex64, dt.complex128) if c in native
        }
        self._complex: dict[NativeDType, Any] = {real: native for native, real in self._real.items()}

    def _find_devices(self) -> None:
        self._devices: dict[Device, Any] = {}
        try:
            info = self.xp.__array_namespace_info__()
            natives = [info.default_device(), *info.devices()]
        except (AttributeError, TypeError):
            natives = [None]
        for native in natives:
            match = _DEVICE_KIND.search(str(native).lower())
            if match is not None:
                kind, index = match.groups()
                kind = "cuda" if kind == "gpu" else kind
                device = CPU if kind == "cpu" else Device(kind, int(index or 0))
                self._devices.setdefault(device, native)
        if not self._devices:
            self._devices[CPU] = natives[0]
        self.default_device = next(iter(self._devices))

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
            if name == "signbit":
                kernel = self._with_integers(kernel)
            if name in BOOL_AS_INTEGER:
                kernel = self._with_bool(kernel, BOOL_AS_INTEGER[name])
            elif name.startswith("logical_"):
                kernel = self._with_any_dtype(kernel)
            if self.mutable and name in MAY_RETURN_OPERAND:
                kernel = self._with_own_memory(kernel)
            setattr(self, name, kernel)

    def _bind_views(self) -> None:
        """Views that the standard lacks, made on the host: of libraries whose arrays share memory with NumPy's."""
        for name in HOST_VIEWS:
            own = getattr(type(self), name, None)
            if own is None or own is getattr(ArrayAPIBackend, name, None):
                setattr(self, name, self._on_host(name))

    def _on_host(self, name: str) -> Kernel:
        def call(x: NativeArray, *args: Any, dtype: Any = None) -> NativeArray:
            host = get_backend("numpy")
            options = {} if dtype is None else {"dtype": host.native_dtype(self.dtypes[dtype])}
            return self.from_numpy(getattr(host, name)(self.to_numpy(x), *args, **options))

        call.__name__ = name
        return call

    def _with_scalars(self, kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def call(x: Any, y: Any) -> NativeArray:
            if not self.is_array(x):
                x = self.like(x, y)
            elif not self.is_array(y):
                y = self.like(y, x)
            return kernel(x, y)

        return call

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

    # -- devices

    def devices(self) -> list[Device]:
        return list(self._devices)

    def device_of(self, array: NativeArray) -> Device:
        native = array.device
        for device, known in self._devices.items():
            if known == native:
                return device
        return self.default_device

    def native_device(self, device: Device | None) -> Any:
        """The library's device for ``device``; None for the default one."""
        if device is None:
            return self._devices[self.default_device]
        for known, native in self._devices.items():
            if known.type == device.type and device.index in (None, known.index or 0):
                return native
        raise self.no_device(device)

    def to_device(self, array: NativeArray, device: Device) -> NativeArray:
        native = self.native_device(device)
        return array if self.native_device(self.device_of(array)) == native else array.to_device(native)

    # -- conversions

    def as_array(self, obj: Any) -> NativeArray:
        if self.is_array(obj):
            return obj
        try:
            return self.xp.asarray(obj)
        except Exception as error:
            raise BackendError(
                f"backend {self.name!r}: a kernel's result has type {type(obj).__name__}, of which its library makes "
                f"no array: {type(error).__name__}: {error}"
            ) from error

    def from_data(self, data: Any, dtype: DType, device: Device | None = None) -> NativeArray:
        native = self.native_dtype(dtype)
        if type(data).__module__ == "numpy" and hasattr(data, "__dlpack__"):
            array = self.from_numpy(data)
            array = self.astype(array, dtype)
            return array if device is None else self.to_device(array, device)
        return self.xp.asarray(data, dtype=native, device=self.native_device(device))

    def from_numpy(self, array: Any) -> NativeArray:
        try:
            return self.xp.from_dlpack(array)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError):
            return self.xp.asarray(array.astype(array.dtype.newbyteorder("=")))  # read-only or swapped bytes

    def to_numpy(self, array: NativeArray) -> Any:
        return get_backend("numpy").as_array(array)

    def to_dlpack(
        self,
        array: NativeArray,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        asked = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        given = {name: value for name, value in asked.items() if value is not None}
        try:
            return array.__dlpack__(**given)
        except TypeError:
            # A library from before version 1 of DLPack knows `stream` alone; a consumer must take what it can make.
            if given.keys() <= {"stream"}:
                raise
        if dl_device is not None and tuple(dl_device) != tuple(self.dlpack_device(array)):
            raise BufferError(f"backend {self.name!r} cannot export an array to the DLPack device {tuple(dl_device)}")
        array = self.copy(array) if copy else array
        return array.__dlpack__() if stream is None else array.__dlpack__(stream=stream)

    def dlpack_device(self, array: NativeArray) -> tuple[int, int]:
        kind, index = array.__dlpack_device__()
        return int(kind), int(index)

    def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> NativeArray:
        if copy is None:
            array = self.xp.from_dlpack(producer)
        else:
            try:
                array = self.xp.from_dlpack(producer, copy=copy)
            except TypeError:  # before version 2023.12 of the standard: without a copy wherever it can
                array = self.xp.from_dlpack(producer)
                array = self.copy(array) if copy else array
        self.dtype_of(array.dtype)  # raises for one that pullback lacks
        return array

    def copy(self, array: NativeArray) -> NativeArray:
        return self.xp.asarray(array, copy=True)

    def astype(self, array: NativeArray, dtype: DType) -> NativeArray:
        native = self.native_dtype(dtype)
        return self.copy(array) if array.dtype == native else self.convert(array, native)

    def convert(self, array: NativeArray, native: Any) -> NativeArray:
        """``array`` with the library's dtype ``native``; the array itself where it has that already."""
        if array.dtype == native:
            return array
        if array.dtype in self._real and native not in self._real:
            if native == self.native_dtypes[dt.bool_]:
                return self.xp.not_equal(array, self.xp.zeros_like(array))
            array = self.xp.real(array)
        return self.xp.astype(array, native)

    def like(self, value: Any, array: NativeArray) -> NativeArray:
        """``value``, an array or a Python scalar, as an array of the dtype of ``array``."""
        if self.is_array(value):
            return self.convert(value, array.dtype)
        return self.xp.asarray(value, dtype=array.dtype, device=self.native_device(self.device_of(array)))

    def wider(self, native: Any) -> Any:
        """The dtype in which sums of that dtype accumulate: float32 for float16 and bfloat16."""
        return self._wide.get(native, native)

    # -- memory

    def assign(self, target: NativeArray, value: Any) -> None:
        if not self.mutable:
            super().assign(target, value)
        target[...] = value

    def writable(self, array: NativeArray) -> bool:
        return self.mutable and bool(self.to_numpy(array).flags.writeable)

    def data_pointer(self, array: NativeArray) -> int | None:
        if not self.mutable:
            return None
        pointer: int = self.to_numpy(array).__array_interface__["data"][0]
        return pointer

    def strides(self, array: NativeArray) -> tuple[int, ...] | None:
        if not self.mutable:
            return None
        view = self.to_numpy(array)
        return tuple(stride // view.itemsize for stride in view.strides)

    def owns_memory(self, array: NativeArray) -> bool:
        return not self.mutable  # a library need not tell

    # -- elementwise

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
        if not self.is_array(x):
            x = self.like(x, y)
        elif not self.is_array(y):
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
        self, function: Callable[[ArrayAPIBackend, NativeArray], NativeArray], x: NativeArray
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

    # -- reductions

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

    def mended(self, value: NativeArray, right: NativeArray, mend: Callable[[], NativeArray]) -> NativeArray:
        """``value`` where it is right, and what ``mend()`` gives elsewhere."""
        return self.where(right, value, mend())

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

    def _through_integers(self, function: Kernel, x: NativeArray, **options: Any) -> NativeArray:
        boolean = self.native_dtypes[dt.bool_]
        if x.dtype != boolean:
            return function(x, **options)
        return self.convert(function(self.xp.astype(x, self.native_dtypes[dt.uint8]), **options), boolean)

    def max(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self._through_integers(self.xp.max, x, axis=axis, keepdims=keepdims)

    def min(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self._through_integers(self.xp.min, x, axis=axis, keepdims=keepdims)

    def all(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.all(x, axis=axis, keepdims=keepdims)

    def any(self, x: NativeArray, axis: Axis = None, keepdims: bool = False) -> NativeArray:
        return self.xp.any(x, axis=axis, keepdims=keepdims)

    def _position(self, function: Kernel, x: NativeArray, axis: int | None, keepdims: bool) -> NativeArray:
        if x.dtype == self.native_dtypes[dt.bool_]:
            x = self.xp.astype(x, self.native_dtypes[dt.uint8])
        return function(x, axis=axis, keepdims=keepdims)

    def argmax(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        return self._position(self.xp.argmax, x, axis, keepdims)

    def argmin(self, x: NativeArray, axis: int | None = None, keepdims: bool = False) -> NativeArray:
        return self._position(self.xp.argmin, x, axis, keepdims)

    # -- products

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

    # -- shape

    def reshape(self, x: NativeArray, shape: tuple[int, ...]) -> NativeArray:
        return self.xp.reshape(x, shape)

    def permute_dims(self, x: NativeArray, axes: tuple[int, ...]) -> NativeArray:
        return self.xp.permute_dims(x, axes)

    def expand_dims(self, x: NativeArray, *, axis: int | tuple[int, ...]) -> NativeArray:
        if isinstance(axis, int):
            return self.xp.expand_dims(x, axis=axis)
        dims = len(x.shape) + len(axis)
        for one in sorted(a % dims for a in axis):
            x = self.xp.expand_dims(x, axis=one)
        return x

    def squeeze(self, x: NativeArray, axis: int | tuple[int, ...]) -> NativeArray:
        return self.xp.squeeze(x, axis)

    def broadcast_to(self, x: NativeArray, shape: tuple[int, ...]) -> NativeArray:
        return self.xp.broadcast_to(x, shape)

    def concat(self, arrays: Sequence[NativeArray], *, axis: int | None = 0) -> NativeArray:
        return self.xp.concat(arrays, axis=axis)

    def stack(self, arrays: Sequence[NativeArray], *, axis: int = 0) -> NativeArray:
        return self.xp.stack(arrays, axis=axis)

    def flip(self, x: NativeArray, *, axis: Axis = None) -> NativeArray:
        flipped = self.xp.flip(x, axis=axis)
        return self.copy(flipped) if self.mutable else flipped

    def roll(self, x: NativeArray, shift: int | tuple[int, ...], *, axis: Axis = None) -> NativeArray:
        return self.xp.roll(x, shift, axis=axis)

    def tril(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self.xp.tril(x, k=k)

    def triu(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self.xp.triu(x, k=k)

    # -- views whose elements immutable arrays copy

    def unfold(self, x: NativeArray, axis: int, size: int, step: int) -> NativeArray:
        """Windows of ``size`` along an axis, ``step`` apart, in a new last axis."""
        count = (x.shape[axis] - size) // step + 1
        integer = self.native_dtypes[dt.int64]
        starts = self.reshape(self.arange(0, count * step, step, dtype=integer), (count, 1))
        within = self.reshape(self.arange(0, size, 1, dtype=integer), (1, size))
        taken = self.take(x, self.reshape(self.add(starts, within), (-1,)), axis=axis)
        windows = self.reshape(taken, (*x.shape[:axis], count, size, *x.shape[axis + 1 :]))
        dims = [d for d in range(len(windows.shape)) if d != axis + 1]
        return self.permute_dims(windows, (*dims, axis + 1))

    def view_as_real(self, x: NativeArray) -> NativeArray:
        """The real and the imaginary parts in a new last axis."""
        return self.stack([self.real(x), self.imag(x)], axis=-1)

    def view_as_complex(self, x: NativeArray) -> NativeArray:
        """Complex numbers of the real and imaginary parts in the last axis."""
        native = self._complex[x.dtype]
        real, imaginary = self.convert(x[..., 0], native), self.convert(x[..., 1], native)
        return self.add(real, self.multiply(imaginary, self.like(1j, imaginary)))

    def reinterpret(self, x: NativeArray, dtype: DType) -> NativeArray:
        """The bytes of the array as elements of another dtype; the last axis shrinks or grows with the elements."""
        host = self.to_numpy(self.copy(x))
        return self.from_numpy(host.view(self.to_numpy(self.zeros((1,), dtype=self.native_dtype(dtype))).dtype))

    # -- indexing

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

    # -- creation

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

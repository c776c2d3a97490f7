"""What a backend has from its namespace before any kernel: dtypes, devices, conversions, memory."""

from __future__ import annotations

import re
from typing import Any, Final

from pullback.backend.base import Backend, Kernel, NativeArray, NativeDType
from pullback.backend.selection import get_backend
from pullback.errors import BackendError
from pullback.meta import dtypes as dt
from pullback.meta.devices import CPU, Device
from pullback.meta.dtypes import DType

_DLPACK_CPU: Final = (1, 0)
_DEVICE_KIND: Final = re.compile(r"(?<![a-z])(cpu|cuda|gpu|tpu|xpu|mps)\D*(\d+)?")


class NamespaceBackend(Backend):
    """A backend over an array library's namespace: what the families of kernels stand on."""

    xp: Any

    # -- dtypes

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

    # -- devices

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

    def devices(self) -> list[Device]:
        return list(self._devices)

    def device_of(self, array: NativeArray) -> Device:
        if len(self._devices) == 1:
            return self.default_device  # arrays of a library with one device need not say where they are
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
        # PyTorch, for one, ends the process that gives it negative strides; and an array that nobody writes to must not
        # change with NumPy's.
        if not self.mutable or any(stride < 0 for stride in array.strides):
            array = array.copy()
        try:
            return self.xp.from_dlpack(array)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError):
            native = array.dtype.newbyteorder("=")
            if get_backend("numpy").dtypes.get(native) not in self.native_dtypes:
                self.dtype_of(native)  # raises
            return self.xp.asarray(array.astype(native))  # read-only or swapped bytes, or no DLPack

    def to_numpy(self, array: NativeArray) -> Any:
        shown = get_backend("numpy").as_array(array)
        if not self.mutable and shown.flags.writeable:
            shown = shown.view()
            shown.flags.writeable = False  # several arrays may stand in this memory, none of which changes
        return shown

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
        if not hasattr(array, "__dlpack__"):  # of a library without DLPack the elements go by way of NumPy
            if copy is False:
                raise BufferError(f"backend {self.name!r} cannot export an array to DLPack without a copy")
            host = get_backend("numpy")
            return host.to_dlpack(host.copy(self.to_numpy(array)), **{**given, "copy": None})
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
        if not hasattr(array, "__dlpack_device__"):
            return _DLPACK_CPU
        kind, index = array.__dlpack_device__()
        return int(kind), int(index)

    def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> NativeArray:
        if not hasattr(self.xp, "from_dlpack"):
            if copy is False:
                raise BufferError(f"backend {self.name!r} cannot import an array from DLPack without a copy")
            return self.from_numpy(get_backend("numpy").from_dlpack(producer))
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
        copied = self.xp.asarray(array, copy=True)
        if not self.mutable or self.is_contiguous(copied):
            return copied
        copied = self.xp.empty(array.shape, dtype=array.dtype, device=array.device)  # the library keeps the order
        copied[...] = array
        return copied

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

    def _through_integers(self, function: Kernel, x: NativeArray, **options: Any) -> NativeArray:
        """A function of the namespace that need not take bool: it gets integers for it."""
        boolean = self.native_dtypes[dt.bool_]
        if x.dtype != boolean:
            return function(x, **options)
        return self.convert(function(self.xp.astype(x, self.native_dtypes[dt.uint8]), **options), boolean)

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

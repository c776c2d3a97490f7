"""The CuPy backend.

CuPy's package imports on a machine with no GPU; there the backend says that no CUDA device was found. Its Python code
is run by the tests on a stand-in for CuPy; what is not, kernels and their rounding among it, is named in
``docs/cupy.md``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import cupy
import ml_dtypes
import numpy as np

from pullback.extend import Axis, Device, DType, Kernel, Limitation, NativeArray, is_switched_on
from pullback.extend import dtypes as dt
from pullback_cupy.devices import device_count
from pullback_cupy.elementwise import Elementwise
from pullback_cupy.limitations import ALWAYS, UNCHECKED
from pullback_cupy.memory import Memory
from pullback_cupy.positions import Positions
from pullback_cupy.precision import MatmulPrecision

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


class CuPyBackend(Positions, Elementwise, Memory, MatmulPrecision):
    """CuPy arrays on CUDA devices; kernels run on CuPy's current stream.

    Attributes
    ----------
    checks_positions : bool
        Whether operations that index look for positions out of range, and divisions of integers for zeros, before
        they run. Both have to wait for the device, so neither is done unless asked for: by this attribute, or by
        ``PULLBACK_CUPY_CHECKS=1`` in the environment when the backend is first used.
    """

    strong_scalar_dtypes = frozenset({dt.bfloat16})

    def __init__(self) -> None:
        super().__init__("cupy", cupy)
        self.checks_positions = is_switched_on("PULLBACK_CUPY_CHECKS")
        self.start_following_devices()
        self.start_with_environment()

    @property
    def limitations(self) -> tuple[Limitation, ...]:  # type: ignore[override]
        return ALWAYS if self.checks_positions else ALWAYS + UNCHECKED

    def find_dtypes(self) -> tuple[dict[Any, DType], dict[DType, Any]]:
        known, native = super().find_dtypes()
        if BFLOAT16.char * 2 + "->" + BFLOAT16.char in cupy.add.types:  # since CuPy 14
            native[dt.bfloat16] = BFLOAT16
            known[BFLOAT16] = dt.bfloat16
        return known, native

    def guard(self) -> AbstractContextManager[object]:
        return nullcontext()  # CuPy's kernels raise no floating-point warnings

    def silent(self, kernel: Kernel) -> Kernel:
        return self.following(kernel)

    @classmethod
    def unavailable_reason(cls) -> str | None:
        return None if device_count() else "no CUDA device"

    def versions(self) -> dict[str, str]:
        versions = {"cupy": cupy.__version__, "ml_dtypes": ml_dtypes.__version__}
        if device_count():
            runtime = cupy.cuda.runtime
            found = runtime.runtimeGetVersion()
            versions["CUDA runtime"] = f"{found // 1000}.{found % 1000 // 10}"
            versions["GPU"] = runtime.getDeviceProperties(0)["name"].decode()
        return versions

    # -- arrays

    def from_data(self, data: Any, dtype: DType, device: Device | None = None) -> NativeArray:
        with self.on(device):
            if isinstance(data, cupy.ndarray):
                return cupy.array(data, self.native_dtype(dtype))
            with np.errstate(all="ignore"):
                return cupy.asarray(np.array(data, dtype=self.native_dtype(dtype)))

    def number(self, value: Any, dtype: DType) -> Any:
        # A scalar goes along with the launch of a kernel. An array would be copied to one of the devices.
        with np.errstate(all="ignore"):
            return self.native_dtype(dtype).type(value)

    def from_numpy(self, array: Any) -> NativeArray:
        array = np.asarray(array)
        native = array.dtype.newbyteorder("=")
        self.dtype_of(native)
        return cupy.array(array.astype(native, copy=False))

    def to_numpy(self, array: NativeArray) -> Any:
        return cupy.asnumpy(array)

    def to_dlpack(self, array: NativeArray, *, copy: bool | None = None, **asked: Any) -> Any:
        wanted = asked.get("dl_device")
        if copy and (wanted is None or tuple(wanted) == self.dlpack_device(array)):
            array, copy = self.copy(array), None  # CuPy copies for other devices alone
        if copy is False and wanted is not None and tuple(wanted) != self.dlpack_device(array):
            raise BufferError(
                f"an array of {self.device_of(array)} is on the DLPack device {tuple(wanted)} as a copy only"
            )
        return super().to_dlpack(array, copy=copy, **asked)

    def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> NativeArray:
        kind, _ = producer.__dlpack_device__()
        if kind != _CPU:
            shared = super().from_dlpack(producer)
            return self.copy(shared) if copy else shared
        if copy is False:
            raise BufferError("memory of the host can be used on a CUDA device as a copy only")
        return self.from_numpy(np.from_dlpack(producer))

    def writable(self, array: NativeArray) -> bool:
        return True

    def data_pointer(self, array: NativeArray) -> int:
        pointer: int = array.data.ptr
        return pointer

    def as_strided(self, x: NativeArray, shape: Any, strides: Any, offset: int, dtype: Any = None) -> NativeArray:
        # CuPy's own view does not say that its memory is another array's; a view of the view does.
        return super().as_strided(x, shape, strides, offset, dtype).view()

    def unfold(self, x: NativeArray, axis: int, size: int, step: int) -> NativeArray:
        return super().unfold(x, axis, size, step).view()

    # -- reductions

    def sum(self, x: NativeArray, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> NativeArray:
        return super().sum(x, axis if x.ndim else None, dtype, keepdims)

    # -- creation

    def zeros(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self.on(device):
            return cupy.zeros(shape, dtype=dtype)

    def ones(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self.on(device):
            return cupy.ones(shape, dtype=dtype)

    def full(self, shape: Any, value: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self.on(device):
            return cupy.full(shape, value, dtype=dtype)

    def empty(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self.on(device):
            return cupy.empty(shape, dtype=dtype)

    def eye(self, n: int, m: int | None = None, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self.on(device):
            return cupy.eye(n, m, dtype=dtype)

    def positions(self, count: int, dtype: Any, device: Device | None) -> NativeArray:
        with self.on(device):
            return cupy.arange(count, dtype=dtype)


_CPU = 1  # DLPack's number for the host's memory

"""The CuPy backend.

CuPy's package imports on a machine with no GPU; there the backend says that no CUDA device was found. What
only a GPU can run is marked; the rest is what the NumPy backend runs too, over another namespace.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import cupy
import cupyx
import cupyx.scipy.special
import numpy as np

from pullback.extend import ArrayAPIBackend, Device, DType, Kernel, Limitation, NativeArray, NumPyLikeBackend
from pullback.extend import dtypes as dt

#: The dtypes that CuPy adds atomically at indices.
ATOMIC_ADD = frozenset({dt.int32, dt.uint32, dt.uint64, dt.float32, dt.float64, dt.complex64, dt.complex128})


def _device_count() -> int:
    try:
        count: int = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        return 0
    return count


class CuPyBackend(NumPyLikeBackend):
    """CuPy arrays on CUDA devices; kernels run on CuPy's current stream."""

    default_device = Device("cuda", 0)
    limitations = (
        Limitation("*", frozenset({dt.bfloat16}), "CuPy's kernels do not cover bfloat16"),
        Limitation(
            "getitem",
            frozenset(),
            "an index array's bounds are not checked: CuPy wraps them around",
            "bounds",
        ),
        Limitation("take", frozenset(), "an index array's bounds are not checked: CuPy wraps them around", "bounds"),
        Limitation("scatter", frozenset(), "floating sums of several values for one element add in no fixed order"),
        Limitation("index_put", frozenset(), "floating sums of several values for one element add in no fixed order"),
        Limitation(
            "matmul",
            frozenset({dt.float32}),
            "CuPy chooses TF32 by CUPY_TF32 when it is imported",
            "precision",
        ),
    )

    def __init__(self) -> None:
        super().__init__("cupy", cupy)

    def guard(self) -> AbstractContextManager[object]:
        return nullcontext()  # CuPy's kernels raise no floating-point warnings

    def silent(self, kernel: Kernel) -> Kernel:
        return kernel

    @classmethod
    def unavailable_reason(cls) -> str | None:
        return None if _device_count() else "no CUDA device"

    def versions(self) -> dict[str, str]:
        return {"cupy": cupy.__version__}

    # -- devices

    def devices(self) -> list[Device]:
        return [Device("cuda", index) for index in range(_device_count())]

    # GPU only: not executed on a CPU machine, from here to the end of the class.

    def device_of(self, array: NativeArray) -> Device:
        return Device("cuda", array.device.id)

    def native_device(self, device: Device | None) -> Any:
        if device is None:
            return cupy.cuda.Device()
        if not self.has_device(device):
            raise self.no_device(device)
        return cupy.cuda.Device() if device.index is None else cupy.cuda.Device(device.index)

    def to_device(self, array: NativeArray, device: Device) -> NativeArray:
        native = self.native_device(device)
        if array.device == native:
            return array
        with native:
            return cupy.array(array)

    def _on(self, device: Device | None) -> AbstractContextManager[object]:
        native: AbstractContextManager[object] = self.native_device(device)
        return native

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()

    # -- arrays

    def from_data(self, data: Any, dtype: DType, device: Device | None = None) -> NativeArray:
        with self._on(device):
            return cupy.asarray(np.array(data, dtype=self.native_dtype(dtype)))

    def from_numpy(self, array: Any) -> NativeArray:
        array = np.asarray(array)
        native = array.dtype.newbyteorder("=")
        self.dtype_of(native)
        return cupy.asarray(array.astype(native, copy=False))

    def to_numpy(self, array: NativeArray) -> Any:
        return cupy.asnumpy(array)

    def writable(self, array: NativeArray) -> bool:
        return True

    def data_pointer(self, array: NativeArray) -> int:
        pointer: int = array.data.ptr
        return pointer

    # -- kernels

    def erf(self, x: NativeArray) -> NativeArray:
        return self.convert(cupyx.scipy.special.erf(self.convert(x, self.wider(x.dtype))), x.dtype)

    def erfc(self, x: NativeArray) -> NativeArray:
        return self.convert(cupyx.scipy.special.erfc(self.convert(x, self.wider(x.dtype))), x.dtype)

    def index_put_into(self, x: NativeArray, key: Any, values: Any, accumulate: bool = False) -> NativeArray:
        if accumulate and self.dtypes[self.wider(x.dtype)] not in ATOMIC_ADD:
            x[...] = ArrayAPIBackend.index_put(self, x, key, values, accumulate)
            return x
        return super().index_put_into(x, key, values, accumulate)

    def has_zero(self, x: Any) -> bool:
        return False  # PyTorch doesn't look on a GPU either: it would have to wait

    def scatter_into(
        self, x: NativeArray, axis: int, indices: NativeArray, values: Any, reduce: str | None = None
    ) -> NativeArray:
        if reduce in ("multiply", "max", "min") or (
            reduce == "add" and self.dtypes[self.wider(x.dtype)] not in ATOMIC_ADD
        ):
            x[...] = ArrayAPIBackend.scatter(self, x, axis, indices, values, reduce)
            return x
        return super().scatter_into(x, axis, indices, values, reduce)

    def any_negative(self, indices: NativeArray) -> bool:
        return False  # asking would wait for the device, and bounds are not checked either

    # -- creation

    def zeros(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self._on(device):
            return cupy.zeros(shape, dtype=dtype)

    def ones(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self._on(device):
            return cupy.ones(shape, dtype=dtype)

    def full(self, shape: Any, value: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self._on(device):
            return cupy.full(shape, value, dtype=dtype)

    def empty(self, shape: Any, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self._on(device):
            return cupy.empty(shape, dtype=dtype)

    def eye(self, n: int, m: int | None = None, *, dtype: Any, device: Device | None = None) -> NativeArray:
        with self._on(device):
            return cupy.eye(n, m, dtype=dtype)

    def positions(self, count: int, dtype: Any, device: Device | None) -> NativeArray:
        with self._on(device):
            return cupy.arange(count, dtype=dtype)

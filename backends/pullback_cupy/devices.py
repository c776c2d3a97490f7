"""CUDA devices: where arrays are made, and that kernels run on the device of their operands.

CuPy runs a kernel on the device that is current in the thread, and its operands have to be there. PyTorch runs it where
the operands are. Where there is one device the two are the same, and nothing is put around any kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

import cupy

from pullback.extend import Device, Kernel, NativeArray, NumPyLikeBackend


def device_count() -> int:
    """How many CUDA devices there are."""
    try:
        count: int = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        return 0
    return count


#: Methods that get arrays, and go by the current device or start kernels: what operations call directly.
_FOLLOWING = (
    "as_array", "convert", "astype", "copy", "like", "getitem", "index_put", "index_put_into", "scatter",
    "scatter_into", "fill_where_into", "take", "take_along_axis", "nonzero", "sort", "argsort", "isin", "where", "real",
    "imag", "sum", "prod", "mean", "var", "std", "norm", "max", "min", "all", "any", "argmax", "argmin",
    "cumulative_sum", "cumulative_prod", "matmul", "mm", "einsum", "concat", "stack", "flip", "roll", "tril", "triu",
    "reshape", "piecewise", "zero_where", "root_of_squares", "root_of_powers", "root_of_mean_square", "mean_square",
    "erf", "erfc", "erfinv", "lgamma", "digamma", "polygamma", "mvlgamma", "gcd", "lcm", "nextafter", "sigmoid",
    "rsqrt", "angle", "trunc_divide", "floor_divide", "remainder", "round", "any_negative", "has_zero", "mended",
    "log1p", "expm1", "pow", "logical_and", "logical_or", "logical_xor", "logical_not", "clip",
)  # fmt: skip


class Devices(NumPyLikeBackend):
    """The devices of a machine, ``cuda:0`` and further ones."""

    default_device = Device("cuda", 0)

    def devices(self) -> list[Device]:
        return [Device("cuda", index) for index in range(device_count())]

    def device_of(self, array: NativeArray) -> Device:
        return Device("cuda", array.data.device_id)

    def native_device(self, device: Device | None) -> Any:
        if device is None:
            return cupy.cuda.Device()
        if not self.has_device(device):
            raise self.no_device(device)
        return cupy.cuda.Device() if device.index is None else cupy.cuda.Device(device.index)

    def to_device(self, array: NativeArray, device: Device) -> NativeArray:
        native = self.native_device(device)
        if array.data.device_id == native.id:
            return array
        if not (array.flags.c_contiguous or array.flags.f_contiguous):
            with cupy.cuda.Device(array.data.device_id):
                array = array.copy()  # CuPy moves nothing that has gaps
        with native:
            return cupy.array(array)

    def assign(self, target: NativeArray, value: Any) -> None:
        if isinstance(value, cupy.ndarray):
            value = self.to_device(value, self.device_of(target))
        with cupy.cuda.Device(target.data.device_id):
            target[...] = value

    def on(self, device: Device | None) -> AbstractContextManager[object]:
        """A context in which arrays are made on a device, by default on the current one."""
        native: AbstractContextManager[object] = self.native_device(device)
        return native

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()

    # -- kernels run where their operands are

    def start_following_devices(self) -> None:
        """Have kernels run where their operands are, if there is more than one device."""
        self.follows_devices = device_count() > 1
        if not self.follows_devices:
            return
        names = [name for name in _FOLLOWING if callable(getattr(self, name, None))]
        for name in {*names, *self.inplace_kernels}:
            setattr(self, name, self.following(getattr(self, name)))

    def following(self, kernel: Kernel) -> Kernel:
        """A kernel, or what calls several, that runs on the device of its first operand with dimensions."""
        return _following(kernel) if self.follows_devices else kernel


def _following(kernel: Kernel) -> Callable[..., Any]:
    if getattr(kernel, "follows_devices", False):
        return kernel

    @wraps(kernel, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        here = cupy.cuda.get_device_id()
        arrays = list(_arrays(args))
        if all(array.data.device_id == here for array in arrays):
            return kernel(*args, **kwargs)
        home = next((array for array in arrays if array.ndim), arrays[0]).data.device_id
        for array in arrays:
            if array.ndim and array.data.device_id != home:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two devices, "
                    f"cuda:{home} and cuda:{array.data.device_id}!"
                )
        with cupy.cuda.Device(home):
            return kernel(*(_moved(value, home) for value in args), **kwargs)

    call.follows_devices = True  # type: ignore[attr-defined]
    return call


def _arrays(values: Any) -> Any:
    for value in values:
        if isinstance(value, cupy.ndarray):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _arrays(value)


def _moved(value: Any, device: int) -> Any:
    """An argument with the arrays in it, which have no dimensions if they are elsewhere, on a device."""
    if isinstance(value, cupy.ndarray):
        return value if value.data.device_id == device else cupy.array(value)
    if isinstance(value, (tuple, list)):
        return type(value)([_moved(part, device) for part in value])
    return value

"""What goes into a kernel and comes out of one."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from stand_in.counters import count
from stand_in.devices import deviceCanAccessPeer, get_current_stream, getDevice
from stand_in.dtypes import Scalar


class PerformanceWarning(RuntimeWarning):
    """Something that works and is slow."""


_array_type: list[Any] = []


def silently() -> AbstractContextManager[None]:
    """A GPU reports no floating-point errors."""
    return np.errstate(all="ignore")


def operand(x: Any) -> Any:
    """An operand of a kernel: an array the current device can read, or a number.

    ``_preprocess_arg`` of cupy/_core/_kernel.pyx.
    """
    if isinstance(x, _array_type[0]):
        check_device(x)
        return x
    return Scalar(x)


def check_device(array: Any) -> None:
    """An array of another device is read through peer access, where there is any, and with a warning."""
    here, there = getDevice(), array.data.device_id
    if here == there:
        return
    problem = f"The device where the array resides ({there}) is different from the current device ({here})."
    if not deviceCanAccessPeer(here, there):
        raise ValueError(f"{problem} Peer access is unavailable between these devices.")
    warnings.warn(f"{problem} Peer access has been activated automatically.", PerformanceWarning, stacklevel=4)


def launch(*arrays: Any) -> None:
    """What each kernel does first."""
    _count_launch()
    for array in arrays:
        check_device(array)


def _count_launch() -> None:
    count("kernels")
    count(f"kernels on stream {get_current_stream().ptr}")


def result(host: Any, dtype: Any = None, shape: Any = None) -> Any:
    """A new array on the current device, in row-major order, with the elements of NumPy's."""
    host = np.asarray(host)
    dtype = host.dtype if dtype is None else dtype
    array = _array_type[0](host.shape if shape is None else shape, dtype)
    _count_launch()
    with silently():
        array._host[...] = host
    return array

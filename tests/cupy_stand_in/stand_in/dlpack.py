"""Exchange by DLPack (cupy/_core/dlpack.pyx): NumPy's capsules, which say that the memory is on a CUDA device."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from stand_in.array import ndarray
from stand_in.devices import Device, get_current_stream
from stand_in.dtypes import bfloat16
from stand_in.memory import BaseMemory, MemoryPointer

CPU, CUDA, BFLOAT = 1, 2, 4


class _Tensor(ctypes.Structure):
    """DLPack's ``DLTensor``."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Versioned(ctypes.Structure):
    """DLPack's ``DLManagedTensorVersioned``."""

    _fields_ = (
        ("version", ctypes.c_uint32 * 2),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    )


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.argtypes = (ctypes.py_object, ctypes.c_char_p)


def _described(capsule: Any) -> _Tensor:
    if _is_valid(capsule, b"dltensor_versioned"):
        return _Versioned.from_address(_pointer(capsule, b"dltensor_versioned")).tensor
    return _Tensor.from_address(_pointer(capsule, b"dltensor"))


def exported(array: ndarray, stream: Any, max_version: Any, dl_device: Any, copy: Any) -> Any:
    host, device = array._host, array.__dlpack_device__()
    if dl_device is not None and tuple(dl_device) == (CPU, 0):
        if copy is False:
            raise ValueError("GPU memory cannot be exported to CPU without copy.")
        host, device = array.get(), (CPU, 0)
    elif dl_device is not None and tuple(dl_device) != device:
        raise BufferError("unsupported device requested.")
    elif copy is True:
        raise BufferError("copy=True only supported for copy to CPU.")
    elif isinstance(stream, int) and stream < -1:
        raise ValueError(
            f"On CUDA, the valid stream for the DLPack protocol is -1, 1, 2, or any larger value, but {stream} was "
            "provided"
        )
    is_bfloat = host.dtype == bfloat16
    capsule = (host.view(np.uint16) if is_bfloat else host).__dlpack__(max_version=max_version)
    tensor = _described(capsule)
    tensor.device_type, tensor.device_id = device
    if is_bfloat:
        tensor.code = BFLOAT
    return capsule


class _Producer:
    """A capsule that NumPy takes for one of its own."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return CPU, 0

    def __dlpack__(self, **asked: Any) -> Any:
        return self.capsule


def from_dlpack(array: Any, *, device: Any = None, copy: Any = None) -> ndarray:
    if device is not None:
        raise NotImplementedError("from_dlpack() does not support device yet.")
    kind, index = array.__dlpack_device__()
    if kind == CPU:
        raise TypeError(
            "CPU arrays cannot be directly imported to CuPy. Use `cupy.array(numpy.from_dlpack(input))` instead."
        )
    if kind != CUDA:
        raise TypeError(f"Unsupported array type: {kind}")
    with Device(index):
        stream = get_current_stream().ptr or 1
        try:
            capsule = array.__dlpack__(stream=stream, max_version=(1, 0), copy=copy)
        except TypeError:
            if copy is not None:
                raise
            capsule = array.__dlpack__(stream=stream)
    tensor = _described(capsule)
    was_bfloat = tensor.code == BFLOAT
    tensor.device_type, tensor.device_id = CPU, 0
    if was_bfloat:
        tensor.code = 1
    host = np.from_dlpack(_Producer(capsule))
    host = host.view(bfloat16) if was_bfloat else host
    if not host.size:
        return ndarray(host.shape, host.dtype)
    low, high = np.lib.array_utils.byte_bounds(host)
    # The bytes between the first element and the last belong to whoever made them, and live as long as he lets them.
    content = np.ctypeslib.as_array((ctypes.c_uint8 * (high - low)).from_address(low))
    memory = BaseMemory(high - low, index, content)
    memory.owner = host  # type: ignore[attr-defined]
    start = host.__array_interface__["data"][0] - low
    return ndarray(host.shape, host.dtype, MemoryPointer(memory, start), host.strides)

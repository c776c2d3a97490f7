"""bfloat16 through DLPack, which NumPy itself leaves out: it travels as 16 bits, and the capsule says what they are."""

from __future__ import annotations

import ctypes
from typing import Any, Final

UNSIGNED: Final = 1
BFLOAT: Final = 4

_pointer_of: Any = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_name_of: Any = ctypes.pythonapi.PyCapsule_GetName
_name_of.restype, _name_of.argtypes = ctypes.c_char_p, (ctypes.py_object,)


class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
    )


class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _DLTensor),
    )


def described(capsule: Any) -> Any:
    """The description inside a capsule, which can be written."""
    name = _name_of(capsule)
    address = _pointer_of(capsule, name)
    return _DLTensor.from_address(address) if name == b"dltensor" else _Versioned.from_address(address).tensor


class Relabelled:
    """An object with ``__dlpack__`` that offers another's bfloat16 elements as unsigned integers."""

    def __init__(self, producer: Any) -> None:
        self.producer = producer
        self.was_bfloat16 = False

    def __dlpack__(self, **asked: Any) -> Any:
        capsule = self.producer.__dlpack__(**asked)
        tensor = described(capsule)
        if (tensor.code, tensor.bits, tensor.lanes) == (BFLOAT, 16, 1):
            tensor.code = UNSIGNED
            self.was_bfloat16 = True
        return capsule

    def __dlpack_device__(self) -> Any:
        return self.producer.__dlpack_device__()

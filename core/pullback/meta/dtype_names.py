"""What PyTorch's errors call dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback.meta.dtypes import INTEGER

if TYPE_CHECKING:
    from pullback.meta.dtypes import DType


def type_name(dtype: DType) -> str:
    """The name of a dtype in errors about operands: ``Float``."""
    return dtype.tensor_type_name.removesuffix("Tensor")


_C_NAMES = {
    "float32": "float",
    "float64": "double",
    "int32": "int",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}
_FULL_C_NAMES = {
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short int",
    "int64": "long int",
    "uint16": "short unsigned int",
    "uint32": "unsigned int",
    "uint64": "long unsigned int",
}


def c_name(dtype: DType) -> str:
    """The name of a dtype in errors about Python numbers that do not fit: ``int64_t``."""
    return _C_NAMES.get(dtype.name, f"{dtype.name}_t" if dtype.category == INTEGER else dtype.name)


def full_c_name(dtype: DType) -> str:
    """The name of a dtype in errors about operands of products and the like: ``long int``."""
    return _FULL_C_NAMES.get(dtype.name, c_name(dtype))


def not_implemented(kernel: str, dtype: DType) -> NotImplementedError:
    """The error of an operation for a dtype, by PyTorch's name of its kernel."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{type_name(dtype)}'")

"""What PyTorch's errors call dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback.dtypes import INTEGER

if TYPE_CHECKING:
    from pullback.dtypes import DType


def type_name(dtype: DType) -> str:
    """The name of a dtype in errors about operands: ``Float``."""
    return dtype.tensor_type_name.removesuffix("Tensor")


_C_NAMES = {"float32": "float", "float64": "double", "int32": "int"}


def c_name(dtype: DType) -> str:
    """The name of a dtype in errors about Python numbers that do not fit: ``int64_t``."""
    return _C_NAMES.get(dtype.name, f"{dtype.name}_t" if dtype.category == INTEGER else dtype.name)

"""What index tensors must be, and the errors about those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback import dtypes
from pullback.op import Array

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_POSITION_DTYPES = frozenset({dtypes.int32, dtypes.int64})


def check_positions(backend: Backend, index: Array, name: str, expected: str = "int32/int64") -> None:
    """Raise if ``index`` does not have the dtype of positions."""
    if backend.dtypes[index.dtype] not in _POSITION_DTYPES:
        raise RuntimeError(f"{name}(): Expected dtype {expected} for index")


def vector_of(backend: Backend, index: Array, name: str) -> Array:
    """The index as a vector: a 0-d one of one element."""
    if len(index.shape) > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    return index if index.shape else backend.reshape(index, (1,))


def dimension_message(error: IndexError) -> str:
    """The kernel's message about a position out of bounds, in PyTorch's words."""
    return str(error).replace(" for axis ", " for dimension ")

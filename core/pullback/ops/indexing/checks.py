"""What index tensors must be, and the errors about those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback.backend.transfers import elements_read
from pullback.dispatch.declaration import Array
from pullback.dispatch.inplace import overlap_partly
from pullback.meta import dtypes
from pullback.tensor.geometry import geometry_of

if TYPE_CHECKING:
    from pullback.backend.base import Backend
    from pullback.tensor import Tensor

_POSITION_DTYPES = frozenset({dtypes.int32, dtypes.int64})


def check_positions(backend: Backend, index: Array, name: str, expected: str = "int32/int64 for index") -> None:
    """Raise if ``index`` does not have the dtype of positions."""
    if backend.dtypes[index.dtype] not in _POSITION_DTYPES:
        raise RuntimeError(f"{name}(): Expected dtype {expected}")


def vector_of(backend: Backend, index: Array, name: str) -> Array:
    """The index as a vector: a 0-d one of one element."""
    if len(index.shape) > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    return index if index.shape else backend.reshape(index, (1,))


def outside(backend: Backend, index: Array, size: int, dim: int) -> str:
    """What is said of the first position that is not in a dimension of that size."""
    position = first_outside(backend, index, 0, size)
    return f"index {position} is out of bounds for dimension {dim} with size {size}"


def first_outside(backend: Backend, index: Array, lowest: int, end: int) -> int | None:
    """The first position below ``lowest`` or not below ``end``."""
    positions = elements_read("an index, checked for its bounds,", backend, index).reshape(-1)
    wrong = (positions < lowest) | (positions >= end)
    return int(positions[int(wrong.argmax())]) if wrong.any() else None


def refuse_overlap(tensor: Tensor, *operands: Tensor | None) -> None:
    """Refuse to write elements while reading those of a tensor that shares memory with it."""
    own = tensor.alias
    for operand in operands:
        if operand is None:
            continue
        shares = operand is tensor or (
            own is not None and operand.alias is not None and operand.alias.storage is own.storage
        )
        if shares and (
            operand is tensor
            or overlap_partly(tensor, operand)
            or (0 not in tensor.array.shape and geometry_of(tensor) == geometry_of(operand))
        ):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single"
                " memory location. Please clone() the tensor before performing the operation."
            )

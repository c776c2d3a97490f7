"""Memory formats and layouts: in which order the elements of a tensor lie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pullback.meta.strides import is_contiguous

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


class MemoryFormat:
    """The order of a tensor's dimensions in memory, as in ``pullback.channels_last``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.preserve_format
    torch.preserve_format
    """

    __slots__ = ("name",)

    name: str

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class StorageLayout:
    """How a tensor is stored; ``pullback.strided`` is the only way there is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.strided
    torch.strided
    """

    __slots__ = ("name",)

    name: str

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


contiguous_format: Final = MemoryFormat("contiguous_format")
preserve_format: Final = MemoryFormat("preserve_format")
channels_last: Final = MemoryFormat("channels_last")
channels_last_3d: Final = MemoryFormat("channels_last_3d")
strided: Final = StorageLayout("strided")

_CHANNELS_LAST: Final = {channels_last: (4, (0, 2, 3, 1)), channels_last_3d: (5, (0, 2, 3, 4, 1))}


def order_of_format(memory_format: MemoryFormat | None, ndim: int) -> tuple[int, ...] | None:
    """The dimensions from that with the longest stride to that with the shortest; None for row-major.

    Raises
    ------
    RuntimeError
        For ``preserve_format``, which says nothing without a tensor to preserve, and for a number of dimensions that
        the format does not have.
    """
    if memory_format is None or memory_format is contiguous_format:
        return None
    if memory_format is preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    dims, order = _CHANNELS_LAST[memory_format]
    if ndim != dims:
        raise RuntimeError(f"required rank {dims} tensor to use {memory_format.name} format")
    return order


def check_memory_format(value: object, function: str) -> None:
    """Refuse what is no memory format, as PyTorch does.

    Raises
    ------
    TypeError
        For anything else.
    """
    if not isinstance(value, MemoryFormat):
        raise TypeError(
            f"{function}(): argument 'memory_format' must be torch.memory_format, not {type(value).__name__}"
        )


def lies_in_format(shape: Sequence[int], strides: Sequence[int], memory_format: MemoryFormat) -> bool:
    """Whether elements with these strides lie in memory without gaps, in the order of a format of channels."""
    dims, order = _CHANNELS_LAST[memory_format]
    if len(shape) != dims:
        return False
    step = 1
    for dim in reversed(order):
        if shape[dim] != 1 and strides[dim] != step:
            return False
        step *= shape[dim]
    return True


def dense_order(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """The dimensions from that with the longest stride to that with the shortest, in a dense copy of such a tensor.

    Dimensions that repeat elements stay beside their neighbours: as PyTorch's ``infer_dense_strides`` has it.
    """
    order = list(range(len(shape)))[::-1]  # the shortest stride first, as long as it is being sorted
    for position in range(1, len(order)):
        moved = position
        for before in range(position - 1, -1, -1):
            first, second = order[before], order[moved]
            if 0 in (strides[first], strides[second]):
                continue
            if strides[first] < strides[second]:
                break
            if strides[first] > strides[second] or shape[first] > shape[second]:
                order[before], order[moved] = second, first
                moved = before
    return tuple(reversed(order))


def strides_in_order(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    """The strides of a dense tensor whose dimensions lie in memory in that order, the longest stride first."""
    result = [0] * len(shape)
    step = 1
    for dim in reversed(order):
        result[dim] = step
        step *= max(shape[dim], 1)
    return tuple(result)


def order_of_copy(
    shape: Sequence[int], strides: Sequence[int], memory_format: MemoryFormat | None
) -> tuple[int, ...] | None:
    """The order in memory of a copy of a tensor with these strides, which keeps it unless a format is asked for.

    None stands for row-major.
    """
    if memory_format is not None and memory_format is not preserve_format:
        return order_of_format(memory_format, len(shape))
    return None if is_contiguous(shape, strides) else dense_order(shape, strides)


def copy_in_order(backend: Backend, array: NativeArray, memory_format: MemoryFormat | None = None) -> NativeArray:
    """A copy whose elements lie in memory in the order of the array's or in that of the format, without gaps."""
    strides = backend.strides(array)
    order = None if strides is None else order_of_copy(array.shape, strides, memory_format)
    return copy_with_order(backend, array, order)


def copy_with_order(backend: Backend, array: NativeArray, order: tuple[int, ...] | None) -> NativeArray:
    """A copy whose dimensions lie in memory in that order, the longest stride first; None for row-major."""
    if order is None:
        return backend.copy(array)
    copied = backend.copy(backend.permute_dims(array, order))
    return backend.permute_dims(copied, tuple(order.index(dim) for dim in range(len(order))))

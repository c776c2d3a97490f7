"""Shapes: the size of a tensor, dimension arguments and PyTorch's errors about them, and broadcasting."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias

Dims: TypeAlias = "int | Sequence[int] | None"
#: One argument of ``f(2, 3)``, or the whole shape as in ``f((2, 3))``.
Sizes: TypeAlias = "SupportsIndex | Sequence[SupportsIndex]"


def normalize_dim(dim: Any, ndim: int) -> int:
    """``dim`` counted from the front.

    Raises
    ------
    IndexError
        If there is no such dimension; a 0-d tensor has, for this purpose, one.
    """
    position = operator.index(dim)
    limit = max(ndim, 1)
    if not -limit <= position < limit:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {position})"
        )
    return position % limit


def normalize_dims(dims: Dims, ndim: int) -> tuple[int, ...]:
    """All of ``dims``, an int, a sequence, or None or nothing for every dimension, counted from the front.

    Raises
    ------
    IndexError
        If there is no such dimension.
    RuntimeError
        If one is named twice.
    """
    if dims is None:
        return tuple(range(ndim))
    if not isinstance(dims, list | tuple):
        return (normalize_dim(dims, ndim),) if ndim else _checked_scalar_dim(dims)
    if not dims:
        return tuple(range(ndim))
    normal = tuple([normalize_dim(d, ndim) for d in dims])
    if len(normal) == 1:
        return normal if ndim else ()
    for number, dim in enumerate(normal):
        if dim in normal[:number]:
            raise RuntimeError(f"dim {dim} appears multiple times in the list of dims")
    return normal if ndim else ()


def _checked_scalar_dim(dim: Any) -> tuple[int, ...]:
    normalize_dim(dim, 0)
    return ()


def given_shape(function: str, name: str, sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of a call that must give one.

    Raises
    ------
    TypeError
        Where it gives nothing.
    """
    if not sizes:
        raise TypeError(f'{function}() missing 1 required positional arguments: "{name}"')
    return as_shape(sizes)


def as_shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as ``f(2, 3)``, ``f((2, 3))`` or ``f([2, 3])``."""
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
        sizes = tuple(sizes[0])
    return tuple(operator.index(size) for size in sizes)


def broadcast_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape the given shapes broadcast to.

    Raises
    ------
    RuntimeError
        Where two sizes differ and neither is 1, in PyTorch's words.
    """
    result: list[int] = []
    for shape in shapes:
        ndim = max(len(result), len(shape))
        padded_result = [1] * (ndim - len(result)) + result
        padded_shape = [1] * (ndim - len(shape)) + list(shape)
        for dim, (a, b) in reversed([*enumerate(zip(padded_result, padded_shape, strict=True))]):
            if a != b and a != 1 and b != 1:
                raise RuntimeError(
                    f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {dim}"
                )
        result = [b if a == 1 else a for a, b in zip(padded_result, padded_shape, strict=True)]
    return tuple(result)


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple that prints as PyTorch's.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2, 3).shape
    torch.Size([2, 3])
    >>> pb.ones(2, 3).shape.numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        return Size(item) if isinstance(index, slice) else item

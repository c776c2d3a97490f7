"""The shape of a tensor."""

from __future__ import annotations

from typing import Any


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

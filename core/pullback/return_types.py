"""Named tuples of operations with several results: ``values, indices = x.max(0)``."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.process.locks import made_once

if TYPE_CHECKING:
    from pullback.tensor import Tensor

    # To type checkers, results that have the same fields are of one class.

    class ValuesAndIndices(NamedTuple):
        values: Tensor
        indices: Tensor

    class MinAndMax(NamedTuple):
        min: Tensor
        max: Tensor


@made_once
def return_type(name: str, fields: tuple[str, ...]) -> Any:
    """The named tuple that the operation ``name`` returns; it prints as PyTorch's.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([3., 1.]).max(0)
    torch.return_types.max(
    values=tensor(3.),
    indices=tensor(0))
    """
    make: Callable[..., Any] = namedtuple  # no literal name and fields: they come from the operation's declaration
    base = make(name, fields)

    def __repr__(self: Sequence[Any]) -> str:
        lines = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{lines})"

    return type(name, (base,), {"__slots__": (), "__repr__": __repr__, "__module__": "pullback.return_types"})

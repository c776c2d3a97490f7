"""Which transforms are active now, in this thread and task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakref import ref

    from pullback.batching.levels import Level
    from pullback.tensor import Tensor

#: The levels entered, outermost first.
LEVELS: ContextVar[tuple[Level, ...]] = ContextVar("pullback levels", default=())
levels = LEVELS.get
#: The levels on which no graph is recorded now although one is of what their tensors wrap, for those outside.
RECORDED_BENEATH: ContextVar[frozenset[int]] = ContextVar("pullback recorded beneath", default=frozenset())
_transforming: ContextVar[bool] = ContextVar("pullback inside a transform", default=False)
#: Whether a function is being transformed.
transforming = _transforming.get


#: The tensors written in place, with a history, by the function being differentiated.
WRITTEN: ContextVar[list[ref[Tensor]] | None] = ContextVar("pullback tensors written in a transform", default=None)


def layers(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor, and what it wraps on each lower level, down to the plain tensor beneath them all."""
    yield tensor
    while tensor.backend.level:
        tensor = tensor.array.value
        yield tensor


def plain(tensor: Tensor) -> Tensor:
    """The tensor beneath all levels."""
    while tensor.backend.level:
        tensor = tensor.array.value
    return tensor


def in_transform(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function that is being transformed."""
    before = transforming()
    try:
        _transforming.set(True)
        return function(*args, **kwargs)
    finally:
        _transforming.set(before)

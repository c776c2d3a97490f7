"""``RemovableHandle``: what registering a hook returns, to remove it by."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import TracebackType
from typing import Any

_next_id = itertools.count().__next__


class RemovableHandle:
    """Takes a registered hook away again: ``handle.remove()``, or at the end of a ``with`` block."""

    __slots__ = ("__weakref__", "hooks", "id")

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        if not callable(hook):
            raise TypeError(f"a hook must be callable, got {type(hook).__name__}")
        self.id = _next_id()
        hooks[self.id] = hook
        self.hooks = hooks

    def remove(self) -> None:
        """Take the hook away; more than once does no harm."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

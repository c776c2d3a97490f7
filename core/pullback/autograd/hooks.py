"""Handles of registered hooks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import TracebackType
from typing import Any

from pullback.tensor import Tensor

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


def checked_hook_result(result: Any, grad: Any, hook: Callable[..., Any]) -> Any:
    """What a tensor hook returned, if it may replace the gradient.

    Raises
    ------
    TypeError, RuntimeError
        Naming the hook, when it returned something else than a Tensor of the gradient's shape or None.
    """
    name = getattr(hook, "__name__", repr(hook))
    if not isinstance(result, Tensor):
        found = type(result).__name__
        raise TypeError(f"expected Variable, but hook returned '{found}': hook {name!r} must return a Tensor or None")
    if grad is None:
        raise RuntimeError(f"can't replace a None gradient with a non-None value (hook {name!r})")
    if result.array.shape != grad.array.shape:
        raise RuntimeError(
            f"hook {name!r} has changed the size of value: got {list(result.shape)}, expected {list(grad.shape)}"
        )
    if result.dtype is not grad.dtype:
        raise RuntimeError(f"hook {name!r} has changed the type of value: got {result.dtype}, expected {grad.dtype}")
    return result


def checked_gradients(result: Any, given: tuple[Any, ...], hook: Callable[..., Any]) -> tuple[Any, ...]:
    """What a hook of a node returned, if it may replace the gradients that it was given.

    Raises
    ------
    TypeError, RuntimeError
        Naming the hook, when it returned something else than a tuple of so many Tensors or None.
    """
    name = getattr(hook, "__name__", repr(hook))
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}': {name!r} is a hook of a node")
    if len(result) != len(given):
        raise RuntimeError(
            f"hook {name!r} has returned an incorrect number of values (got {len(result)}, but expected {len(given)})"
        )
    for new, old in zip(result, given, strict=True):
        if new is not None:
            checked_hook_result(new, old, hook)
    return result

"""Handles of registered hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.tensor import Tensor


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

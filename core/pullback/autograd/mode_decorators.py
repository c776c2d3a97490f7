"""Context managers of modes as decorators: of functions, generators, coroutines and classes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.autograd.grad_mode import DecoratingManager


def run_in_mode(manager: DecoratingManager, function: Callable[..., Any]) -> Any:
    """The function, each of whose calls runs in a block of a clone of ``manager``."""
    if inspect.isclass(function):
        import warnings

        warnings.warn(
            "Decorating classes is deprecated and will be disabled in future versions. You should only decorate"
            " functions or methods. To preserve the current behavior of class decoration, you can directly decorate"
            " the `__init__` method and nothing else.",
            FutureWarning,
            stacklevel=3,
        )
    elif inspect.isgeneratorfunction(function):
        return _generator_in_mode(manager, function)
    elif inspect.isasyncgenfunction(function):
        return _async_generator_in_mode(manager, function)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with manager.clone():
                return await function(*args, **kwargs)

        return coroutine

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with manager.clone():
            return function(*args, **kwargs)

    return call


def _generator_in_mode(manager: DecoratingManager, function: Callable[..., Any]) -> Callable[..., Any]:
    """Enter the mode only while the generator's own code runs: between two steps the caller's mode holds."""

    @functools.wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        try:
            with manager.clone():
                value = inner.send(None)
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    with manager.clone():
                        inner.close()
                    raise
                except BaseException as error:
                    with manager.clone():
                        value = inner.throw(error)
                else:
                    with manager.clone():
                        value = inner.send(sent)
        except StopIteration as end:
            return end.value

    return generator


def _async_generator_in_mode(manager: DecoratingManager, function: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`_generator_in_mode`, for an asynchronous generator."""

    @functools.wraps(function)
    async def generator(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        try:
            with manager.clone():
                value = await inner.asend(None)
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    with manager.clone():
                        await inner.aclose()
                    raise
                except BaseException as error:
                    with manager.clone():
                        value = await inner.athrow(error)
                else:
                    with manager.clone():
                        value = await inner.asend(sent)
        except StopAsyncIteration:
            return

    return generator

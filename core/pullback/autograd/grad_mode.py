"""Whether operations record a graph, and the one state check that every operation makes.

``mode()`` is a number: 0 records gradients, 1 does not, and higher bits say that forward mode or interceptors are
active, so that an operation needs one comparison to know that nothing special goes on. It lives in a context variable:
each thread and each asyncio task has its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, TypeVar

NO_GRAD: Final = 1
FORWARD: Final = 2
INTERCEPTED: Final = 4

MODE: Final[ContextVar[int]] = ContextVar("pullback mode", default=0)
mode = MODE.get

F = TypeVar("F", bound=Callable[..., Any])


def is_grad_enabled() -> bool:
    """Whether operations record a graph now, in this thread and task.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.no_grad():
    ...     pb.is_grad_enabled()
    False
    """
    return not mode() & NO_GRAD


class GradMode:
    """A context manager, usable as a decorator, that sets whether a graph is recorded and restores what was before."""

    enabled: bool

    def __init__(self) -> None:
        self._tokens: list[Token[int]] = []

    def __enter__(self) -> None:
        now = mode()
        self._tokens.append(MODE.set(now & ~NO_GRAD if self.enabled else now | NO_GRAD))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        MODE.reset(self._tokens.pop())

    def clone(self) -> GradMode:
        """A manager of the same kind, for one use."""
        return type(self)()

    def __call__(self, function: F) -> F:
        import inspect

        if inspect.isclass(function):
            raise TypeError(f"{type(self).__name__} decorates functions and methods; got the class {function.__name__}")
        if inspect.isgeneratorfunction(function):
            return _generator_in_mode(self, function)  # type: ignore[return-value]
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with self.clone():
                    return await function(*args, **kwargs)

            return coroutine  # type: ignore[return-value]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]


def _generator_in_mode(manager: GradMode, function: Callable[..., Any]) -> Callable[..., Any]:
    """Enter the mode only while the generator's own code runs: between two steps the caller's mode holds."""

    @functools.wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Any:
        with manager.clone():
            inner = function(*args, **kwargs)
            step = functools.partial(next, inner)
        while True:
            try:
                with manager.clone():
                    value = step()
            except StopIteration as end:
                return end.value
            try:
                sent = yield value
                step = functools.partial(inner.send, sent)
            except GeneratorExit:
                with manager.clone():
                    inner.close()
                raise
            except BaseException as error:
                step = functools.partial(inner.throw, error)

    return generator


class no_grad(GradMode):
    """Record no graph inside: results do not require gradients.

    Works as ``with no_grad():``, ``@no_grad()`` and ``@no_grad``, as PyTorch
    (https://pytorch.org/docs/stable/generated/torch.no_grad.html).

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2, requires_grad=True)
    >>> with pb.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    enabled = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        manager = super().__new__(cls)
        if function is None:
            return manager
        GradMode.__init__(manager)
        return manager(function)

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        super().__init__()


class enable_grad(no_grad):
    """Record a graph inside, also within ``no_grad``; as a context manager or a decorator.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2, requires_grad=True)
    >>> with pb.no_grad(), pb.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    enabled = True


class set_grad_enabled(GradMode):
    """Record a graph or not from here on, or inside the ``with`` block it is used for.

    Parameters
    ----------
    mode : bool
        Whether to record.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.set_grad_enabled(False):
    ...     pb.is_grad_enabled()
    False
    >>> pb.is_grad_enabled()
    True
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.enabled = bool(mode)
        # As PyTorch's: calling it takes effect at once; leaving a `with` block restores what was before the call.
        self._tokens.append(MODE.set(MODE.get() & ~NO_GRAD if mode else MODE.get() | NO_GRAD))

    def __enter__(self) -> None:
        if not self._tokens:
            super().__enter__()

    def clone(self) -> GradMode:
        return type(self)(self.enabled)

    def __call__(self, function: F) -> F:
        MODE.reset(self._tokens.pop())  # used as a decorator, it must not change the mode of its surroundings
        return super().__call__(function)

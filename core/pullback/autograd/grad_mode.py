"""Whether operations record a graph, and the one state check that every operation makes.

``mode()`` is a number: 0 records gradients, 1 does not, and each higher bit stands for something that operations must
take care of in their general path, so that one comparison, ``mode() > 1``, tells them that nothing special goes on. It
lives in a context variable: each thread and each asyncio task has its own.

Inference mode by itself is special only in what it makes, not in how: it is a negative number, which the comparison
lets pass. Its low bits are as those of other modes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, TypeVar

NO_GRAD: Final = 1
FORWARD: Final = 2
INTERCEPTED: Final = 4
OVERRIDDEN: Final = 8
SAVING: Final = 16  # hooks pack what is saved for backward
INFERENCE: Final = 32
ANOMALY: Final = 64  # nodes remember where they were made
MUTATION: Final = 128  # saved tensors are cloned before they are written
KERNELS: Final = 256  # something stands around each computation
_BITS: Final = 1023

#: Inference mode and nothing else that would need the general path.
PLAIN_INFERENCE: Final = (NO_GRAD | INFERENCE) - _BITS - 1
#: The modes in which nothing is recorded and nothing special goes on.
QUIET: Final = frozenset({NO_GRAD, PLAIN_INFERENCE})

MODE: Final[ContextVar[int]] = ContextVar("pullback mode", default=0)
mode = MODE.get


def entered(now: int, bits: int) -> int:
    """The mode ``now`` with more bits set."""
    together = (now & _BITS) | bits
    return PLAIN_INFERENCE if together == NO_GRAD | INFERENCE else together


def left(now: int, bits: int) -> int:
    """The mode ``now`` without these bits."""
    return entered(now & ~bits, 0)


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
    _bits = NO_GRAD  # what of the mode is restored at the end

    # Not the tokens of context variables: a block may end in another context than it began in, as where a generator
    # with a block inside is resumed by another task.
    _before: list[int]

    def __init__(self) -> None:
        self._before = []

    def __enter__(self) -> None:
        now = mode()
        self._before.append(now)
        MODE.set(self._entered(now))

    def _entered(self, now: int) -> int:
        """The mode inside; in inference mode nothing is recorded in any case."""
        return now if now & INFERENCE else now & ~NO_GRAD if self.enabled else now | NO_GRAD

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        before, now, bits = self._before.pop(), mode(), self._bits
        if not now & INFERENCE or bits & INFERENCE:  # inference mode that was entered inside still records nothing
            MODE.set(entered(now & ~bits, before & bits))

    def clone(self) -> GradMode:
        """A manager of the same kind, for one use."""
        return type(self)()

    def __call__(self, function: F) -> F:
        import inspect

        if inspect.isclass(function):
            import warnings

            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate"
                " functions or methods. To preserve the current behavior of class decoration, you can directly decorate"
                " the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )
        elif inspect.isgeneratorfunction(function):
            return _generator_in_mode(self, function)  # type: ignore[return-value]
        elif inspect.isasyncgenfunction(function):
            return _async_generator_in_mode(self, function)  # type: ignore[return-value]
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


def _async_generator_in_mode(manager: GradMode, function: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`_generator_in_mode`, for an asynchronous generator."""

    @functools.wraps(function)
    async def generator(*args: Any, **kwargs: Any) -> Any:
        with manager.clone():
            inner = function(*args, **kwargs)
        step = functools.partial(inner.asend, None)
        while True:
            try:
                with manager.clone():
                    value = await step()
            except StopAsyncIteration:
                return
            try:
                step = functools.partial(inner.asend, (yield value))
            except GeneratorExit:
                with manager.clone():
                    await inner.aclose()
                raise
            except BaseException as error:
                step = functools.partial(inner.athrow, error)

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

    _called: bool  # and has neither begun a block nor become a decorator since

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.enabled = bool(mode)
        # As PyTorch's: calling it takes effect at once; leaving a `with` block restores what was before the call.
        super().__enter__()
        self._called = True

    def __enter__(self) -> None:
        if self._called:
            self._called = False
            MODE.set(self._entered(mode()))
        else:
            super().__enter__()

    def clone(self) -> GradMode:
        return type(self)(self.enabled)

    def __call__(self, function: F) -> F:
        if self._called:  # used as a decorator, it must not change the mode of its surroundings
            self._called = False
            super().__exit__(None, None, None)
        return super().__call__(function)


class inference_mode(GradMode):
    """Record no graph inside, and make tensors that never can be part of one: cheaper bookkeeping than ``no_grad``.

    Parameters
    ----------
    mode : bool
        False leaves inference mode for the block. Used as a plain decorator, the function.

    Notes
    -----
    What is made inside is an inference tensor (:meth:`Tensor.is_inference`): it has no version, cannot be saved for
    backward, and cannot be written in place outside. Views of other tensors are as these. As PyTorch
    (https://pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html).

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2, requires_grad=True)
    >>> with pb.inference_mode():
    ...     y = x * 2
    >>> y.requires_grad, y.is_inference()
    (False, True)
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        manager = super().__new__(cls)
        if isinstance(mode, bool):
            return manager
        manager.__init__()  # type: ignore[misc]  # the decorator without parentheses
        return manager(mode)

    _bits = NO_GRAD | INFERENCE | FORWARD

    def __init__(self, mode: bool | Callable[..., Any] = True) -> None:
        super().__init__()
        self.enabled = mode is not False

    def _entered(self, now: int) -> int:
        if self.enabled:
            return entered(now & ~FORWARD, NO_GRAD | INFERENCE)
        return left(now, NO_GRAD | INFERENCE) if now & INFERENCE else now

    def clone(self) -> GradMode:
        return type(self)(self.enabled)


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on, in this thread and task.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.inference_mode():
    ...     pb.is_inference_mode_enabled()
    True
    """
    return bool(mode() & INFERENCE)


class set_multithreading_enabled:
    """Accepted as PyTorch's: backward runs in the thread that calls it in any case.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.autograd.set_multithreading_enabled(False):
    ...     pb.ones(1, requires_grad=True).sum().backward()
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

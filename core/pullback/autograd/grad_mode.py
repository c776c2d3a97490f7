"""Whether operations record a graph: ``no_grad``, ``enable_grad``, ``inference_mode``; how passes run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, TypeVar

from pullback.process.blocks import begins_at_once, surely
from pullback.tensor.modes import FORWARD, INFERENCE, MODE, NO_GRAD, entered, left, mode

F = TypeVar("F", bound=Callable[..., Any])


def check_bool(value: object, function: str, argument: str, position: int = 1) -> None:
    """Refuse what is no bool, as PyTorch does.

    Raises
    ------
    TypeError
        For anything else, truth values included.
    """
    if not isinstance(value, bool):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be bool, not {type(value).__name__}"
        )


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


class DecoratingManager:
    """A context manager that also decorates functions, generators, coroutines and classes; subclasses say what it does.

    Blocks of one manager may nest. What was before is kept as it was, not as the token of a context variable: a block
    may end in another context than it began in, as where a generator with a block inside is resumed by another task.
    """

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    def clone(self) -> DecoratingManager:
        """A manager of the same kind, for one use."""
        return type(self)()

    def __call__(self, function: F) -> F:

        return run_in_mode(self, function)  # type: ignore[no-any-return]


class GradMode(DecoratingManager):
    """Sets whether a graph is recorded, and restores what was before."""

    enabled: bool
    _bits = NO_GRAD  # what of the mode is restored at the end
    _before: list[int]

    def __init__(self) -> None:
        self._before = []

    def __enter__(self) -> None:
        now, befores = mode(), self._before
        depth = len(befores)
        try:
            befores.append(now)
            MODE.set(self._entered(now))
        except BaseException:
            surely(MODE.set, now)
            del befores[depth:]
            raise

    def _entered(self, now: int) -> int:
        """The mode inside; in inference mode nothing is recorded in any case."""
        return now if now & INFERENCE else now & ~NO_GRAD if self.enabled else now | NO_GRAD

    @begins_at_once
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        befores = self._before
        before = befores[-1]
        try:
            self._leave(before)
        except BaseException:
            surely(self._leave, before)
            raise
        finally:
            del befores[-1]

    def _leave(self, before: int) -> None:
        now, bits = mode(), self._bits
        if not now & INFERENCE or bits & INFERENCE:  # inference mode that was entered inside still records nothing
            MODE.set(entered(now & ~bits, before & bits))


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
        check_bool(mode, "set_grad_enabled", "enabled")
        super().__init__()
        self.enabled = self.mode = mode
        self._called = True
        # As PyTorch's: calling it takes effect at once; leaving a `with` block restores what was before the call.
        super().__enter__()

    def __enter__(self) -> None:
        if not self._called:
            super().__enter__()
            return
        self._called = False
        try:
            MODE.set(self._entered(mode()))
        except BaseException:
            surely(self._leave, self._before[-1])
            del self._before[-1]
            raise

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__qualname__}(mode={self.mode})"

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
        False leaves inference mode, and ``no_grad`` too, for the block. Used as a plain decorator, the function.

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
        return left(now, NO_GRAD | INFERENCE)

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


class _Switch(DecoratingManager):
    """Sets a context variable from here on, or inside the ``with`` block it is used for."""

    _variable: ContextVar[bool]

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.prev = self._variable.get()
        try:
            self._variable.set(mode)
        except BaseException:
            self._variable.set(self.prev)
            raise

    def __enter__(self) -> None:
        return

    @begins_at_once
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._variable.set(self.prev)

    def clone(self) -> DecoratingManager:
        return type(self)(self.mode)

    def __call__(self, function: F) -> F:
        self._variable.set(self.prev)  # used as a decorator, it must not change the mode of its surroundings
        return super().__call__(function)


_multithreading: Final[ContextVar[bool]] = ContextVar("pullback multithreading", default=True)


def is_multithreading_enabled() -> bool:
    """Whether backward may use several threads, in this thread and task; see :class:`set_multithreading_enabled`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.autograd.is_multithreading_enabled()
    True
    """
    return _multithreading.get()


class set_multithreading_enabled(_Switch):
    """Say whether backward may use several threads, from here on or inside the ``with`` block it is used for.

    It is asked by programs only: backward runs in the thread that calls it in any case.

    Parameters
    ----------
    mode : bool
        Whether it may.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.autograd.set_multithreading_enabled(False):
    ...     pb.autograd.is_multithreading_enabled()
    False
    """

    _variable = _multithreading

    def __init__(self, mode: bool) -> None:
        check_bool(mode, "set_multithreading_enabled", "enabled")
        super().__init__(mode)


_keeps_layout: Final[ContextVar[bool]] = ContextVar("pullback gradient layout", default=True)
#: Whether gradients that accumulate lie in memory as their tensors do.
gradients_keep_layout = _keeps_layout.get


class enforce_grad_layout_policy(_Switch):
    """Say whether a gradient lies in memory as its tensor does, from here on or inside the ``with`` block.

    Parameters
    ----------
    enable : bool
        False lets a gradient become ``grad`` as it has been computed where nobody else can see its memory, which saves
        a copy.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(3, 2).t().requires_grad_()
    >>> with pb.autograd.enforce_grad_layout_policy(False):
    ...     (x * 2).backward(pb.ones(2, 3))
    >>> x.stride(), x.grad.stride()
    ((1, 2), (3, 1))
    """

    _variable = _keeps_layout

    def __init__(self, enable: bool = True) -> None:
        check_bool(enable, "set_grad_layout_enforcement_enabled", "enabled")
        super().__init__(enable)


def run_in_mode(manager: DecoratingManager, function: Callable[..., Any]) -> Any:
    """The function, each of whose calls runs in a block of a clone of ``manager``."""
    import inspect  # ten modules, for what is rarely done at import

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

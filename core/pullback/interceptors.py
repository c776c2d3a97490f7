"""Interceptors: code that sees each operation as it runs.

An interceptor is called with the operation, its operands and attributes, and ``proceed``; it returns what the operation
shall return, usually ``proceed()``. With none active the operations' one state check is all it costs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.autograd.grad_mode import INTERCEPTED, MODE, ModeBlock, left, mode
from pullback.blocks import Setting

if TYPE_CHECKING:
    from pullback.op import Operation

Interceptor: TypeAlias = "Callable[[Operation, tuple[Any, ...], dict[str, Any], Callable[[], Any]], Any]"

_active: ContextVar[tuple[Interceptor, ...]] = ContextVar("pullback interceptors", default=())


class intercept(ModeBlock, ContextDecorator):
    """Run ``interceptor(operation, operands, attributes, proceed)`` around every operation inside the block.

    The innermost interceptor sees an operation first. Operations that an interceptor itself calls are not intercepted.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.extend import intercept
    >>> names = []
    >>> def note(operation, operands, attributes, proceed):
    ...     names.append(operation.name)
    ...     return proceed()
    >>> with intercept(note):
    ...     y = (pb.ones(2) * 3).exp()
    >>> names
    ['mul', 'exp']
    """

    _bits = INTERCEPTED

    def __init__(self, interceptor: Interceptor) -> None:
        self.interceptor = interceptor

    def _other_settings(self) -> Sequence[Setting]:
        return ((_active, (*_active.get(), self.interceptor)),)


def run_intercepted(operation: Operation, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Run an operation inside the active interceptors, innermost first."""
    before = mode()
    try:
        MODE.set(left(before, INTERCEPTED))
        return run_through(
            _active.get(), operation, operands, attributes, lambda: operation.call(*operands, **attributes)
        )
    finally:
        MODE.set(before)


def run_through(
    chain: Sequence[Callable[..., Any]],
    operation: Operation,
    operands: Any,
    attributes: dict[str, Any],
    proceed: Callable[[], Any],
) -> Any:
    """Run ``proceed()`` inside every interceptor of the chain, the last one outermost."""
    for interceptor in chain:
        proceed = functools.partial(interceptor, operation, operands, attributes, proceed)
    return proceed()

"""Interceptors: code that sees each operation, or each kernel, as it runs.

An interceptor is called with the operation, its operands and attributes, and ``proceed``; it returns what the operation
shall return, usually ``proceed()``. :class:`intercept` stands around an operation, graph and all;
:class:`AroundKernels` around its computation only, so that results may be kept and handed out again. With none active
the operations' one state check is all it costs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeAlias, TypeVar

from pullback.process.blocks import Setting
from pullback.tensor.modes import INTERCEPTED, KERNELS, MODE, NO_GRAD, ModeBlock, left, mode
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation
    from pullback.tensor import Tensor

Interceptor: TypeAlias = "Callable[[Operation, tuple[Any, ...], dict[str, Any], Callable[[], Any]], Any]"

KernelInterceptor: TypeAlias = "Callable[[Operation, list[Any], dict[str, Any], Callable[[], Any]], Any]"

P = ParamSpec("P")
R = TypeVar("R")

#: What stands around each computation in every thread, outside of what the blocks of a thread put there.
everywhere: Final[list[AroundKernels]] = []
_around_kernels: ContextVar[tuple[AroundKernels, ...]] = ContextVar("pullback kernel interceptors", default=())
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


# -- kernels ----------------------------------------------------------------------------------------------------------


class AroundKernels(ModeBlock):
    """A block whose :meth:`run` runs around every computation inside it: forward, backward, and beneath ``vmap``.

    For what needs more than a function: :class:`intercept_kernels` is one that has nothing but that.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.extend import AroundKernels
    >>> class Shapes(AroundKernels):
    ...     def run(self, operation, operands, attributes, proceed):
    ...         self.name = operation.name
    ...         return proceed()
    ...     def wrapped(self, tensors):
    ...         print(self.name, [tuple(tensor.shape) for tensor in tensors])
    >>> with Shapes():
    ...     y = pb.ones(2, 3).sum(0)
    sum [(3,)]
    """

    _bits = KERNELS

    def _other_settings(self) -> Sequence[Setting]:
        return ((_around_kernels, (*_around_kernels.get(), self)),)

    def run(
        self, operation: Operation, operands: list[Any], attributes: dict[str, Any], proceed: Callable[[], Any]
    ) -> Any:
        """What ``proceed()`` returns: the native array, or a list of them."""
        return proceed()

    def wrapped(self, tensors: list[Tensor]) -> None:
        """Called with the tensors that have the results, once there are any."""


class intercept_kernels(AroundKernels):
    """Run ``interceptor(operation, operands, attributes, proceed)`` around every computation inside the block.

    It returns what ``proceed()`` does: the native array, or a list of them.

    Examples
    --------
    >>> import pullback as pb
    >>> names = []
    >>> def note(operation, operands, attributes, proceed):
    ...     names.append(operation.name)
    ...     return proceed()
    >>> with intercept_kernels(note):
    ...     y = (pb.ones(2) * 3).exp()
    >>> names
    ['mul', 'exp']
    """

    def __init__(self, interceptor: KernelInterceptor) -> None:
        self.interceptor = interceptor

    def run(
        self, operation: Operation, operands: list[Any], attributes: dict[str, Any], proceed: Callable[[], Any]
    ) -> Any:
        return self.interceptor(operation, operands, attributes, proceed)


def compute_intercepted(
    operation: Operation, operands: list[Any], attributes: dict[str, Any], compute: Callable[[], Any]
) -> Any:
    """Compute inside the active interceptors, innermost first."""
    around = (*everywhere, *_around_kernels.get())
    return run_through([active.run for active in around], operation, operands, attributes, compute)


def show_results(tensors: list[Tensor]) -> None:
    """Tell the active interceptors which tensors have the results of the computation they stood around."""
    for active in (*everywhere, *_around_kernels.get()):
        active.wrapped(tensors)


def run_alone(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function as if nothing went on around it, and have it record nothing.

    For what an interceptor computes on its own account: no interceptor sees it, it is of no level of ``vmap``, no class
    or mode overrides it, and what it sets for this thread or task ends with it.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.extend import intercept_kernels, run_alone
    >>> def twice(operation, operands, attributes, proceed):
    ...     again = run_alone(operation.call, *operands, **attributes)
    ...     assert not again.requires_grad
    ...     return proceed()
    >>> with intercept_kernels(twice):
    ...     pb.tensor(2., requires_grad=True).square()
    tensor(4., grad_fn=<PowBackward0>)
    """
    context = Context()
    context.run(MODE.set, NO_GRAD)
    return context.run(function, *args, **kwargs)


seams.run_intercepted = run_intercepted
seams.compute_intercepted, seams.show_results = compute_intercepted, show_results

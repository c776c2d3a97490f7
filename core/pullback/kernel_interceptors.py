"""Code that sees each kernel as it runs, below the graph: results may be kept and handed out again.

:mod:`pullback.interceptors` stands around an operation, graph and all; this stands around its computation only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.autograd.grad_mode import KERNELS, ModeBlock
from pullback.blocks import Setting
from pullback.interceptors import run_through

if TYPE_CHECKING:
    from pullback.op import Operation
    from pullback.tensor import Tensor

KernelInterceptor: TypeAlias = "Callable[[Operation, list[Any], dict[str, Any], Callable[[], Any]], Any]"

_active: ContextVar[tuple[AroundKernels, ...]] = ContextVar("pullback kernel interceptors", default=())


class AroundKernels(ModeBlock):
    """Whose :meth:`run` runs around every computation inside the block."""

    _bits = KERNELS

    def _other_settings(self) -> Sequence[Setting]:
        return ((_active, (*_active.get(), self)),)

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


def run_intercepted(
    operation: Operation, operands: list[Any], attributes: dict[str, Any], compute: Callable[[], Any]
) -> Any:
    """Compute inside the active interceptors, innermost first."""
    return run_through([active.run for active in _active.get()], operation, operands, attributes, compute)


def show_wrapped(tensors: list[Tensor]) -> None:
    """Tell the active interceptors which tensors have the results of the computation they stood around."""
    for active in _active.get():
        active.wrapped(tensors)

"""PyTorch's former name for tensors that take part in automatic differentiation, and of the engine behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.tensor import Tensor, backward_pass


class _ExecutionEngine:
    """What PyTorch's programs ask of the engine while it runs."""

    def queue_callback(self, callback: Callable[[], None]) -> None:
        """Call ``callback()`` when the backward pass that is running has ended."""
        backward_pass.queue_callback(callback)

    def is_checkpoint_valid(self) -> bool:
        """Whether a reentrant checkpoint may run: not in a pass that wants the gradients of some tensors only."""
        running = backward_pass.current_pass()
        return running is None or not running.limited


class _VariableType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableType):
    """``Variable(data)`` is ``data`` as a leaf that requires gradients or not; every Tensor is a Variable now.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.autograd.Variable(pb.ones(2), requires_grad=True)
    >>> x
    tensor([1., 1.], requires_grad=True)
    >>> isinstance(x, pb.autograd.Variable)
    True
    """

    _execution_engine = _ExecutionEngine()

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Any:
        return data.detach().requires_grad_(requires_grad)

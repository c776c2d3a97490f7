"""Calling the hooks of tensors and nodes during a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.autograd.anomaly_mode import check_anomaly
from pullback.autograd.grad_mode import ANOMALY, mode
from pullback.autograd.gradient_ownership import retained_gradient, unshared_wrap
from pullback.autograd.hooks import checked_gradients, checked_hook_result
from pullback.autograd.node import Node, OutputGradients
from pullback.autograd.surroundings import enter_user_code
from pullback.locks import ACCUMULATION

if TYPE_CHECKING:
    from pullback.autograd.node import NodeHooks
    from pullback.tensor import Tensor


def before_node(node: Node, grad: Any) -> Any:
    """Run the hooks of the node's output tensors, fill retained gradients, run the node's own pre-hooks."""
    hooks = node.hooks
    assert hooks is not None
    return _run_prehooks(node, before_prehooks(hooks, grad))


def before_prehooks(hooks: NodeHooks, grad: Any) -> Any:
    """Run the hooks of a node's output tensors, and fill their retained gradients with what these leave.

    Hooks run also where no gradient has arrived.
    """
    enter_user_code()
    for number, of_output in tuple(hooks.tensor.items()):
        if isinstance(grad, OutputGradients):
            given = grad.get(number)
            left = run_tensor_hooks(of_output, given)
            if left is not given:
                grad = OutputGradients({**grad, number: left})
        else:  # of the only output, or none of any
            grad = run_tensor_hooks(of_output, grad)
    if grad is not None:
        for number, reference in tuple(hooks.retained.items()):
            tensor = reference()
            given = grad.get(number) if isinstance(grad, OutputGradients) else grad
            # Gradients of many examples at once are nothing that a tensor outside could retain.
            if tensor is not None and given is not None and given.backend.level <= tensor.backend.level:
                with ACCUMULATION:
                    held = tensor._grad
                    tensor._grad = retained_gradient(given) if held is None else held + given
    return grad


def run_tensor_hooks(hooks: dict[int, Any], grad: Tensor | None) -> Any:
    """The gradient that the hooks of a tensor leave of ``grad``."""
    for hook in tuple(hooks.values()):
        result = hook(grad)
        if result is not None:
            grad = checked_hook_result(result, grad, hook)
    return unshared_wrap(grad)


def _run_prehooks(node: Node, grad: Any) -> Any:
    assert node.hooks is not None
    for hook in tuple(node.hooks.pre.values()):
        given = _as_tuple(node, grad)
        result = hook(given)
        if result is not None:
            checked = checked_gradients(result, given, hook)
            if isinstance(grad, OutputGradients):
                grad = OutputGradients((number, new) for number, new in enumerate(checked) if new is not None) or None
            else:
                grad = checked[0]
    if not node.hooks.pre:
        return grad
    if isinstance(grad, OutputGradients):
        return OutputGradients((number, unshared_wrap(given)) for number, given in grad.items())
    return unshared_wrap(grad)


def _as_tuple(node: Any, grad: Any) -> tuple[Any, ...]:
    """The gradients of a node's outputs, as hooks get them."""
    if not isinstance(grad, OutputGradients):
        count: int = node.output_count
        return (grad,) * count  # several only where no gradient has arrived
    return tuple(grad.get(number) for number in range(max(node.output_count, max(grad, default=-1) + 1)))


def after_node(node: Node, grads: Any, grad: Any) -> Any:
    """The gradients that the node's hooks leave of those it has computed."""
    assert node.hooks is not None
    enter_user_code()
    given = _as_tuple(node, grad)
    for hook in tuple(node.hooks.post.values()):
        result = hook(tuple(grads), given)
        if result is not None:
            grads = checked_gradients(result, tuple(grads), hook)
    if mode() & ANOMALY:
        check_anomaly(node, grads)
    return [unshared_wrap(new) for new in grads]

"""Hooks of tensors and nodes: what runs them, and what they may return."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback.autograd.anomaly_mode import check_anomaly
from pullback.autograd.gradient_ownership import retained_gradient, unshared_wrap
from pullback.process.locks import ACCUMULATION
from pullback.tensor import Tensor
from pullback.tensor.modes import ANOMALY, mode
from pullback.tensor.node import Node, OutputGradients
from pullback.tensor.user_context import enter_user_code

if TYPE_CHECKING:
    from pullback.tensor import Tensor
    from pullback.tensor.node import NodeHooks


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

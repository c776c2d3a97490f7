"""The end of a pass: gradients that reach leaves, and the hooks of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.autograd.grad_mode import NO_GRAD, mode
from pullback.autograd.gradient_ownership import arrives_alone, own_gradient, unshared_wrap
from pullback.autograd.hooks import checked_gradients, checked_hook_result
from pullback.autograd.running_hooks import run_tensor_hooks
from pullback.autograd.saved_tensors import beside
from pullback.autograd.surroundings import enter_user_code, leave_user_code
from pullback.locks import ACCUMULATION

if TYPE_CHECKING:
    from pullback.autograd.node import Edge
    from pullback.tensor import Tensor


def deliver_to_leaf(leaf: Tensor, grad: Any, captured: dict[Edge, Any] | None) -> None:
    """Run the leaf's hooks, and add the gradient to what it has; or keep it in ``captured``, if the pass captures."""
    foreign = alone = False  # whether code of the user runs, and whether nobody else holds the gradient
    if leaf._tensor_hooks:
        foreign = True
        enter_user_code()
        grad = run_tensor_hooks(leaf._tensor_hooks, grad)
    if captured is not None:
        captured[leaf] = grad
        if foreign:
            leave_user_code()
        return
    hooks = leaf._accumulate_hooks
    if hooks is not None:
        enter_user_code()
        for pre_hook in tuple(hooks.pre.values()):
            result = pre_hook((grad,))
            if result is not None:
                grad = checked_gradients(result, (grad,), pre_hook)[0]
        alone = grad is not None and bool(hooks.post) and arrives_alone(grad)
        grad = unshared_wrap(grad)
    if grad is None or leaf.edge is None:  # a hook has taken it, or the leaf has ceased to require gradients since
        _end_accumulation(leaf, grad)
        return
    with ACCUMULATION:
        held = leaf._grad
        if held is None:
            leaf._grad = own_gradient(grad, leaf)
        elif not mode() & NO_GRAD:
            leaf._grad = held + grad
        else:
            held.add_(grad)
    if leaf._post_accumulate_hooks or hooks is not None:
        if held is None and alone and leaf._grad is not None and mode() & NO_GRAD:
            grad = beside(leaf._grad)  # as in PyTorch, what other hooks do to the one shows in the other
        _end_accumulation(leaf, grad)
    elif foreign:
        leave_user_code()


def _end_accumulation(leaf: Tensor, grad: Any) -> None:
    """Run what is to be called after a gradient, or none, has been accumulated."""
    enter_user_code()
    for post_hook in tuple((leaf._post_accumulate_hooks or {}).values()):
        result = post_hook(leaf)
        if result is not None:
            checked_hook_result(result, leaf, post_hook)
            raise RuntimeError("Tensor post accumulate grad hooks should return None.")
    if leaf._accumulate_hooks is not None:
        for hook in tuple(leaf._accumulate_hooks.post.values()):
            result = hook((), (grad,))
            if result is not None:
                checked_gradients(result, (), hook)
    leave_user_code()


def deliver_nothing(leaf: Tensor, captured: dict[Edge, Any] | None) -> None:
    """Run the hooks of a leaf that has been reached without a gradient."""
    if leaf._tensor_hooks:
        enter_user_code()
        run_tensor_hooks(leaf._tensor_hooks, None)
        if captured is not None:
            leave_user_code()
    if captured is not None:
        return
    if leaf._accumulate_hooks is not None:
        for hook in tuple(leaf._accumulate_hooks.pre.values()):
            result = hook((None,))
            if result is not None:
                checked_gradients(result, (None,), hook)
    _end_accumulation(leaf, None)

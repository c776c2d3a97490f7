"""Accumulating gradients into the ``grad`` of leaves, and reducing them to the shape and dtype of an operand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.autograd.gradient_ownership import arrives_alone, own_gradient, unshared_wrap
from pullback.autograd.hooks import checked_gradients, checked_hook_result, run_tensor_hooks
from pullback.process.locks import ACCUMULATION
from pullback.tensor import Tensor
from pullback.tensor.modes import NO_GRAD, mode
from pullback.tensor.saved_tensors import beside
from pullback.tensor.user_context import enter_user_code, leave_user_code

if TYPE_CHECKING:
    from pullback.tensor import Tensor
    from pullback.tensor.node import Edge


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
            leaf._grad = own_gradient(grad, leaf)  # called here and nowhere deeper: it counts references to `grad`
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


_wrap = Tensor._wrap


def reduced(grads: Sequence[Any], reductions: Sequence[Any]) -> list[Any]:
    """Reduce each gradient to its operand: sum over broadcast dimensions, drop the imaginary part, cast."""
    return [
        grad if reduction is None or grad is None else reduce_gradient(grad, *reduction)
        for grad, reduction in zip(grads, reductions)  # noqa: B905  a reduction for each edge
    ]


def reduce_gradient(grad: Tensor, shape: tuple[int, ...] | None, dtype: Any) -> Tensor:
    """A gradient reduced to an operand of that shape (None: as it is) and dtype."""
    if shape is not None and grad.array.shape != shape:
        grad = sum_to_size(grad, shape)
    if grad.dtype is not dtype:
        if grad.dtype.is_complex and not dtype.is_complex:
            grad = grad.real
        if grad.dtype is not dtype:
            grad = grad.to(dtype)
    return grad


def sum_to_size(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sum over the dimensions that broadcasting added or stretched."""
    given = grad.array.shape
    extra = len(given) - len(shape)
    if given[extra:] == shape:
        if not extra:
            return grad
        axis = 0 if extra == 1 else tuple(range(extra))
        if mode() == NO_GRAD:  # the gradient of every bias comes through here: the kernel alone does
            backend = grad.backend
            summed = backend.sum(grad.array, axis=axis)
            return _wrap(summed if summed.__class__ is backend.array_type else backend.as_array(summed), backend)
        return grad.sum(axis)
    stretched = [d + extra for d, size in enumerate(shape) if size == 1 and given[d + extra] != 1]
    kept = grad.sum((*range(extra), *stretched), keepdim=True)
    return kept.reshape(shape) if extra else kept

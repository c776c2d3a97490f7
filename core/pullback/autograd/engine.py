"""Running the graph backwards.

Iterative: a heap of ready nodes, latest first, so that depth costs no recursion. A node is ready when every edge into
it has delivered; its gradients are then complete, it runs, and what it saved is freed unless the graph is kept. The
state of a pass is local to it: passes nest and run in several threads.
"""

from __future__ import annotations

from _thread import RLock  # `threading` itself takes a millisecond to import
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from heapq import heappop, heappush
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from pullback.autograd.grad_mode import ANOMALY, MODE, NO_GRAD, OVERRIDDEN, mode
from pullback.autograd.hooks import checked_gradients, checked_hook_result
from pullback.autograd.node import Node, OutputGradients
from pullback.formats import copy_with_order, dense_order
from pullback.function_protocol import DisablePullbackFunctionSubclass, use
from pullback.tensor import Tensor
from pullback.views import keep_layout

if TYPE_CHECKING:
    from pullback.autograd.node import Edge, NodeHooks
    from pullback.backend.base import Backend

_wrap = Tensor._wrap
_new = object.__new__
#: Reentrant: adding to a gradient may run code of the user (a subclass, an interceptor) that runs backward itself.
_accumulation = RLock()


class BackwardPass:
    """One run through a graph, for those who ask about it while it goes on.

    Attributes
    ----------
    pending : dict
        How many gradients each edge still waits for.
    roots : sequence of (edge, gradient)
        Where it started.
    callbacks : list or None
        What to call when it has ended.
    outer : BackwardPass or None
        The pass that this one runs within.
    limited : bool
        Whether gradients are wanted of some edges only.
    """

    __slots__ = ("__weakref__", "callbacks", "limited", "outer", "pending", "roots")

    pending: dict[Edge, int]
    roots: Sequence[tuple[Edge, Tensor]]
    callbacks: list[Callable[[], None]] | None
    outer: BackwardPass | None
    limited: bool

    def reaches(self, edge: Edge) -> bool:
        """Whether a gradient of this edge is computed in the pass."""
        return edge in self.pending or any(edge is root for root, _ in self.roots)


_passes: ContextVar[BackwardPass | None] = ContextVar("pullback backward pass", default=None)


def current_pass() -> BackwardPass | None:
    """The innermost pass that is running in this thread and task, if any."""
    return _passes.get()


def queue_callback(callback: Callable[[], None]) -> None:
    """Call ``callback()`` once the backward pass that is running, the innermost, has ended without an error.

    Raises
    ------
    RuntimeError
        If no backward pass is running.
    """
    running = current_pass()
    if running is None:
        raise RuntimeError("Final callbacks can only be installed during backward pass.")
    if running.callbacks is None:
        running.callbacks = []
    running.callbacks.append(callback)


def run_backward(
    roots: Sequence[tuple[Edge, Tensor]],
    *,
    keep_graph: bool,
    create_graph: bool,
    accumulate_into: Sequence[Edge] | None = None,
    capture: Sequence[Edge] | None = None,
) -> dict[Edge, Tensor]:
    """Propagate gradients from the roots.

    Parameters
    ----------
    roots : sequence of (edge, gradient)
        Where to start.
    keep_graph : bool
        Keep what the nodes saved.
    create_graph : bool
        Record the pass.
    accumulate_into : sequence of edges, optional
        Only these accumulate their gradient; all leaves by default.
    capture : sequence of edges, optional
        Gradients of these are returned and nothing accumulates.

    Returns
    -------
    dict
        The captured gradients by edge.
    """
    targets = capture if capture is not None else accumulate_into
    wanted = None if targets is None else frozenset(targets)
    pending = _dependencies([edge for edge, _ in roots], wanted)
    captured: dict[Edge, Any] = {}
    this = _new(BackwardPass)  # without a call of __init__: every backward pass makes one
    this.pending, this.roots, this.outer = pending, roots, _passes.get()
    this.limited, this.callbacks = wanted is not None, None
    running = _passes.set(this)
    active = mode()
    token = MODE.set(active & ~(NO_GRAD | OVERRIDDEN) if create_graph else active & ~OVERRIDDEN | NO_GRAD)
    try:
        if use.begun:  # formulas call operations, but nobody calls a function: no class is asked
            with DisablePullbackFunctionSubclass():
                _propagate(roots, pending, wanted, None if capture is None else captured, keep_graph)
        else:
            _propagate(roots, pending, wanted, None if capture is None else captured, keep_graph)
        callbacks: Sequence[Callable[[], None]] = this.callbacks or ()
        for callback in callbacks:  # the list may grow meanwhile
            callback()
    finally:
        MODE.reset(token)
        _passes.reset(running)
    return captured


def _dependencies(roots: list[Edge], wanted: frozenset[Edge] | None) -> dict[Edge, int]:
    """How many edges lead into each node; where gradients are wanted of some only, into those on a path to them."""
    pending: dict[Edge, int] = {}
    seen: set[Edge] = set(roots)
    stack = list(seen)
    order: list[Any] = []
    while stack:
        edge: Any = stack.pop()
        if edge.accumulates:
            continue
        if wanted is not None:
            order.append(edge)
        for target in edge.edges:
            if target is not None:
                if target in pending:
                    pending[target] += 1
                else:
                    pending[target] = 1
                    if target not in seen:
                        seen.add(target)
                        stack.append(target)
    if wanted is None:
        return pending
    needed: set[Edge] = set(wanted)
    order.sort(key=lambda node: node.sequence)
    # A node is made after those its edges lead to, except that an in-place write can give a view a later one.
    growing = True
    while growing:
        growing = False
        for node in order:
            if node not in needed and any(target in needed for target in node.edges if target is not None):
                needed.add(node)
                growing = True
    # A gradient is delivered along each edge of a needed node; the others never run.
    counted: dict[Edge, int] = {}
    for node in order:
        if node in needed and _leads_on(node, needed):
            for target in node.edges:
                if target is not None and target in needed:
                    counted[target] = counted.get(target, 0) + 1
    return counted


def _leads_on(node: Any, needed: Any) -> bool:
    return any(target in needed for target in node.edges if target is not None)


def _propagate(
    roots: Sequence[tuple[Edge, Tensor]],
    pending: dict[Edge, int],
    wanted: frozenset[Edge] | None,
    captured: dict[Edge, Any] | None,
    keep_graph: bool,
) -> None:
    buffers: dict[Any, Any] = {}  # gradients of nodes that wait for more
    ready: list[tuple[int, Any]] = []
    plain = wanted is None and not mode() & ANOMALY
    for edge, root_grad in roots:
        held = buffers.get(edge)
        buffers[edge] = root_grad if held is None else held + root_grad
    for edge in tuple(buffers):
        if edge in pending:
            continue
        if wanted is not None and edge not in wanted and (edge.accumulates or not _leads_on(edge, pending)):
            continue  # nothing wanted lies behind this root
        if edge.accumulates:
            _deliver_to_leaf(edge, buffers.pop(edge), captured)
        else:
            heappush(ready, (-edge.sequence, edge))
    grad: Any
    while ready:
        node = heappop(ready)[1]
        grad = buffers.pop(node, None)
        while True:
            if plain:
                if node.hooks is not None:
                    grad = _before_node(node, grad)
                grads = node.apply(grad) if grad is not None or node.takes_undefined else None
            else:
                grads, grad = _run_specially(node, grad, wanted, captured, pending)
            if grads is not None:
                if node.reductions is not None:
                    grads = reduced(grads, node.reductions)
                if node.hooks is not None and node.hooks.post:
                    grads = _after_node(node, grads, grad)
                if not keep_graph and node.saves_tensors:
                    node.saved = None
            else:
                grads = (None,) * len(node.edges)
            grad = following = None
            for target, given in zip(node.edges, grads):  # noqa: B905  apply() gives one for each edge
                if target is None:
                    continue
                left = pending.get(target)
                if left is None:
                    continue  # no wanted gradient lies that way
                if left != 1:
                    pending[target] = left - 1
                    if given is not None:
                        held = buffers.get(target)
                        buffers[target] = given if held is None else held + given
                    continue
                held = buffers.pop(target, None)
                if held is not None:
                    given = held if given is None else held + given
                if target.accumulates:
                    if given is not None:
                        held = None
                        _deliver_to_leaf(target, given, captured)
                elif following is None:
                    following, grad = target, given
                else:
                    buffers[target] = given
                    heappush(ready, (-target.sequence, target))
            if following is None:
                break
            # The node that has just become ready comes next unless a later one waits: the heap stays out of chains.
            if ready and -ready[0][0] > following.sequence:
                buffers[following] = grad
                heappush(ready, (-following.sequence, following))
                break
            node = following


def run_node(node: Node, grad: Any) -> tuple[Any, ...]:
    """The gradients one node makes of ``grad``, reduced to its operands' shapes and dtypes."""
    grads = node.apply(grad)
    return grads if node.reductions is None else tuple(reduced(grads, node.reductions))


def reduced(grads: Sequence[Any], reductions: Sequence[Any]) -> list[Any]:
    """Reduce each gradient to its operand: sum over broadcast dimensions, drop the imaginary part, cast."""
    return [
        g if g is None or r is None else reduce_gradient(g, r[0], r[1]) for g, r in zip(grads, reductions, strict=True)
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
        if mode() == NO_GRAD:  # the gradient of every bias comes through here: the kernel alone does
            backend = grad.backend
            summed = backend.sum(grad.array, axis=tuple(range(extra)))
            return _wrap(summed if summed.__class__ is backend.array_type else backend.as_array(summed), backend)
        return grad.sum(tuple(range(extra)))
    stretched = [d + extra for d, size in enumerate(shape) if size == 1 and given[d + extra] != 1]
    kept = grad.sum((*range(extra), *stretched), keepdim=True)
    return kept.reshape(shape) if extra else kept


def _run_specially(
    node: Node,
    grad: Any,
    wanted: frozenset[Edge] | None,
    captured: dict[Edge, Any] | None,
    pending: dict[Edge, int],
) -> tuple[Any, Any]:
    """What a node computes, if it runs, and the gradient it runs with, where gradients are limited or checked."""
    if wanted is not None:
        runs, grad = _before_node_of_limited_pass(node, grad, wanted, captured, pending)
    else:
        if node.hooks is not None:
            grad = _before_node(node, grad)
        runs = grad is not None or node.takes_undefined
    if not runs:
        return None, grad
    if not mode() & ANOMALY:
        return node.apply(grad), grad
    from pullback.autograd.anomaly_mode import apply_checked

    return apply_checked(node, grad), grad


def _before_node_of_limited_pass(
    node: Node, grad: Any, wanted: frozenset[Edge], captured: dict[Edge, Any] | None, pending: dict[Edge, int]
) -> tuple[bool, Any]:
    """Whether a node runs in a pass that wants some gradients only, and the gradient it runs with.

    As PyTorch, a gradient is captured before the tensor's hooks have replaced it where the node behind runs, and after
    them where it does not; a node whose gradient is to accumulate in its tensor runs in any case.
    """
    target = node in wanted
    runs = _leads_on(node, pending) or (target and captured is None)
    if target and runs and captured is not None and grad is not None:
        captured[node] = grad if node.hooks is None else unshared_wrap(grad)
    if node.hooks is not None:
        grad = _before_node(node, grad) if runs else _before_prehooks(node.hooks, grad)
    if target and not runs and captured is not None and grad is not None:
        captured[node] = grad
    return runs and (grad is not None or node.takes_undefined), grad


def _before_node(node: Node, grad: Any) -> Any:
    """Run the hooks of the node's output tensors, fill retained gradients, run the node's own pre-hooks."""
    hooks = node.hooks
    assert hooks is not None
    return _run_prehooks(node, _before_prehooks(hooks, grad))


def _before_prehooks(hooks: NodeHooks, grad: Any) -> Any:
    """Run the hooks of a node's output tensor, and fill its retained gradient with what they leave."""
    if isinstance(grad, OutputGradients) or grad is None:
        return grad
    if hooks.tensor:
        grad = _run_tensor_hooks(hooks.tensor[0], grad)
    for reference in hooks.retained.values():
        tensor = reference()
        if tensor is not None:
            held = tensor._grad
            tensor._grad = own_gradient(grad, grad) if held is None else held + grad
    return grad


def _run_tensor_hooks(hooks: dict[int, Any], grad: Tensor) -> Any:
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
                grad = OutputGradients((number, new) for number, new in enumerate(checked) if new is not None)
            else:
                grad = checked[0]
    return grad


def _as_tuple(node: Any, grad: Any) -> tuple[Any, ...]:
    """The gradients of a node's outputs, as hooks get them."""
    if not isinstance(grad, OutputGradients):
        return (grad,)
    return tuple(grad.get(number) for number in range(max(node.output_count, max(grad, default=-1) + 1)))


def _after_node(node: Node, grads: Any, grad: Any) -> Any:
    assert node.hooks is not None
    given = _as_tuple(node, grad)
    for hook in tuple(node.hooks.post.values()):
        result = hook(tuple(grads), given)
        if result is not None:
            grads = checked_gradients(result, tuple(grads), hook)
    return grads


def _deliver_to_leaf(leaf: Tensor, grad: Any, captured: dict[Edge, Any] | None) -> None:
    if leaf._tensor_hooks:
        grad = _run_tensor_hooks(leaf._tensor_hooks, grad)
    if captured is not None:
        captured[leaf] = grad
        return
    if leaf.edge is None:  # it has ceased to require gradients since
        return
    hooks = leaf._accumulate_hooks
    if hooks is not None:
        for pre_hook in tuple(hooks.pre.values()):
            result = pre_hook((grad,))
            if result is not None:
                grad = unshared_wrap(checked_gradients(result, (grad,), pre_hook)[0])
    with _accumulation:
        held = leaf._grad
        if held is None:
            leaf._grad = own_gradient(grad, leaf)
        elif not mode() & NO_GRAD:
            leaf._grad = held + grad
        else:
            held.add_(grad)
    if leaf._post_accumulate_hooks:
        for post_hook in tuple(leaf._post_accumulate_hooks.values()):
            post_hook(leaf)
    if hooks is not None:
        for hook in tuple(hooks.post.values()):
            hook((), (grad,))


def own_gradient(grad: Tensor, like: Tensor) -> Tensor:
    """The gradient as a leaf's own: its array where nobody else can see that memory, else a copy.

    Its elements lie in memory in the order of those of ``like``, where these are dense, else in row-major order.

    An array that only ``grad`` refers to belongs to this pass: whatever a user may hold is another Tensor, so another
    reference to the array (see :func:`unshared_wrap`), and a NumPy view refers to the array whose memory it shows.
    """
    if grad.edge is not None:
        return grad.clone()  # recorded with create_graph
    backend = grad.backend
    array = grad.array
    if not backend.mutable:
        own = _wrap(array, backend)
        if like.alias is not None and like is not grad:
            keep_layout(own, like)
        return own
    if (
        getrefcount(array) <= _OWN_REFERENCES
        and backend.owns_memory(array)
        and (backend.same_strides(array, like.array) or _lies_as(backend, array, like.array))
    ):
        return _wrap(array, backend)
    return _wrap(copy_with_order(backend, array, _dense_order(backend, like.array)), backend)


def _lies_as(backend: Backend, array: Any, like: Any) -> bool:
    """Whether the elements lie in memory as those of ``like``; strides of dimensions of size 1 don't matter."""
    order = _dense_order(backend, like)
    if order is None:
        return backend.is_contiguous(array)
    return backend.is_contiguous(backend.permute_dims(array, order))


def _dense_order(backend: Backend, array: Any) -> tuple[int, ...] | None:
    """The order of the dimensions of a dense array in memory; None for row-major and for one that is not dense."""
    if backend.is_contiguous(array):
        return None
    strides = backend.strides(array)
    order = None if strides is None else dense_order(array.shape, strides)
    return order if order and backend.is_contiguous(backend.permute_dims(array, order)) else None


def ones_of(output: Tensor) -> Tensor:
    """The gradient a pass starts with where none is given."""
    backend = output.backend
    return _wrap(backend.ones(output.array.shape, dtype=output.array.dtype, device=output.device), backend)


def unshared_wrap(grad: Any) -> Any:
    """A gradient that user code has seen, as another Tensor over the same array, so that sharing shows in its count."""
    if grad is None or grad.edge is not None or grad._tangent is not None:
        return grad
    return _wrap(grad.array, grad.backend)


def _own_references() -> int:
    """How many references :func:`own_gradient` counts for an array that only its gradient holds."""

    class Holder:
        array: Any

    holder = Holder()
    holder.array = object()
    array = holder.array
    return getrefcount(array)


_OWN_REFERENCES = _own_references()

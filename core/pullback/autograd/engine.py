"""Running the graph backwards.

Iterative: a heap of ready nodes, latest first, so that depth costs no recursion. A node is ready when every edge into
it has delivered; its gradients are then complete, it runs, and what it saved is freed unless the graph is kept. The
state of a pass is local to it: passes nest and run in several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from pullback.autograd.grad_mode import MODE, NO_GRAD, mode
from pullback.autograd.hooks import checked_hook_result
from pullback.autograd.node import Node, OutputGradients
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.autograd.node import Edge

_wrap = Tensor._wrap
_accumulation = threading.Lock()


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
    active = mode()
    token = MODE.set(active & ~NO_GRAD if create_graph else active | NO_GRAD)
    try:
        _propagate(roots, pending, wanted, None if capture is None else captured, keep_graph)
    finally:
        MODE.reset(token)
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
    for edge, root_grad in roots:
        held = buffers.get(edge)
        buffers[edge] = root_grad if held is None else held + root_grad
    for edge in tuple(buffers):
        if edge in pending:
            continue
        if edge.accumulates:
            _deliver_to_leaf(edge, buffers.pop(edge), wanted, captured)
        else:
            heappush(ready, (-edge.sequence, edge))
    grad: Any
    while ready:
        node = heappop(ready)[1]
        grad = buffers.pop(node, None)
        while True:
            if node.hooks is not None:
                grad = _before_node(node, grad, wanted)
            if captured is not None and node in wanted and grad is not None:  # type: ignore[operator]
                captured[node] = grad
            if (grad is not None or node.takes_undefined) and (wanted is None or _leads_on(node, pending)):
                grads = node.apply(grad)
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
                        _deliver_to_leaf(target, given, wanted, captured)
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


def _before_node(node: Node, grad: Any, wanted: frozenset[Edge] | None) -> Any:
    """Run the hooks of the node's output tensors, fill retained gradients, run the node's own pre-hooks."""
    hooks = node.hooks
    assert hooks is not None
    if isinstance(grad, OutputGradients) or grad is None:
        return _run_prehooks(node, grad)
    if hooks.tensor:
        grad = _run_tensor_hooks(hooks.tensor[0], grad)
    grad = _run_prehooks(node, grad)
    for reference in hooks.retained.values():
        tensor = reference()
        if tensor is not None and (wanted is None or node in wanted):
            held = tensor._grad
            tensor._grad = own_gradient(grad) if held is None else held + grad
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
        given = _as_tuple(grad)
        result = hook(given)
        if result is not None:
            grad = OutputGradients(enumerate(result)) if isinstance(grad, OutputGradients) else _as_tuple_value(result)
    return grad


def _as_tuple(grad: Any) -> tuple[Any, ...]:
    if isinstance(grad, OutputGradients):
        return tuple(grad.get(i) for i in range(max(grad, default=-1) + 1))
    return (grad,)


def _as_tuple_value(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result


def _after_node(node: Node, grads: Any, grad: Any) -> Any:
    assert node.hooks is not None
    for hook in tuple(node.hooks.post.values()):
        result = hook(tuple(grads), _as_tuple(grad))
        if result is not None:
            result = result if isinstance(result, tuple) else (result,)
            if len(result) != len(node.edges):
                raise RuntimeError(
                    f"hook of {node.name()} returned {len(result)} gradients, expected {len(node.edges)}"
                )
            grads = result
    return grads


def _deliver_to_leaf(leaf: Tensor, grad: Any, wanted: frozenset[Edge] | None, captured: dict[Edge, Any] | None) -> None:
    if leaf._tensor_hooks:
        grad = _run_tensor_hooks(leaf._tensor_hooks, grad)
    if wanted is not None and leaf not in wanted:
        return
    if captured is not None:
        captured[leaf] = grad
        return
    with _accumulation:
        held = leaf._grad
        if held is None:
            leaf._grad = own_gradient(grad)
        elif not mode() & NO_GRAD:
            leaf._grad = held + grad
        else:
            held.add_(grad)
    if leaf._post_accumulate_hooks:
        for post_hook in tuple(leaf._post_accumulate_hooks.values()):
            post_hook(leaf)


def own_gradient(grad: Tensor) -> Tensor:
    """The gradient as a leaf's own: its array where nobody else can see that memory, else a copy.

    An array that only ``grad`` refers to belongs to this pass: whatever a user may hold is another Tensor, so another
    reference to the array (see :func:`unshared_wrap`), and a NumPy view refers to the array whose memory it shows.
    """
    if grad.edge is not None:
        return grad.clone()  # recorded with create_graph
    backend = grad.backend
    array = grad.array
    if not backend.mutable or (getrefcount(array) <= _OWN_REFERENCES and backend.owns_memory(array)):
        return _wrap(array, backend)
    return _wrap(backend.copy(array), backend)


def ones_of(output: Tensor) -> Tensor:
    """The gradient a pass starts with where none is given."""
    backend = output.backend
    return _wrap(backend.ones(output.array.shape, dtype=output.array.dtype, device=output.device), backend)


def unshared_wrap(grad: Any) -> Any:
    """A gradient that user code has seen, as another Tensor over the same array, so that sharing shows in its count."""
    return grad if grad is None or grad.edge is not None else _wrap(grad.array, grad.backend)


def _own_references() -> int:
    """How many references :func:`own_gradient` counts for an array that only its gradient holds."""

    class Holder:
        array: Any

    holder = Holder()
    holder.array = object()
    array = holder.array
    return getrefcount(array)


_OWN_REFERENCES = _own_references()

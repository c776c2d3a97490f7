"""The autograd engine: reverse-mode differentiation along the recorded graph, in topological order.

Iterative: a heap of ready nodes, latest first, so that depth costs no recursion. A node is ready when every edge into
it has delivered; its gradients are then complete, it runs, and what it saved is freed unless the graph is kept. The
state of a pass is local to it: passes nest and run in several threads.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pullback.autograd.anomaly_mode import check_anomaly, show_origin
from pullback.autograd.fresh_stack import on_fresh_stack, stack_is_deep
from pullback.autograd.gradient_accumulation import deliver_nothing, deliver_to_leaf, reduced
from pullback.autograd.gradient_ownership import unshared_wrap
from pullback.autograd.hooks import after_node, before_node, before_prehooks, run_tensor_hooks
from pullback.process.blocks import surely
from pullback.process.locks import holds_lock
from pullback.tensor import Tensor
from pullback.tensor.backward_pass import PASSES, BackwardPass, current_pass
from pullback.tensor.modes import ANOMALY, FORWARD, MODE, NO_GRAD, OVERRIDDEN, mode
from pullback.tensor.node import SOMETIMES, Node, OutputGradients, OutputSlot, holds_tensors
from pullback.tensor.overriding import DisablePullbackFunctionSubclass, use
from pullback.tensor.user_context import end_user_code, enter_user_code, leave_user_code

if TYPE_CHECKING:
    from pullback.tensor.node import Edge, Node

_wrap = Tensor._wrap
_new = object.__new__


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
    outer = PASSES.get()
    if outer is not None and stack_is_deep() and not holds_lock():
        return on_fresh_stack(  # type: ignore[no-any-return]
            run_backward,
            roots,
            keep_graph=keep_graph,
            create_graph=create_graph,
            accumulate_into=accumulate_into,
            capture=capture,
        )
    targets = capture if capture is not None else accumulate_into
    wanted = None if targets is None else frozenset(targets)
    pending = _dependencies([edge for edge, _ in roots], wanted)
    captured: dict[Edge, Any] = {}
    this = _new(BackwardPass)  # without a call of __init__: every backward pass makes one
    active = mode()
    this.pending, this.roots, this.outer = pending, roots, outer
    this.limited, this.callbacks, this.found = wanted is not None, None, None
    try:
        PASSES.set(this)
        MODE.set(active & ~(NO_GRAD | OVERRIDDEN) if create_graph else active & ~OVERRIDDEN | NO_GRAD)
        if use.begun:  # formulas call operations, but nobody calls a function: no class is asked
            with DisablePullbackFunctionSubclass():
                try:
                    _propagate(roots, pending, wanted, None if capture is None else captured, keep_graph)
                finally:
                    if this.found is not None:
                        surely(end_user_code, this)  # here, for what it has found is what is so inside this block
        else:
            _propagate(roots, pending, wanted, None if capture is None else captured, keep_graph)
        if this.callbacks is not None:
            enter_user_code()
            for callback in this.callbacks:  # the list may grow meanwhile
                callback()
    except BaseException:
        if active & ANOMALY and hasattr(this, "node"):
            show_origin(this.node)
        raise
    finally:
        try:
            if this.found is not None:
                surely(end_user_code, this)
        finally:
            try:
                MODE.set(active)
            finally:
                PASSES.set(outer)
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
    return dependencies_towards(wanted, order, roots)


def _leads_on(node: Any, needed: Any) -> bool:
    return any(target in needed for target in node.edges if target is not None)


def _ends_at_root(
    edge: Any,
    roots: Sequence[tuple[Edge, Tensor]],
    buffers: dict[Any, Any],
    wanted: frozenset[Edge],
    pending: dict[Edge, int],
) -> bool:
    """Whether nothing wanted lies behind a root; as in PyTorch the hooks of the only root run all the same."""
    if edge in wanted or (not edge.accumulates and _leads_on(edge, pending)):
        return False
    if len(roots) > 1:
        return True
    if edge.accumulates:
        enter_user_code()
        run_tensor_hooks(edge._tensor_hooks or {}, buffers.pop(edge))
    elif edge.hooks is not None:
        before_prehooks(edge.hooks, buffers.pop(edge))
    leave_user_code()
    return True


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
        if edge in pending or (wanted is not None and _ends_at_root(edge, roots, buffers, wanted, pending)):
            continue
        if edge.accumulates:
            deliver_to_leaf(edge, buffers.pop(edge), captured)
        else:
            heappush(ready, (-edge.sequence, edge))
    grad: Any
    while ready:
        node = heappop(ready)[1]
        grad = buffers.pop(node, None)
        while True:
            if plain:
                if node.hooks is not None:
                    grad = before_node(node, grad)
                grads = node.apply(grad) if grad is not None or node.takes_undefined else (None,) * len(node.edges)
            else:
                grads, grad = _run_specially(node, grad, wanted, captured, pending)
            if grads is not None:
                if node.reductions is not None:
                    grads = reduced(grads, node.reductions)
                if node.hooks is not None and node.hooks.post:
                    grads = after_node(node, grads, grad)
                saves = node.saves_tensors
                if saves and not keep_graph and (saves is not SOMETIMES or holds_tensors(node)):
                    node.saved = None
            else:
                grads = (None,) * len(node.edges)
            if node.hooks is not None:
                leave_user_code()
            grad = following = None  # what holds the gradients from here on is counted: see own_gradient
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
                        held = None  # it may be the gradient itself, which would count as shared
                        deliver_to_leaf(target, given, captured)
                    else:
                        deliver_nothing(target, captured)
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


def _run_specially(
    node: Node,
    grad: Any,
    wanted: frozenset[Edge] | None,
    captured: dict[Edge, Any] | None,
    pending: dict[Edge, int],
) -> tuple[Any, Any]:
    """What a node computes, if it runs, and the gradient it runs with, where gradients are limited or checked."""
    active = mode()
    limited = False
    if active & ANOMALY:
        this = current_pass()
        assert this is not None
        this.node = node
    if wanted is not None:
        runs, partly, grad = before_node_of_limited_pass(node, grad, wanted, captured, pending)
        if not runs:
            return None, grad
        # What a node saved of its result is unpacked with that very node as its history.
        if partly and (not node.saves_output or active & (NO_GRAD | FORWARD) == NO_GRAD):
            limited = hasattr(node, "operation")  # the user's own Functions always compute all they can
    elif node.hooks is not None:
        grad = before_node(node, grad)
    if grad is None and not node.takes_undefined:
        return (None,) * len(node.edges), None
    grads = apply_limited(node, grad, pending) if limited else node.apply(grad)
    if active & ANOMALY and (node.hooks is None or not node.hooks.post):
        check_anomaly(node, grads)
    return grads, grad


def ones_of(output: Tensor) -> Tensor:
    """The gradient a pass starts with where none is given."""
    backend = output.backend
    return _wrap(backend.ones(output.array.shape, dtype=output.array.dtype, device=output.device), backend)


def dependencies_towards(wanted: Iterable[Edge], nodes: list[Any], roots: Sequence[Edge]) -> dict[Edge, int]:
    """How many gradients each edge waits for that lies on a path to a wanted one; ``nodes`` are those of the graph."""
    needed: set[Edge] = set(wanted)
    for target in (*needed, *roots) if len(roots) == 1 else tuple(needed):
        # Hooks of a node's outputs run with the node, also where it has no other reason to run.
        if isinstance(target, OutputSlot) and target.node.hooks is not None:
            needed.add(target.node)
    nodes.sort(key=attrgetter("sequence"))
    while True:
        # A node is made after those its edges lead to, except that an in-place write can give a view a later one.
        in_order, known = True, len(needed)
        pending: dict[Edge, int] = {}
        for node in nodes:
            leads_on = False
            for target in node.edges:
                if target is None:
                    continue
                if target in needed:
                    pending[target] = pending.get(target, 0) + 1
                    leads_on = True
                elif not target.accumulates and target.sequence > node.sequence:
                    in_order = False
            if leads_on:
                needed.add(node)
        if in_order or len(needed) == known:
            return pending


def before_node_of_limited_pass(
    node: Node, grad: Any, wanted: frozenset[Edge], captured: dict[Edge, Any] | None, pending: dict[Edge, int]
) -> tuple[bool, bool, Any]:
    """Whether a node runs in a pass that wants some gradients only, for some of its edges only, and with what gradient.

    As PyTorch, a gradient is captured before the tensor's hooks have replaced it where the node behind runs, and after
    them where it does not; a node whose gradient is to accumulate in its tensor runs in any case.
    """
    target = node in wanted
    runs, partly = target and captured is None, False
    for edge in node.edges:
        if edge is not None:
            if edge in pending:
                runs = True
            else:
                partly = True
    if target and runs and captured is not None and grad is not None:
        captured[node] = grad if node.hooks is None else unshared_wrap(grad)
    if node.hooks is not None:
        grad = before_node(node, grad) if runs else before_prehooks(node.hooks, grad)
        if not runs and captured is not None and isinstance(grad, OutputGradients):
            for edge in wanted:
                if isinstance(edge, OutputSlot) and edge.node is node and edge.number in grad:
                    captured[edge] = grad[edge.number]
    if target and not runs and captured is not None and grad is not None:
        captured[node] = grad
    return runs, partly, grad


def apply_limited(node: Node, grad: Any, pending: dict[Edge, int]) -> tuple[Any, ...]:
    """Those of a node's gradients that the pass wants."""
    edges = tuple(edge if edge in pending else None for edge in node.edges)
    if all(edge is None for edge in edges):
        return edges
    kind: Any = type(node)
    if kind.operation.sequence:  # as in PyTorch, the gradients of a list of operands are computed together
        return node.apply(grad)
    # Another one, as several threads may run through the graph at once.
    limited = copy.copy(node)
    limited.edges = edges
    return tuple(g if edge is not None else None for g, edge in zip(limited.apply(grad), edges, strict=True))

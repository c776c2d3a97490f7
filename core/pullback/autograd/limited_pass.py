"""Passes that want the gradients of some edges only: ``grad()``, and ``backward(inputs=...)``."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pullback.autograd.gradient_ownership import unshared_wrap
from pullback.autograd.node import Node, OutputGradients, OutputSlot
from pullback.autograd.running_hooks import before_node, before_prehooks

if TYPE_CHECKING:
    from pullback.autograd.node import Edge


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

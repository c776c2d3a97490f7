"""Edges of the graph as users name them: a node, and which of its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.autograd.node import AccumulateGrad, OutputSlot, function_of, output_slot
from pullback.tensor import Tensor
from pullback.views import edge_of

if TYPE_CHECKING:
    from pullback.autograd.node import Edge


class OwnershipToken:
    """Keeps the place of a tensor in the graph, and what a gradient that flows there is like; not the elements."""

    __slots__ = ("backend", "device", "dtype", "edge", "shape")

    def __init__(self, edge: Edge, tensor: Tensor) -> None:
        self.edge = edge
        self.shape = tuple(tensor.array.shape)
        self.dtype, self.device, self.backend = tensor.dtype, tensor.device, tensor.backend


class GradientEdge(NamedTuple):
    """A place in the graph that gradients flow to: output ``output_nr`` of ``node``.

    ``backward`` and ``grad`` take edges in place of tensors, so that a tensor need not be kept to ask for its gradient.
    Edges to the same place are equal, also where only one of them knows what a gradient there is like.
    """

    node: Any
    output_nr: int
    ownership_token: OwnershipToken | None = None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GradientEdge):
            return self.node is other.node and self.output_nr == other.output_nr
        return tuple(self) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.node, self.output_nr))


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge that gradients of the tensor flow along.

    Raises
    ------
    RuntimeError
        If the tensor does not require gradients.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2, requires_grad=True)
    >>> edge = pb.autograd.graph.get_gradient_edge(x * 2)
    >>> edge.node.name(), edge.output_nr
    ('MulBackward0', 0)
    """
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, number = function_of(edge)
    return GradientEdge(node, number, OwnershipToken(edge, tensor))


def edge_behind(place: Any, roots: Sequence[Any] = ()) -> Any:
    """The engine's edge of a tensor, a :class:`GradientEdge` or a node; None for a tensor outside the graph.

    One output of a node with several is looked up in the graph behind ``roots``, and else a new edge, from outside.
    """
    if isinstance(place, Tensor):
        return edge_of(place)
    if not isinstance(place, GradientEdge):
        place = GradientEdge(place, 0)
    if place.ownership_token is not None:
        return place.ownership_token.edge
    node = place.node
    if isinstance(node, AccumulateGrad):
        return node.variable
    for edge in _edges_below(roots):
        if isinstance(edge, OutputSlot) and edge.node is node and edge.number == place.output_nr:
            return edge
    return output_slot(node, place.output_nr) if node.has_outputs else node


def _edges_below(roots: Iterable[Any]) -> Iterator[Any]:
    """Every edge of the graph behind the roots, once."""
    stack = [root for root in roots if root is not None]
    seen = set(stack)
    while stack:
        edge = stack.pop()
        yield edge
        if edge.accumulates:
            continue
        for target in edge.edges:
            if target is not None and target not in seen:
                seen.add(target)
                stack.append(target)

"""The ``grad_fn`` behind a tensor; that of a view is regenerated once its base was modified in place.

A view remembers its base and the operations that lead from the base to it. Once a write has changed the base's history,
that of the view is regenerated when it is next asked for: its elements are a part of the base's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.tensor import LEAF, STALE, Tensor
from pullback.tensor.geometry import geometry_of, replay
from pullback.tensor.memory import IN_FUNCTION, IN_INFERENCE, MULTIPLE, WITHOUT_GRAD, place_in_graph, retain_at
from pullback.tensor.modes import MODE, mode
from pullback.tensor.node import Node, short_name, start_node
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullback.backend.geometry import Geometry
    from pullback.tensor.memory import Step
    from pullback.tensor.node import Edge


def edge_of(tensor: Tensor) -> Edge | None:
    """Where gradients of the tensor go: itself for a leaf that requires them, its node, or None."""
    edge = tensor.edge
    if edge is LEAF:
        return tensor
    if edge is STALE:
        return regenerate(tensor)
    return edge  # type: ignore[no-any-return]


def regenerate(view: Tensor) -> Edge | None:
    """Rebuild the history of a view whose base has changed since: its elements are a part of the base's.

    Nothing has changed where a view requires gradients only because its base does: then there is no history.

    Raises
    ------
    RuntimeError
        For a view whose history cannot be told: one of several outputs, or one made while no graph was recorded.
    """
    if view.edge is not STALE:  # done already for an operand that occurs twice
        return edge_of(view)
    alias = view.alias
    assert alias is not None
    assert alias.base is not None
    if alias.seen == alias.counter.version:
        return None if view.edge is STALE else edge_of(view)  # another thread may have done it meanwhile
    if alias.creation is not None:
        raise forbidden_write(view, "its base or another view of its base has been")
    version = alias.counter.version
    view.edge = history_from_base(view)
    alias.seen = version  # last: it says that the edge is that of this version
    if view._retains_grad:
        retain_at(view, view.edge)
    return edge_of(view)


def history_from_base(view: Tensor) -> Any:
    """A new history of a view: its elements are those of its base that lie where its own do."""
    alias = view.alias
    assert alias is not None
    assert alias.base is not None
    recast = steps_to_other_dtype(alias.steps)
    if not recast:
        return as_strided_node(alias.base, geometry_of(alias.base), geometry_of(view))
    mode_before = mode()
    try:
        MODE.set(0)
        fresh = replay(alias.base, alias.steps[:recast])
    finally:
        MODE.set(mode_before)
    if recast == len(alias.steps):
        return fresh.edge
    return as_strided_node(fresh, geometry_of(fresh), geometry_of(view))


def steps_to_other_dtype(steps: Sequence[Step]) -> int:
    """How many steps there are up to the last one after which the elements are seen as another dtype."""
    for number in range(len(steps), 0, -1):
        if getattr(steps[number - 1][0], "__name__", "") in ("view_as_real", "view_as_complex"):
            return number
    return 0


class AsStridedBackward0(Node):
    """History of elements picked from a storage by their geometry, from those that another tensor shows of it."""

    __slots__ = ("source", "target")

    source: Geometry
    target: Geometry

    def apply(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (registry["restride_backward"].call(grad, self.source, self.target),)

    @property
    def _saved_size(self) -> tuple[int, ...]:
        return self.target.shape

    @property
    def _saved_stride(self) -> tuple[int, ...]:
        return self.target.strides

    @property
    def _saved_storage_offset(self) -> int:
        return self.target.offset


def as_strided_node(tensor: Tensor, source: Geometry, target: Geometry) -> Node:
    """The history of the elements at ``target``, from a tensor whose own elements lie at ``source``."""
    edge = edge_of(tensor)
    node = AsStridedBackward0()
    start_node(node, (edge,))
    node.source, node.target = source, target
    return node


def leave_function(tensor: Tensor, edge: Edge | None, multiple: bool) -> None:
    """Give a tensor that a user's Function returns its place in the graph; a view keeps it until the next write.

    ``multiple`` says that it is one of several that have one.
    """
    alias = tensor.alias
    if edge is not None:
        tensor.edge = edge
    if alias is not None and alias.base is not None:
        alias.counter.tracked = True
        alias.seen = alias.counter.version
        alias.creation = MULTIPLE if multiple else IN_FUNCTION


def forbidden_write(view: Tensor, written: str) -> RuntimeError:
    """The error for a write that leaves a view's history untold; ``written`` says what is being written."""
    alias = view.alias
    assert alias is not None
    without_grad = alias.creation is WITHOUT_GRAD or alias.creation is IN_INFERENCE
    place = alias.producer if view.edge is STALE else place_in_graph(view.edge)
    if place is None:
        origin = "A view was created in"
    else:
        origin = f"Output {place[0]} of {short_name(place[1])} is a view"
        if without_grad:
            origin += " of a view which was created in"
    if place is None or without_grad:
        inference = alias.creation is IN_INFERENCE
        then, now = ("inference", "in normal mode") if inference else ("no_grad", "with grad mode enabled")
        header = f"{origin} {then} mode and {written} modified inplace {now}."
    else:
        header = f"{origin} and {written} modified inplace."
    return RuntimeError(f"{header} {alias.creation}")

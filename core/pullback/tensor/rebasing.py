"""Rebasing histories after an in-place operation: that of the tensor, and of its base, which becomes ``CopySlices``."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from pullback.backend.geometry import Geometry
from pullback.meta.dtypes import FLOATING
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_after, geometry_of, places_after, put_at, replay, taken_at
from pullback.tensor.history import AsStridedBackward0, edge_of, steps_to_other_dtype
from pullback.tensor.levels import WRITTEN
from pullback.tensor.memory import alias_of, outdate, retain_at, stop_retaining, watch_output
from pullback.tensor.modes import MODE, NO_GRAD, mode
from pullback.tensor.node import Node, freed_error, function_of, start_node
from pullback.tensor.registry import registry
from pullback.tensor.views import strided_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullback.backend.base import Backend, NativeArray
    from pullback.tensor.memory import Step
    from pullback.tensor.node import Edge


def history_after(tensor: Tensor, node: Edge | None) -> Edge | None:
    """What becomes the history of a tensor, or of its base where it is a view, by a write of the history ``node``."""
    alias = alias_of(tensor)
    root = tensor if alias.base is None else alias.base
    if root is tensor or tensor.dtype.category < FLOATING:
        return node
    return root.edge if node is None and root.edge is None else copy_slices(root, alias.steps, node)


def rebase(tensor: Tensor, node: Edge | None, history: Edge | None) -> None:
    """Give a tensor written in place its new history ``node``; through a view, the base's too, which is ``history``.

    Once more with the same does no harm.
    """
    if tensor.dtype.category < FLOATING:
        return
    alias = alias_of(tensor)
    root = tensor if alias.base is None else alias.base
    noted = WRITTEN.get()
    if noted is not None:
        noted.append(weakref.ref(root))
    before = root.edge
    root.edge = history
    if root._retains_grad:
        stop_retaining(before)
        retain_at(root, root.edge)
    if isinstance(node, Node) and node.saves_output:
        watch_output(node, 0, alias)
    if root.edge is not None:
        alias.counter.tracked = True
        for member in alias.storage.live():
            if member.alias is not None and member.alias.base is root:
                outdate(member)
                member.alias.seen = -1  # also where it was regenerated after the write had been counted
        if root is not tensor:  # PyTorch regenerates the written view at once
            alias.producer = (0, AsStridedBackward0.__name__)


def forget_history(tensor: Tensor) -> None:
    """Leave a tensor and its views without a history."""
    tensor.edge = None
    for member in () if tensor.alias is None else tensor.alias.storage.live():
        if member.alias is not None and member.alias.base is tensor:
            member.edge = None


class CopySlices(Node):
    """History of a base written through a view.

    Elements of the gradient that the view shows belong to what was written there, the others to the base as it was.
    """

    __slots__ = ("geometry", "steps")

    steps: tuple[Step, ...]
    geometry: Geometry

    def apply(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        if self.saved is None:
            raise freed_error()
        before, written = self.edges
        return (
            None if before is None else without_part(grad, self.steps, self.geometry),
            None if written is None else replay(laid_out(grad, self.geometry), self.steps),
        )

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        before, written = self.edges
        others = written.next_functions[1:] if isinstance(written, Node) else ()
        return (function_of(before), *others)


def copy_slices(base: Tensor, steps: tuple[Step, ...], node: Edge | None) -> Node:
    """The node that becomes the history of ``base`` after a write through the view that ``steps`` lead to."""
    copied = CopySlices()
    start_node(copied, (edge_of(base), node))
    copied.steps, copied.geometry = steps, geometry_of(base)
    copied.saved = ()  # no tensors; freed all the same, as in PyTorch
    return copied


def laid_out(grad: Tensor, geometry: Geometry) -> Tensor:
    """``grad`` in memory as the geometry says, so that steps which led to a view of its tensor lead to one of it."""
    own = geometry_of(grad)
    if grad.backend.level or 0 in geometry.shape or (own.strides == geometry.strides and own.offset == geometry.offset):
        return grad
    if not geometry.offset and geometry.is_contiguous:
        contiguous: Tensor = grad.contiguous()
        return contiguous
    place = Geometry(own.dtype, geometry.shape, geometry.strides, geometry.offset)
    memory = registry["restride"].call(grad, place, Geometry.contiguous(own.dtype, (_even_extent(geometry),)))
    return strided_view(memory, geometry_of(memory), place)


def _even_extent(geometry: Geometry) -> int:
    """How many elements memory must have that may be seen as complex numbers of pairs of them."""
    return geometry.extent + geometry.extent % 2


def without_part(grad: Tensor, steps: tuple[Step, ...], geometry: Geometry) -> Tensor:
    """``grad`` with zeros where ``steps`` lead to, from a tensor of that geometry."""
    zeroed: Tensor = registry["zero_part"].call(grad, steps, geometry)
    return zeroed


def zero_part(backend: Backend, array: NativeArray, steps: Sequence[Step], geometry: Geometry) -> NativeArray:
    """A copy of the array with zeros where ``steps`` lead to, from a tensor of that geometry."""
    plain = geometry.is_contiguous and not geometry.offset and not any(call is strided_view for call, _ in steps)
    if backend.mutable and plain:
        copied = backend.copy(array)
        mode_before = mode()
        try:
            MODE.set(NO_GRAD)
            part = replay(Tensor._wrap(copied, backend), steps).array
            backend.assign(part, backend.zeros((), dtype=part.dtype))
        finally:
            MODE.set(mode_before)
        return copied
    if 0 in geometry.shape:
        return backend.copy(array)

    geometry = Geometry(backend.dtypes[array.dtype], geometry.shape, geometry.strides, geometry.offset)
    flat = put_at(backend, array, geometry, _even_extent(geometry), False)
    where = places_after(backend, geometry, steps)
    seen_as = geometry_after(geometry, steps).dtype if steps_to_other_dtype(steps) else geometry.dtype
    if seen_as is not geometry.dtype:
        flat = backend.reinterpret(flat, seen_as)
    written = backend.index_put(flat, (where,), backend.zeros((), dtype=flat.dtype))
    if seen_as is not geometry.dtype:
        written = backend.reinterpret(written, geometry.dtype)
    return taken_at(backend, written, geometry)

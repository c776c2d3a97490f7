"""Unpacking what a node has saved: its version is checked, and results become Tensors with a ``grad_fn`` again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.backend.selection import backend_of_array
from pullback.meta.dtypes import FLOATING
from pullback.tensor import LEAF, Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.memory import place_of_output
from pullback.tensor.modes import FORWARD, NO_GRAD, mode
from pullback.tensor.node import Node, modified_error, output_slot
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray
    from pullback.tensor.node import Edge


def check_versions(node: Node, place: int | None = None) -> None:
    """Refuse to use saved tensors that have been written in place since they were saved: all, or the one there."""
    saved = node.saved
    assert saved is not None
    expected = node.versions or ()
    kind: Any = type(node)
    for number, position in enumerate(kind.saved_operands):
        tensor = saved[position]
        alias = getattr(tensor, "alias", None)
        if alias is None or (place is not None and position != place):
            continue
        if (tensor.edge is None or tensor.edge is LEAF) and _had_history(node, kind.saved_names[position]):
            raise RuntimeError(
                "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not"
                " supported, please use out-of-place `.detach()` instead"
            )
        then = expected[number] if expected else 0
        if alias.counter.version != then:
            raise modified_error(tensor.dtype, tensor.shape, _edge_if_known(tensor), alias.counter.version, then)
    if place is not None and place in kind.saved_operands:
        return
    for output_number, counter, then in node.output_alias or ():
        if counter.version != then:
            output_place = place_of_output(node, output_number)
            assert output_place is not None
            array = saved[output_place]
            output = rewrap_output(node, array, _backend_of(array), output_number)
            raise modified_error(
                output.dtype, output.shape, _edge_of_output(node, output_number), counter.version, then
            )


def rewrap_output(node: Node, array: NativeArray, backend: Backend, number: int) -> Tensor:
    """A saved result as a Tensor again, with the node as its history, so that it can be differentiated further."""
    backend = backend.home_of(array)
    out = Tensor._wrap(array, backend)
    active = mode()
    if active == NO_GRAD or array is None:  # not kept, as no gradient needs it
        return out
    node = getattr(node, "original", node)
    if not active & NO_GRAD and out.dtype.category >= FLOATING:
        kind: Any = type(node)
        out.edge = node if kind.operation.outputs is None else output_slot(node, number)
    if active & FORWARD:
        seams.restore_tangent(out, node, number)
    return out


def _edge_if_known(tensor: Tensor) -> Edge | None:
    """Where gradients of the tensor go, or None for a view whose history cannot be told."""
    try:
        return edge_of(tensor)
    except RuntimeError:
        return None


def _backend_of(array: NativeArray) -> Backend:
    backend = backend_of_array(array)
    assert backend is not None
    return backend


def _edge_of_output(node: Node, number: int) -> Node | None:
    """Where the gradient of a node's output goes: None for one that has no gradient, as the positions of a sort."""
    operation = type(node).operation  # type: ignore[attr-defined]
    if operation.outputs is None:
        return node
    return output_slot(node, number) if operation.outputs[number] in operation.differentiable_outputs else None


def _had_history(node: Node, name: str) -> bool:
    """Whether the operand of this name was the result of another node when this one was made."""
    operation = type(node).operation  # type: ignore[attr-defined]
    if operation.sequence or name not in operation.differentiable:
        return False
    edge = node.edges[operation.differentiable.index(name)]
    return edge is not None and not edge.accumulates  # a leaf may cease to require gradients

"""How the tensors that a user's Function saves are kept until its backward, and given back there."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pullback.tensor import Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.memory import saved_version, version_of
from pullback.tensor.modes import FORWARD, mode
from pullback.tensor.node import freed_error, modified_error, output_slot
from pullback.tensor.saved_tensors import SavedTensor, beside, packed_by_hooks, packed_result
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from pullback.autograd.function_node import BackwardCFunction

    #: One saved tensor: its kind, what is kept of it, the version it had, and which output it is.
    Kept: TypeAlias = tuple[str, Any, Any, int]


#: In place of what a context has saved, once it has been asked for and is not kept any longer.
TAKEN: Final = (("taken", None, None, -1),)


def kept(tensor: Tensor | None, outputs: Sequence[Any], fresh: Sequence[Any]) -> Kept:
    """How a tensor is kept: an output as its array alone, for its node would otherwise keep itself alive."""
    if tensor is None:
        return "input", None, 0, 0
    for number, original in enumerate(outputs):
        out = fresh[number]
        if tensor is original and out is original:  # an input that is returned as it is stays an input
            return "output", (out.array, out.backend), (weakref.ref(out), saved_version(out)), number
    return "input", tensor, saved_version(tensor), 0


def packed(entry: Kept, outputs: Sequence[Any]) -> Kept:
    """What is kept of a tensor where hooks pack it."""
    kind, value, _, number = entry
    if value is None:
        return entry
    if kind == "output":
        return "packed", packed_result(outputs[number]), None, number
    return "packed", packed_by_hooks(value), None, -1


def unpacked(saved: tuple[Kept, ...] | None, node: BackwardCFunction | None) -> tuple[Tensor | None, ...]:
    """What forward has saved; ``node`` is None where only the context is left of the graph."""
    if saved is None:
        raise freed_error()
    if saved is TAKEN:
        raise RuntimeError(
            "saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the"
            " autograd.Function. Either access saved_tensors only once, or set clear_saved_tensors_on_access=False."
        )
    tensors: list[Tensor | None] = []
    for kind, value, then, number in saved:
        if kind == "input":
            if value is not None and version_of(value) != then:
                raise modified_error(value.dtype, value.shape, value.edge, version_of(value), then)
            tensors.append(value)
            continue
        tensor = value.unpacked() if kind == "packed" else Tensor._wrap(*value)
        if number >= 0 and node is not None and node.outputs[number][3]:  # a differentiable output of this very node
            if kind == "packed":
                tensor = beside(tensor)  # it is the hook's own
            tensor.edge = node if len(node.outputs) == 1 else output_slot(node, number)
            if mode() & FORWARD:
                seams.restore_tangent(tensor, node, number)
        alias = then[0]() if then is not None else None
        if alias is not None and alias.alias is not None and alias.alias.counter.version != then[1]:
            raise modified_error(tensor.dtype, tensor.shape, node, alias.alias.counter.version, then[1])
        tensors.append(tensor)
    return tuple(tensors)


class _SavedByFunction(SavedTensor):
    """A tensor in the context of a Function, which keeps it in a way of its own."""

    __slots__ = ("number",)

    number: int  # of the output that it is; -1 for another tensor

    def register_hooks(self, pack_hook: Callable[..., Any], unpack_hook: Callable[..., Any]) -> None:
        node: Any = self._node
        place = self._place
        if node is not None and node.saved is not None:
            self._node = None  # this way the base class packs, and leaves the node alone
        try:
            super().register_hooks(pack_hook, unpack_hook)
        except BaseException:
            self._node = node
            raise
        if node is not None:
            node.saved = (*node.saved[:place], ("packed", self, None, self.number), *node.saved[place + 1 :])


def raw_saved_tensors(node: BackwardCFunction) -> tuple[SavedTensor, ...]:
    """What the node keeps, in the order of ``save_for_backward``.

    Raises
    ------
    RuntimeError
        If it has been freed.
    """
    if node.saved is None:
        raise freed_error()
    found = []
    for place, (kind, value, _, number) in enumerate(node.saved):
        if kind == "packed":
            found.append(value)
            continue
        tensor = value if kind == "input" else Tensor._wrap(*value)
        saved = _SavedByFunction(tensor, None if tensor is None else edge_of(tensor))
        saved.number = number if kind == "output" else -1
        saved._node, saved._place = node, place
        found.append(saved)
    return tuple(found)

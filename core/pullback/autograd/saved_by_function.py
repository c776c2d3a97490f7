"""What the node of a user's Function has saved, as objects that can be given hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.tensor import Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.node import freed_error
from pullback.tensor.saved_tensors import SavedTensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullback.autograd.function import BackwardCFunction


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

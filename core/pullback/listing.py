"""What ``dir()`` and completion show of a tensor: what works, and nothing of how it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.tensor import Tensor

#: Attributes that a user has no business with: what the package reads itself, and what only warns.
_HIDDEN: Final = frozenset(("accumulates", "alias", "edge", "fast_backend", "volatile"))
#: Of the names with an underscore those that are PyTorch's too.
_SHOWN: Final = frozenset(("_backward_hooks", "_base", "_is_view", "_make_subclass", "_version"))


def names_of(tensor: Tensor) -> list[str]:
    """The attributes of a tensor: those of its class, and its own, without what the package keeps for itself."""
    private = {n for n in vars(Tensor) if n.startswith("_") and not n.endswith("__")} - _SHOWN
    names = {*object.__dir__(tensor)} - private - _HIDDEN
    if not tensor.is_cuda:
        names.discard("__cuda_array_interface__")
    return sorted(names)

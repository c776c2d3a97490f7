"""Pytrees: nested tuples, lists, dictionaries and whatever else is registered with optree, as flat lists and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optree

from pullback.tensor import Tensor


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of a nested structure, and the structure; None is a leaf."""
    with optree.dict_insertion_ordered(True, namespace=NAMESPACE):
        return optree.tree_flatten(tree, none_is_leaf=True, namespace=NAMESPACE)


#: Structures registered for all namespaces are known in this one too.
NAMESPACE = "pullback"


def unflatten(structure: Any, leaves: Sequence[Any]) -> Any:
    """The structure with other leaves."""
    return optree.tree_unflatten(structure, leaves)


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """What a prefix of a structure says of each of its leaves; None where it is no prefix of it."""
    with optree.dict_insertion_ordered(True, namespace=NAMESPACE):
        try:
            return optree.broadcast_prefix(prefix, tree, none_is_leaf=True, namespace=NAMESPACE)
        except ValueError:
            return None


def tensors_or_raise(leaves: Sequence[Any], message: str) -> None:
    """Raise a RuntimeError for the first leaf that is no tensor: the message, and its type."""
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"{message} {type(leaf)}")


def described(tree: Any, indent: int = 0) -> str:
    """A structure as PyTorch's errors show it."""
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        head, children = f"TreeSpec(namedtuple, {type(tree)}, [", list(tree)
    elif isinstance(tree, tuple):
        head, children = "TreeSpec(tuple, None, [", list(tree)
    elif isinstance(tree, list):
        head, children = "TreeSpec(list, None, [", list(tree)
    elif isinstance(tree, dict):
        head, children = f"TreeSpec({type(tree).__name__}, {list(tree)}, [", list(tree.values())
    else:
        return "*"
    inner = ("\n" + " " * (indent + 2)).join(
        described(child, indent + 2) + ("," if number < len(children) - 1 else "")
        for number, child in enumerate(children)
    )
    return f"{head}{inner}])"


class _Star:
    def __repr__(self) -> str:
        return "*"


def outlined(tree: Any) -> str:
    """A structure with stars for its leaves."""
    leaves, structure = flatten(tree)
    return repr(unflatten(structure, [_Star()] * len(leaves)))

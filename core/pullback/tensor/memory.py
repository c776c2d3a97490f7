"""Aliasing: the storage that tensors share, its version counter, and how each tensor came to share it."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, Final

from pullback.backend.geometry import Geometry
from pullback.meta.dtypes import FLOATING
from pullback.process.locks import MEMORY
from pullback.tensor import Tensor
from pullback.tensor.node import Node, OutputSlot, hooks_of, place_of
from pullback.tensor.tensor import LEAF, STALE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    #: One operation of a view's chain, and its arguments after the tensor.
    Step: TypeAlias = tuple[Callable[..., Tensor], tuple[Any, ...]]


class VersionCounter:
    """Counts the writes to a piece of memory; shared by all tensors that differentiate through it.

    ``tracked`` says that views among them may have a history, which a write outdates.
    """

    __slots__ = ("tracked", "version")

    def __init__(self) -> None:
        self.version = 0
        self.tracked = False


#: Memory without addresses gets a range of its own that no other storage reaches into.
_address_ranges = itertools.count(1)

_ADDRESS_BITS = 40


class InferenceCounter(VersionCounter):
    """The version of memory made in inference mode: nobody may ask for it."""

    __slots__ = ()


class Memory:
    """One piece of memory: the tensors that share it, held weakly, for views keep its origin alive by themselves."""

    __slots__ = ("_address", "members", "writer")

    def __init__(self) -> None:
        self.members: list[weakref.ref[Tensor]] = []
        self.writer: int | None = None  # the thread that wrote it last, where arrays are immutable
        self._address = 0

    def add(self, tensor: Tensor) -> None:
        """Note a member; forget the dead ones whenever the list has doubled."""
        members = self.members
        if len(members) >= 16 and len(members) & (len(members) - 1) == 0:
            with MEMORY:
                looked_at = tuple(members)  # another thread may add some meanwhile, which come after these
                members[: len(looked_at)] = [m for m in looked_at if m() is not None]
        members.append(weakref.ref(tensor))

    def remove(self, tensor: Tensor) -> None:
        """Forget a member that has other memory now."""
        with MEMORY:
            looked_at = tuple(self.members)
            self.members[: len(looked_at)] = [m for m in looked_at if m() is not tensor]

    def live(self) -> list[Tensor]:
        """The members that still exist."""
        return [t for m in tuple(self.members) if (t := m()) is not None]

    @property
    def address(self) -> int:
        """Where the storage begins, on backends whose arrays have no addresses."""
        if not self._address:
            address = next(_address_ranges) << _ADDRESS_BITS
            if not self._address:  # no other thread has been faster
                self._address = address
        return self._address


#: What forbids to write a view in place where a graph is recorded: it is one of several results of one operation, was
#: made while no graph was recorded, or comes out of a user's Function.
MULTIPLE: Final = (
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views to"
    " be modified inplace. You should replace the inplace operation by an out-of-place one."
)

WITHOUT_GRAD: Final = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both"
    " the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or"
    " both outside (if you want the inplace to be tracked)."
)

IN_INFERENCE: Final = WITHOUT_GRAD.replace("no_grad block", "inference_mode block")

IN_FUNCTION: Final = (
    "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to"
    " handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect"
    " gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
)


class Alias:
    """How one tensor shares memory.

    Attributes
    ----------
    counter : VersionCounter
    storage : Memory
    base : Tensor or None
        The tensor this one is a differentiable view of.
    steps : tuple
        The operations with their arguments that lead from ``base`` to the view.
    origin : Tensor or None
        The tensor whose array is the storage, where that is another one; it differs from ``base`` behind ``detach()``,
        where gradients do not pass.
    path : tuple
        The steps that lead from ``origin`` to the view.
    creation : str or None
        What about the making of the view forbids to write it in place where a graph is recorded, if anything does.
    seen : int
        The version that the view's history is of: when it was made, or last regenerated.
    producer : (int, str) or None
        Which output of which node the view was, before a write outdated that history.
    asked : bool
        Whether the view was asked to require gradients itself, before that of its base made it do so.
    geometry : Geometry or None
        Where the elements lie, once asked for; see :func:`geometry_of`.
    """

    __slots__ = (
        "asked", "base", "counter", "creation", "geometry", "origin", "path", "producer", "seen", "steps", "storage",
    )  # fmt: skip

    def __init__(self, counter: VersionCounter, storage: Memory) -> None:
        self.counter = counter
        self.storage = storage
        self.base: Tensor | None = None
        self.origin: Tensor | None = None
        self.steps = self.path = _NO_STEPS
        self.creation: str | None = None
        self.seen = counter.version
        self.producer: tuple[int, str] | None = None
        self.asked = False
        self.geometry: Geometry | None = None


_NO_STEPS: tuple[Step, ...] = ()


def alias_of(tensor: Tensor) -> Alias:
    """The tensor's alias, made when it is first needed: at the first view of it or the first write."""
    alias = tensor.alias
    if alias is None:
        made = Alias(VersionCounter(), Memory())
        made.storage.add(tensor)
        if tensor.edge is not None:
            _tell_producer(tensor, made)
        if tensor.alias is None:  # no other thread has been faster
            tensor.alias = made
        alias = tensor.alias
        assert alias is not None
    return alias


def _tell_producer(tensor: Tensor, alias: Alias) -> None:
    """A node that saved this tensor as its result must see later writes to it."""
    edge = tensor.edge
    number = 0
    if isinstance(edge, OutputSlot):
        number = edge.number
        edge = edge.node
    if isinstance(edge, Node) and edge.saves_output:
        watch_output(edge, number, alias)


def watch_output(node: Node, number: int, alias: Alias) -> None:
    """Have the node, which may have saved its output ``number``, notice writes to it from now on."""
    saved, place = node.saved, place_of_output(node, number)
    if saved is not None and place is not None and saved[place] is not None:
        # The counter, not the alias: that of a view knows the base, whose history may lead to the node.
        node.output_alias = (*(node.output_alias or ()), (number, alias.counter, alias.counter.version))


def place_of_output(node: Node, number: int) -> int | None:
    """Where among what the node has saved its output ``number`` is; None where its formulas do not need it."""
    kind: Any = type(node)
    names: tuple[str, ...] = kind.saved_names
    name = "out" if kind.operation.outputs is None else kind.operation.outputs[number]
    return names.index(name) if name in names else None


def version_of(tensor: Any) -> int:
    """How often the tensor's memory has been written in place; 0 for a Python number."""
    alias = getattr(tensor, "alias", None)
    return 0 if alias is None else int(alias.counter.version)


def saved_version(tensor: Any) -> int:
    """The version of a tensor that is being saved for backward.

    Raises
    ------
    RuntimeError
        For an inference tensor: it has none.
    """
    alias = getattr(tensor, "alias", None)
    if alias is None:
        return 0
    if alias.counter.__class__ is InferenceCounter:
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in"
            " computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use"
            " it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
        )
    return int(alias.counter.version)


def mark_inference(tensor: Tensor) -> None:
    """Note that a fresh tensor was made in inference mode."""
    alias = tensor.alias = Alias(InferenceCounter(), Memory())
    alias.storage.add(tensor)


def is_inference(tensor: Tensor) -> bool:
    """Whether the tensor's memory was made in inference mode."""
    return tensor.alias is not None and tensor.alias.counter.__class__ is InferenceCounter


def bump_version(tensor: Tensor) -> None:
    """Count one write to the tensor's memory; the history of its views is of the time before."""
    alias = tensor.alias
    if alias is None:
        alias = alias_of(tensor)
    counter = alias.counter
    counter.version += 1
    if counter.tracked:
        for member in alias.storage.live():
            view = member.alias
            if view is not None and view.counter is counter:
                outdate(member)


def outdate(view: Tensor) -> None:
    """Have the history of a view regenerated when it is next asked for, if there is any or its base has one."""
    alias = view.alias
    assert alias is not None
    if alias.base is None or (alias.base.edge is None and (view.edge is None or view.edge is LEAF)):
        return
    edge = view.edge
    if edge is not STALE:
        alias.producer = place_in_graph(edge)
        alias.asked = edge is LEAF
        view.edge = STALE
        if view._retains_grad:
            stop_retaining(edge)


def place_in_graph(edge: Any) -> tuple[int, str] | None:
    """Which output of which node an edge is; None for a leaf."""
    if isinstance(edge, OutputSlot):
        return edge.number, edge.node.name()
    return (0, edge.name()) if isinstance(edge, Node) else None


def retain_at(tensor: Tensor, edge: Any) -> None:
    """Have the gradient that reaches a node kept as ``grad`` of its result, the tensor."""
    if isinstance(edge, Node):
        node, number = place_of(edge)
        hooks_of(node).retained[number] = weakref.ref(tensor)


def stop_retaining(edge: Any) -> None:
    """Undo :func:`retain_at` where the tensor gets another history: its gradient is that of what it is now."""
    if isinstance(edge, Node):
        node, number = place_of(edge)
        if node.hooks is not None:
            node.hooks.retained.pop(number, None)


def has_node(tensor: Tensor) -> bool:
    """Whether a tensor has a node or had one before a write outdated it; its history is not regenerated to tell."""
    edge = tensor.edge
    if edge is STALE:
        return tensor.alias is not None and tensor.alias.producer is not None
    return edge is not None and edge is not LEAF


def base_requires_grad(base: Tensor) -> None:
    """Note that a tensor that views may have been made of now requires gradients, or no longer does.

    Views follow: they require gradients like their base, without a history until the next write.
    """
    alias = base.alias
    if alias is None or alias.base is not None:
        return
    alias.counter.tracked = True
    for member in alias.storage.live():
        view = member.alias
        if view is None or view.base is not base:
            continue
        if base.edge is not None and member.dtype.category >= FLOATING:
            if member.edge is None or (member.edge is LEAF and view.seen != view.counter.version):
                view.asked = member.edge is LEAF
                member.edge = STALE
        elif base.edge is None and member.edge is STALE and view.producer is None:
            member.edge = LEAF if view.asked else None

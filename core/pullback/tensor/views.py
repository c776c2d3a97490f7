"""Aliasing: which tensors share memory, their version, and how a write through one reaches the others.

On a backend with mutable arrays the arrays themselves share memory. Where arrays are immutable the sharing is kept up
here: a write goes to the view's places in the array of the storage's origin, and every live tensor of the storage is
refreshed at once, so reading stays a plain slot access. Either way the tensors of a storage share one version counter,
and a view remembers its base and the operations that lead from the base to it, so that its history can be regenerated
after the base has changed.
"""

from __future__ import annotations

import itertools
import weakref
from _thread import get_ident  # `threading` itself takes a millisecond to import
from typing import TYPE_CHECKING, Any, Final

from pullback.backend.layouts import LAYOUTS, Layout
from pullback.backend.selection import backend_of_array
from pullback.errors import MissingKernelError
from pullback.meta.dtypes import FLOATING, int64
from pullback.meta.formats import order_of_copy, strides_in_order
from pullback.meta.strides import contiguous_strides
from pullback.process.blocks import surely
from pullback.process.locks import MEMORY
from pullback.tensor import LEAF, STALE, Tensor
from pullback.tensor.levels import WRITTEN
from pullback.tensor.modes import FORWARD, INFERENCE, MODE, NO_GRAD, mode
from pullback.tensor.node import (
    Node,
    OutputSlot,
    freed_error,
    function_of,
    hooks_of,
    modified_error,
    output_slot,
    place_of,
    short_name,
    start_node,
)
from pullback.tensor.registry import registry
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pullback.backend.base import Backend, NativeArray
    from pullback.meta.formats import MemoryFormat
    from pullback.tensor.node import Edge

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


class Storage:
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
    storage : Storage
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
    layout : Layout or None
        Where the elements lie, once asked for; see :func:`layout_of`.
    """

    __slots__ = (
        "asked", "base", "counter", "creation", "layout", "origin", "path", "producer", "seen", "steps", "storage",
    )  # fmt: skip

    def __init__(self, counter: VersionCounter, storage: Storage) -> None:
        self.counter = counter
        self.storage = storage
        self.base: Tensor | None = None
        self.origin: Tensor | None = None
        self.steps = self.path = _NO_STEPS
        self.creation: str | None = None
        self.seen = counter.version
        self.producer: tuple[int, str] | None = None
        self.asked = False
        self.layout: Layout | None = None


_NO_STEPS: tuple[Step, ...] = ()


def alias_of(tensor: Tensor) -> Alias:
    """The tensor's alias, made when it is first needed: at the first view of it or the first write."""
    alias = tensor.alias
    if alias is None:
        made = Alias(VersionCounter(), Storage())
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
    saved, place = node.saved, _place_of_output(node, number)
    if saved is not None and place is not None and saved[place] is not None:
        # The counter, not the alias: that of a view knows the base, whose history may lead to the node.
        node.output_alias = (*(node.output_alias or ()), (number, alias.counter, alias.counter.version))


def _place_of_output(node: Node, number: int) -> int | None:
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
    alias = tensor.alias = Alias(InferenceCounter(), Storage())
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
        alias.producer = _place_in_graph(edge)
        alias.asked = edge is LEAF
        view.edge = STALE
        if view._retains_grad:
            stop_retaining(edge)


def _place_in_graph(edge: Any) -> tuple[int, str] | None:
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


class OutputOf:
    """A step of a view's chain that takes one of an operation's several results."""

    __slots__ = ("call", "number")

    def __init__(self, call: Callable[..., tuple[Tensor, ...]], number: int) -> None:
        self.call = call
        self.number = number

    def __call__(self, *arguments: Any) -> Tensor:
        return self.call(*arguments)[self.number]


def attach_view(out: Tensor, source: Tensor, step: Step, active: int, multiple: bool = False) -> None:
    """Note that ``out``, fresh from the view operation of ``step``, shares the memory of ``source``.

    ``multiple`` says that it is one of several results of the operation.
    """
    shared = source.alias
    if shared is None:
        shared = alias_of(source)
    if list in map(type, step[1]):  # the caller's list may change
        step = (step[0], tuple(tuple(a) if type(a) is list else a for a in step[1]))
    alias = Alias(shared.counter, shared.storage)
    if active & NO_GRAD:
        alias.creation = IN_INFERENCE if active & INFERENCE else WITHOUT_GRAD
    elif multiple:
        alias.creation = MULTIPLE
    if shared.base is None:
        base = source
        alias.steps = (step,)
    else:
        if len(shared.steps) >= _LONG_CHAIN:
            _shorten(shared)
        base = shared.base
        alias.steps = (*shared.steps, step)
        if alias.creation is None:
            alias.creation = shared.creation
    alias.base = base
    if out.edge is not None:
        shared.counter.tracked = True
    elif base.edge is not None:
        shared.counter.tracked = True
        if out.dtype.category >= FLOATING:
            out.edge = STALE  # it requires gradients as its base does, without a history
    if shared.origin is None:
        alias.origin = source
        alias.path = alias.steps
    else:
        alias.origin = shared.origin
        alias.path = alias.steps if shared.origin is shared.base else (*shared.path, step)
    out.alias = alias
    storage = shared.storage
    storage.add(out)
    if shared.origin is not None and alias.origin is source:  # it has got one meanwhile, in another thread
        alias.origin = shared.origin
    if storage.writer is not None:
        _catch_up(out)


#: A chain of so many views is replaced by one step: each view of a view has a tuple of all steps of its own.
_LONG_CHAIN: Final = 32


def _shorten(alias: Alias) -> None:
    """Replace a view's chains by one step each, where its elements are a part of those of its base by strides alone."""
    assert alias.base is not None
    assert alias.origin is not None
    own = alias.origin is alias.base
    alias.steps = _shortened(alias.base, alias.steps)
    alias.path = alias.steps if own else _shortened(alias.origin, alias.path)


def _shortened(start: Tensor, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    source = layout_of(start)
    try:
        target = _layout_after(source, steps)
    except MissingKernelError:  # a plugin's view that is more than strides
        return steps
    return steps if target.dtype is not source.dtype else ((strided_view, (source, target)),)


def attach_detached(out: Tensor, source: Tensor, shares_version: bool, steps: tuple[Step, ...] = ()) -> None:
    """Note that ``out`` shares the memory of ``source``, but no gradients; ``steps`` lead from one to the other."""
    shared = alias_of(source)
    origin = source if shared.origin is None else shared.origin
    if isinstance(origin.edge, Node):  # who keeps a detached tensor does not keep the graph behind it
        keep_origin(origin)
        assert shared.origin is not None
        origin = shared.origin
    keeps_counter = shares_version or shared.counter.__class__ is InferenceCounter
    alias = Alias(shared.counter if keeps_counter else VersionCounter(), shared.storage)
    alias.origin = origin
    alias.path = (*shared.path, *steps)
    out.alias = alias
    shared.storage.add(out)
    if shared.storage.writer is not None:
        _catch_up(out)


def _catch_up(member: Tensor) -> None:
    """Show in a new member of an immutable storage what another thread may have written while it was made."""
    alias = member.alias
    assert alias is not None
    if alias.storage.writer == get_ident() or member.backend.level:
        return
    with MEMORY:
        assert alias.origin is not None
        _refresh_from(alias.origin, [member])


def replace_memory(tensor: Tensor, source: Tensor) -> None:
    """Let a tensor have the memory of another from now on, and keep its version; its views keep the old memory."""
    if tensor.alias is not None:
        keep_origin(tensor)
    before = tensor.alias
    if before is not None:
        before.storage.remove(tensor)
    tensor.array, tensor.backend = source.array, source.backend
    attach_detached(tensor, source, shares_version=False)
    if before is not None:
        assert tensor.alias is not None
        tensor.alias.counter = before.counter


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
    recast = _up_to_other_dtype(alias.steps)
    if not recast:
        return as_strided_node(alias.base, layout_of(alias.base), layout_of(view))
    mode_before = mode()
    try:
        MODE.set(0)
        fresh = _replay(alias.base, alias.steps[:recast])
    finally:
        MODE.set(mode_before)
    if recast == len(alias.steps):
        return fresh.edge
    return as_strided_node(fresh, layout_of(fresh), layout_of(view))


def reaches_beyond(view: Tensor) -> bool:
    """Whether a view may show elements of its base that the view it was made of does not: by strides of its own."""
    alias = view.alias
    return alias is not None and any(call is strided_view for call, _ in alias.steps[1:])


def _up_to_other_dtype(steps: Sequence[Step]) -> int:
    """How many steps there are up to the last one after which the elements are seen as another dtype."""
    for number in range(len(steps), 0, -1):
        if getattr(steps[number - 1][0], "__name__", "") in ("view_as_real", "view_as_complex"):
            return number
    return 0


def _replay(tensor: Any, steps: Sequence[Step]) -> Any:
    """The tensor after the steps of a view's chain."""
    for call, arguments in steps:
        tensor = call(tensor, *arguments)
    return tensor


def forbidden_write(view: Tensor, written: str) -> RuntimeError:
    """The error for a write that leaves a view's history untold; ``written`` says what is being written."""
    alias = view.alias
    assert alias is not None
    without_grad = alias.creation is WITHOUT_GRAD or alias.creation is IN_INFERENCE
    place = alias.producer if view.edge is STALE else _place_in_graph(view.edge)
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


# -- writing ----------------------------------------------------------------------------------------------------------


def write(tensor: Tensor, array: NativeArray) -> None:
    """Replace the tensor's elements by those of ``array``, of its shape and dtype, in the memory it shares.

    On a mutable backend into the array; otherwise into the origin's array, and every live tensor of the storage is
    refreshed. An interrupt ends it before it begins or after it is complete (and then counted twice).
    """
    surely(_write, tensor, array)


def _write(tensor: Tensor, array: NativeArray) -> None:
    backend = tensor.backend
    if backend.mutable:
        backend.assign(writable_array(tensor), array)
        bump_version(tensor)
        return
    with MEMORY:
        _write_all(tensor, array)


def _write_all(tensor: Tensor, array: NativeArray) -> None:
    """Replace the elements of a tensor on an immutable backend, in all tensors that share them."""
    backend = tensor.backend
    alias = alias_of(tensor)
    alias.storage.writer = get_ident()
    others = [t for t in alias.storage.live() if t is not tensor]
    if backend.level and not alias.path:
        alias.layout = layout_of(tensor)
        array = backend.laid_out(array, alias.layout)
    elif backend.level:
        others.append(tensor)  # what it wraps shall lie in memory as a part of what the origin wraps
    if alias.origin is None:
        tensor.array = array
    else:
        origin = alias.origin
        origin.array = array if not alias.path else _with_elements(origin, tensor, array)
        tensor.array = array
    bump_version(tensor)
    _refresh(tensor, others)


def writable_array(tensor: Tensor) -> NativeArray:
    """The array to write a tensor's elements into; an expanded array, which is read-only, as what it is a view of."""
    backend, array, alias = tensor.backend, tensor.array, tensor.alias
    if alias is None or alias.origin is None or backend.writable(array):
        return array
    layout = layout_of(tensor)
    native = backend.native_dtype(layout.dtype)
    return backend.as_strided(alias.origin.array, layout.shape, layout.strides, layout.offset, dtype=native)


def _refresh(written: Tensor, others: Sequence[Tensor]) -> None:
    """Show in the other tensors of an immutable storage what has been written through one of them."""
    if not others:
        return
    assert written.alias is not None
    _refresh_from(written if written.alias.origin is None else written.alias.origin, others)


def _refresh_from(origin: Tensor, members: Sequence[Tensor]) -> None:
    # What tensors of a level wrap has a history of its own.
    mode_before = mode()
    try:
        MODE.set(mode() if origin.backend.level else mode() | NO_GRAD)
        source = _stand_in(origin)
        for member in members:
            if member is not origin:
                assert member.alias is not None
                member.array = _replay(source, member.alias.path).array
    finally:
        MODE.set(mode_before)


def _stand_in(origin: Tensor) -> Tensor:
    """A tensor with the origin's array and layout, on which the steps to its views can be replayed."""
    source = Tensor._wrap(origin.array, origin.backend)
    alias = alias_of(source)
    alias.layout = layout_of(origin)
    return source


def _with_elements(origin: Tensor, view: Tensor, array: NativeArray) -> NativeArray:
    """The origin's array with the elements that the view shows replaced."""
    backend = origin.backend
    own = layout_of(origin)
    alias = view.alias
    assert alias is not None
    flat = flattened(origin)
    seen_as = view.dtype
    if seen_as is not own.dtype:
        flat = backend.reinterpret(flat, seen_as)
    where = _places_after(backend, own, alias.path)
    flat = backend.index_put(flat, (where,), backend.reshape(array, (-1,)))
    if seen_as is not own.dtype:
        flat = backend.reinterpret(flat, own.dtype)
    if own.is_contiguous:
        return backend.reshape(flat, own.shape)
    order = own.order
    ordered = backend.reshape(flat, tuple(own.shape[d] for d in order))
    return backend.permute_dims(ordered, tuple(order.index(d) for d in range(len(order))))


def _places_after(backend: Backend, layout: Layout, steps: Sequence[Step]) -> NativeArray:
    """Where in the storage the elements lie that the steps lead to, from a tensor of the given layout; a vector."""
    try:
        return places(backend, _layout_after(layout, steps))
    except MissingKernelError:  # a plugin's view that is more than strides: it shows the places themselves
        every = backend.reshape(places(backend, layout), layout.shape)
        mode_before = mode()
        try:
            MODE.set(NO_GRAD)
            return backend.reshape(_replay(Tensor._wrap(every, backend), steps).array, (-1,))
        finally:
            MODE.set(mode_before)


def flattened(origin: Tensor) -> NativeArray:
    """The elements of a storage in the order they have there, as a vector, on an immutable backend."""
    layout = layout_of(origin)
    backend = origin.backend
    array = origin.array if layout.is_contiguous else backend.permute_dims(origin.array, layout.order)
    return backend.reshape(array, (-1,))


def places(backend: Backend, layout: Layout) -> NativeArray:
    """Where in the storage each element of the layout lies, as a vector of int64 in the elements' order."""
    native = backend.native_dtypes[int64]
    if 0 in layout.shape:
        return backend.zeros((0,), dtype=native)
    start = layout.offset
    total = None
    trailing = 0
    for size, stride in zip(reversed(layout.shape), reversed(layout.strides), strict=True):
        if size == 1:
            continue
        if stride:
            axis = backend.arange(start, start + size * stride, stride, dtype=native)
        else:
            axis = backend.full((size,), start, dtype=native)
        axis = backend.reshape(axis, (size,) + (1,) * trailing)
        total = axis if total is None else backend.add(total, axis)
        start = 0
        trailing += 1
    return backend.full((1,), start, dtype=native) if total is None else backend.reshape(total, (-1,))


# -- layouts ----------------------------------------------------------------------------------------------------------


def layout_of(tensor: Tensor) -> Layout:
    """Where the tensor's elements lie in its storage.

    For a view it follows from the chain of operations that made it, by PyTorch's rules; for other tensors from the
    strides of the array, where it has any.
    """
    if tensor.backend is LAYOUTS:
        return tensor.array  # type: ignore[no-any-return]
    alias = tensor.alias
    if alias is None or alias.origin is None:
        return _own_layout(tensor) if alias is None or alias.layout is None else alias.layout
    if alias.layout is None:
        try:
            alias.layout = _layout_after(layout_of(alias.origin), alias.path)
        except MissingKernelError:  # a plugin's view that is more than strides
            alias.layout = _own_layout(tensor)
    return alias.layout


def _layout_after(layout: Layout, steps: Sequence[Step]) -> Layout:
    """The layout that the steps lead to."""
    mode_before = mode()
    try:
        MODE.set(NO_GRAD)
        return _replay(Tensor._wrap(layout, LAYOUTS), steps).array  # type: ignore[no-any-return]
    finally:
        MODE.set(mode_before)


def _own_layout(tensor: Tensor) -> Layout:
    """The layout of a tensor that is the beginning of its storage."""
    array, backend = tensor.array, tensor.backend
    shape = tuple(array.shape)
    strides = backend.strides(array)
    if strides is None or backend.is_contiguous(array):
        return Layout.contiguous(tensor.dtype, shape)
    # An array library may step anything along a dimension of size 1; PyTorch steps over what lies to its right.
    usual = contiguous_strides(shape)
    return Layout(tensor.dtype, shape, [u if n == 1 else s for n, s, u in zip(shape, strides, usual, strict=True)])


def keep_layout(out: Tensor, source: Tensor, memory_format: MemoryFormat | None = None) -> None:
    """Have a copy on an immutable backend lie in memory in the order of ``source``, or in that of the format."""
    if out.backend.mutable:
        return  # the array has the strides that its kernel gave it

    layout = layout_of(source)
    order = order_of_copy(layout.shape, layout.strides, memory_format)
    if order is not None:
        alias_of(out).layout = Layout(out.dtype, layout.shape, strides_in_order(layout.shape, order))


def address_of(tensor: Tensor) -> int:
    """The address of the tensor's first element; 0 where it has none, as PyTorch."""
    if 0 in tensor.array.shape:
        return 0
    pointer = tensor.backend.data_pointer(tensor.array)
    if pointer is None:
        return alias_of(tensor).storage.address + layout_of(tensor).offset * tensor.dtype.itemsize
    return pointer


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

    __slots__ = ("layout", "steps")

    steps: tuple[Step, ...]
    layout: Layout

    def apply(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        if self.saved is None:
            raise freed_error()
        before, written = self.edges
        return (
            None if before is None else without_part(grad, self.steps, self.layout),
            None if written is None else _replay(laid_out(grad, self.layout), self.steps),
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
    copied.steps, copied.layout = steps, layout_of(base)
    copied.saved = ()  # no tensors; freed all the same, as in PyTorch
    return copied


def laid_out(grad: Tensor, layout: Layout) -> Tensor:
    """``grad`` in memory as the layout says, so that steps which led to a view of its tensor lead to one of it."""
    own = layout_of(grad)
    if grad.backend.level or 0 in layout.shape or (own.strides == layout.strides and own.offset == layout.offset):
        return grad
    if not layout.offset and layout.is_contiguous:
        contiguous: Tensor = grad.contiguous()
        return contiguous
    place = Layout(own.dtype, layout.shape, layout.strides, layout.offset)
    memory = registry["restride"].call(grad, place, Layout.contiguous(own.dtype, (_even_extent(layout),)))
    return strided_view(memory, layout_of(memory), place)


def _even_extent(layout: Layout) -> int:
    """How many elements memory must have that may be seen as complex numbers of pairs of them."""
    return layout.extent + layout.extent % 2


def without_part(grad: Tensor, steps: tuple[Step, ...], layout: Layout) -> Tensor:
    """``grad`` with zeros where ``steps`` lead to, from a tensor of that layout."""
    zeroed: Tensor = registry["zero_part"].call(grad, steps, layout)
    return zeroed


def zero_part(backend: Backend, array: NativeArray, steps: Sequence[Step], layout: Layout) -> NativeArray:
    """A copy of the array with zeros where ``steps`` lead to, from a tensor of that layout."""
    plain = layout.is_contiguous and not layout.offset and not any(call is strided_view for call, _ in steps)
    if backend.mutable and plain:
        copied = backend.copy(array)
        mode_before = mode()
        try:
            MODE.set(NO_GRAD)
            part = _replay(Tensor._wrap(copied, backend), steps).array
            backend.assign(part, backend.zeros((), dtype=part.dtype))
        finally:
            MODE.set(mode_before)
        return copied
    if 0 in layout.shape:
        return backend.copy(array)

    layout = Layout(backend.dtypes[array.dtype], layout.shape, layout.strides, layout.offset)
    flat = put_at(backend, array, layout, _even_extent(layout), False)
    where = _places_after(backend, layout, steps)
    seen_as = _layout_after(layout, steps).dtype if _up_to_other_dtype(steps) else layout.dtype
    if seen_as is not layout.dtype:
        flat = backend.reinterpret(flat, seen_as)
    written = backend.index_put(flat, (where,), backend.zeros((), dtype=flat.dtype))
    if seen_as is not layout.dtype:
        written = backend.reinterpret(written, layout.dtype)
    return taken_at(backend, written, layout)


# -- any layout -------------------------------------------------------------------------------------------------------


def strided_view(tensor: Tensor, source: Layout, target: Layout) -> Tensor:
    """What lies at ``target`` in the storage of a tensor whose own elements lie at ``source``.

    As a step of a view's chain it is also replayed on gradients, whose elements lie elsewhere: then it is the function
    of the tensor's elements that :func:`pullback.ops.shape.striding.restride` computes.
    """
    backend = tensor.backend
    if layout_of(tensor) != source:
        return registry["restride"].call(tensor, source, target)  # type: ignore[no-any-return]
    alias = alias_of(tensor)
    origin = tensor if alias.origin is None else alias.origin
    array: Any
    if backend is LAYOUTS:
        array = target
    elif backend.mutable:
        native = backend.native_dtype(target.dtype)
        array = backend.as_strided(origin.array, target.shape, target.strides, target.offset, dtype=native)
    else:
        flat = flattened(origin)
        if origin.dtype is not target.dtype:
            flat = backend.reinterpret(flat, target.dtype)
        array = backend.reshape(backend.take(flat, places(backend, target), axis=0), target.shape)
    out = Tensor._wrap(array, backend)
    active = mode()
    if not active & NO_GRAD and tensor.edge is not None:
        out.edge = as_strided_node(tensor, source, target)
    attach_view(out, tensor, (strided_view, (source, target)), active)
    if active & FORWARD:
        seams.propagate_strided(tensor, out, source, target)
    return out


def move_in_storage(tensor: Tensor, target: Layout, array: NativeArray) -> None:
    """Let a tensor show another part of its storage, as ``t_()`` and ``resize_()`` do; ``array`` is that part.

    Views of the tensor still show what they did. Where other tensors read the storage through this one, a stand-in
    takes over.
    """
    alias = alias_of(tensor)
    members = [t for t in alias.storage.live() if t is not tensor]
    keep_origin(tensor)
    for member in members:
        seen = member.alias
        if seen is not None and seen.base is tensor:
            seen.steps = ((strided_view, (target, layout_of(member))),)
            if member.edge is not None:
                outdate(member)
    assert alias.origin is not None
    alias.path = _one_step(alias.origin, alias.path, layout_of(tensor), target)
    if alias.base is not None:
        alias.steps = _one_step(alias.base, alias.steps, layout_of(tensor), target)
    alias.layout = target
    tensor.array = array


def _one_step(start: Tensor, steps: tuple[Step, ...], source: Layout, target: Layout) -> tuple[Step, ...]:
    """The steps with one more, to ``target``: a single one where no step changes the dtype."""
    if start.dtype is target.dtype:
        return ((strided_view, (layout_of(start), target)),)
    return (*steps, (strided_view, (source, target)))


def keep_origin(tensor: Tensor) -> None:
    """Before a tensor that is the origin of a storage gets another array: let a stand-in hold the present one."""
    alias = alias_of(tensor)
    if alias.origin is None:
        with MEMORY:
            surely(_hold_origin, tensor, alias)


def _hold_origin(tensor: Tensor, alias: Alias) -> None:
    holder = alias.origin
    if holder is None:
        holder = Tensor._wrap(tensor.array, tensor.backend)
        holder.alias = Alias(alias.counter, alias.storage)
        holder.alias.layout = layout_of(tensor)
        alias.origin = holder  # first: views made meanwhile in other threads look here once they are members
    for member in alias.storage.live():
        seen = member.alias
        if seen is not None and seen.origin is tensor:
            seen.origin = holder


class AsStridedBackward0(Node):
    """History of elements picked from a storage by their layout, from those that another tensor shows of it."""

    __slots__ = ("source", "target")

    source: Layout
    target: Layout

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


def as_strided_node(tensor: Tensor, source: Layout, target: Layout) -> Node:
    """The history of the elements at ``target``, from a tensor whose own elements lie at ``source``."""
    edge = edge_of(tensor)
    node = AsStridedBackward0()
    start_node(node, (edge,))
    node.source, node.target = source, target
    return node


# -- what nodes save --------------------------------------------------------------------------------------------------


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
            output_place = _place_of_output(node, output_number)
            assert output_place is not None
            array = saved[output_place]
            output = rewrap_output(node, array, _backend_of(array), output_number)
            raise modified_error(
                output.dtype, output.shape, _edge_of_output(node, output_number), counter.version, then
            )


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


def put_at(backend: Backend, array: NativeArray, layout: Layout, count: int, accumulate: bool) -> NativeArray:
    """A vector of ``count`` zeros with the array's elements where the layout says."""
    flat = backend.zeros((count,), dtype=array.dtype, device=backend.device_of(array))
    if backend.mutable and not (accumulate and layout.may_overlap):
        backend.assign(backend.as_strided(flat, layout.shape, layout.strides, layout.offset), array)
        return flat
    return backend.index_put(flat, (places(backend, layout),), backend.reshape(array, (-1,)), accumulate)


def taken_at(backend: Backend, flat: NativeArray, layout: Layout) -> NativeArray:
    """What lies at the places of the layout in a vector, as an array of its own."""
    if backend.mutable:
        return backend.copy(backend.as_strided(flat, layout.shape, layout.strides, layout.offset))
    return backend.reshape(backend.take(flat, places(backend, layout), axis=0), layout.shape)

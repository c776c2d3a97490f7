"""Aliasing: which tensors share memory, their version, and how a write through one reaches the others.

On a backend with mutable arrays the arrays themselves share memory. Where arrays are immutable the sharing is kept up
here: a write goes to the view's places in the array of the storage's origin, and every live tensor of the storage is
refreshed at once, so reading stays a plain slot access. Either way the tensors of a storage share one version counter,
and a view remembers its base and the operations that lead from the base to it, so that its history can be regenerated
after the base has changed.
"""

from __future__ import annotations

import weakref
from _thread import get_ident  # `threading` itself takes a millisecond to import
from typing import TYPE_CHECKING, Any, Final

from pullback.backend.geometry import GEOMETRIES, Geometry
from pullback.backend.selection import backend_of_array
from pullback.errors import MissingKernelError
from pullback.meta.dtypes import FLOATING, int64
from pullback.meta.formats import order_of_copy, strides_in_order
from pullback.meta.strides import contiguous_strides
from pullback.process.blocks import surely
from pullback.process.locks import MEMORY
from pullback.tensor import LEAF, STALE, Tensor
from pullback.tensor.levels import WRITTEN
from pullback.tensor.memory import (
    IN_FUNCTION,
    IN_INFERENCE,
    MULTIPLE,
    WITHOUT_GRAD,
    Alias,
    InferenceCounter,
    VersionCounter,
    _place_in_graph,
    _place_of_output,
    alias_of,
    bump_version,
    outdate,
    retain_at,
    stop_retaining,
    watch_output,
)
from pullback.tensor.modes import FORWARD, INFERENCE, MODE, NO_GRAD, mode
from pullback.tensor.node import (
    Node,
    freed_error,
    function_of,
    modified_error,
    output_slot,
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
    source = geometry_of(start)
    try:
        target = _geometry_after(source, steps)
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
        return as_strided_node(alias.base, geometry_of(alias.base), geometry_of(view))
    mode_before = mode()
    try:
        MODE.set(0)
        fresh = _replay(alias.base, alias.steps[:recast])
    finally:
        MODE.set(mode_before)
    if recast == len(alias.steps):
        return fresh.edge
    return as_strided_node(fresh, geometry_of(fresh), geometry_of(view))


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
        alias.layout = geometry_of(tensor)
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
    geometry = geometry_of(tensor)
    native = backend.native_dtype(geometry.dtype)
    return backend.as_strided(alias.origin.array, geometry.shape, geometry.strides, geometry.offset, dtype=native)


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
    """A tensor with the origin's array and geometry, on which the steps to its views can be replayed."""
    source = Tensor._wrap(origin.array, origin.backend)
    alias = alias_of(source)
    alias.layout = geometry_of(origin)
    return source


def _with_elements(origin: Tensor, view: Tensor, array: NativeArray) -> NativeArray:
    """The origin's array with the elements that the view shows replaced."""
    backend = origin.backend
    own = geometry_of(origin)
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


def _places_after(backend: Backend, geometry: Geometry, steps: Sequence[Step]) -> NativeArray:
    """Where in the storage the elements lie that the steps lead to, from a tensor of the given geometry; a vector."""
    try:
        return places(backend, _geometry_after(geometry, steps))
    except MissingKernelError:  # a plugin's view that is more than strides: it shows the places themselves
        every = backend.reshape(places(backend, geometry), geometry.shape)
        mode_before = mode()
        try:
            MODE.set(NO_GRAD)
            return backend.reshape(_replay(Tensor._wrap(every, backend), steps).array, (-1,))
        finally:
            MODE.set(mode_before)


def flattened(origin: Tensor) -> NativeArray:
    """The elements of a storage in the order they have there, as a vector, on an immutable backend."""
    geometry = geometry_of(origin)
    backend = origin.backend
    array = origin.array if geometry.is_contiguous else backend.permute_dims(origin.array, geometry.order)
    return backend.reshape(array, (-1,))


def places(backend: Backend, geometry: Geometry) -> NativeArray:
    """Where in the storage each element of the geometry lies, as a vector of int64 in the elements' order."""
    native = backend.native_dtypes[int64]
    if 0 in geometry.shape:
        return backend.zeros((0,), dtype=native)
    start = geometry.offset
    total = None
    trailing = 0
    for size, stride in zip(reversed(geometry.shape), reversed(geometry.strides), strict=True):
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


# -- geometries -------------------------------------------------------------------------------------------------------


def geometry_of(tensor: Tensor) -> Geometry:
    """Where the tensor's elements lie in its storage.

    For a view it follows from the chain of operations that made it, by PyTorch's rules; for other tensors from the
    strides of the array, where it has any.
    """
    if tensor.backend is GEOMETRIES:
        return tensor.array  # type: ignore[no-any-return]
    alias = tensor.alias
    if alias is None or alias.origin is None:
        return _own_geometry(tensor) if alias is None or alias.layout is None else alias.layout
    if alias.layout is None:
        try:
            alias.layout = _geometry_after(geometry_of(alias.origin), alias.path)
        except MissingKernelError:  # a plugin's view that is more than strides
            alias.layout = _own_geometry(tensor)
    return alias.layout


def _geometry_after(geometry: Geometry, steps: Sequence[Step]) -> Geometry:
    """The geometry that the steps lead to."""
    mode_before = mode()
    try:
        MODE.set(NO_GRAD)
        return _replay(Tensor._wrap(geometry, GEOMETRIES), steps).array  # type: ignore[no-any-return]
    finally:
        MODE.set(mode_before)


def _own_geometry(tensor: Tensor) -> Geometry:
    """The geometry of a tensor that is the beginning of its storage."""
    array, backend = tensor.array, tensor.backend
    shape = tuple(array.shape)
    strides = backend.strides(array)
    if strides is None or backend.is_contiguous(array):
        return Geometry.contiguous(tensor.dtype, shape)
    # An array library may step anything along a dimension of size 1; PyTorch steps over what lies to its right.
    usual = contiguous_strides(shape)
    return Geometry(tensor.dtype, shape, [u if n == 1 else s for n, s, u in zip(shape, strides, usual, strict=True)])


def keep_layout(out: Tensor, source: Tensor, memory_format: MemoryFormat | None = None) -> None:
    """Have a copy on an immutable backend lie in memory in the order of ``source``, or in that of the format."""
    if out.backend.mutable:
        return  # the array has the strides that its kernel gave it

    geometry = geometry_of(source)
    order = order_of_copy(geometry.shape, geometry.strides, memory_format)
    if order is not None:
        alias_of(out).layout = Geometry(out.dtype, geometry.shape, strides_in_order(geometry.shape, order))


def address_of(tensor: Tensor) -> int:
    """The address of the tensor's first element; 0 where it has none, as PyTorch."""
    if 0 in tensor.array.shape:
        return 0
    pointer = tensor.backend.data_pointer(tensor.array)
    if pointer is None:
        return alias_of(tensor).storage.address + geometry_of(tensor).offset * tensor.dtype.itemsize
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

    __slots__ = ("geometry", "steps")

    steps: tuple[Step, ...]
    geometry: Geometry

    def apply(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        if self.saved is None:
            raise freed_error()
        before, written = self.edges
        return (
            None if before is None else without_part(grad, self.steps, self.geometry),
            None if written is None else _replay(laid_out(grad, self.geometry), self.steps),
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
            part = _replay(Tensor._wrap(copied, backend), steps).array
            backend.assign(part, backend.zeros((), dtype=part.dtype))
        finally:
            MODE.set(mode_before)
        return copied
    if 0 in geometry.shape:
        return backend.copy(array)

    geometry = Geometry(backend.dtypes[array.dtype], geometry.shape, geometry.strides, geometry.offset)
    flat = put_at(backend, array, geometry, _even_extent(geometry), False)
    where = _places_after(backend, geometry, steps)
    seen_as = _geometry_after(geometry, steps).dtype if _up_to_other_dtype(steps) else geometry.dtype
    if seen_as is not geometry.dtype:
        flat = backend.reinterpret(flat, seen_as)
    written = backend.index_put(flat, (where,), backend.zeros((), dtype=flat.dtype))
    if seen_as is not geometry.dtype:
        written = backend.reinterpret(written, geometry.dtype)
    return taken_at(backend, written, geometry)


# -- any geometry -----------------------------------------------------------------------------------------------------


def strided_view(tensor: Tensor, source: Geometry, target: Geometry) -> Tensor:
    """What lies at ``target`` in the storage of a tensor whose own elements lie at ``source``.

    As a step of a view's chain it is also replayed on gradients, whose elements lie elsewhere: then it is the function
    of the tensor's elements that :func:`pullback.ops.shape.striding.restride` computes.
    """
    backend = tensor.backend
    if geometry_of(tensor) != source:
        return registry["restride"].call(tensor, source, target)  # type: ignore[no-any-return]
    alias = alias_of(tensor)
    origin = tensor if alias.origin is None else alias.origin
    array: Any
    if backend is GEOMETRIES:
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


def move_in_storage(tensor: Tensor, target: Geometry, array: NativeArray) -> None:
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
            seen.steps = ((strided_view, (target, geometry_of(member))),)
            if member.edge is not None:
                outdate(member)
    assert alias.origin is not None
    alias.path = _one_step(alias.origin, alias.path, geometry_of(tensor), target)
    if alias.base is not None:
        alias.steps = _one_step(alias.base, alias.steps, geometry_of(tensor), target)
    alias.layout = target
    tensor.array = array


def _one_step(start: Tensor, steps: tuple[Step, ...], source: Geometry, target: Geometry) -> tuple[Step, ...]:
    """The steps with one more, to ``target``: a single one where no step changes the dtype."""
    if start.dtype is target.dtype:
        return ((strided_view, (geometry_of(start), target)),)
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
        holder.alias.layout = geometry_of(tensor)
        alias.origin = holder  # first: views made meanwhile in other threads look here once they are members
    for member in alias.storage.live():
        seen = member.alias
        if seen is not None and seen.origin is tensor:
            seen.origin = holder


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


def put_at(backend: Backend, array: NativeArray, geometry: Geometry, count: int, accumulate: bool) -> NativeArray:
    """A vector of ``count`` zeros with the array's elements where the geometry says."""
    flat = backend.zeros((count,), dtype=array.dtype, device=backend.device_of(array))
    if backend.mutable and not (accumulate and geometry.may_overlap):
        backend.assign(backend.as_strided(flat, geometry.shape, geometry.strides, geometry.offset), array)
        return flat
    return backend.index_put(flat, (places(backend, geometry),), backend.reshape(array, (-1,)), accumulate)


def taken_at(backend: Backend, flat: NativeArray, geometry: Geometry) -> NativeArray:
    """What lies at the places of the geometry in a vector, as an array of its own."""
    if backend.mutable:
        return backend.copy(backend.as_strided(flat, geometry.shape, geometry.strides, geometry.offset))
    return backend.reshape(backend.take(flat, places(backend, geometry), axis=0), geometry.shape)

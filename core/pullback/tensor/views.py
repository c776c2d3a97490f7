"""Views: tensors that share the storage of another, by a chain of view operations, by strides, or detached.

The tensors of a storage share one version counter. A view remembers its base and the operations that lead from the base
to it; one behind ``detach()``, where gradients do not pass, those that lead to it from the origin of the storage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullback.backend.geometry import GEOMETRIES
from pullback.errors import MissingKernelError
from pullback.meta.dtypes import FLOATING
from pullback.process.blocks import surely
from pullback.process.locks import MEMORY
from pullback.tensor import STALE, Tensor
from pullback.tensor.geometry import flattened, geometry_after, geometry_of, places
from pullback.tensor.history import as_strided_node
from pullback.tensor.memory import (
    IN_INFERENCE,
    MULTIPLE,
    WITHOUT_GRAD,
    Alias,
    InferenceCounter,
    VersionCounter,
    alias_of,
    outdate,
)
from pullback.tensor.modes import FORWARD, INFERENCE, NO_GRAD, mode
from pullback.tensor.node import Node
from pullback.tensor.registry import registry
from pullback.tensor.seams import seams
from pullback.tensor.writing import catch_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullback.backend.base import NativeArray
    from pullback.backend.geometry import Geometry
    from pullback.tensor.memory import Step


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
        catch_up(out)


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
        target = geometry_after(source, steps)
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
        catch_up(out)


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


def reaches_beyond(view: Tensor) -> bool:
    """Whether a view may show elements of its base that the view it was made of does not: by strides of its own."""
    alias = view.alias
    return alias is not None and any(call is strided_view for call, _ in alias.steps[1:])


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
    alias.geometry = target
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
        holder.alias.geometry = geometry_of(tensor)
        alias.origin = holder  # first: views made meanwhile in other threads look here once they are members
    for member in alias.storage.live():
        seen = member.alias
        if seen is not None and seen.origin is tensor:
            seen.origin = holder

"""Memory from outside of a level that is written with a history or a tangent of it: lifted to it until that ends.

A tensor that a function makes from nothing while it is transformed, or copies from one it has captured, is none of the
level on which it is differentiated. When the function writes a result into it, the tensor and all that share its memory
become tensors of the level, the same for each example, which wrap what they were. At the end of the level they are
what they were again, with the elements that have been written.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from pullback.autograd.forward_ad import hand_over_tangent
from pullback.batching.levels import Level, LevelArray, LevelBackend
from pullback.tensor import LEAF, Tensor
from pullback.tensor.levels import WRITTEN
from pullback.tensor.memory import Alias, alias_of, stop_retaining

if TYPE_CHECKING:
    from pullback.tensor.memory import VersionCounter


def lift_memory(tensor: Tensor, level: Level) -> bool:
    """Make a tensor of a lower level, and all that share its memory, tensors of ``level``.

    Returns
    -------
    bool
        False where that cannot be: one of them is a leaf, keeps its gradient, or has been given other memory since.
    """
    storage = alias_of(tensor).storage
    members = storage.live()
    known = set(members)
    holders: list[Tensor] = []  # arrays of a storage that no tensor of the user's has any more
    for member in members:
        alias = member.alias
        if (
            alias is None
            or member.backend is not tensor.backend
            or member.edge is LEAF
            or member._retains_grad
            or (alias.base is not None and alias.base not in known)
        ):
            return False
        if alias.origin is not None and alias.origin not in known:
            known.add(alias.origin)
            holders.append(alias.origin)
    inner = {member: Tensor._wrap(member.array, member.backend) for member in members}
    outer = {holder: Tensor._wrap(holder.array, holder.backend) for holder in holders}
    inner |= {holder: holder for holder in holders}
    outer |= {member: member for member in members}
    around: dict[Tensor, Alias] = {}
    counters: dict[VersionCounter, VersionCounter] = {}
    lifted_storage = type(storage)()
    for original in inner:
        alias = alias_of(original)
        counter = alias.counter
        if counter not in counters:
            counters[counter] = type(counter)()
            counters[counter].version = counter.version
        around[original] = fresh = Alias(counters[counter], lifted_storage)
        fresh.base = None if alias.base is None else outer[alias.base]
        fresh.origin = None if alias.origin is None else outer[alias.origin]
        fresh.steps, fresh.path, fresh.creation, fresh.geometry = (
            alias.steps,
            alias.path,
            alias.creation,
            alias.geometry,
        )
    for member in members:
        value = inner[member]
        _move(member, value)
        assert value.alias is not None
        _redirect(value.alias, inner)
    storage.members[:] = [weakref.ref(inner[member]) for member in members]
    backend = level.backend_over(tensor.backend)
    for original, alias in around.items():
        held, lifted = inner[original], outer[original]
        lifted.alias = alias
        lifted.array, lifted.backend = LevelArray(held, None, backend), backend
        if lifted is original:
            lifted.edge = None
            lifted_storage.add(lifted)
            level.lifted.append(weakref.ref(lifted))
    return True


def restore_memory(level: Level) -> None:
    """Make what has been lifted to a level that ends what it was before."""
    found: dict[Tensor, None] = {}
    for reference in level.lifted:
        tensor = reference()
        if tensor is not None and tensor.alias is not None and _is_raised(tensor, level):
            found |= dict.fromkeys(t for t in tensor.alias.storage.live() if _is_raised(t, level))
    level.lifted.clear()
    outer: dict[Tensor, Tensor] = {}
    same: list[tuple[Tensor, Tensor]] = []  # tensors of one array, and what that wraps
    for tensor in found:
        value = tensor.array.value
        if outer.setdefault(value, tensor) is not tensor:
            same.append((tensor, value))
        if tensor._retains_grad:
            stop_retaining(tensor.edge)
            tensor._retains_grad = False
        tensor._tangent = None
        tensor.array, tensor.backend = value.array, value.backend
    for value, tensor in outer.items():
        alias_of(value)
        _move(value, tensor)
        alias_of(tensor).storage.add(tensor)
    noted = WRITTEN.get()
    for tensor in outer.values():
        alias = alias_of(tensor)
        _redirect(alias, outer)
        if noted is not None and tensor.edge is not None and alias.base is None:
            noted.append(weakref.ref(tensor))
    # What a node or a result keeps is a view of the whole.
    for value, tensor in outer.items():
        value.alias = _seen_whole(tensor)
    for tensor, value in same:
        tensor.edge, tensor.alias = value.edge, _seen_whole(outer[value])
        tensor.alias.storage.add(tensor)


def _seen_whole(tensor: Tensor) -> Alias:
    """The alias of another tensor of the same elements in the same memory, with the same history."""
    alias = alias_of(tensor)
    found = Alias(alias.counter, alias.storage)
    found.base, found.steps = (tensor, ()) if alias.base is None else (alias.base, alias.steps)
    found.origin, found.path = (tensor, ()) if alias.origin is None else (alias.origin, alias.path)
    found.creation, found.geometry, found.seen = alias.creation, alias.geometry, alias.seen
    found.producer, found.asked = alias.producer, alias.asked
    return found


def _is_raised(tensor: Tensor, level: Level) -> bool:
    backend = tensor.backend
    return isinstance(backend, LevelBackend) and backend.scope is level and tensor.array.batch_dim is None


def _move(source: Tensor, target: Tensor) -> None:
    """Give one tensor the place in the graph and in memory that another has, and its tangent."""
    target.edge, target.alias = source.edge, source.alias
    tangent = source._tangent
    if tangent is not None:
        hand_over_tangent(source, target)


def _redirect(alias: Alias, to: dict[Tensor, Tensor]) -> None:
    """Let an alias refer to other tensors than before."""
    if alias.base is not None:
        alias.base = to.get(alias.base, alias.base)
    if alias.origin is not None:
        alias.origin = to.get(alias.origin, alias.origin)

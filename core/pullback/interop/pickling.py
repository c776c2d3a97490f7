"""Pickling and copying tensors: elements, memory that several share, and what a subclass adds.

Tensors that share memory share it again in one pickle or one deep copy: what is pickled is the memory, once, and where
in it each tensor's elements lie.
"""

from __future__ import annotations

import copyreg
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from pullback.backend.geometry import Geometry
from pullback.backend.selection import get_backend
from pullback.dispatch.subclassing import moved
from pullback.tensor import LEAF, Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.memory import mark_inference
from pullback.tensor.modes import INFERENCE, MODE, NO_GRAD, mode
from pullback.tensor.overriding import DisablePullbackFunctionSubclass
from pullback.tensor.views import attach_detached, strided_view

if TYPE_CHECKING:
    from pullback.meta.dtypes import DType

#: What a tensor's instance dictionary holds of its part in the graph, which is neither pickled nor copied.
_OF_THE_GRAPH = frozenset(("_grad", "_tensor_hooks", "_post_accumulate_hooks", "_retains_grad", "_tangent"))
_OF_TENSOR = frozenset(Tensor.__slots__)


class Memory:
    """The memory that tensors of one pickle share; an object that refers to it makes pickle write it once."""

    __slots__ = ("__weakref__", "origin")

    def __init__(self, origin: Tensor) -> None:
        self.origin = origin

    def elements(self) -> Tensor:
        """All elements in the order they have in memory, as a vector that shares it."""
        geometry = geometry_of(self.origin)
        with DisablePullbackFunctionSubclass():
            return strided_view(self.origin.detach(), geometry, Geometry(geometry.dtype, (geometry.extent,), (1,)))

    def __reduce__(self) -> tuple[Any, ...]:
        elements = self.elements()
        return _loaded_elements, (elements.backend.name, elements.backend.to_numpy(elements.array))


#: One object for each piece of memory while some pickle refers to it.
_memories: WeakValueDictionary[int, Memory] = WeakValueDictionary()


def _memory_of(tensor: Tensor) -> Memory:
    alias = tensor.alias
    if alias is None:
        return Memory(tensor)
    found = _memories.get(id(alias.storage))
    if found is None:
        made = Memory(tensor if alias.origin is None else alias.origin)
        found = _memories.setdefault(id(alias.storage), made)
    return found


def _loaded_elements(backend_name: str, elements: Any) -> Tensor:
    """Pickled memory again, on the backend it was on."""
    backend = get_backend(backend_name)
    if backend.mutable and not elements.flags.writeable:
        elements = elements.copy()
    return Tensor._wrap(backend.from_numpy(elements), backend)


def reduced(tensor: Tensor) -> tuple[Any, ...]:
    """What ``__reduce_ex__`` returns: the memory, and where in it the elements lie."""
    for hook in (tensor._tensor_hooks or {}).values():
        import warnings

        warnings.warn(f"backward hook {hook!r} on tensor will not be serialized.", UserWarning, stacklevel=4)
    geometry = geometry_of(tensor)
    shares = tensor.alias is not None and len(tensor.alias.storage.live()) > 1
    if not _in_order(geometry):
        with DisablePullbackFunctionSubclass():
            tensor, geometry, shares = _compact(tensor), Geometry.contiguous(geometry.dtype, geometry.shape), False
    where = (geometry.dtype, geometry.shape, geometry.strides, geometry.offset)
    return rebuilt, (type(tensor), _memory_of(tensor), *where, tensor.edge is not None, shares), _state_of(tensor)


def _in_order(geometry: Geometry) -> bool:
    """Whether the elements can be told by strides from the beginning of the memory on."""
    return all(stride >= 0 for stride in geometry.strides)


def _compact(tensor: Tensor) -> Any:
    """The tensor in contiguous memory of its own, with its class and attributes."""
    made = moved(Tensor._wrap(tensor.backend.copy(tensor.array), tensor.backend), type(tensor))
    made.__dict__.update(tensor.__dict__)
    for name, value in _slots_of(tensor).items():
        setattr(made, name, value)
    made.edge = LEAF if tensor.edge is not None else None
    return made


def rebuilt(
    cls: type[Tensor],
    memory: Tensor | Memory,
    dtype: DType,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    requires_grad: bool,
    shares: bool,
) -> Any:
    """A pickled tensor again; ``copy.copy`` gives the memory itself, and so another tensor that shares it."""
    with DisablePullbackFunctionSubclass():
        if isinstance(memory, Memory):
            memory, shares = memory.elements(), True
        made = _placed(memory, Geometry(dtype, shape, strides, offset), shares)
        if cls is not Tensor:
            made = moved(made, cls)
    made.edge = LEAF if requires_grad else None
    return made


def _placed(memory: Tensor, target: Geometry, shares: bool) -> Tensor:
    """The tensor whose elements lie at ``target`` in a vector of elements; no view, as PyTorch's."""
    mode_before = mode()
    try:
        MODE.set(NO_GRAD)
        whole = geometry_of(memory)
        array = strided_view(memory, whole, target).array
        made = Tensor._wrap(array, memory.backend)
        if shares or not target.is_contiguous:
            attach_detached(made, memory, shares_version=False, steps=((strided_view, (whole, target)),))
        return made
    finally:
        MODE.set(mode_before)


def deep_copied(tensor: Tensor, memo: dict[int, Any]) -> Any:
    """What ``__deepcopy__`` returns: with memory of its own, shared with the other copies in ``memo``."""
    import copy

    if id(tensor) in memo:
        return memo[id(tensor)]
    if not tensor.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. "
            " If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage,"
            " see https://github.com/pytorch/pytorch/pull/103001"
        )
    geometry = geometry_of(tensor)
    with DisablePullbackFunctionSubclass():
        if not _in_order(geometry) or (tensor.alias is None and geometry.is_contiguous):
            made = _marked(Tensor._wrap(tensor.backend.copy(tensor.array), tensor.backend))
        else:
            key = id(tensor) if tensor.alias is None else id(tensor.alias.storage)
            if key not in memo:
                elements = _memory_of(tensor).elements()
                memo[key] = _marked(Tensor._wrap(elements.backend.copy(elements.array), elements.backend))
            shares = tensor.alias is not None and len(tensor.alias.storage.live()) > 1
            made = _placed(memo[key], geometry, shares)
        if type(tensor) is not Tensor:
            made = moved(made, type(tensor))
    made.edge = tensor.edge
    memo[id(tensor)] = made
    if tensor._grad is not None:
        made._grad = copy.deepcopy(tensor._grad, memo)
    own = {name: value for name, value in tensor.__dict__.items() if name not in _OF_THE_GRAPH}
    if own:
        made.__dict__.update(copy.deepcopy(own, memo))
    for name, value in _slots_of(tensor).items():
        setattr(made, name, copy.deepcopy(value, memo))
    return made


def _marked(fresh: Tensor) -> Tensor:
    """A fresh tensor, marked where it was made in inference mode."""
    if mode() & INFERENCE:
        mark_inference(fresh)
    return fresh


def _state_of(tensor: Tensor) -> Any:
    """What a tensor has beside being a tensor: its attributes, or what its ``__getstate__`` says."""
    if type(tensor).__getstate__ is not object.__getstate__:
        return tensor.__getstate__()
    own = {name: value for name, value in tensor.__dict__.items() if name not in _OF_THE_GRAPH} or None
    slots = _slots_of(tensor)
    return (own, slots) if slots else own


def _slots_of(tensor: Tensor) -> dict[str, Any]:
    """The values of the slots that a subclass has added."""
    names: Any = copyreg._slotnames(type(tensor))  # type: ignore[attr-defined]  # what pickle itself asks
    return {name: getattr(tensor, name) for name in names if name not in _OF_TENSOR and hasattr(tensor, name)}

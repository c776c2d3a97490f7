"""Saved tensors: what a node keeps until backward, and hooks that pack it into something else meanwhile.

A node usually holds the tensors themselves. Under :class:`saved_tensors_hooks`, or once hooks are registered on one of
them, it holds :class:`SavedTensor` objects in their places, and its class is another one that unpacks before it runs,
so that a node without hooks pays nothing.

Follows https://pytorch.org/docs/stable/autograd.html#hooks-for-saved-tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.backend.selection import backend_of_array, current_backend
from pullback.meta import dtypes
from pullback.process.blocks import Block, Setting
from pullback.process.locks import made_once
from pullback.tensor import Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.indices import Positions
from pullback.tensor.memory import version_of
from pullback.tensor.modes import FORWARD, MODE, NO_GRAD, SAVING, ModeBlock, entered, left, mode
from pullback.tensor.node import Node, freed_error, start_node
from pullback.tensor.saved_names import as_pytorch_saves, attribute_value, derived_values, is_number, shown_places
from pullback.tensor.seams import seams
from pullback.tensor.unpacking import check_versions, rewrap_output
from pullback.tensor.user_context import enter_user_code, leave_user_code
from pullback.tensor.views import attach_detached, keep_origin

if TYPE_CHECKING:
    from pullback.tensor import Tensor
    from pullback.tensor.node import Edge

    Pack: TypeAlias = Callable[[Tensor], Any]
    Unpack: TypeAlias = Callable[[Any], Tensor]

_hooks: ContextVar[tuple[tuple[Pack, Unpack], ...]] = ContextVar("pullback saved tensors hooks", default=())
_disabled: ContextVar[str | None] = ContextVar("pullback saved tensors hooks disabled", default=None)


class saved_tensors_hooks(ModeBlock):
    """Pack each tensor that is saved for backward inside the block, and unpack it when backward needs it.

    Parameters
    ----------
    pack_hook : callable
        Takes the tensor, and returns whatever is to be kept.
    unpack_hook : callable
        Takes what the other returned, and gives a tensor of the same elements.

    Notes
    -----
    The hooks entered last are used. Leaving a block takes these away, whoever entered them, as in PyTorch. Writing in
    place to what a hook was given is an error.

    Examples
    --------
    >>> import pullback as pb
    >>> a = pb.tensor([2., 3.], requires_grad=True)
    >>> with pb.autograd.graph.saved_tensors_hooks(lambda x: x.tolist(), pb.tensor):
    ...     y = a * a
    >>> y.sum().backward()
    >>> a.grad
    tensor([4., 6.])
    """

    def __init__(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    _bits = SAVING
    _ends_others = True

    def _other_settings(self) -> Sequence[Setting]:
        refused = _disabled.get()
        if refused is not None:
            raise RuntimeError(refused)
        _check_hooks(self.pack_hook, self.unpack_hook)
        return ((_hooks, (*_hooks.get(), (self.pack_hook, self.unpack_hook))),)

    def _end_block(self, before: Sequence[Setting]) -> None:
        remaining = _hooks.get()[:-1]
        _hooks.set(remaining)
        if not remaining:
            MODE.set(left(mode(), SAVING))


def _check_hooks(*hooks: Any) -> None:
    for hook in hooks:
        if not callable(hook):
            raise TypeError(f"hooks on saved tensors must be callable, got {type(hook).__name__}")


class disable_saved_tensors_hooks(Block):
    """Refuse hooks on saved tensors inside the block, with the given message; also as a decorator.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.autograd.graph.disable_saved_tensors_hooks("no hooks here"):
    ...     with pb.autograd.graph.save_on_cpu():
    ...         pass
    Traceback (most recent call last):
    RuntimeError: no hooks here
    """

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def _settings_inside(self) -> Sequence[Setting]:
        if _hooks.get():
            raise RuntimeError(self.error_message)
        return ((_disabled, self.error_message),)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with disable_saved_tensors_hooks(self.error_message):
                return function(*args, **kwargs)

        return call


class SavedTensor:
    """A tensor that a node has saved: the tensor, or what a pack hook made of it.

    It is what ``grad_fn._raw_saved_...`` gives; :meth:`register_hooks` packs this one tensor.
    """

    __slots__ = ("__weakref__", "_edge", "_node", "_packed", "_part", "_place", "_tensor", "_unpack")

    def __init__(self, tensor: Tensor | None, edge: Edge | None) -> None:
        self._tensor = tensor
        self._edge = edge  # its own history, so that the unpacked tensor can be differentiated further
        self._unpack: Unpack | None = None
        self._packed: Any = None
        self._node: Node | None = None
        self._place = -1
        self._part: int | None = None  # which one of the positions of an index it is, if it is one

    def register_hooks(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        """Pack the tensor now, and unpack it when backward needs it.

        Raises
        ------
        RuntimeError
            If it has been freed, has hooks already, or the pack hook writes to the tensor.
        """
        if self._unpack is not None:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of"
                " hooks is allowed at a time."
            )
        _check_hooks(pack_hook, unpack_hook)
        node = self._node
        if node is not None and node.saved is None:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the"
                " graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need"
                " to backward through the graph a second time or if you need to access saved variables after calling"
                " backward."
            )
        if self._tensor is None:
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        self._tensor = beside(self._tensor)  # as in PyTorch the hook gets a detached one
        self.pack(pack_hook, unpack_hook)
        if node is not None:
            assert node.saved is not None
            held = self if self._part is None else with_packed_part(node.saved[self._place], self._part, self)
            node.saved = (*node.saved[: self._place], held, *node.saved[self._place + 1 :])
            kind: Any = type(node)
            node.__class__ = packed_type(kind)
            self._node = None  # the node holds this now

    def pack(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        """Replace the tensor by what the hook makes of it."""
        tensor = self._tensor
        assert tensor is not None
        if mode() & FORWARD:
            seams.remember_saved(self, tensor)
        before = version_of(tensor)
        active = mode()
        try:
            MODE.set(entered(active & ~SAVING, NO_GRAD))
            packed = pack_hook(tensor)
        finally:
            MODE.set(active)
        if version_of(tensor) != before:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook"
                " cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open an"
                " issue if you need to perform in-place operations on the input to a pack hook."
            )
        self._packed, self._unpack, self._tensor = packed, unpack_hook, None

    def unpacked(self) -> Tensor:
        """The tensor again, with its history and its tangent; what the hook gives, where it has neither.

        Raises
        ------
        TypeError
            If the unpack hook returns something else than a tensor.
        """
        if self._unpack is None:
            assert self._tensor is not None
            return self._tensor

        saving = mode() & SAVING
        try:
            MODE.set(left(mode(), saving))
            tensor = self._unpack(self._packed)
        finally:
            MODE.set(entered(mode(), saving))  # what else the hook has changed lasts until the node has run
        if not isinstance(tensor, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type"
                f" {type(tensor).__name__}"
            )
        if self._edge is None and tensor.edge is None and not mode() & FORWARD:
            return tensor
        again = beside(tensor)
        again.edge = self._edge
        if mode() & FORWARD:
            seams.restore_tangent(again, self, 0)
        return again


def beside(tensor: Tensor) -> Tensor:
    """Another tensor of the same memory and version, to which a history can be given."""
    another = Tensor._wrap(tensor.array, tensor.backend)
    attach_detached(another, tensor, shares_version=True)
    return another


class PackedPositions:
    """The positions of an index once hooks have packed some of them."""

    __slots__ = ("parts", "versions")

    def __init__(self, parts: Sequence[SavedTensor | Tensor | None], versions: Sequence[Any]) -> None:
        self.parts = tuple(parts)
        self.versions = tuple(versions)

    def unpacked(self) -> Any:
        """The positions as an index again."""
        again = Positions([part.unpacked() if isinstance(part, SavedTensor) else part for part in self.parts])
        again.versions = tuple(
            now if isinstance(part, SavedTensor) else then
            for part, now, then in zip(self.parts, again.versions, self.versions, strict=True)
        )
        return again


def with_packed_part(positions: Any, number: int, packed: SavedTensor) -> PackedPositions:
    """The positions of an index with one of them packed."""
    parts = positions.parts
    return PackedPositions((*parts[:number], packed, *parts[number + 1 :]), positions.versions)


def pack_saved(node: Node, results: Sequence[Tensor]) -> None:
    """Hand what a fresh node has saved to the hooks that are in force."""
    kind: Any = type(node)
    outputs = kind.operation.outputs or ("out",)
    values: list[Any] = list(node.saved or ())
    packed = False
    for place, (name, value) in enumerate(zip(kind.saved_names, values, strict=True)):
        if isinstance(value, Tensor):
            values[place] = packed_by_hooks(value)
        elif name in outputs and value is not None:
            values[place] = packed_result(results[outputs.index(name)])
        elif isinstance(value, tuple) and any(isinstance(part, Tensor) for part in value):
            values[place] = tuple(packed_by_hooks(part) for part in value)
        elif _is_index(kind, place):
            value.check()
            parts = [None if part is None else packed_by_hooks(part) for part in value.parts]
            values[place] = PackedPositions(parts, value.versions)
        else:
            continue
        packed = True
    if packed:
        node.saved, node.versions, node.output_alias = tuple(values), None, None
        node.__class__ = packed_type(kind)


def packed_by_hooks(tensor: Tensor) -> SavedTensor:
    """The tensor as the innermost hooks pack it."""
    saved = SavedTensor(tensor, edge_of(tensor))
    saved.pack(*_hooks.get()[-1])
    return saved


def packed_result(result: Tensor) -> SavedTensor:
    """A result of the very node that saves it as the innermost hooks pack it; what they keep does not keep the node."""
    keep_origin(result)
    return packed_by_hooks(result.detach())


def current_hooks() -> tuple[Pack, Unpack] | None:
    """The innermost hooks in force, if any."""
    hooks = _hooks.get()
    return hooks[-1] if hooks else None


@made_once
def packed_type(kind: Any) -> Any:
    """The class of such a node once a hook has packed something of what it saved."""
    if getattr(kind, "unpacks", False):
        return kind

    def apply(self: Any, grad: Any) -> Any:
        if self.saved is None:
            raise freed_error()
        # Another node runs in this one's place: several threads may run through the graph at once.
        node = object.__new__(unpacked)
        start_node(node, self.edges)
        node.original = self
        node.reductions = self.reductions
        enter_user_code()
        node.saved = unpacked_values(self)

        node.versions = tuple(version_of(node.saved[place]) for place in kind.saved_operands)
        gradients = node.apply(grad)
        if self.hooks is None:
            leave_user_code()
        return gradients

    described = {"__module__": kind.__module__, "__doc__": kind.__doc__}
    unpacked: Any = type(kind.__name__, (kind,), {**described, "__slots__": ("original",)})
    return type(kind.__name__, (kind,), {**described, "__slots__": (), "apply": apply, "unpacks": True})


def unpacked_values(node: Any) -> tuple[Any, ...]:
    """What the node saved, as its formulas want it: tensors for operands, native arrays for results."""
    outputs = type(node).operation.outputs or ("out",)
    values = []
    for name, value in zip(type(node).saved_names, node.saved, strict=True):
        if isinstance(value, SavedTensor):
            tensor = value.unpacked()
            values.append(tensor.array if name in outputs else tensor)
        elif isinstance(value, PackedPositions):
            values.append(value.unpacked())
        elif isinstance(value, tuple):
            values.append(tuple(part.unpacked() if isinstance(part, SavedTensor) else part for part in value))
        else:
            values.append(value)
    return tuple(values)


# -- looking at what a node saved -------------------------------------------------------------------------------------


class SavedAttribute:
    """An attribute ``_saved_...`` or ``_raw_saved_...`` of a class of nodes.

    (A ``__getattr__`` would do, and make CPython look up every other attribute of a node more slowly.)
    """

    __slots__ = ("kind", "name", "raw")

    def __init__(self, kind: Any, name: str, raw: bool) -> None:
        self.kind = kind  # not the node's own class, which may have another name: an in-place view's
        self.name = name
        self.raw = raw

    def __get__(self, node: Any, kind: type) -> Any:
        if node is None:
            return self
        return raw_saved_value(node, self.kind, self.name) if self.raw else saved_value(node, self.kind, self.name)


def show_saved(kind: Any) -> Any:
    """Give a class of nodes the attributes that show what its nodes save, and return it."""
    places = shown_places(kind)
    for name in {**places, **derived_values(kind)}:
        setattr(kind, f"_saved_{name}", SavedAttribute(kind, name, False))
    for name, place in places.items():
        if (_is_tensor_place(kind, place) and not is_number(kind, name)) or _is_index(kind, place):
            setattr(kind, f"_raw_saved_{name}", SavedAttribute(kind, name, True))
    return kind


def _is_tensor_place(kind: Any, place: int) -> bool:
    return kind.saved_names[place] in kind.operation.operands or _is_result_place(kind, place)


def _is_index(kind: Any, place: int) -> bool:
    """Whether the positions of an index are saved there."""
    name = kind.saved_names[place]
    return name == "indices" and name in kind.operation.attributes


def saved_value(node: Node, kind: Any, name: str) -> Any:
    """The value of ``node._saved_...``.

    Raises
    ------
    RuntimeError
        If it has been freed, or is a tensor that has been written in place since.
    """
    derived = derived_values(kind)
    if name in derived:
        found = derived[name]
        return found(lambda asked: _value_called(node, kind, asked)) if callable(found) else found
    place = shown_places(kind)[name]
    value = _value_at(node, place)
    if isinstance(value, Tensor):
        return as_pytorch_saves(kind, name, value)
    if _is_tensor_place(kind, place) and isinstance(value, int | float | complex) and not is_number(kind, name):
        return _wrapped_number(value)
    return attribute_value(kind, name, value)


def raw_saved_value(node: Node, kind: Any, name: str) -> SavedTensor | tuple[SavedTensor, ...]:
    """The value of ``node._raw_saved_...``."""
    place = shown_places(kind)[name]
    if node.saved is None:
        freed = SavedTensor(None, None)  # it says that it has been freed when it is asked for anything
        freed._node, freed._place = node, place
        return freed
    value = node.saved[place]
    if isinstance(value, SavedTensor):
        return value
    if _is_index(kind, place):
        return tuple(_raw_part(node, place, number, part) for number, part in enumerate(value.parts))
    if isinstance(value, int | float | complex):
        value = _wrapped_number(value)
    if isinstance(value, Tensor):
        saved = SavedTensor(value, edge_of(value))
    else:
        saved = SavedTensor(None if value is None else _output_tensor(node, value, place), None)
    saved._node, saved._place = node, place
    return saved


def _raw_part(node: Node, place: int, number: int, part: Any) -> SavedTensor:
    """One of the positions of an index as ``node._raw_saved_indices`` gives it."""
    if isinstance(part, SavedTensor):
        return part
    saved = SavedTensor(part, None)
    saved._node, saved._place, saved._part = node, place, number
    return saved


def _value_called(node: Node, kind: Any, name: str) -> Any:
    """What a node saved by PyTorch's name, or else by the name that the formulas use."""
    place = shown_places(kind).get(name)
    value = _value_at(node, kind.saved_names.index(name) if place is None else place)
    return as_pytorch_saves(kind, name, value) if isinstance(value, Tensor) else value


def _value_at(node: Node, place: int) -> Any:
    """What a node saved there: operands and results as tensors, attributes as they are."""
    if node.saved is None:
        raise freed_error()
    value = node.saved[place]
    if isinstance(value, SavedTensor) and _is_result_place(type(node), place):
        tensor = value.unpacked()
        out = _output_tensor(node, tensor.array, place)
        attach_detached(out, tensor, shares_version=True)
        return out
    if isinstance(value, SavedTensor | PackedPositions):
        return value.unpacked()
    if isinstance(value, Tensor):
        check_versions(node, place)
    elif value is not None and _is_result_place(type(node), place):
        check_versions(node, place)
        return _output_tensor(node, value, place)
    return value


def _is_result_place(kind: Any, place: int) -> bool:
    name = kind.saved_names[place]
    return name == "out" or name in (kind.operation.outputs or ())


def _wrapped_number(value: complex) -> Tensor:
    """A number among operands as PyTorch saves it: a tensor of the widest dtype of its kind."""
    widest = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64}
    backend = current_backend()
    return Tensor._wrap(backend.from_data(value, widest.get(type(value), dtypes.complex128)), backend)


def _output_tensor(node: Any, array: Any, place: int) -> Tensor:
    """A saved result as a tensor again."""
    outputs = type(node).operation.outputs
    number = 0 if outputs is None else outputs.index(type(node).saved_names[place])
    backend = backend_of_array(array)
    assert backend is not None
    return rewrap_output(node, array, backend, number)


seams.pack_saved = pack_saved

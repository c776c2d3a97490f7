"""What a node keeps of tensors until backward, and hooks that pack it into something else meanwhile.

A node usually holds the tensors themselves. Under :class:`saved_tensors_hooks`, or once hooks are registered on one of
them, it holds :class:`SavedTensor` objects in their places, and its class is another one that unpacks before it runs,
so that a node without hooks pays nothing.

Follows https://pytorch.org/docs/stable/autograd.html#hooks-for-saved-tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.autograd.grad_mode import MODE, NO_GRAD, SAVING, entered, mode
from pullback.autograd.node import Node, freed_error, start_node

if TYPE_CHECKING:
    from contextvars import Token

    from pullback.autograd.node import Edge
    from pullback.tensor import Tensor

    Pack: TypeAlias = Callable[[Tensor], Any]
    Unpack: TypeAlias = Callable[[Any], Tensor]

_hooks: ContextVar[tuple[tuple[Pack, Unpack], ...]] = ContextVar("pullback saved tensors hooks", default=())
_disabled: ContextVar[str | None] = ContextVar("pullback saved tensors hooks disabled", default=None)


class saved_tensors_hooks:
    """Pack each tensor that is saved for backward inside the block, and unpack it when backward needs it.

    Parameters
    ----------
    pack_hook : callable
        Takes the tensor, and returns whatever is to be kept.
    unpack_hook : callable
        Takes what the other returned, and gives a tensor of the same elements.

    Notes
    -----
    The innermost hooks are used. Writing in place to what a hook was given is an error.

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

    _saved: Token[tuple[tuple[Pack, Unpack], ...]]
    _mode: Token[int]

    def __init__(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        refused = _disabled.get()
        if refused is not None:
            raise RuntimeError(refused)
        self._saved = _hooks.set((*_hooks.get(), (self.pack_hook, self.unpack_hook)))
        self._mode = MODE.set(entered(mode(), SAVING))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        MODE.reset(self._mode)
        _hooks.reset(self._saved)


class disable_saved_tensors_hooks:
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

    _token: Token[str | None]

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> None:
        if _hooks.get():
            raise RuntimeError(self.error_message)
        self._token = _disabled.set(self.error_message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _disabled.reset(self._token)

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

    __slots__ = ("_edge", "_node", "_packed", "_place", "_tensor", "_unpack")

    def __init__(self, tensor: Tensor | None, edge: Edge | None) -> None:
        self._tensor = tensor
        self._edge = edge  # its own history, so that the unpacked tensor can be differentiated further
        self._unpack: Unpack | None = None
        self._packed: Any = None
        self._node: Node | None = None
        self._place = -1

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
        self.pack(pack_hook, unpack_hook)
        if node is not None:
            assert node.saved is not None
            node.saved = (*node.saved[: self._place], self, *node.saved[self._place + 1 :])
            kind: Any = type(node)
            node.__class__ = packed_type(kind)
            self._node = None  # the node holds this now

    def pack(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        """Replace the tensor by what the hook makes of it."""
        from pullback.views import version_of

        tensor = self._tensor
        assert tensor is not None
        before = version_of(tensor)
        token = MODE.set(entered(mode() & ~SAVING, NO_GRAD))
        try:
            packed = pack_hook(tensor)
        finally:
            MODE.reset(token)
        if version_of(tensor) != before:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook"
                " cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open an"
                " issue if you need to perform in-place operations on the input to a pack hook."
            )
        self._packed, self._unpack, self._tensor = packed, unpack_hook, None

    def unpacked(self) -> Tensor:
        """The tensor again, with its history.

        Raises
        ------
        TypeError
            If the unpack hook returns something else than a tensor.
        """
        if self._unpack is None:
            assert self._tensor is not None
            return self._tensor
        from pullback.tensor import Tensor

        token = MODE.set(entered(mode() & ~SAVING, NO_GRAD))
        try:
            tensor = self._unpack(self._packed)
        finally:
            MODE.reset(token)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type"
                f" {type(tensor).__name__}"
            )
        again = Tensor._wrap(tensor.array, tensor.backend)
        again.edge = self._edge
        return again


def pack_saved(node: Node, results: Sequence[Tensor]) -> None:
    """Hand what a fresh node has saved to the hooks that are in force."""
    from pullback.tensor import Tensor

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
        else:
            continue
        packed = True
    if packed:
        node.saved, node.versions, node.output_alias = tuple(values), None, None
        node.__class__ = packed_type(kind)


def packed_by_hooks(tensor: Tensor) -> SavedTensor:
    """The tensor as the innermost hooks pack it."""
    from pullback.views import edge_of

    saved = SavedTensor(tensor, edge_of(tensor))
    saved.pack(*_hooks.get()[-1])
    return saved


def packed_result(result: Tensor) -> SavedTensor:
    """A result of the very node that saves it as the innermost hooks pack it; what they keep does not keep the node."""
    from pullback.views import keep_origin

    keep_origin(result)
    return packed_by_hooks(result.detach())


def current_hooks() -> tuple[Pack, Unpack] | None:
    """The innermost hooks in force, if any."""
    hooks = _hooks.get()
    return hooks[-1] if hooks else None


@functools.cache
def packed_type(kind: Any) -> Any:
    """The class of such a node once a hook has packed something of what it saved."""
    if getattr(kind, "unpacks", False):
        return kind

    def apply(self: Any, grad: Any) -> Any:
        if self.saved is None:
            raise freed_error()
        # Another node runs in this one's place: several threads may run through the graph at once.
        node = object.__new__(kind)
        start_node(node, self.edges)
        node.reductions = self.reductions
        node.saved = unpacked_values(self)
        return node.apply(grad)

    return type(
        kind.__name__,
        (kind,),
        {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__, "apply": apply, "unpacks": True},
    )


def unpacked_values(node: Any) -> tuple[Any, ...]:
    """What the node saved, as its formulas want it: tensors for operands, native arrays for results."""
    outputs = type(node).operation.outputs or ("out",)
    values = []
    for name, value in zip(type(node).saved_names, node.saved, strict=True):
        if isinstance(value, SavedTensor):
            tensor = value.unpacked()
            values.append(tensor.array if name in outputs else tensor)
        elif isinstance(value, tuple):
            values.append(tuple(part.unpacked() if isinstance(part, SavedTensor) else part for part in value))
        else:
            values.append(value)
    return tuple(values)


# -- looking at what a node saved -------------------------------------------------------------------------------------


def _pytorch_names(kind: Any) -> dict[str, int]:
    """Which of the saved values each of PyTorch's attributes ``_saved_...`` shows."""
    operation = kind.operation
    first = operation.operands[0]
    places = {}
    for place, name in enumerate(kind.saved_names):
        operand, _, what = name.rpartition("_")
        if name == "out":
            shown = "result"
        elif what in ("shape", "dtype") and operand in operation.operands:
            own = "self" if operand == first == "input" else operand
            shown = f"{own}_sym_sizes" if what == "shape" else f"{own}_scalar_type"
        else:
            shown = "self" if name == first == "input" else name
        places[shown] = place
    return places


class SavedAttribute:
    """An attribute ``_saved_...`` or ``_raw_saved_...`` of a class of nodes.

    (A ``__getattr__`` would do, and make CPython look up every other attribute of a node more slowly.)
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, node: Any, kind: type) -> Any:
        return self if node is None else saved_value(node, self.name)


def show_saved(kind: Any) -> Any:
    """Give a class of nodes the attributes that show what its nodes save, and return it."""
    for name, place in _pytorch_names(kind).items():
        setattr(kind, f"_saved_{name}", SavedAttribute(f"_saved_{name}"))
        if _is_tensor_place(kind, place):
            setattr(kind, f"_raw_saved_{name}", SavedAttribute(f"_raw_saved_{name}"))
    return kind


def _is_tensor_place(kind: Any, place: int) -> bool:
    name = kind.saved_names[place]
    return name == "out" or name in kind.operation.operands or name in (kind.operation.outputs or ())


def saved_value(node: Node, attribute: str) -> Any:
    """The value of ``node._saved_...`` or ``node._raw_saved_...``.

    Raises
    ------
    RuntimeError
        If it has been freed.
    """
    from pullback.tensor import Tensor
    from pullback.views import check_versions, edge_of

    kind: Any = type(node)
    raw = attribute.startswith("_raw")
    name = attribute.removeprefix("_raw").removeprefix("_saved_")
    places = _pytorch_names(kind)
    if node.saved is None:
        raise freed_error()
    place = places[name]
    value = node.saved[place]
    is_tensor = _is_tensor_place(kind, place) and not isinstance(value, int | float | complex | None)
    if not raw and not isinstance(value, SavedTensor):
        if not is_tensor or isinstance(value, Tensor):
            check_versions(node)
            return value
        return _output_tensor(node, value, place)
    if isinstance(value, SavedTensor):
        return value if raw else value.unpacked()
    if isinstance(value, Tensor):
        saved = SavedTensor(value, edge_of(value))
    else:
        saved = SavedTensor(None if value is None else _output_tensor(node, value, place), None)
    saved._node, saved._place = node, place
    return saved


def _output_tensor(node: Any, array: Any, place: int) -> Tensor:
    """A saved result as a tensor again."""
    from pullback.backend.selection import backend_of_array
    from pullback.views import rewrap_output

    outputs = type(node).operation.outputs
    number = 0 if outputs is None else outputs.index(type(node).saved_names[place])
    backend = backend_of_array(array)
    assert backend is not None
    return rewrap_output(node, array, backend, number)

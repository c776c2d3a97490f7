"""Aliasing: which tensors share memory, their version, and how a write through one reaches the others.

On a backend with mutable arrays the arrays themselves share memory. Where arrays are immutable the sharing is kept up
here: a write goes through the inverse of the view's chain into the base, and every live member of the alias group is
refreshed at once, so reading stays a plain slot access. Either way a group shares one version counter, and a view
remembers its base and the operations that lead from the base to it, so that its history can be regenerated after the
base has changed.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from pullback.autograd.grad_mode import MODE, NO_GRAD, mode
from pullback.autograd.node import Node, OutputSlot, function_of, modified_error, short_name, start_node
from pullback.dtypes import FLOATING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pullback.autograd.node import Edge
    from pullback.backend.base import Backend, NativeArray
    from pullback.op import Operation
    from pullback.tensor import Tensor

    #: One operation of a view's chain, and its arguments after the tensor.
    Step: TypeAlias = tuple[Callable[..., Tensor], tuple[Any, ...]]


class VersionCounter:
    """Counts the writes to a piece of memory; shared by all tensors that differentiate through it."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = 0


class Group:
    """The tensors that share one piece of memory, held weakly; views keep their base alive by themselves."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        self.members: list[weakref.ref[Tensor]] = []

    def add(self, tensor: Tensor) -> None:
        """Note a member; forget the dead ones whenever the list has doubled."""
        members = self.members
        if len(members) >= 16 and len(members) & (len(members) - 1) == 0:
            members[:] = [m for m in members if m() is not None]
        members.append(weakref.ref(tensor))

    def live(self) -> list[Tensor]:
        """The members that still exist."""
        return [t for m in self.members if (t := m()) is not None]


class Alias:
    """How one tensor shares memory.

    Attributes
    ----------
    counter : VersionCounter
    group : Group
    base : Tensor or None
        The tensor this one is a differentiable view of.
    steps : tuple
        The operations with their arguments that lead from ``base`` to the view.
    origin : Tensor or None
        The tensor whose memory this is; it differs from ``base`` behind ``detach()``, where gradients do not pass.
    path : tuple
        The steps that lead from ``origin`` to the view.
    multiple : bool
        One of several outputs of one operation; such views refuse to be written in place where a graph is recorded.
    without_grad : bool
        Made while no graph was recorded.
    strides : tuple of int or None
        The view's strides, once asked for, on a backend whose arrays have none.
    """

    __slots__ = ("base", "counter", "group", "multiple", "origin", "path", "steps", "strides", "without_grad")

    def __init__(self, counter: VersionCounter, group: Group) -> None:
        self.counter = counter
        self.group = group
        self.base: Tensor | None = None
        self.origin: Tensor | None = None
        self.steps = self.path = _NO_STEPS
        self.multiple = False
        self.without_grad = False
        self.strides: tuple[int, ...] | None = None


_NO_STEPS: tuple[Step, ...] = ()


def alias_of(tensor: Tensor) -> Alias:
    """The tensor's alias, made when it is first needed: at the first view of it or the first write."""
    alias = tensor.alias
    if alias is None:
        alias = tensor.alias = Alias(VersionCounter(), Group())
        alias.group.add(tensor)
        if tensor.edge is not None:
            _tell_producer(tensor, alias)
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
    kind: Any = type(node)
    outputs = kind.operation.outputs
    if outputs is None or outputs[number] in kind.saved_names:
        node.output_alias = (*(node.output_alias or ()), (alias, alias.counter.version))


def version_of(tensor: Any) -> int:
    """How often the tensor's memory has been written in place; 0 for a Python number."""
    alias = getattr(tensor, "alias", None)
    return 0 if alias is None else int(alias.counter.version)


def bump_version(tensor: Tensor) -> None:
    """Count one write to the tensor's memory."""
    alias_of(tensor).counter.version += 1


class OutputOf:
    """A step of a view's chain that takes one of an operation's several results."""

    __slots__ = ("call", "number")

    def __init__(self, call: Callable[..., tuple[Tensor, ...]], number: int) -> None:
        self.call = call
        self.number = number

    def __call__(self, *arguments: Any) -> Tensor:
        return self.call(*arguments)[self.number]


def attach_view(
    out: Tensor, source: Tensor, operation: Operation, arguments: tuple[Any, ...], active: int, number: int = 0
) -> None:
    """Note that ``out``, fresh from a view operation, shares the memory of ``source``.

    ``number`` says which of the operation's results it is, where there are several.
    """
    shared = source.alias
    if shared is None:
        shared = alias_of(source)
    alias = Alias(shared.counter, shared.group)
    call = operation.call
    if operation.outputs is not None:
        call = OutputOf(call, number)
        alias.multiple = True
    if list in map(type, arguments):  # the caller's list may change
        arguments = tuple(tuple(a) if type(a) is list else a for a in arguments)
    step = (call, arguments)
    if shared.base is None:
        alias.base = source
        alias.steps = (step,)
    else:
        alias.base = shared.base
        alias.steps = (*shared.steps, step)
        if shared.multiple:
            alias.multiple = True
        if shared.without_grad:
            alias.without_grad = True
    if shared.origin is None:
        alias.origin = source
        alias.path = alias.steps
    else:
        alias.origin = shared.origin
        alias.path = alias.steps if shared.origin is shared.base else (*shared.path, step)
    if active & NO_GRAD:
        alias.without_grad = True
    out.alias = alias
    shared.group.add(out)


def attach_detached(out: Tensor, source: Tensor, shares_version: bool) -> None:
    """Note that ``out`` shares the memory of ``source`` but not its gradients."""
    shared = alias_of(source)
    alias = Alias(shared.counter if shares_version else VersionCounter(), shared.group)
    alias.origin = source if shared.origin is None else shared.origin
    alias.path = shared.path
    out.alias = alias
    shared.group.add(out)


def edge_of(tensor: Tensor) -> Edge | None:
    """Where gradients of the tensor go: itself for a leaf that requires them, its node, or None."""
    from pullback.tensor import LEAF, STALE

    edge = tensor.edge
    if edge is LEAF:
        return tensor
    if edge is STALE:
        return regenerate(tensor)
    return edge  # type: ignore[no-any-return]


def regenerate(view: Tensor) -> Edge | None:
    """Rebuild the history of a view whose base has changed since: replay its chain on the base.

    Raises
    ------
    RuntimeError
        For a view whose history cannot be told: one of several outputs, or one made while no graph was recorded.
    """
    alias = view.alias
    assert alias is not None
    assert alias.base is not None
    if alias.multiple or alias.without_grad:
        raise forbidden_write(view, "its base or another view of its base has been")
    token = MODE.set(0)
    try:
        fresh = _replay(alias.base, alias.steps)
    finally:
        MODE.reset(token)
    view.edge = fresh.edge
    return edge_of(view)


def _replay(tensor: Any, steps: Sequence[Step]) -> Any:
    """The tensor after the steps of a view's chain."""
    for call, arguments in steps:
        tensor = call(tensor, *arguments)
    return tensor


def forbidden_write(view: Tensor, written: str) -> RuntimeError:
    """The error for a write that leaves a view's history untold; ``written`` says what is being written."""
    from pullback.op import registry

    alias = view.alias
    assert alias is not None
    call: Any = alias.steps[-1][0]
    number = 0
    if isinstance(call, OutputOf):
        call, number = call.call, call.number
    if view.edge is None or not alias.multiple:
        origin = "A view was created in no_grad mode"
    else:
        node_name = getattr(registry[call.__name__], "node_name", "")
        node_name = node_name if isinstance(node_name, str) else call.__name__.capitalize()
        origin = f"Output {number} of {short_name(node_name)} is a view"
    reason = (
        "This view is the output of a function that returns multiple views. Such functions do not allow the output"
        " views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        if alias.multiple
        else "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by"
        " moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to"
        " be tracked) or both outside (if you want the inplace to be tracked)."
    )
    mode_text = "" if alias.multiple and view.edge is not None else " with grad mode enabled"
    return RuntimeError(f"{origin} and {written} modified inplace{mode_text}. {reason}")


# -- writing ----------------------------------------------------------------------------------------------------------


def write(tensor: Tensor, array: NativeArray) -> None:
    """Replace the tensor's elements by those of ``array``, of its shape and dtype, in the memory it shares.

    On a mutable backend into the array; otherwise into the base, and every live member of the group is refreshed.
    """
    from pullback.tensor import Tensor

    backend = tensor.backend
    if backend.mutable:
        backend.assign(tensor.array, array)
        bump_version(tensor)
        return
    alias = alias_of(tensor)
    others = [t for t in alias.group.live() if t is not tensor]
    origin = tensor if alias.origin is None else alias.origin
    if origin is tensor or not alias.path:
        origin.array = array
    else:
        origin.array = _written_origin(backend, origin, alias, array)
    alias.counter.version += 1
    if not others:
        tensor.array = array
        return
    token = MODE.set(mode() | NO_GRAD)
    try:
        source = Tensor._wrap(origin.array, backend)
        for member in (tensor, *others):
            if member is not origin:
                assert member.alias is not None
                member.array = _replay(source, member.alias.path).array
    finally:
        MODE.reset(token)


def _written_origin(backend: Backend, origin: Tensor, alias: Alias, array: NativeArray) -> NativeArray:
    """The origin's array with a view's elements replaced: where each of them lies comes from replaying on positions."""
    shape = origin.array.shape
    where = _positions(backend, shape, alias.path)
    flat = backend.reshape(origin.array, (-1,))
    written = backend.index_put(flat, (where,), backend.reshape(array, (-1,)))
    return backend.reshape(written, shape)


def _positions(backend: Backend, shape: tuple[int, ...], steps: Sequence[Step]) -> NativeArray:
    """Where in the flattened tensor of that shape the elements lie that ``steps`` select, as a vector."""
    from pullback.tensor import Tensor

    count = 1
    for size in shape:
        count *= size
    int64 = backend.native_dtypes[_int64()]
    positions = backend.reshape(backend.arange(0, count, 1, dtype=int64), shape)
    token = MODE.set(NO_GRAD)
    try:
        selected = _replay(Tensor._wrap(positions, backend), steps)
    finally:
        MODE.reset(token)
    return backend.reshape(selected.array, (-1,))


def positions_of(view: Tensor) -> Any:
    """Where in the memory of its origin each element of the view lies, as a NumPy array."""
    alias = view.alias
    assert alias is not None
    assert alias.origin is not None
    positions = _positions(view.backend, alias.origin.array.shape, alias.path)
    return view.backend.to_numpy(positions).reshape(view.array.shape)


def _int64() -> Any:
    from pullback.dtypes import int64

    return int64


def rebase(tensor: Tensor, node: Edge | None) -> None:
    """Give a tensor written in place its new history ``node``; through a view, the base's too."""
    from pullback.tensor import STALE

    alias = alias_of(tensor)
    root = tensor if alias.base is None else alias.base
    if root is tensor:
        tensor.edge = node
    elif node is not None or root.edge is not None:
        root.edge = copy_slices(root, alias.steps, node)
        tensor.edge = STALE
    if isinstance(node, Node) and node.saves_output:
        watch_output(node, 0, alias)
    mark = STALE if root.edge is not None else None
    for member in alias.group.live():
        if member.alias is not None and member.alias.base is root:
            member.edge = mark


class CopySlices(Node):
    """History of a base written through a view.

    Elements of the gradient that the view shows belong to what was written there, the others to the base as it was.
    """

    __slots__ = ("steps",)

    steps: tuple[Step, ...]

    def apply(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        before, written = self.edges
        return (
            None if before is None else without_part(grad, self.steps),
            None if written is None else _replay(grad, self.steps),
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
    copied.steps = steps
    return copied


def without_part(grad: Tensor, steps: tuple[Step, ...]) -> Tensor:
    """``grad`` with zeros where ``steps`` lead to."""
    from pullback.op import registry

    zeroed: Tensor = registry["zero_part"].call(grad, steps)
    return zeroed


def zero_part(backend: Backend, array: NativeArray, steps: Sequence[Step]) -> NativeArray:
    """A copy of the array with zeros where ``steps`` lead to."""
    from pullback.tensor import Tensor

    zero = backend.zeros((), dtype=array.dtype)
    if not backend.mutable:
        flat = backend.reshape(array, (-1,))
        written = backend.index_put(flat, (_positions(backend, array.shape, steps),), zero)
        return backend.reshape(written, array.shape)
    copied = backend.copy(array)
    token = MODE.set(NO_GRAD)
    try:
        backend.assign(_replay(Tensor._wrap(copied, backend), steps).array, zero)
    finally:
        MODE.reset(token)
    return copied


# -- what nodes save --------------------------------------------------------------------------------------------------


def check_versions(node: Node) -> None:
    """Refuse to use saved tensors that have been written in place since they were saved."""
    saved = node.saved
    assert saved is not None
    expected = node.versions or ()
    kind: Any = type(node)
    for number, position in enumerate(kind.saved_operands):
        tensor = saved[position]
        alias = getattr(tensor, "alias", None)
        if alias is None:
            continue
        then = expected[number] if expected else 0
        if alias.counter.version != then:
            raise modified_error(tensor.dtype, tensor.shape, tensor.edge, alias.counter.version, then)
    for alias, then in node.output_alias or ():
        if alias.counter.version != then:
            output = next((t for t in alias.group.live() if t.alias is alias), None)
            shape, dtype = (output.shape, output.dtype) if output is not None else ((), _int64())
            raise modified_error(dtype, shape, node, alias.counter.version, then)


def rewrap_output(node: Node, array: NativeArray, backend: Backend, number: int) -> Tensor:
    """A saved result as a Tensor again, with the node as its history, so that it can be differentiated further."""
    from pullback.autograd.node import output_slot
    from pullback.tensor import Tensor

    out = Tensor._wrap(array, backend)
    if array is None:  # not kept, as no gradient needs it
        return out
    if not mode() & NO_GRAD and out.dtype.category >= FLOATING:
        kind: Any = type(node)
        out.edge = node if kind.operation.outputs is None else output_slot(node, number)
    return out

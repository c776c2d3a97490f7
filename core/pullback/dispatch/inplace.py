"""Writing an operation's result into its first operand: ``add_``, ``+=``, ``x[...] = y``, ``copy_``.

The operation runs as usual on a stand-in for the tensor as it was; then its result is written into the tensor's memory
and its node becomes the tensor's history. Every check comes before the first change.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pullback.backend.geometry import Geometry
from pullback.dispatch.complete_path import coerce, common_dtype
from pullback.dispatch.finishing import finish_write
from pullback.meta.allocation import check_size
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import can_cast
from pullback.meta.shapes import broadcast_shape
from pullback.meta.strides import contiguous_strides
from pullback.process.blocks import surely
from pullback.process.interrupts import raised_by_handler
from pullback.process.locks import MEMORY, made_once
from pullback.tensor import LEAF, Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.history import edge_of, forbidden_write, history_from_base
from pullback.tensor.memory import alias_of, bump_version, has_node, is_inference
from pullback.tensor.modes import FORWARD, INFERENCE, MUTATION, NO_GRAD, SAVING, mode
from pullback.tensor.node import Node, start_node
from pullback.tensor.overriding import NOT_OVERRIDDEN, answered, ask, use
from pullback.tensor.rebasing import history_after, rebase
from pullback.tensor.seams import seams
from pullback.tensor.unknown_derivative import UnknownDerivative
from pullback.tensor.views import move_in_storage, reaches_beyond, strided_view
from pullback.tensor.writing import writable_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullback.backend.base import NativeArray
    from pullback.dispatch.declaration import Operation
    from pullback.meta.dtypes import DType
    from pullback.tensor import Tensor


def apply_inplace(operation: Operation, tensor: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Run ``operation`` on the tensor and write the result into it.

    Raises
    ------
    RuntimeError
        For a leaf that requires gradients, memory that overlaps itself, a result of another shape, or one whose dtype
        cannot be cast to the tensor's; the tensor is unchanged then.
    """
    if use.begun and operation.inplace_name is not None:
        relevant = (tensor, *args, *kwargs.values())
        method = getattr(Tensor, operation.inplace_name)
        answer = ask(method, (tensor, *args), kwargs, relevant)
        if answer is not NOT_OVERRIDDEN:
            return answered(method, answer, relevant)  # type: ignore[no-any-return]
    if not _apply_once(operation, tensor, args, kwargs):
        _apply_again(operation, tensor, args, kwargs)
    return tensor


def _apply_again(operation: Operation, tensor: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Run an operation whose result was out of date until it is not: alone, where none of the user's code runs in it.

    With the lock held, such code could wait for a thread that waits for the lock.
    """
    alone = mode() <= NO_GRAD and not use.begun and not tensor.backend.level
    written = False
    while not written:
        with MEMORY if alone else nullcontext():
            written = _apply_once(operation, tensor, args, kwargs)


def _apply_once(operation: Operation, tensor: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Run an operation on the tensor and write the result, unless that was computed from what is no more."""
    active = mode()
    recording = not active & NO_GRAD
    operands = [a for a in args if isinstance(a, Tensor)]
    check_writable(tensor, operands, operation.fills, _read_first(operation, args) if operands else None)
    if active & MUTATION:
        seams.before_write(tensor)
    backend = tensor.backend
    level, mutable = backend.level, backend.mutable
    # An immutable array is replaced as a whole: elements that another thread writes meanwhile must not be put back.
    replaced = not level and not mutable and not operation.fills and not operation.draws
    before = seams.stand_in(tensor, operands) if level else Tensor._wrap(tensor.array, backend)
    seen = before.array
    if active != NO_GRAD and (active or level or replaced or tensor.edge is not None):
        seen = _give_past(before, tensor, active, replaced)
    form = _form_to_run(operation, tensor, active)
    try:
        out = _result(operation, form, tensor, before, operands, args, kwargs)
        node = edge_of(out) if recording and out is not None and out.edge is not None else None
    except BaseException as error:
        if form is not operation and mutable and (not isinstance(error, Exception) or raised_by_handler(error)):
            surely(_note_interrupted, tensor, recording)
        raise
    if out is None:  # it has other operands now
        return False
    if replaced or node is not None or (recording and tensor.edge is not None):
        with MEMORY:  # other views of the base may be written in other threads
            if replaced and tensor.array is not seen:
                return False
            surely(finish_write, tensor, out, node, active, [])
    else:
        surely(finish_write, tensor, out, None, active, [])
    return True


def _form_to_run(operation: Operation, tensor: Tensor, active: int) -> Operation:
    """The form of the operation that writes into the array, where there is one; else the operation itself."""
    form, backend = operation.overwriting, tensor.backend
    if form is None or active > NO_GRAD or backend.level:
        return operation  # what derives or intercepts a call may look at its operands afterwards
    return operation if backend.mutable and not backend.writable(tensor.array) else form


def _give_past(before: Tensor, tensor: Tensor, active: int, replaced: bool) -> NativeArray:
    """Give the stand-in of a tensor its history and tangent, and return the array that these are of."""
    recording = not active & NO_GRAD
    if recording and replaced:
        with MEMORY:  # elements and their history, not those of two times
            before.array, before.edge = tensor.array, _history_of(tensor)
    elif recording:
        before.edge = _history_of(tensor)
    seen = before.array
    if recording:
        if before.edge is not None and tensor.alias is not None and tensor.alias.base is not None:
            before.edge = history_from_base(tensor) if reaches_beyond(tensor) else _without_hooks(before.edge)
        if active & SAVING and tensor.backend.mutable:  # what hooks keep must not be written into
            before.array = tensor.backend.copy(tensor.array)
    if active & FORWARD:
        tangent = seams.tangent_of(tensor)
        if tangent is not None:  # the node may keep it as it is before the write
            seams.set_tangent(before, tangent.clone() if recording else tangent)
    return seen


def _result(
    operation: Operation,
    form: Operation,
    tensor: Tensor,
    before: Tensor,
    operands: Sequence[Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Tensor | None:
    """What shall be written into the tensor, with its history; ``before`` is the tensor as it was."""
    try:
        out = form.call(before, *args, **kwargs)
    except RuntimeError as error:
        # PyTorch looks at shapes, and then at dtypes, before it computes anything: of two mistakes at once it tells
        # that one. Only what an operation refuses by itself comes before the shapes there.
        if operation.broadcasts and (operation.refuses is None or isinstance(error, NotImplementedError)):
            _check_shape(operation, tensor, broadcast_shape([tuple(t.array.shape) for t in (tensor, *operands)]))
        if isinstance(error, NotImplementedError):
            _check_common_dtype(operation, tensor, args)
        raise
    if tensor.backend.level or out.backend.level:
        out = seams.to_be_written(operation, tensor, out)
        if out is None:
            return None
    if out.edge is None and out.array is tensor.array:
        return out  # type: ignore[no-any-return]
    if out.array.shape != tensor.array.shape:
        _check_shape(operation, tensor, out.array.shape)
    own, other = tensor.dtype, out.dtype
    if other is not own and not can_cast(other, own):
        raise cast_error(other, own)
    if out.edge is not None and not mode() & NO_GRAD:
        node = edge_of(out)
        if node.__class__ is UnknownDerivative:
            node.missing = operation.inplace_name or node.missing
        if node is not None and tensor.backend.mutable and _saves(node, before):
            before.array = tensor.backend.copy(before.array)  # the node needs the elements as they were
    return out if other is own else out.to(own)  # type: ignore[no-any-return]


def _note_interrupted(tensor: Tensor, recording: bool) -> None:
    """Count a write that an interrupt has ended, perhaps in the midst of it; no gradient passes by what it has left."""
    bump_version(tensor)
    if recording and tensor.edge is not None:
        node = start_node(Interrupted(), (None,))
        rebase(tensor, node, history_after(tensor, node))


class Interrupted(Node):
    """The history of a tensor while whose elements were written the program was interrupted."""

    __slots__ = ()

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        raise RuntimeError(
            "a tensor in the graph was being written in place when the program was interrupted: its elements may be"
            " those before the write or after it, so it has no gradient"
        )


def _without_hooks(history: Any) -> Any:
    """The history of a view that is being written, without its hooks: no gradient passes there in PyTorch."""
    if getattr(history, "hooks", None) is None:
        return history
    import copy

    silent = copy.copy(history)
    silent.hooks = None
    return silent


def change_view(tensor: Tensor, view: Tensor, node_name: str | None = None) -> Tensor:
    """Have a tensor itself show what a fresh view of it shows, as ``t_()`` does; its node takes the other name.

    The caller has checked that its history can take that in.
    """
    target = geometry_of(view)
    node = edge_of(view) if tensor.edge is not None else None
    if node is not None:
        assert isinstance(node, Node)
        name = node_name or _next_node_name(node.name())
        kind: Any = type(node)
        node.__class__ = _renamed(kind, name)
    move_in_storage(tensor, target, view.array)
    bump_version(tensor)
    if node is not None:
        alias = alias_of(tensor)
        tensor.edge, alias.seen = node, alias.counter.version
    if mode() & FORWARD:
        tangent = seams.tangent_of(view)
        if tangent is not None:
            seams.set_tangent(tensor, tangent)
    return tensor


@made_once
def _renamed(kind: Any, name: str) -> Any:
    return type(name, (kind,), {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__})


def _next_node_name(name: str) -> str:
    """The node of an in-place ``squeeze_``: its forms are numbered on from those of ``squeeze``."""
    return f"SqueezeBackward{int(name[-1]) + 3}"


def resize(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give a tensor another number of elements of its storage, which grows where it is too small.

    Raises
    ------
    RuntimeError
        If the tensor requires gradients, or its storage is too small and other tensors share it.
    """
    if tensor.edge is not None:
        raise RuntimeError("cannot resize variables that require grad")
    if tensor._tangent is not None:
        raise RuntimeError("cannot resize variables that has a forward grad")
    if any(size < 0 for size in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    if shape == tuple(tensor.array.shape):
        return tensor
    check_inference(tensor)
    backend = tensor.backend
    own = geometry_of(tensor)
    check_size(shape, own.dtype.itemsize)
    target = Geometry(own.dtype, shape, contiguous_strides(shape), own.offset)
    alias = alias_of(tensor)
    whole = tensor if alias.origin is None else alias.origin
    capacity = geometry_of(whole).extent * whole.dtype.itemsize
    if target.extent * own.dtype.itemsize > capacity:
        if any(t is not tensor for t in alias.storage.live()):
            raise RuntimeError(
                f"resize_(): the storage has {capacity} bytes and {list(shape)} elements of {own.dtype} at offset"
                f" {own.offset} need {target.extent * own.dtype.itemsize}, but other tensors share it and would be torn"
                " from it. Please clone() the tensor before performing the operation."
            )
        held = strided_view(tensor, own, Geometry(own.dtype, (capacity // own.dtype.itemsize,), (1,)))
        missing = backend.zeros((target.extent - held.array.shape[0],), dtype=tensor.array.dtype)
        holder = Tensor._wrap(backend.concat([held.array, missing], axis=0), backend)
        own = geometry_of(holder)
        alias.origin, alias.path, alias.geometry = holder, (), own
        holder.alias, tensor.array = type(alias)(alias.counter, alias.storage), holder.array
    view = strided_view(tensor, own, target)
    move_in_storage(tensor, target, view.array)
    bump_version(tensor)
    return tensor


def _check_shape(operation: Operation, tensor: Tensor, shape: Sequence[int]) -> None:
    """Refuse a result of another shape than the tensor it is to be written to."""
    own, other = list(tensor.array.shape), list(shape)
    if own == other:
        return
    if operation.broadcasts:
        raise RuntimeError(f"output with shape {own} doesn't match the broadcast shape {other}")
    raise RuntimeError(f"Bad in-place call: input tensor size {own} and output tensor size {other} should match")


def _check_common_dtype(operation: Operation, tensor: Tensor, args: tuple[Any, ...]) -> None:
    """Of operands whose common dtype an operation doesn't take, PyTorch says first that it can't be written."""
    if operation.refuses is not None or len(args) != len(operation.operands) - 1 or operation.promotion == "same":
        return
    dtype = common_dtype(operation, coerce(operation, (tensor, *args)))
    if operation.result is None and not can_cast(dtype, tensor.dtype):
        raise cast_error(dtype, tensor.dtype)


def cast_error(result: DType, target: DType) -> RuntimeError:
    """What is said where a result's dtype does not let it be written into a tensor."""
    names = (type_name(d) for d in (result, target))
    return RuntimeError("result type {} can't be cast to the desired output type {}".format(*names))


def _history_of(tensor: Tensor) -> Any:
    """The edge of a tensor about to be written, as what it is now: its stand-in is no leaf of the user's."""
    return None if tensor.edge is LEAF else edge_of(tensor)


def _saves(node: Any, tensor: Tensor) -> bool:
    return node.saved is not None and any(value is tensor for value in node.saved)


def _read_first(operation: Operation, args: tuple[Any, ...]) -> Any:
    """The 0-d tensor that gives the value for many elements, if one does: it is read before they are written."""
    for name, value in zip(operation.operands[1:], args, strict=False):
        if name == "value" and getattr(value, "ndim", None) == 0:
            return value
    return None


def check_writable(
    tensor: Tensor, operands: Sequence[Tensor] = (), fills: bool = False, read_first: Any = None
) -> None:
    """Refuse the writes that PyTorch refuses.

    ``operands`` are what the written elements are computed from; ``fills`` says that all of them will be equal, and
    ``read_first`` is one that is read before.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"only a Tensor can be written in place, not {type(tensor).__name__}")
    check_history(tensor, operands)
    if not fills and overlaps_itself(tensor, windows=tensor.alias is not None and _is_recorded_view(tensor, operands)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location."
            " Please clone() the tensor before performing the operation."
        )
    for operand in () if fills or tensor.alias is None else operands:
        if operand is not read_first and overlap_partly(tensor, operand):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single"
                " memory location. Please clone() the tensor before performing the operation."
            )
    backend = tensor.backend
    if backend.mutable and not backend.writable(tensor.array) and not backend.writable(writable_array(tensor)):
        raise RuntimeError(
            "the tensor's memory is read-only (it came from an array that cannot be written); clone() it first"
        )


def check_history(tensor: Tensor, operands: Sequence[Tensor] = ()) -> None:
    """Refuse to write a tensor whose history cannot take the write in."""
    if tensor.alias is not None:
        check_inference(tensor)
    if tensor.backend.level and tensor.backend.mutable:  # what it wraps is written, and has a history of its own
        check_history(tensor.array.value, [o.array.value for o in operands if o.backend is tensor.backend])
    if mode() & NO_GRAD or (tensor.edge is None and not any(o.edge is not None for o in operands)):
        return
    alias = tensor.alias
    if alias is not None and alias.base is not None:
        if alias.creation is not None:
            raise forbidden_write(tensor, "is being")
        if tensor.edge is not None and (not has_node(alias.base) or _begins(alias.base)):
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if tensor.edge is not None and (not has_node(tensor) or _begins(tensor)):
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    for operand in operands:
        edge_of(operand)  # raises where its history cannot be told


def _is_recorded_view(tensor: Tensor, operands: Sequence[Tensor]) -> bool:
    """Whether gradients pass by the elements of a view: where two are one place, a write leaves but one of them."""
    assert tensor.alias is not None
    if tensor.alias.base is None or mode() & NO_GRAD:
        return False
    return tensor.edge is not None or any(o.edge is not None for o in operands)


def _begins(tensor: Tensor) -> bool:
    """Whether the tensor is the argument of a function that is being differentiated: as good as a leaf in there."""
    return getattr(tensor.edge, "begins", False)


def _belongs_to_inference(tensor: Tensor) -> bool:
    """Whether the tensor was made in inference mode, which is left."""
    return is_inference(tensor) and not mode() & INFERENCE


def check_inference(tensor: Tensor) -> None:
    """Refuse to write what was made in inference mode outside of it."""
    if _belongs_to_inference(tensor):
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a"
            " normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )


def overlaps_itself(tensor: Tensor, windows: bool = False) -> bool:
    """Whether two elements of the tensor are one piece of memory: it was expanded and not copied since.

    ``windows`` counts windows that overlap as well.
    """
    backend = tensor.backend
    if backend.mutable:
        if backend.is_contiguous(tensor.array):
            return False
    elif tensor.alias is None or tensor.alias.origin is None:
        return False
    geometry = geometry_of(tensor)
    return geometry.windowed if windows else geometry.repeats


def writes_alone(tensor: Tensor, operand: Tensor | None = None) -> bool:
    """Whether a kernel may write the tensor as it reads the operand: each place is written once, and not read later."""
    if tensor.alias is not None and tensor.alias.origin is not None and overlaps_itself(tensor):
        return False
    if _belongs_to_inference(tensor):
        return False
    return operand is None or not overlap_partly(tensor, operand)


def overlap_partly(tensor: Tensor, other: Tensor) -> bool:
    """Whether two tensors share some elements, but are not the same elements in the same order."""
    own, others = tensor.alias, other.alias
    if own is None or others is None or own.storage is not others.storage or tensor is other:
        return False
    return geometry_of(tensor).overlaps_partly(geometry_of(other))

"""Running a user's Function forward: its arguments by position, and what becomes of its outputs."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pullback.autograd.function_context import to_save
from pullback.autograd.function_node import make_node
from pullback.autograd.saved_by_function import kept, packed
from pullback.dispatch.inplace import check_history
from pullback.meta.dtypes import FLOATING
from pullback.tensor import Tensor
from pullback.tensor.history import leave_function
from pullback.tensor.memory import bump_version, has_node
from pullback.tensor.modes import ANOMALY, FORWARD, MODE, NO_GRAD, SAVING, mode
from pullback.tensor.node import hooks_of, output_slot
from pullback.tensor.rebasing import history_after, rebase
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.autograd.function import Function
    from pullback.autograd.function_context import FunctionCtx
    from pullback.tensor.node import Edge


def arguments_by_position(
    forward: Callable[..., Any], separate: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """A Function's arguments in the order of its forward's parameters, of which the first may be the context.

    Raises
    ------
    TypeError
        For arguments that forward does not take.
    """
    code = getattr(forward, "__code__", None)
    if not kwargs and code is not None and code.co_argcount == len(args) + (not separate):
        return args
    import inspect

    bound = inspect.signature(forward).bind(*(args if separate else (None, *args)), **kwargs)
    if separate:
        bound.apply_defaults()
    for name in bound.kwargs:
        raise TypeError(f"forward() got an unexpected keyword argument {name!r}")
    return bound.args if separate else bound.args[1:]


def finish(
    function: type[Function],
    context: FunctionCtx,
    args: Sequence[Any],
    edges: Sequence[Edge | None],
    outputs: Sequence[Any],
    dirty: Sequence[Tensor],
    non_differentiable: Sequence[Tensor],
) -> list[Any]:
    """Check what a Function's forward returned and give it its place in the graph.

    Parameters
    ----------
    function, context, args
        What has run.
    edges : sequence of (Edge or None)
        Where gradients of the arguments go.
    outputs : sequence
        What forward returned.
    dirty, non_differentiable : sequence of Tensor
        What forward has marked.

    Returns
    -------
    list
        What the caller gets for the outputs.
    """
    for tensor in dirty:
        bump_version(tensor)  # also where it is refused: forward has written
    recording = not mode() & NO_GRAD and any(isinstance(a, Tensor) and a.edge is not None for a in args)
    if dirty:
        _check_dirty(dirty, args, outputs, non_differentiable, recording)
    saved = to_save(context) if recording else ()
    context.to_save = context.dirty_tensors = context.non_differentiable = None  # results among them hold the node
    if not recording:
        fresh = [_without_history(o, args, dirty) for o in outputs]
        for out in fresh:
            if isinstance(out, Tensor) and not _is_one_of(out, dirty):
                leave_function(out, None, multiple=False)
        return fresh
    differentiable = [
        isinstance(o, Tensor) and o.dtype.category >= FLOATING and not _is_one_of(o, non_differentiable)
        for o in outputs
    ]
    # An input returned as it is becomes a view of itself: the graph must tell the two apart.
    fresh = [
        _without_history(o, args, dirty)
        if not has_gradient
        else _as_view_of_itself(o)
        if _is_one_of(o, args) and not _is_one_of(o, dirty)
        else o
        for o, has_gradient in zip(outputs, differentiable, strict=True)
    ]
    node = make_node(function, context, args, edges, fresh, differentiable)
    context._kept = tuple([kept(t, outputs, fresh) for t in saved])
    context._node = weakref.ref(node)
    if "_metadata" in context.__dict__:
        hooks_of(node).metadata = context.__dict__.pop("_metadata")
    active = mode()
    if active & ANOMALY:
        seams.remember_origin(node)
    if active & SAVING:
        context._kept = tuple([packed(entry, fresh) for entry in context._kept])
    for number, (original, out) in enumerate(zip(outputs, fresh, strict=True)):
        if not isinstance(out, Tensor):
            continue
        if differentiable[number]:
            edge = node if len(outputs) == 1 else output_slot(node, number)
            if _is_one_of(original, dirty):
                rebase(out, edge, history_after(out, edge))
            else:
                leave_function(out, edge, multiple=sum(differentiable) > 1)
        elif not _is_one_of(original, dirty):
            leave_function(out, None, multiple=False)
    return fresh


def _check_dirty(
    dirty: Sequence[Tensor],
    args: Sequence[Any],
    outputs: Sequence[Any],
    non_differentiable: Sequence[Tensor],
    recording: bool,
) -> None:
    """Refuse tensors marked as dirty that forward did not return, or whose history cannot take a write in."""
    for tensor in dirty:
        if not _is_one_of(tensor, outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs"
                " that are modified inplace must all be outputs of the Function."
            )
    if not recording:
        return
    for tensor in dirty:
        if tensor.edge is not None and not has_node(tensor):
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
        if len(outputs) > 1 and tensor._is_view() and not _is_one_of(tensor, non_differentiable):
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your Function"
                " cannot return more than one Tensor. This is not supported by the current autograd engine. You"
                " should either make sure the input is not a view (using .clone() for example) or make your"
                " Function only return one Tensor (potentially splitting it into two Functions: one doing the"
                " inplace that returns a single Tensor and a second one that does the other operations). You"
                " can ask on the forum https://discuss.pytorch.org/ if you need help to do this change."
            )
        check_history(tensor)
        if not _is_one_of(tensor, args):
            warnings.warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been"
                " mutated should be passed to ctx.mark_dirty().",
                UserWarning,
                stacklevel=4,
            )


def _without_history(output: Any, args: Sequence[Any], dirty: Sequence[Tensor]) -> Any:
    """What stands for an output that has no gradient: another tensor where it is an argument that may have one."""
    if not isinstance(output, Tensor):
        return output
    if not _is_one_of(output, args):
        if output.edge is not None and not output._is_view():
            output.detach_()  # forward has recorded a graph of its own
        return output
    if output.edge is not None:
        return output.detach()
    return output if _is_one_of(output, dirty) else _as_view_of_itself(output)


def _as_view_of_itself(tensor: Tensor) -> Tensor:
    """A view of all of a tensor, without a history."""
    mode_before = mode()
    try:
        MODE.set((mode() | NO_GRAD) & ~FORWARD)
        return tensor.view_as(tensor)
    finally:
        MODE.set(mode_before)


def _is_one_of(tensor: Any, others: Sequence[Any]) -> bool:
    return any(tensor is other for other in others)

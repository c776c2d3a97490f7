"""What a user's Function does in forward mode: its ``jvp``, and the checks of what that returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.autograd.forward_ad import remember_result, set_tangent, size_error, tangent_of, write_tangent
from pullback.meta.dtypes import FLOATING
from pullback.tensor import Tensor
from pullback.tensor.memory import version_of
from pullback.tensor.modes import FORWARD, MODE, mode

if TYPE_CHECKING:
    from pullback.autograd.function import Function
    from pullback.autograd.function_context import FunctionCtx


def propagate_tangents(
    function: type[Function],
    context: FunctionCtx,
    args: Sequence[Any],
    outputs: Sequence[Any],
    finished: Sequence[Any],
    dirty: Sequence[Tensor] = (),
    non_differentiable: Sequence[Tensor] = (),
) -> None:
    """Give the results the tangents that the Function's ``jvp`` computes, where an argument carries one.

    Parameters
    ----------
    function, context, args
        What has run.
    outputs : sequence
        What its forward returned.
    finished : sequence
        What its caller gets for that.
    dirty, non_differentiable : sequence of Tensor
        What forward has marked.

    Raises
    ------
    RuntimeError
        If ``jvp`` returns something that cannot be the tangents of these results.
    """
    tangents = [tangent_of(a) if isinstance(a, Tensor) else None for a in args]
    if all(t is None for t in tangents):
        return
    versions = [version_of(t) for t in tangents]
    given = tangents
    mode_before = mode()
    node, context._node = context._node, None  # what is saved for backward is not there yet
    try:
        MODE.set(mode() & ~FORWARD)
        if context.materialize_grads:
            given = [
                a.new_zeros(a.shape) if t is None and isinstance(a, Tensor) and a.dtype.category >= FLOATING else t
                for t, a in zip(tangents, args, strict=True)
            ]
        returned = function.jvp(context, *given)
    finally:
        MODE.set(mode_before)
        context._node = node
    results = returned if isinstance(returned, tuple) else (returned,)
    for number, tangent in enumerate(results):
        if tangent is not None and not isinstance(tangent, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(tangent).__name__}) for grad output {number}.")
    if len(results) != len(outputs):
        raise RuntimeError(
            "Function's jvp returned an invalid number of forward gradients (expected"
            f" {len(outputs)} but got {len(results)})"
        )
    for number, (original, out, tangent) in enumerate(zip(outputs, finished, results, strict=True)):
        written = any(original is t for t in dirty)
        if not isinstance(out, Tensor) or (tangent is None and not written):
            continue
        if tangent is not None and (out.dtype.category < FLOATING or any(original is t for t in non_differentiable)):
            raise RuntimeError(
                f"Function's jvp returned a gradient at position {number}, but  the corresponding forward output is"
                " not a differentiable Tensor.You should return None at that position instead."
            )
        if written:
            place = next((i for i, a in enumerate(args) if a is original), None)
            before = None if place is None else tangents[place]
            _check_written(before, 0 if place is None else versions[place], tangent)
            if before is None and tangent is not None:
                write_tangent(out, tangent)
            continue
        if tangent.dtype.category < FLOATING:
            raise RuntimeError("Expected both tensor and its forward grad to be floating point or complex")
        begins = _check_view(out, tangent, args, tangents)
        if tangent.shape != out.shape:
            raise size_error(out, tangent)
        if begins:
            write_tangent(out, tangent)
        else:
            set_tangent(out, tangent)
            remember_result(out, tangent)


def _check_written(before: Tensor | None, version: int, returned: Tensor | None) -> None:
    """A tangent of what forward has written in place must have been written in place."""
    if before is None:
        return
    if version_of(returned) == version:
        raise RuntimeError(
            "An inplace custom Function is not modifying the forward mode gradients inplace. If the forward is"
            " modifying an input inplace, then the jvp function must modify the corresponding gradient inplace."
        )
    if returned is not before:
        raise RuntimeError(
            "An inplace custom Function is not returning the forward mode gradients as-is. If the forward is"
            " modifying an input inplace, then the jvp function must modify the gradient inplace and return it as-is."
        )


def _check_view(out: Tensor, tangent: Tensor, args: Sequence[Any], tangents: Sequence[Tensor | None]) -> bool:
    """Check that the tangent of a view is a view of its base's tangent; whether that base has none yet."""
    base = _base_of(out)
    if base is out:
        return False
    place = next((i for i, a in enumerate(args) if isinstance(a, Tensor) and _base_of(a) is base), None)
    if place is None:
        return False
    own = tangents[place]
    if own is None:
        return True
    if _base_of(tangent) is tangent:
        raise RuntimeError(
            "A custom Function's forward is returning a view (or an input as-is) but the jvp is not returning a view."
        )
    if _base_of(tangent) is not _base_of(own):
        kind = "the given grad input" if _base_of(own) is own else "the same base as the given grad input"
        raise RuntimeError(f"A custom Function is returning a view but the jvp is not returning a view of {kind}.")
    return False


def _base_of(tensor: Tensor) -> Tensor:
    alias = tensor.alias
    return tensor if alias is None or alias.base is None else alias.base

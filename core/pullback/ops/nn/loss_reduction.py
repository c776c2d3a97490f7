"""How losses are reduced to their mean or sum, forward and in formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.ops.shared.precision import in_float32
from pullback.ops.shared.reducing import over_count
from pullback.tensor import Tensor
from pullback.tensor.modes import NO_GRAD, mode

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that PyTorch's old arguments ``size_average`` and ``reduce`` mean, with its warning."""
    if size_average is None and reduce is None:
        return reduction
    import warnings

    average, reduces = size_average is not False, reduce is not False
    chosen = "mean" if average and reduces else "sum" if reduces else "none"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{chosen}' instead.",
        UserWarning,
        stacklevel=3,
    )
    return chosen


def checked_reduction(reduction: str) -> str:
    """The reduction, if there is one of this name; else a ValueError."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduce_array(backend: Backend, loss: NativeArray, reduction: str) -> NativeArray:
    """The mean or sum of each element's loss, or all of them; on native arrays, for bodies."""
    if reduction == "mean":
        return backend.mean(loss)
    return backend.sum(loss) if reduction == "sum" else loss


def reduced(backend: Backend, loss: Callable[..., NativeArray], reduction: str, *operands: NativeArray) -> NativeArray:
    """The mean or sum of each element's loss, or all of them.

    Half precision is reduced in float32: an element's loss may leave its range where the mean does not.
    """
    if reduction == "none":
        return loss(*operands)
    return in_float32(backend, lambda *wide: reduce_array(backend, loss(*wide), reduction), *operands)


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """The mean or sum of each element's loss, or all of them."""
    if reduction == "mean":
        return ops.mean(loss)
    return ops.sum(loss) if reduction == "sum" else loss


def spread_gradient(grad: Tensor, shape: Sequence[int], reduction: str) -> Tensor:
    """The gradient of each element's loss, up to broadcasting, from that of the reduced loss."""
    return over_count(grad, math.prod(shape)) if reduction == "mean" else grad


def weighted_slope(slope: Any, weight: Tensor | None) -> Any:
    """A loss's derivative times the weight of each element."""
    return slope if weight is None else slope * weight


def refuse_gradient(function: str, *operands: Tensor, **constants: Tensor | None) -> None:
    """Refuse tensors that require gradients where a loss has none to give.

    A batching rule is made of operations that have: so what is recorded outside of a ``vmap`` that the operands are
    mapped by is right.

    Raises
    ------
    RuntimeError
        If one of them requires gradients, and gradients are recorded.
    """
    if mode() & NO_GRAD:
        return
    level = max(operand.backend.level for operand in operands)
    for name, tensor in constants.items():
        if tensor is not None and tensor.requires_grad and tensor.backend.level >= level:
            raise RuntimeError(
                f"The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot"
                " have requires_grad True."
            )

"""Tensors of random elements, as tests need them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.meta import dtypes
from pullback.meta.devices import Device
from pullback.meta.dtypes import DType
from pullback.meta.formats import MemoryFormat
from pullback.meta.limits import finfo, iinfo
from pullback.ops.creation.filled import empty
from pullback.ops.random.drawing import randint
from pullback.ops.random.drawing_in_place import uniform_
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _bounds(
    dtype: DType, low: float | None, high: float | None, lowest: float, highest: float, defaults: tuple[float, float]
) -> tuple[Any, Any]:
    """The interval to draw from: within what the dtype can hold, and in whole numbers for an integer one."""
    low = defaults[0] if low is None else low
    high = defaults[1] if high is None else high
    if any(isinstance(value, float) and math.isnan(value) for value in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and dtype.category >= dtypes.FLOATING:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1"
            " and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < lowest or low >= highest:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports"
            f" [{lowest}, {highest})"
        )
    low, high = (min(max(value, lowest), highest) for value in (low, high))
    return (math.ceil(low), math.ceil(high)) if dtype.category < dtypes.FLOATING else (low, high)


def make_tensor(
    *shape: int | Sequence[int],
    dtype: DType,
    device: Device | str | None = None,
    backend: str | Backend | None = None,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor:
    """A tensor whose elements are drawn uniformly from ``[low, high)``, by the default generator.

    Parameters
    ----------
    *shape : int, or a sequence of int
    dtype : DType
        Of the elements.
    device, backend : optional
        Where to put it.
    low, high : number, optional
        The interval, cut to what the dtype can hold. By default it is [0, 2) for bool, [0, 10) for unsigned and
        [-9, 10) for signed integers, and [-9, 9) for floats and the parts of complex numbers.
    requires_grad : bool
        Whether gradients are computed for it.
    noncontiguous : bool
        Whether its elements shall have gaps between them in memory, where it has more than one.
    exclude_zero : bool
        Replace zeros: by one for bool and integers, by the least positive normal number else.
    memory_format : MemoryFormat, optional
        The order of its dimensions in memory.

    Raises
    ------
    ValueError
        For an interval that is empty, NaN or beyond the dtype; gradients of an integer dtype; ``noncontiguous`` with
        ``memory_format``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.testing.make_tensor((2, 3), dtype=pb.float32, low=0, high=1)
    >>> x.shape, bool(((x >= 0) & (x < 1)).all())
    (torch.Size([2, 3]), True)
    """
    sizes: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    sizes = tuple(sizes)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got"
            f" {noncontiguous=} and {memory_format=}"
        )
    if requires_grad and dtype.category < dtypes.FLOATING:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    gaps = noncontiguous and math.prod(sizes) > 1
    if gaps:
        sizes = (*sizes[:-1], 2 * sizes[-1])
    place: dict[str, Any] = {"dtype": dtype, "device": device, "backend": backend}
    if dtype.category < dtypes.FLOATING:
        if dtype is dtypes.bool_:
            bounds = _bounds(dtype, low, high, 0, 2, (0, 2))
        else:
            limits = iinfo(dtype)
            # Random integers of an int64 tensor are below the greatest, which is the bound.
            bounds = _bounds(dtype, low, high, limits.min, limits.max + (dtype is not dtypes.int64), (-9, 10))
        result = randint(*bounds, sizes, **place)
    else:
        greatest = finfo(dtype).max
        least, most = _bounds(dtype, low, high, -greatest, greatest, (-9, 9))
        halves = most - least >= greatest  # else their distance would overflow
        scale = 2 if halves else 1
        if dtype.is_complex:
            parts = empty((*sizes, 2), **{**place, "dtype": dtype.to_real()})
            drawn = uniform_(parts, least / scale, most / scale).mul_(scale)
            result = ops.view_as_complex(drawn).clone()
        else:
            result = uniform_(empty(sizes, **place), least / scale, most / scale)
            result = result.mul_(scale) if halves else result
    if gaps:
        result = result[..., 1::2]  # from the second on, to find offsets that are forgotten
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = 1 if dtype.category < dtypes.FLOATING else _least_positive(dtype)
    return result.requires_grad_(requires_grad) if dtype.category >= dtypes.FLOATING else result


def _least_positive(dtype: DType) -> complex:
    return finfo(dtype).tiny

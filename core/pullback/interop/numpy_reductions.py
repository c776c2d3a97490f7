"""NumPy's functions that reduce, accumulate or order, on Tensors: its names, arguments and shapes."""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.interop.numpy_arguments import (
    NotGiven,
    array_as_tensor,
    as_dtype,
    axes_of,
    delivered,
    is_numpy_array,
    only_default,
    tensor_from,
)
from pullback.interop.numpy_registry import implements
from pullback.meta.shapes import normalize_dims
from pullback.tensor import Tensor


def _selected(a: Tensor, where: Any, otherwise: Any) -> Tensor:
    """``a`` with ``otherwise`` in the places that ``where=`` leaves out."""
    if where is True or where is NotGiven:
        return a
    if is_numpy_array(where):
        where = array_as_tensor(where, a)
    selected: Tensor = pb.where(tensor_from(where, a), a, otherwise)
    return selected


def _inexact(a: Tensor, dtype: Any) -> Tensor:
    """``a`` in a dtype that has fractions: NumPy's means of integers are floating."""
    wanted = as_dtype(dtype)
    if wanted is None and a.dtype.category < 2:
        wanted = pb.get_default_dtype()
    return a if wanted is None else a.to(wanted)


@implements("sum")
def sum_(
    a: Tensor,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> Tensor:
    """``numpy.sum``: ``initial`` is added, and ``where`` says which elements count."""
    result = pb.sum(_selected(a, where, 0), axes_of(axis), bool(keepdims), dtype=as_dtype(dtype))
    return delivered(result if initial == 0 else result + initial, out, function="sum")  # type: ignore[no-any-return]


@implements("prod")
def prod(
    a: Tensor,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 1,
    where: Any = True,
) -> Tensor:
    """``numpy.prod``, over several axes too."""
    result = _selected(a, where, 1)
    axes = _normalized(axis, a.ndim)
    if dtype is not None:
        result = result.to(as_dtype(dtype))
    if not axes and result.dtype.category < 2:
        result = result.to(pb.int64)
    for dim in sorted(axes, reverse=True):
        result = pb.prod(result, dim, bool(keepdims))
    return delivered(result if initial == 1 else result * initial, out, function="prod")  # type: ignore[no-any-return]


def _normalized(axis: Any, ndim: int) -> tuple[int, ...]:
    axes = axes_of(axis)
    if axes is None:
        return tuple(range(ndim))
    return normalize_dims((axes,) if isinstance(axes, int) else axes, ndim) if axes != () else ()


def _extreme(name: str, a: Tensor, axis: Any, out: Any, keepdims: bool, initial: Any, where: Any) -> Tensor:
    if where is not True and initial is NotGiven:
        raise ValueError(f"reduction operation '{name}imum' does not have an identity, so to use a where mask one has"
                         " to specify 'initial'")  # fmt: skip
    reduce, combine = (pb.amax, pb.maximum) if name == "max" else (pb.amin, pb.minimum)
    a = _selected(a, where, initial)
    axes = _normalized(axis, a.ndim)
    result = reduce(a, axes, bool(keepdims)) if axes else a.clone()
    if initial is not NotGiven:
        result = combine(result, pb.tensor(initial, dtype=result.dtype, backend=result.backend, device=result.device))
    return delivered(result, out, function=name)  # type: ignore[no-any-return]


@implements("amax", "max")
def amax(
    a: Tensor,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NotGiven,
    where: Any = True,
    dtype: Any = None,
) -> Tensor:
    """``numpy.max``: the values alone, and equal gradients to all that are the greatest."""
    only_default("max", dtype=(dtype, None))
    return _extreme("max", a, axis, out, keepdims, initial, where)


@implements("amin", "min")
def amin(
    a: Tensor,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NotGiven,
    where: Any = True,
    dtype: Any = None,
) -> Tensor:
    """``numpy.min``."""
    only_default("min", dtype=(dtype, None))
    return _extreme("min", a, axis, out, keepdims, initial, where)


@implements("ptp")
def ptp(a: Tensor, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tensor:
    """``numpy.ptp``: the greatest less the least."""
    return delivered(  # type: ignore[no-any-return]
        amax(a, axis, keepdims=keepdims) - amin(a, axis, keepdims=keepdims), out, function="ptp"
    )


def _truth(name: str, a: Tensor, axis: Any, out: Any, keepdims: bool, where: Any, initial: Any, dtype: Any) -> Tensor:
    only_default(name, initial=(initial, NotGiven), dtype=(dtype, None))
    a = _selected(a.to(pb.bool), where, name == "all")
    reduce = pb.all if name == "all" else pb.any
    axes = _normalized(axis, a.ndim)
    result = reduce(a, axes, bool(keepdims)) if axes else a.clone()
    return delivered(result, out, function=name)  # type: ignore[no-any-return]


@implements("all")
def all_(
    a: Tensor,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    where: Any = True,
    initial: Any = NotGiven,
    dtype: Any = None,
) -> Tensor:
    """``numpy.all``."""
    return _truth("all", a, axis, out, keepdims, where, initial, dtype)


@implements("any")
def any_(
    a: Tensor,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    where: Any = True,
    initial: Any = NotGiven,
    dtype: Any = None,
) -> Tensor:
    """``numpy.any``."""
    return _truth("any", a, axis, out, keepdims, where, initial, dtype)


@implements("mean")
def mean(
    a: Tensor, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, where: Any = True
) -> Tensor:
    """``numpy.mean``: that of integers is floating."""
    a = _inexact(a, dtype)
    axes, keep = axes_of(axis), bool(keepdims)
    if where is True:
        result = pb.mean(a, axes, keep)
    else:
        counted = _selected(pb.ones_like(a), where, 0).sum(axes, keep)
        result = _selected(a, where, 0).sum(axes, keep) / counted
    return delivered(result, out, function="mean")  # type: ignore[no-any-return]


def _variance(
    name: str,
    a: Tensor,
    axis: Any,
    dtype: Any,
    out: Any,
    ddof: Any,
    keepdims: bool,
    where: Any,
    mean: Any,
    correction: Any,
) -> Tensor:
    only_default(name, where=(where, True), mean=(mean, NotGiven))
    if correction is not NotGiven:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    reduce = pb.var if name == "var" else pb.std
    result = reduce(_inexact(a, dtype), axes_of(axis), correction=ddof, keepdim=bool(keepdims))
    return delivered(result, out, function=name)  # type: ignore[no-any-return]


@implements("var")
def var(
    a: Tensor,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = NotGiven,
    correction: Any = NotGiven,
) -> Tensor:
    """``numpy.var``: divided by the number of elements, where PyTorch divides by one less."""
    return _variance("var", a, axis, dtype, out, ddof, keepdims, where, mean, correction)


@implements("std")
def std(
    a: Tensor,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = NotGiven,
    correction: Any = NotGiven,
) -> Tensor:
    """``numpy.std``: the root of ``numpy.var``."""
    return _variance("std", a, axis, dtype, out, ddof, keepdims, where, mean, correction)


@implements("average")
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """``numpy.average``, weighted or not."""
    like = a if isinstance(a, Tensor) else weights
    a = _inexact(tensor_from(a, like), None)
    axes, keep = axes_of(axis), bool(keepdims)
    weighed = pb.ones_like(a) if weights is None else tensor_from(weights, like)
    if weighed.shape != a.shape:
        if not isinstance(axes, int) or weighed.shape != a.shape[axes : axes + 1 or None]:
            raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
        weighed = weighed.reshape([-1 if d == axes % a.ndim else 1 for d in range(a.ndim)]).expand(a.shape)
    total = weighed.sum(axes, keep)
    result = (a * weighed).sum(axes, keep) / total
    return (result, total.expand(result.shape)) if returned else result


@implements("nansum")
def nansum(
    a: Tensor,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> Tensor:
    """``numpy.nansum``."""
    return sum_(_without_nan(a, 0), axis, dtype, out, keepdims, initial, where)


@implements("nanprod")
def nanprod(
    a: Tensor,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 1,
    where: Any = True,
) -> Tensor:
    """``numpy.nanprod``."""
    return prod(_without_nan(a, 1), axis, dtype, out, keepdims, initial, where)


@implements("nanmean")
def nanmean(
    a: Tensor, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Tensor:
    """``numpy.nanmean``."""
    only_default("nanmean", where=(where, True))
    return mean(a, axis, dtype, out, keepdims, where=pb.logical_not(pb.isnan(a)))


def _without_nan(a: Tensor, otherwise: float) -> Tensor:
    return pb.where(pb.isnan(a), otherwise, a) if a.dtype.category > 1 else a


@implements("argmax")
def argmax(a: Tensor, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Tensor:
    """``numpy.argmax``."""
    return delivered(pb.argmax(a, axes_of(axis), bool(keepdims)), out, function="argmax")  # type: ignore[no-any-return]


@implements("argmin")
def argmin(a: Tensor, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Tensor:
    """``numpy.argmin``."""
    return delivered(pb.argmin(a, axes_of(axis), bool(keepdims)), out, function="argmin")  # type: ignore[no-any-return]


@implements("count_nonzero")
def count_nonzero(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    """``numpy.count_nonzero``."""
    return (a != 0).sum(axes_of(axis), bool(keepdims))


def _accumulated(name: str, a: Tensor, axis: Any, dtype: Any, out: Any) -> Tensor:
    if axis is None:
        a, axis = a.reshape(-1), 0
    accumulate = pb.cumsum if name == "cumsum" else pb.cumprod
    return delivered(  # type: ignore[no-any-return]
        accumulate(a, axes_of(axis), dtype=as_dtype(dtype)), out, function=name
    )


@implements("cumsum")
def cumsum(a: Tensor, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
    """``numpy.cumsum``: of the flattened elements unless given an axis."""
    return _accumulated("cumsum", a, axis, dtype, out)


@implements("cumprod")
def cumprod(a: Tensor, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
    """``numpy.cumprod``: of the flattened elements unless given an axis."""
    return _accumulated("cumprod", a, axis, dtype, out)


def _cumulative(name: str, x: Tensor, axis: Any, dtype: Any, out: Any, include_initial: bool) -> Tensor:
    if axis is None:
        if x.ndim != 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        axis = 0
    result = _accumulated("cumsum" if name == "cumulative_sum" else "cumprod", x, axis, dtype, None)
    if include_initial:
        first = (
            result.narrow(axis, 0, 1)
            if x.shape[axis]
            else result.new_zeros([1 if d == axis % x.ndim else n for d, n in enumerate(x.shape)])
        )
        result = pb.cat([pb.full_like(first, 0 if name == "cumulative_sum" else 1), result], axis)
    return delivered(result, out, function=name)  # type: ignore[no-any-return]


@implements("cumulative_sum")
def cumulative_sum(
    x: Tensor, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Tensor:
    """``numpy.cumulative_sum``."""
    return _cumulative("cumulative_sum", x, axis, dtype, out, include_initial)


@implements("cumulative_prod")
def cumulative_prod(
    x: Tensor, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Tensor:
    """``numpy.cumulative_prod``."""
    return _cumulative("cumulative_prod", x, axis, dtype, out, include_initial)


@implements("median")
def median(
    a: Tensor, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Tensor:
    """``numpy.median``: the mean of the two in the middle, where PyTorch takes the lower one."""
    a = _inexact(a, None)
    axes = _normalized(axis, a.ndim)
    kept = [d for d in range(a.ndim) if d not in axes]
    count = math.prod(a.shape[d] for d in axes)
    values = pb.sort(a.permute([*kept, *axes]).reshape([*(a.shape[d] for d in kept), count]), -1).values
    if count:
        middle = values[..., (count - 1) // 2 : count // 2 + 1].mean(-1)
        result = pb.where(pb.isnan(values[..., -1]), math.nan, middle)  # NaN is sorted to the end
    else:
        result = values.mean(-1)
    if keepdims:
        result = result.reshape([1 if d in axes else n for d, n in enumerate(a.shape)])
    return delivered(result, out, function="median")  # type: ignore[no-any-return]


@implements("sort")
def sort(a: Tensor, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    """``numpy.sort``: the values alone; flattened for ``axis=None``."""
    only_default("sort", order=(order, None))
    if axis is None:
        a, axis = a.reshape(-1), -1
    return pb.sort(a, axes_of(axis), stable=True).values


@implements("argsort")
def argsort(a: Tensor, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    """``numpy.argsort``."""
    only_default("argsort", order=(order, None))
    if axis is None:
        a, axis = a.reshape(-1), -1
    return pb.argsort(a, axes_of(axis), stable=True)


@implements("diff")
def diff(a: Tensor, n: int = 1, axis: Any = -1, prepend: Any = NotGiven, append: Any = NotGiven) -> Tensor:
    """``numpy.diff``."""
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    only_default("diff", prepend=(prepend, NotGiven), append=(append, NotGiven))
    dim = axes_of(axis)
    for _ in range(n):
        length = a.shape[dim]
        later, earlier = a.narrow(dim, min(1, length), max(length - 1, 0)), a.narrow(dim, 0, max(length - 1, 0))
        a = later != earlier if a.dtype is pb.bool else later - earlier
    return a

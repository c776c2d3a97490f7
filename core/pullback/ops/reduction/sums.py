"""Sums, means, variances and truth: over all elements or along dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Sampled, Shows
from pullback.dispatch.out_rules import CAST, DECIDES, Out
from pullback.dispatch.shown_values import numel_of
from pullback.meta import dtypes
from pullback.meta.dtype_names import not_implemented
from pullback.meta.dtypes import EVERY, INEXACT, REAL_AND_BOOL, DType, bool_
from pullback.meta.shapes import Dims
from pullback.ops.shared.precision import number
from pullback.ops.shared.reducing import (
    accumulation_dtype,
    axis_of,
    cast,
    count_reduced,
    expand_reduced,
    in_dtype,
    in_wide,
    keep_dims,
    over_count,
    samples_over_dims,
)
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullback.backend.base import Backend


# -- sums and means ---------------------------------------------------------------------------------------------------


@op(
    node=lambda dim: "SumBackward0" if dim is None else "SumBackward1",
    linear=True,
    vjp=lambda grad, input_shape, input_dtype, dim, keepdim: in_dtype(
        expand_reduced(grad, input_shape, dim, keepdim), input_dtype
    ),
    samples=samples_over_dims,
    out=DECIDES,
    shows={
        "SumBackward0": Shows(sizes=("input",), hidden=("dim", "keepdim")),
        "SumBackward1": Shows(sizes=("input",), dims="tuple"),
    },
)
def sum(
    backend: Backend, input: Array, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Array:
    """Sum of all elements, or along dimensions.

    Parameters
    ----------
    dim : int or sequence of int, optional
        The dimensions to sum over; all by default.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : DType, optional
        Convert the elements to it first. Integers and bools are summed as int64 by default.

    Raises
    ------
    IndexError
        For a dimension that isn't there.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).sum()
    tensor(10)
    >>> pb.tensor([[1, 2], [3, 4]]).sum(0)
    tensor([4, 6])
    """
    native = accumulation_dtype(backend, input, dtype)
    return backend.sum(input, axis=axis_of(dim, input), dtype=native, keepdims=keepdim)


def _check_nansum(input: Tensor, dim: Dims, keepdim: bool, dtype: DType | None) -> None:
    if dtype is not None and dtype.is_complex and input.dtype.is_floating_point and 0 not in input.array.shape:
        raise not_implemented("nansum_cpu", dtype)


@op(
    dtypes=Accepts(REAL_AND_BOOL, unsupported="nansum on CPU does not support complex inputs"),
    check=_check_nansum,
    vjp=lambda grad, input, dim, keepdim: ops.where(
        ops.isnan(input), 0, in_dtype(expand_reduced(grad, input.shape, dim, keepdim), input.dtype)
    ),
    jvp=lambda tangent, input, dim, keepdim, dtype: sum(
        ops.where(ops.isnan(input), 0, tangent), dim, keepdim, dtype=dtype
    ),
    samples=samples_over_dims,
    accuracy="sum",
    out=DECIDES,
    shows=Shows(dims="tuple"),
)
def nansum(
    backend: Backend, input: Array, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Array:
    """:func:`sum` of the elements that are not NaN.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., float("nan"), 2.]).nansum()
    tensor(3.)
    """
    native = accumulation_dtype(backend, input, dtype)
    if backend.dtypes[input.dtype].is_floating_point:
        input = backend.where(backend.isnan(input), number(backend, 0, input), input)
    return backend.sum(input, axis=axis_of(dim, input), dtype=native, keepdims=keepdim)


def _mean_gradient(grad: Tensor, shape: tuple[int, ...], dtype: DType, dim: Dims, keepdim: bool) -> Any:
    return in_dtype(expand_reduced(over_count(grad, count_reduced(shape, dim)), shape, dim, keepdim), dtype)


@op(
    dtypes=Accepts(
        INEXACT,
        unsupported=(
            "mean(): could not infer output dtype. {role} dtype must be either a floating point or complex dtype."
            " Got: {kind}"
        ),
    ),
    node=lambda dim: "MeanBackward0" if dim is None else "MeanBackward1",
    linear=True,
    vjp=lambda grad, input_shape, input_dtype, dim, keepdim: _mean_gradient(
        grad, input_shape, input_dtype, dim, keepdim
    ),
    samples=samples_over_dims,
    out=Out("mean.dtype_out(): input types can't be cast to the desired output type {out}", casts=True),
    shows={
        "MeanBackward0": Shows(
            sizes=("input",), hidden=("dim", "keepdim"), derived={"self_sym_numel": numel_of("input_shape")}
        ),
        "MeanBackward1": Shows(sizes=("input",), derived={"self_sym_numel": numel_of("input_shape")}, dims="tuple"),
    },
)
def mean(
    backend: Backend, input: Array, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Array:
    """Mean of all elements, or along dimensions.

    Parameters
    ----------
    dim : int or sequence of int, optional
        The dimensions to average over; all by default.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : DType, optional
        Convert the elements to it first.

    Raises
    ------
    RuntimeError
        For integers and bools without ``dtype``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1., 2.], [3., 4.]]).mean(1)
    tensor([1.5000, 3.5000])
    """
    return backend.mean(cast(backend, input, dtype), axis=axis_of(dim, input), keepdims=keepdim)


def _count_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), 0)
    yield Sample(make(2, 3, 4), (0, -1))
    yield Sample(make(3, 2).mT, -1)
    yield Sample(make())
    yield Sample(make(2, 0, 3), 1)
    yield Sample(make.values(2, 2, 2, 2, 2), (0, 3))
    yield Sample(make(0))
    yield Sample(make(2, 0), 1)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(size))
        yield sampling.values_only(make.values(size, 2), 0)


@composite(dtypes=EVERY, samples=_count_samples)
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.count_nonzero(pb.tensor([0, 3, 0, 5]))
    tensor(2)
    """
    return sum(ops.ne(input, 0), dim)


# -- variance ---------------------------------------------------------------------------------------------------------


def _variance_settings(dim: Any, unbiased: bool | None, correction: float | None) -> tuple[Any, float]:
    """The dimensions and the correction, however the two were given: ``var(False)`` means ``unbiased=False``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    return dim, correction


def _variance_slopes(input: Tensor, dim: Any, correction: float, unit: Tensor | None = None) -> Any:
    """The derivative of a variance by each element: of their deviations from the mean, in a unit if there is one."""
    freedom = count_reduced(input.array.shape, dim) - correction
    deviations = input - mean(input, dim, True)
    if freedom <= 0 and (dim is None or not input.array.shape):
        undefined = in_dtype(ops.where(ops.eq(deviations, 0), math.nan, math.inf), input.dtype.to_real())
        return undefined if unit is None else undefined / unit
    if unit is not None:
        deviations = deviations / unit
    return deviations * (2 / freedom if freedom else math.inf)


def _variance_gradient(
    grad: Tensor, input: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None
) -> Any:
    over, correction = _variance_settings(dim, unbiased, correction)

    def gradient(grad: Tensor, input: Tensor) -> Any:
        slopes = _variance_slopes(input, over, correction)
        return in_dtype(slopes * keep_dims(grad, input.array.shape, over, keepdim), input.dtype)

    return in_wide(gradient, grad, input)


def _variance_tangent(
    tangent: Tensor, input: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None
) -> Any:
    over, correction = _variance_settings(dim, unbiased, correction)

    def moved(tangent: Tensor, input: Tensor) -> Any:
        return sum(ops.real(ops.conj(_variance_slopes(input, over, correction)) * tangent), over, keepdim)

    return in_wide(moved, tangent, input)


_CANCELS = "their mean may cancel; the two operations that it is made of meet such values"


def _variance_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), 0)
    yield Sample(make(2, 3, 4), (0, -1), correction=0)
    yield Sample(make(2, 3, 4), -2, True, True)
    yield Sample(make(3, 4), False)
    yield Sample(make(4, 3).mT, 1, correction=2)
    yield Sample(make(3, 3, 3), 1)
    yield Sample(make(2, 1, 3, 2, 2), (2, 3), correction=3)
    yield Sample(make(2, 2, 2, 2, 2), -4, keepdim=True, correction=0)
    yield Sample(make(3, 4), 0, False)
    for size in sampling.block_sizes(make):
        if size > 1:
            yield sampling.values_only(sampling.whole(make, size))
            yield sampling.values_only(sampling.whole(make, 2, size), 1, correction=0)
    # Far from zero: squares, and their mean, have no digits left for the differences.
    yield sampling.values_only(make.given([1000.0, 1001.0, 1002.0, 1004.0]))
    yield sampling.values_only(make.given([[4096.0, 4160.0], [4224.0, 4096.0], [4096.0, 4096.0]]), 0)


def _shown_correction(saved: Callable[[str], Any]) -> Any:
    """The correction that PyTorch's node keeps, of the arguments ``dim``, ``unbiased`` and ``correction``."""
    dim, unbiased, correction = saved("dim"), saved("unbiased"), saved("correction")
    if correction is not None:
        return correction
    if isinstance(dim, bool):  # ``std(False)``
        unbiased, dim = dim, None
    if unbiased is not None:
        return int(unbiased)
    return None if dim is None else 1


_NO_VARIANCE = "std and var only support floating point and complex dtypes"


@op(
    dtypes=Accepts(INEXACT, unsupported=_NO_VARIANCE),
    vjp=lambda grad, input, dim, unbiased, keepdim, correction: _variance_gradient(
        grad, input, dim, unbiased, keepdim, correction
    ),
    jvp=lambda tangent, input, dim, unbiased, keepdim, correction: _variance_tangent(
        tangent, input, dim, unbiased, keepdim, correction
    ),
    samples=_variance_samples,
    out=CAST,
    shows=Shows(hidden=("unbiased",), derived={"correction": _shown_correction}, dims="tuple"),
)
def var(
    backend: Backend,
    input: Array,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """Variance of all elements, or along dimensions.

    Parameters
    ----------
    dim : int or sequence of int, optional
        The dimensions to reduce; all by default.
    unbiased : bool, optional
        An older way to say ``correction=1`` (True, the default) or ``correction=0``.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    correction : number, optional
        What is subtracted from the number of elements that the squares are divided by; 1 by default.

    Raises
    ------
    RuntimeError
        For integers and bools.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2., 3., 4.]).var()
    tensor(1.6667)
    """
    dim, correction = _variance_settings(dim, unbiased, correction)
    return backend.var(input, axis=axis_of(dim, input), correction=correction, keepdims=keepdim)


def _deviation_slopes(input: Tensor, out: Tensor, dim: Any, keepdim: bool, correction: float) -> tuple[Any, Any]:
    """Where a standard deviation is zero, and its derivative by each element elsewhere."""
    # In units of the deviation the derivative is never out of range, though half of one over the deviation may be.
    at_zero = ops.eq(out, 0)
    unit = keep_dims(ops.where(at_zero, ops.ones_like(out), out), input.array.shape, dim, keepdim)
    return at_zero, _variance_slopes(input, dim, correction, unit) * 0.5


def _deviation_gradient(
    grad: Tensor, input: Tensor, out: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None
) -> Any:
    over, correction = _variance_settings(dim, unbiased, correction)

    def gradient(grad: Tensor, input: Tensor, out: Tensor) -> Any:
        shape = input.array.shape
        at_zero, slopes = _deviation_slopes(input, out, over, keepdim, correction)
        product = in_dtype(slopes * keep_dims(grad, shape, over, keepdim), input.dtype)
        return ops.where(keep_dims(at_zero, shape, over, keepdim), ops.zeros_like(product), product)

    return in_wide(gradient, grad, input, out)


def _deviation_tangent(
    tangent: Tensor,
    input: Tensor,
    out: Tensor,
    dim: Any,
    unbiased: bool | None,
    keepdim: bool,
    correction: float | None,
) -> Any:
    over, correction = _variance_settings(dim, unbiased, correction)

    def moved(tangent: Tensor, input: Tensor, out: Tensor) -> Any:
        at_zero, slopes = _deviation_slopes(input, out, over, keepdim, correction)
        total = sum(ops.real(ops.conj(slopes) * tangent), over, keepdim)
        return ops.where(at_zero, ops.zeros_like(total), total)

    return in_wide(moved, tangent, input, out)


@op(
    dtypes=Accepts(INEXACT, unsupported=_NO_VARIANCE),
    vjp=lambda grad, input, out, dim, unbiased, keepdim, correction: _deviation_gradient(
        grad, input, out, dim, unbiased, keepdim, correction
    ),
    jvp=lambda tangent, input, out, dim, unbiased, keepdim, correction: _deviation_tangent(
        tangent, input, out, dim, unbiased, keepdim, correction
    ),
    samples=_variance_samples,
    out=CAST,
    shows=Shows(hidden=("unbiased",), derived={"correction": _shown_correction}, dims="tuple"),
)
def std(
    backend: Backend,
    input: Array,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """Standard deviation of all elements, or along dimensions: the square root of :func:`var`.

    The gradient is zero where the deviation is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2., 3., 4.]).std()
    tensor(1.2910)
    """
    dim, correction = _variance_settings(dim, unbiased, correction)
    return backend.std(input, axis=axis_of(dim, input), correction=correction, keepdims=keepdim)


def _require_inexact(name: str, input: Tensor) -> None:
    if input.dtype not in INEXACT:
        raise RuntimeError(f"{name} only support floating point and complex dtypes")


@composite(dtypes=INEXACT, samples=Sampled(_variance_samples, values=_CANCELS))
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`std` and :func:`mean` of the same dimensions."""
    _require_inexact("std_mean", input)
    over, correction = _variance_settings(dim, unbiased, correction)
    return std(input, over, None, keepdim, correction=correction), mean(input, over, keepdim)


@composite(dtypes=INEXACT, samples=Sampled(_variance_samples, values=_CANCELS))
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`var` and :func:`mean` of the same dimensions."""
    _require_inexact("var_mean", input)
    over, correction = _variance_settings(dim, unbiased, correction)
    return var(input, over, None, keepdim, correction=correction), mean(input, over, keepdim)


# -- truth ------------------------------------------------------------------------------------------------------------


_TRUTH_OUT = Out("{name} only supports bool tensor for result, got: {out}", also=(bool_, dtypes.uint8))


def _truth_values(backend: Backend, array: Array) -> Array:
    if backend.dtypes[array.dtype] is bool_:
        return array
    return backend.not_equal(array, number(backend, 0, array))


@op(
    nondifferentiable="its results are truth values",
    samples=samples_over_dims,
    out=_TRUTH_OUT,
)
def all(backend: Backend, input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Whether all elements are nonzero; uint8 for uint8, else bool.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[True, False], [True, True]]).all(1)
    tensor([False,  True])
    """
    values = _truth_values(backend, input)
    # Along no dimensions nothing is reduced, unlike by sums, which () is all dimensions to.
    out = backend.copy(values) if dim == () else backend.all(values, axis=axis_of(dim, input), keepdims=keepdim)
    return backend.astype(out, dtypes.uint8) if backend.dtypes[input.dtype] is dtypes.uint8 else out


@op(
    nondifferentiable="its results are truth values",
    samples=samples_over_dims,
    out=_TRUTH_OUT,
)
def any(backend: Backend, input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Whether any element is nonzero; uint8 for uint8, else bool.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[True, False], [False, False]]).any(1)
    tensor([ True, False])
    """
    values = _truth_values(backend, input)
    out = backend.copy(values) if dim == () else backend.any(values, axis=axis_of(dim, input), keepdims=keepdim)
    return backend.astype(out, dtypes.uint8) if backend.dtypes[input.dtype] is dtypes.uint8 else out

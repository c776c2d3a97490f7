"""Losses of numbers, from squared and absolute error; in :mod:`pullback.nn.functional`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.autograd.gradient_accumulation import sum_to_size
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, in_namespace, op
from pullback.dispatch.declaration_values import Shows
from pullback.meta import dtypes
from pullback.meta.dtypes import FLOATS, INEXACT
from pullback.ops.nn.loss_reduction import checked_reduction, legacy_reduction, reduce_loss, reduced, spread_gradient
from pullback.ops.shared.precision import in_float32, number
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


def _difference_vjp(grad: Tensor, input: Tensor, target: Tensor, reduction: str) -> Tensor:
    count = math.prod(input.array.shape) if reduction == "mean" else 1
    return mse_loss_backward(grad, input, target, 2.0 / count if count else math.nan)


def _loss_samples(make: Any) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(make(2, 3), make(2, 3), reduction=reduction)
    yield Sample(make(), make())
    yield Sample(make(2, 3, 2).mT, make(2, 2, 3), reduction="sum")
    yield Sample(make(0, 3), make(0, 3), reduction="sum")
    yield sampling.values_only(make.values(sampling.block_size(make)), make.values(sampling.block_size(make)))
    yield sampling.values_only(make.values(257), make.values(257), reduction="sum")
    yield sampling.values_only(make.values(200), make.values(200))


def _loss_samples_with(attribute: str) -> Callable[[Any], Iterator[Sample]]:
    """Calls with other values of the attribute that says where squares end, on both sides of it."""

    def samples(make: Any) -> Iterator[Sample]:
        yield from _loss_samples(make)
        for value, reduction in ((0.5, "mean"), (2.0, "sum"), (0.25, "none")):
            yield Sample(make(2, 3), make(2, 3), reduction=reduction, **{attribute: value})

    return samples


@op(
    batching="loss",
    name="mse_loss",
    dtypes=INEXACT - dtypes.COMPLEXES,
    promotion="promote",
    vjp={
        "input": lambda grad, input, target, reduction: _difference_vjp(grad, input, target, reduction),
        "target": lambda grad, input, target, reduction: -_difference_vjp(grad, input, target, reduction),
    },
    jvp={
        "input": lambda tangent, input, target, reduction: reduce_loss((input - target) * tangent * 2, reduction),
        "target": lambda tangent, input, target, reduction: reduce_loss((target - input) * tangent * 2, reduction),
    },
    samples=_loss_samples,
    method=False,
    namespace=None,
)
def squared_error(backend: Backend, input: Array, target: Array, *, reduction: str = "mean") -> Array:
    """Squared differences of two tensors of one shape, and their mean or sum."""
    if reduction == "mean":
        return in_float32(backend, lambda x, y: backend.mean_square(backend.subtract(x, y)), input, target)
    return reduced(backend, lambda x, y: backend.square(backend.subtract(x, y)), reduction, input, target)


def _mse_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(), make(2, 3), make(2, 3), 0.5)
    yield Sample(make(2, 3), make(2, 3), make(2, 3), 2.0)
    yield Sample(make(), make(0, 3), make(0, 3), 1.0)
    yield sampling.values_only(make(), make.values(257), make.values(257), -0.25)


@op(
    batching="loss backward",
    name="mse_loss_backward",
    dtypes=FLOATS,
    promotion="promote",
    node="MseLossBackwardBackward0",
    vjp={
        "gradient": lambda grad, input, target, factor, gradient_shape: sum_to_size(
            grad * (input - target) * factor, tuple(gradient_shape)
        ),
        "input": lambda grad, gradient, factor: grad * (gradient * factor),
        "target": lambda grad, gradient, factor: grad * (gradient * -factor),
    },
    jvp={
        "gradient": lambda tangent, input, target, factor: tangent * (input - target) * factor,
        "input": "vjp",
        "target": "vjp",
    },
    samples=_mse_backward_samples,
    method=False,
    namespace=None,
    shows=Shows(hidden=("factor",), renamed={"gradient": "grad_output", "input": "self"}),
)
def mse_loss_backward(backend: Backend, gradient: Array, input: Array, target: Array, factor: float) -> Array:
    """``gradient * factor * (input - target)``: the gradient of the squared error."""
    scaled = backend.multiply(gradient, number(backend, factor, gradient))
    return backend.multiply(backend.subtract(input, target), scaled)


def _warn_about_sizes(input: Tensor, target: Tensor) -> None:
    import warnings

    warnings.warn(
        f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will likely"
        " lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        UserWarning,
        stacklevel=3,
    )


def _same_shape(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if tuple(input.array.shape) == tuple(target.array.shape):
        return input, target
    input, target = ops.broadcast_tensors(input, target)
    return input, target


@in_namespace("pullback.nn.functional")
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared error.

    Parameters
    ----------
    input, target : Tensor
        Of the same shape; another that broadcasts works, with a warning.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, optional
        A weight for each element; the mean is then the weighted one.

    Raises
    ------
    ValueError
        For another reduction, or a weight of another shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.mse_loss(pb.tensor([1., 2.]), pb.tensor([1., 4.]))
    tensor(2.)
    """
    if target.size() != input.size():
        _warn_about_sizes(input, target)
        input, target = _same_shape(input, target)
    reduction = legacy_reduction(size_average, reduce, checked_reduction(reduction))
    if weight is None:
        return squared_error(input, target, reduction=reduction)
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    weighted = squared_error(input, target, reduction="none") * weight
    return ops.sum(weighted) / ops.sum(weight) if reduction == "mean" else reduce_loss(weighted, reduction)


@composite(method=False, dtypes=INEXACT, samples=_loss_samples, namespace="pullback.nn.functional")
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Mean absolute error; parameters as of :func:`mse_loss`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.l1_loss(pb.tensor([1., 2.]), pb.tensor([1., 4.]))
    tensor(1.)
    """
    if target.size() != input.size():
        _warn_about_sizes(input, target)
    reduction = legacy_reduction(size_average, reduce, checked_reduction(reduction))
    return reduce_loss(ops.abs(ops.sub(input, target)), reduction)


def _smooth_slope(input: Tensor, target: Tensor, beta: float) -> Tensor:
    difference = input - target
    slope: Tensor = ops.where(ops.abs(difference) >= beta, ops.sign(difference), difference / beta)  # NaN: NaN
    return slope


@op(
    batching="loss",
    name="smooth_l1_loss",
    dtypes=FLOATS,
    promotion="promote",
    vjp={
        "input": lambda grad, input, target, reduction, beta: (
            spread_gradient(grad, input.array.shape, reduction) * _smooth_slope(input, target, beta)
        ),
        "target": lambda grad, input, target, reduction, beta: (
            -spread_gradient(grad, input.array.shape, reduction) * _smooth_slope(input, target, beta)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, reduction, beta: reduce_loss(
            _smooth_slope(input, target, beta) * tangent, reduction
        ),
        "target": lambda tangent, input, target, reduction, beta: reduce_loss(
            -_smooth_slope(input, target, beta) * tangent, reduction
        ),
    },
    samples=_loss_samples_with("beta"),
    method=False,
    namespace=None,
)
def smooth_absolute_error(
    backend: Backend, input: Array, target: Array, *, reduction: str = "mean", beta: float = 1.0
) -> Array:
    """Absolute differences, squared ones where they are below ``beta``, and their mean or sum."""

    def loss(x: NativeArray, y: NativeArray) -> NativeArray:
        size = backend.abs(backend.subtract(x, y))
        square = backend.multiply(backend.square(size), number(backend, 0.5 / beta, size))
        linear = backend.subtract(size, number(backend, 0.5 * beta, size))
        return backend.where(backend.less(size, number(backend, beta, size)), square, linear)

    return reduced(backend, loss, reduction, input, target)


@in_namespace("pullback.nn.functional")
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Absolute error above ``beta``, squared error below; other parameters as of :func:`mse_loss`.

    Raises
    ------
    RuntimeError
        For a negative ``beta``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.smooth_l1_loss(pb.tensor([0., 3.]), pb.tensor([1., 0.]), reduction="none")
    tensor([0.5000, 2.5000])
    """
    if target.size() != input.size():
        _warn_about_sizes(input, target)
    reduction = legacy_reduction(size_average, reduce, checked_reduction(reduction))
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = _same_shape(input, target)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return smooth_absolute_error(input, target, reduction=reduction, beta=beta)


def _huber_slope(input: Tensor, target: Tensor, delta: float) -> Tensor:
    difference = input - target
    slope: Tensor = ops.where(ops.abs(difference) >= delta, ops.sign(difference) * delta, difference)  # NaN: NaN
    return slope


@op(
    batching="loss",
    name="huber_loss",
    dtypes=FLOATS,
    promotion="promote",
    vjp={
        "input": lambda grad, input, target, reduction, delta: (
            spread_gradient(grad, input.array.shape, reduction) * _huber_slope(input, target, delta)
        ),
        "target": lambda grad, input, target, reduction, delta: (
            -spread_gradient(grad, input.array.shape, reduction) * _huber_slope(input, target, delta)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, reduction, delta: reduce_loss(
            _huber_slope(input, target, delta) * tangent, reduction
        ),
        "target": lambda tangent, input, target, reduction, delta: reduce_loss(
            -_huber_slope(input, target, delta) * tangent, reduction
        ),
    },
    samples=_loss_samples_with("delta"),
    method=False,
    namespace=None,
)
def huber_error(backend: Backend, input: Array, target: Array, *, reduction: str = "mean", delta: float = 1.0) -> Array:
    """Half the squared differences up to ``delta``, ``delta`` times the absolute ones above, and their mean or sum."""

    def loss(x: NativeArray, y: NativeArray) -> NativeArray:
        size = backend.abs(backend.subtract(x, y))
        bound = number(backend, delta, size)
        linear = backend.multiply(backend.subtract(size, number(backend, 0.5 * delta, size)), bound)
        square = backend.multiply(backend.square(size), number(backend, 0.5, size))
        return backend.where(backend.less_equal(size, bound), square, linear)

    return reduced(backend, loss, reduction, input, target)


@in_namespace("pullback.nn.functional")
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Half the squared error up to ``delta``, above it the absolute one times ``delta``, continued smoothly.

    Raises
    ------
    RuntimeError
        For a ``delta`` that is not positive.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.huber_loss(pb.tensor([0., 3.]), pb.tensor([1., 0.]), reduction="none")
    tensor([0.5000, 2.5000])
    """
    if target.size() != input.size():
        _warn_about_sizes(input, target)
    checked_reduction(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = _same_shape(input, target)
    if weight is None:
        return huber_error(input, target, reduction=reduction, delta=delta)
    weighted = huber_error(input, target, reduction="none", delta=delta) * weight
    return ops.sum(weighted) / ops.sum(weight) if reduction == "mean" else reduce_loss(weighted, reduction)

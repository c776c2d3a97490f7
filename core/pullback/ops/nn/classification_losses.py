"""Losses of classes: cross entropy of many or of two; in :mod:`pullback.nn.functional`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, in_namespace, op
from pullback.dispatch.declaration_values import Check, Promotes, Sampled
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import FLOATS
from pullback.ops.nn.loss_reduction import (
    checked_reduction,
    legacy_reduction,
    reduce_array,
    reduce_loss,
    refuse_gradient,
    spread_gradient,
    weighted_slope,
)
from pullback.ops.shared.precision import in_float32, number
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray
    from pullback.meta.dtypes import DType

# -- classification ---------------------------------------------------------------------------------------------------


def _check_nll(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> None:
    classes = input.shape[0 if input.ndim == 1 else 1]
    if target.dtype.name not in ("int64", "uint8"):
        name = type_name(target.dtype)
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {name}")
    expected = [*input.shape[:1], *input.shape[2:]] if input.ndim > 1 else []
    if list(target.shape) != expected:
        if input.ndim <= 2:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        raise RuntimeError(f"Expected target size {expected}, got {list(target.shape)}")
    if weight is not None:
        if list(weight.shape) != [classes]:
            raise RuntimeError(
                f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor"
                f" of shape: {list(weight.shape)}"
            )
        if weight.dtype is not input.dtype:
            raise RuntimeError(f"expected scalar type {type_name(input.dtype)} but found {type_name(weight.dtype)}")


def _weights_of(
    backend: Backend, target: NativeArray, weight: NativeArray | None, ignore_index: int, dtype: DType
) -> tuple[NativeArray, NativeArray | None, NativeArray | None]:
    """The targets, those to ignore replaced by class 0; the weight of each, and which count, None where all weigh 1."""
    if weight is None and ignore_index < 0:
        try:
            lowest = int(backend.min(target)) if math.prod(target.shape) else 0
        except TypeError:
            lowest = -1  # being traced, so without values
        if lowest >= 0:
            return target, None, None
    ignored = backend.equal(target, ignore_index)
    target, counted = backend.where(ignored, 0, target), backend.logical_not(ignored)
    weights = backend.astype(counted, dtype)
    if weight is not None:
        weights = backend.multiply(backend.take(weight, _indexable(backend, target, weight.shape[0]), axis=0), weights)
    return target, weights, counted


def _indexable(backend: Backend, target: NativeArray, classes: int) -> NativeArray:
    """The targets, once none of them is known to be no class."""
    try:
        lowest, highest = int(backend.min(target)), int(backend.max(target))
    except (TypeError, ValueError):
        return target  # being traced or empty
    if lowest < 0 or highest >= classes:
        raise IndexError(f"Target {lowest if lowest < 0 else highest} is out of bounds.")
    return target


def _nll_vjp(
    grad: Tensor, shape: Sequence[int], target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    return nll_loss_backward(grad, target, weight, tuple(shape), ignore_index, reduction)


def _nll_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4, 3), make.integers(4, low=0, high=3))
    yield Sample(make(4, 3), make.integers(4, low=0, high=3), make(3, low=0.5, high=1.5), reduction="sum")
    yield Sample(make(4, 3), make.integers(4, low=0, high=3), reduction="none", ignore_index=1)
    yield Sample(make(2, 3, 2), make.integers(2, 2, low=0, high=3))
    yield Sample(make(3), make.integers(low=0, high=3))
    yield Sample(make(4, 3), make.positions([0, 2, 1, 2]), make(3, low=0.5, high=1.5))
    yield Sample(make(4, 3), make.positions([0, 2, 1, 2]), make(3, low=0.5, high=1.5), ignore_index=2)
    yield Sample(make(4, 3), make.positions([0, -1, 1, -1]), reduction="sum", ignore_index=-1)
    yield Sample(
        make(2, 3, 2), make.integers(2, 2, low=0, high=3), make(3, low=0.5, high=1.5), reduction="none", ignore_index=0
    )
    yield Sample(make(0, 3), make.integers(0, low=0, high=3), reduction="sum")
    yield sampling.values_only(make.values(129, 9), make.integers(129, low=0, high=9))
    yield sampling.values_only(
        make.values(3, 65), make.integers(3, low=0, high=65), make(65, low=0.5, high=1.5), reduction="none"
    )


@op(
    batching="nll loss",
    name="nll_loss",
    dtypes=FLOATS,
    node=lambda input: "NllLossBackward0" if input.array.ndim <= 2 else "NllLoss2DBackward0",
    linear=True,
    vjp={
        "input": lambda grad, input_shape, target, weight, ignore_index, reduction: _nll_vjp(
            grad, input_shape, target, weight, ignore_index, reduction
        )
    },
    check=Check(_check_nll, kernel_checks=True),
    samples=_nll_samples,
    method=False,
    namespace=None,
)
def negative_log_likelihood(
    backend: Backend,
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Array:
    """Minus the log-probability of each target's class, and their weighted mean or sum."""
    axis = 0 if input.ndim == 1 else 1
    if not input.ndim or target.shape != input.shape[:axis] + input.shape[axis + 1 :]:
        raise RuntimeError("nll_loss() expects a class for each row")
    if weight is not None and (tuple(weight.shape) != input.shape[axis : axis + 1] or weight.dtype != input.dtype):
        raise RuntimeError("nll_loss() expects a weight of the input's dtype for each class")
    target, weights, _ = _weights_of(backend, target, weight, ignore_index, backend.dtypes[input.dtype])
    if weights is not None:
        _indexable(backend, target, input.shape[axis])
    try:
        if input.ndim == 2:
            rows = backend.arange(0, input.shape[0], 1, dtype=target.dtype)
            picked = backend.getitem(input, (rows, target))
        else:
            picked = backend.take_along_axis(input, backend.expand_dims(target, axis=axis), axis)
            picked = backend.squeeze(picked, axis)
    except IndexError:
        _indexable(backend, target, input.shape[axis])
        raise
    if weights is not None:
        picked = backend.multiply(picked, weights)
        if reduction == "mean":
            return in_float32(
                backend, lambda p, w: backend.divide(backend.sum(p), backend.negative(backend.sum(w))), picked, weights
            )
    return backend.negative(reduce_array(backend, picked, reduction))


def _nll_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(), make.integers(4, low=0, high=3), None, (4, 3), -100, "mean")
    yield Sample(make(4), make.integers(4, low=0, high=3), None, (4, 3), 1, "none")
    yield Sample(make(), make.positions([0, 2, 1, 2]), make(3, low=0.5, high=1.5), (4, 3), 2, "mean")
    yield Sample(make(), make.positions([0, 2]), None, (2, 3), -100, "sum")
    yield Sample(make(2, 2), make.integers(2, 2, low=0, high=3), None, (2, 3, 2), 1, "none")
    yield sampling.values_only(make.values(129), make.integers(129, low=0, high=9), None, (129, 9), 4, "none")


@op(
    batching="nll loss backward",
    name="nll_loss_backward",
    dtypes=FLOATS,
    linear=True,
    vjp={
        "gradient": lambda grad, target, weight, ignore_index, reduction: negative_log_likelihood(
            grad, target, weight, ignore_index=ignore_index, reduction=reduction
        )
    },
    samples=_nll_backward_samples,
    method=False,
    namespace=None,
)
def nll_loss_backward(
    backend: Backend,
    gradient: Array,
    target: Array,
    weight: Array | None,
    shape: Sequence[int],
    ignore_index: int,
    reduction: str,
) -> Array:
    """The gradient of :func:`nll_loss`: at each target's class minus its weight, elsewhere 0."""
    axis = 0 if len(shape) == 1 else 1
    target, weights, counted = _weights_of(backend, target, weight, ignore_index, backend.dtypes[gradient.dtype])
    factor = backend.negative(gradient)
    if reduction == "mean":
        if weights is None:
            factor = backend.divide(factor, math.prod(target.shape) or 1)
        else:
            factor = in_float32(backend, lambda f, w: backend.divide(f, backend.sum(w)), factor, weights)
    if weights is not None:
        factor = backend.multiply(weights, factor)
    if weights is None and len(shape) == 2:
        rows = backend.arange(0, shape[0], 1, dtype=target.dtype)
        return backend.index_put(backend.zeros(shape, dtype=gradient.dtype), (rows, target), factor)
    apart = (*target.shape[:axis], 1, *target.shape[axis:])
    if factor.ndim:
        factor = backend.reshape(factor, apart)
    classes = backend.arange(0, shape[axis], 1, dtype=target.dtype)
    if len(shape) > 2:
        classes = backend.reshape(classes, (shape[axis], *(1 for _ in shape[2:])))
    chosen = backend.equal(backend.reshape(target, apart), classes)
    if counted is not None:
        chosen = backend.logical_and(chosen, backend.reshape(counted, apart))
    return backend.where(chosen, factor, number(backend, 0, gradient))


@in_namespace("pullback.nn.functional")
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood: minus the log-probabilities that ``input`` gives the target classes.

    Parameters
    ----------
    input : Tensor
        Log-probabilities, of shape (classes,), (rows, classes) or (rows, classes, ...).
    target : Tensor
        Class numbers, int64 or uint8, of the shape of ``input`` without its dimension of classes.
    weight : Tensor, optional
        A weight for each class; the mean is then the weighted one.
    ignore_index : int
        Targets of this value count for nothing.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    IndexError
        For a target that is no class.
    ValueError, RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.nll_loss(pb.tensor([[-0.5, -1.], [-2., -0.1]]), pb.tensor([0, 1]))
    tensor(0.3000)
    """
    reduction = legacy_reduction(size_average, reduce, checked_reduction(reduction))
    return _class_loss(input, target, weight, ignore_index, reduction)


def _class_loss(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """:func:`nll_loss` of a reduction that has been checked."""
    if not input.array.shape:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if target.array.shape and input.array.shape[0] != target.array.shape[0] and len(input.array.shape) > 1:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if target.dtype is dtypes.uint8:
        target = target.to(dtypes.int64)
    if weight is not None or target.dtype is not dtypes.int64:
        _check_nll(input, target, weight)
        function = "nll_loss_forward" if input.array.ndim <= 2 else "nll_loss2d_forward"
        refuse_gradient(function, input, target, weight=weight)
    return negative_log_likelihood(input, target, weight, ignore_index=ignore_index, reduction=reduction)


@in_namespace("pullback.nn.functional")
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross entropy between logits and target classes, or class probabilities.

    Parameters
    ----------
    input : Tensor
        Logits, of shape (classes,), (rows, classes) or (rows, classes, ...).
    target : Tensor
        Class numbers as for :func:`nll_loss`, or probabilities of the shape of ``input``.
    weight : Tensor, optional
        A weight for each class.
    ignore_index : int
        Class numbers of this value count for nothing.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        How much of each target, from 0 to 1, is spread evenly over all classes.

    Raises
    ------
    IndexError
        For a target that is no class.
    ValueError, RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.cross_entropy(pb.zeros(2, 4), pb.tensor([0, 3]))
    tensor(1.3863)
    """
    reduction = legacy_reduction(size_average, reduce, checked_reduction(reduction))
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    axis = 0 if input.array.ndim == 1 else 1
    if input.array.shape == target.array.shape:
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing, axis)
    logarithms = ops.log_softmax(input, axis)
    loss = _class_loss(logarithms, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return loss
    classes = input.array.shape[axis]
    spread = -ops.sum(logarithms if weight is None else logarithms * _column(weight, input.ndim, axis), axis)
    ignored = target == ignore_index
    spread = ops.masked_fill(spread, ignored, 0.0)
    even: Any = spread
    if reduction == "mean":
        kept = ops.logical_not(ignored)
        if weight is None:
            total = ops.sum(kept)
        else:
            total = ops.sum(
                ops.index_select(weight, 0, ops.masked_fill(target, ignored, 0).reshape(-1)) * kept.reshape(-1)
            )
        even = ops.sum(spread) / total
    elif reduction == "sum":
        even = ops.sum(spread)
    return loss * (1 - label_smoothing) + even * (label_smoothing / classes)  # type: ignore[no-any-return]


def _column(weight: Tensor, ndim: int, axis: int) -> Tensor:
    """Class weights in a shape that broadcasts against logits."""
    return weight.reshape(tuple(-1 if d == axis else 1 for d in range(ndim)))


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float, axis: int
) -> Tensor:
    if target.dtype.category < dtypes.FLOATING:
        name = type_name(target.dtype)
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {name}")
    classes = input.array.shape[axis]
    logarithms = ops.log_softmax(input, axis)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    products = logarithms * target
    if weight is not None:
        products = products * _column(weight, input.ndim, axis)
    if reduction == "none":
        return -ops.sum(products, axis)
    total = -ops.sum(products)
    return total / (input.numel() / classes) if reduction == "mean" else total


# -- two classes ------------------------------------------------------------------------------------------------------


def _logits_slope(input: Tensor, target: Tensor, pos_weight: Tensor | None) -> Any:
    if pos_weight is None:
        return ops.sigmoid(input) - target
    positive = pos_weight * target
    return (positive + 1 - target) * ops.sigmoid(input) - positive


def _logits_target_slope(input: Tensor, pos_weight: Tensor | None) -> Any:
    if pos_weight is None:
        return -input
    return pos_weight * ops.softplus(-input) - ops.softplus(input)


def _bce_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9))
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9), make(3, low=0.5, high=1.5), reduction="sum")
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9), None, make(3, low=0.5, high=1.5), reduction="none")
    weights = make(2, 3, low=0.5, high=1.5), make(3, low=0.5, high=1.5)
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9), weights[0], pos_weight=weights[1])
    yield Sample(make(low=0.5, high=2.0), make(low=0.1, high=0.4), reduction="sum")
    yield sampling.values_only(make.values(257), make(257, low=0.0, high=1.0))


@op(
    batching="loss",
    name="binary_cross_entropy_with_logits",
    dtypes=FLOATS,
    promotion=Promotes(operands=("input", "target")),
    vjp={
        "input": lambda grad, input, target, weight, pos_weight, reduction: (
            spread_gradient(grad, input.array.shape, reduction)
            * weighted_slope(_logits_slope(input, target, pos_weight), weight)
        ),
        "target": lambda grad, input, weight, pos_weight, reduction: (
            spread_gradient(grad, input.array.shape, reduction)
            * weighted_slope(_logits_target_slope(input, pos_weight), weight)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, weight, pos_weight, reduction: reduce_loss(
            tangent * weighted_slope(_logits_slope(input, target, pos_weight), weight), reduction
        ),
        "target": lambda tangent, input, weight, pos_weight, reduction: reduce_loss(
            tangent * weighted_slope(_logits_target_slope(input, pos_weight), weight), reduction
        ),
    },
    samples=_bce_samples,
    method=False,
    namespace=None,
)
def logistic_loss(
    backend: Backend,
    input: Array,
    target: Array,
    weight: Array | None = None,
    pos_weight: Array | None = None,
    *,
    reduction: str = "mean",
) -> Array:
    """Binary cross entropy of the sigmoid of ``input``, without overflow, and its mean or sum.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.binary_cross_entropy_with_logits(pb.tensor([0., 2.]), pb.tensor([0., 1.]))
    tensor(0.4100)
    """
    # log(1 + exp(-x)) is max(-x, 0) + log(1 + exp(-|x|)).
    tail = backend.log1p(backend.exp(backend.negative(backend.abs(input))))
    tail = backend.add(tail, backend.maximum(backend.negative(input), number(backend, 0.0, input)))
    one = number(backend, 1.0, target)
    if pos_weight is not None:
        excess = backend.subtract(pos_weight, number(backend, 1.0, pos_weight))
        tail = backend.multiply(tail, backend.add(backend.multiply(excess, target), one))
    loss = backend.add(backend.multiply(backend.subtract(one, target), input), tail)
    if weight is not None:
        loss = backend.multiply(loss, weight)
    return reduce_array(backend, loss, reduction)


@in_namespace("pullback", "pullback.nn.functional")
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Cross entropy of two classes from logits.

    Parameters
    ----------
    input : Tensor
        Logits of the positive class.
    target : Tensor
        Probabilities of the positive class, of the same shape.
    weight : Tensor, optional
        A weight for each element, broadcast.
    reduction : {"mean", "sum", "none"}
    pos_weight : Tensor, optional
        A weight for the positive class, broadcast.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.binary_cross_entropy_with_logits(pb.zeros(2), pb.tensor([0., 1.]))
    tensor(0.6931)
    """
    reduction = legacy_reduction(size_average, reduce, checked_reduction(reduction))
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    if weight is not None or pos_weight is not None:
        refuse_gradient("binary_cross_entropy_with_logits", input, target, weight=weight, pos_weight=pos_weight)
    return logistic_loss(input, target, weight, pos_weight, reduction=reduction)


def _probability_slope(input: Tensor, target: Tensor) -> Any:
    return (input - target) / ops.clamp((1 - input) * input, min=1e-12)


def _log_odds(input: Tensor) -> Any:
    return ops.clamp(ops.log1p(-input), min=-100.0) - ops.clamp(ops.log(input), min=-100.0)


def _check_probabilities(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> None:
    for name, values in (("input", input), ("target", target)):
        if values.backend.level:  # told of all examples together
            continue
        if not bool(ops.logical_and(values >= 0, values <= 1).all()):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")


def _probability_samples(make: Any) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(make(2, 3, low=0.1, high=0.9), make(2, 3, low=0.1, high=0.9), reduction=reduction)
    yield Sample(make(2, 3, low=0.1, high=0.9), make(2, 3, low=0.1, high=0.9), make(3, low=0.5, high=1.5))
    yield Sample(
        make(2, 3, low=0.1, high=0.9), make(2, 3, low=0.1, high=0.9), make(2, 3, low=0.5, high=1.5), reduction="none"
    )
    yield Sample(
        make(2, 3, low=0.1, high=0.9), make(2, 3, low=0.1, high=0.9), make(2, 1, low=0.5, high=1.5), reduction="sum"
    )
    yield sampling.values_only(
        make.given([0.0, 1.0, 0.0, 1.0, 0.5]), make.given([0.0, 1.0, 1.0, 0.0, 1.0]), reduction="none"
    )
    yield sampling.values_only(make(257, low=0.1, high=0.9), make(257, low=0.1, high=0.9))


@op(
    batching="loss",
    name="binary_cross_entropy",
    dtypes=FLOATS,
    promotion=Promotes(operands=("input", "target")),
    vjp={
        "input": lambda grad, input, target, weight, reduction: (
            spread_gradient(grad, input.array.shape, reduction)
            * weighted_slope(_probability_slope(input, target), weight)
        ),
        "target": lambda grad, input, weight, reduction: (
            spread_gradient(grad, input.array.shape, reduction) * weighted_slope(_log_odds(input), weight)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, weight, reduction: reduce_loss(
            tangent * weighted_slope(_probability_slope(input, target), weight), reduction
        ),
        "target": lambda tangent, input, weight, reduction: reduce_loss(
            tangent * weighted_slope(_log_odds(input), weight), reduction
        ),
    },
    check=_check_probabilities,
    samples=Sampled(_probability_samples, values="they are probabilities"),
    method=False,
    namespace=None,
)
def probability_loss(
    backend: Backend, input: Array, target: Array, weight: Array | None = None, *, reduction: str = "mean"
) -> Array:
    """Binary cross entropy of probabilities, its logarithms no less than -100, and its mean or sum."""
    for name, values in (("input", input), ("target", target)):
        inside = backend.logical_and(backend.greater_equal(values, 0.0), backend.less_equal(values, 1.0))
        try:
            valid = bool(backend.all(inside))
        except TypeError:
            break  # being traced, so without values
        if not valid:
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    lowest = number(backend, -100.0, input)
    positive = backend.maximum(backend.log(input), lowest)
    negative = backend.maximum(backend.log1p(backend.negative(input)), lowest)
    # As PyTorch orders it: (target - 1) * log(1 - input) - target * log(input).
    loss = backend.subtract(
        backend.multiply(backend.subtract(target, number(backend, 1.0, target)), negative),
        backend.multiply(target, positive),
    )
    if weight is not None:
        loss = backend.multiply(loss, weight)
    return reduce_array(backend, loss, reduction)


@in_namespace("pullback.nn.functional")
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cross entropy of two classes from probabilities; prefer :func:`binary_cross_entropy_with_logits`.

    Raises
    ------
    RuntimeError
        If a probability is outside [0, 1].
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.binary_cross_entropy(pb.tensor([0.5]), pb.tensor([1.]))
    tensor(0.6931)
    """
    reduction = legacy_reduction(size_average, reduce, checked_reduction(reduction))
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated."
            " Please ensure they have the same size."
        )
    if weight is not None:
        refuse_gradient("binary_cross_entropy", input, target, weight=weight)
    return probability_loss(input, target, weight, reduction=reduction)

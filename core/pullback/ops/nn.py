"""What neural networks are made of beside activations: affine maps, losses, layer normalisation, dropout.

All of it is in :mod:`pullback.nn.functional`; nothing here is a Tensor method.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import dtypes
from pullback.dtypes import FLOATS, INEXACT
from pullback.op import Array, Sample, composite, op
from pullback.ops.linalg import _check_addmm, _type_name, mm, mm_adjoint_left, mm_adjoint_right, plus_product, summed_to
from pullback.ops.precision import number
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray
    from pullback.dtypes import DType
    from pullback.random import Generator


# -- affine maps ------------------------------------------------------------------------------------------------------


def _check_affine(bias: Any, input: Any, weight: Any) -> None:
    if not (isinstance(bias, Tensor) and isinstance(input, Tensor) and isinstance(weight, Tensor)):
        wrong, value = next(
            (n, v) for n, v in (("input", input), ("weight", weight), ("bias", bias)) if not isinstance(v, Tensor)
        )
        raise TypeError(f"linear(): argument '{wrong}' must be Tensor, not {type(value).__name__}")
    _check_addmm(bias, input, weight.mT if weight.ndim == 2 else weight)


def _affine_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4), make(2, 3), make(4, 3))
    yield Sample(make(4), make(0, 3), make(4, 3))
    yield Sample(make(1), make(2, 3), make(4, 3))
    yield Sample(make(4), make(3, 2).mT, make(3, 4).mT)


@op(
    node="AddmmBackward0",
    dtypes=FLOATS,
    promotion="promote",
    vjp={
        "bias": lambda grad, bias_shape: summed_to(grad, bias_shape),
        "input": lambda grad, weight: mm(grad, weight),
        "weight": lambda grad, input: mm_adjoint_left(grad, input),
    },
    jvp={
        "bias": lambda tangent, out: expand(tangent, out.array.shape),
        "input": lambda tangent, weight: mm_adjoint_right(tangent, weight),
        "weight": lambda tangent, input: mm_adjoint_right(input, tangent),
    },
    check=_check_affine,
    samples=_affine_samples,
    method=False,
)
def affine(backend: Backend, bias: Array, input: Array, weight: Array) -> Array:
    """``input @ weight.mT + bias`` for real matrices, in one operation; what :func:`linear` runs."""
    if input.ndim != 2 or weight.ndim != 2 or bias.ndim > 2:
        raise RuntimeError("affine() expects matrices and a bias")
    return plus_product(backend, backend.matmul(input, backend.permute_dims(weight, (1, 0))), bias)


def _linear_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(4, 3))
    yield Sample(make(2, 3), make(4, 3), make(4))
    yield Sample(make(3), make(4, 3), make(4))
    yield Sample(make(2, 2, 3), make(4, 3), make(4))
    yield Sample(make(2, 3, 2).mT, make(4, 3), make(4))
    yield Sample(make(2, 2, 3), make(4, 3))


@composite(method=False, samples=_linear_samples)
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map of the last dimension: ``input @ weight.T + bias``.

    Parameters
    ----------
    input : Tensor
        Of shape (..., in_features).
    weight : Tensor
        Of shape (out_features, in_features).
    bias : Tensor, optional
        Of shape (out_features,).

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.linear(pb.ones(1, 2), pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([0., 1.]))
    tensor([[3., 8.]])
    """
    if input.array.ndim == 2 and not input.dtype.is_complex:
        if bias is not None:
            return affine(bias, input, weight)
        if weight.array.ndim == 2:
            _check_product(input, weight)
            return mm_adjoint_right(input, weight)
    if bias is None or weight.ndim != 2:
        product = matmul(input, t(weight))
        return product if bias is None else product + bias
    if input.ndim == 2:
        return addmm(bias, input, t(weight))
    if not input.ndim or not has_contiguous_memory(input):
        return matmul(input, t(weight)) + bias
    *leading, features = input.shape
    rows = linear(view(input, (math.prod(leading), features)), weight, bias)
    return view(rows, (*leading, rows.array.shape[1]))


def _check_product(input: Tensor, weight: Tensor) -> None:
    if input.array.shape[1] != weight.array.shape[1] or input.array.dtype != weight.array.dtype:
        mm(input, t(weight))  # raises


# -- reductions of losses ---------------------------------------------------------------------------------------------


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


def _checked(reduction: str) -> str:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def _reduce_array(backend: Backend, loss: NativeArray, reduction: str) -> NativeArray:
    if reduction == "mean":
        return backend.mean(loss)
    return backend.sum(loss) if reduction == "sum" else loss


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return mean(loss)
    return sum(loss) if reduction == "sum" else loss


def _spread(grad: Tensor, shape: Sequence[int], reduction: str) -> Tensor:
    """The gradient of each element's loss, up to broadcasting, from that of the reduced loss."""
    return grad / math.prod(shape) if reduction == "mean" else grad


def _full_slope(slope: Any, weight: Tensor | None) -> Any:
    return slope if weight is None else slope * weight


# -- squared and absolute error ---------------------------------------------------------------------------------------


def _difference_vjp(grad: Tensor, input: Tensor, target: Tensor, reduction: str) -> Tensor:
    count = math.prod(input.array.shape) if reduction == "mean" else 1
    return mse_loss_backward(grad, input, target, 2.0 / count if count else math.nan)


def _loss_samples(make: Any) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(make(2, 3), make(2, 3), reduction=reduction)
    yield Sample(make(), make())


@op(
    name="mse_loss",
    dtypes=INEXACT - dtypes.COMPLEXES,
    promotion="promote",
    vjp={
        "input": lambda grad, input, target, reduction: _difference_vjp(grad, input, target, reduction),
        "target": lambda grad, input, target, reduction: -_difference_vjp(grad, input, target, reduction),
    },
    jvp={
        "input": lambda tangent, input, target, reduction: _reduced((input - target) * tangent * 2, reduction),
        "target": lambda tangent, input, target, reduction: _reduced((target - input) * tangent * 2, reduction),
    },
    samples=_loss_samples,
    method=False,
)
def squared_error(backend: Backend, input: Array, target: Array, *, reduction: str = "mean") -> Array:
    """Squared differences of two tensors of one shape, and their mean or sum."""
    return _reduce_array(backend, backend.square(backend.subtract(input, target)), reduction)


def _mse_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(), make(2, 3), make(2, 3), 0.5)
    yield Sample(make(2, 3), make(2, 3), make(2, 3), 2.0)


@op(
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
        "input": lambda tangent, gradient, factor: tangent * (gradient * factor),
        "target": lambda tangent, gradient, factor: tangent * (gradient * -factor),
    },
    samples=_mse_backward_samples,
    method=False,
)
def mse_loss_backward(backend: Backend, gradient: Array, input: Array, target: Array, factor: float) -> Array:
    """``gradient * factor * (input - target)``: the gradient of the squared error."""
    return backend.multiply(backend.subtract(input, target), backend.multiply(gradient, factor))


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
    input, target = broadcast_tensors(input, target)
    return input, target


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
    reduction = legacy_reduction(size_average, reduce, _checked(reduction))
    if weight is None:
        return squared_error(input, target, reduction=reduction)
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    weighted = squared_error(input, target, reduction="none") * weight
    return sum(weighted) / sum(weight) if reduction == "mean" else _reduced(weighted, reduction)


@composite(method=False, samples=_loss_samples)
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
    reduction = legacy_reduction(size_average, reduce, _checked(reduction))
    return _reduced(abs(sub(input, target)), reduction)


def _smooth_slope(input: Tensor, target: Tensor, beta: float) -> Tensor:
    difference = input - target
    slope: Tensor = where(abs(difference) < beta, difference / beta, sign(difference))
    return slope


@op(
    name="smooth_l1_loss",
    dtypes=FLOATS,
    promotion="promote",
    vjp={
        "input": lambda grad, input, target, reduction, beta: (
            _spread(grad, input.array.shape, reduction) * _smooth_slope(input, target, beta)
        ),
        "target": lambda grad, input, target, reduction, beta: (
            -_spread(grad, input.array.shape, reduction) * _smooth_slope(input, target, beta)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, reduction, beta: _reduced(
            _smooth_slope(input, target, beta) * tangent, reduction
        ),
        "target": lambda tangent, input, target, reduction, beta: _reduced(
            -_smooth_slope(input, target, beta) * tangent, reduction
        ),
    },
    samples=_loss_samples,
    method=False,
)
def smooth_absolute_error(
    backend: Backend, input: Array, target: Array, *, reduction: str = "mean", beta: float = 1.0
) -> Array:
    """Absolute differences, squared ones where they are below ``beta``, and their mean or sum."""
    size = backend.abs(backend.subtract(input, target))
    square = backend.multiply(backend.square(size), 0.5 / beta)
    loss = backend.where(backend.less(size, beta), square, backend.subtract(size, 0.5 * beta))
    return _reduce_array(backend, loss, reduction)


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
    reduction = legacy_reduction(size_average, reduce, _checked(reduction))
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = _same_shape(input, target)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return smooth_absolute_error(input, target, reduction=reduction, beta=beta)


def _huber_slope(input: Tensor, target: Tensor, delta: float) -> Tensor:
    difference = input - target
    slope: Tensor = where(abs(difference) < delta, difference, sign(difference) * delta)
    return slope


@op(
    name="huber_loss",
    dtypes=FLOATS,
    promotion="promote",
    vjp={
        "input": lambda grad, input, target, reduction, delta: (
            _spread(grad, input.array.shape, reduction) * _huber_slope(input, target, delta)
        ),
        "target": lambda grad, input, target, reduction, delta: (
            -_spread(grad, input.array.shape, reduction) * _huber_slope(input, target, delta)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, reduction, delta: _reduced(
            _huber_slope(input, target, delta) * tangent, reduction
        ),
        "target": lambda tangent, input, target, reduction, delta: _reduced(
            -_huber_slope(input, target, delta) * tangent, reduction
        ),
    },
    samples=_loss_samples,
    method=False,
)
def huber_error(backend: Backend, input: Array, target: Array, *, reduction: str = "mean", delta: float = 1.0) -> Array:
    """Half the squared differences up to ``delta``, ``delta`` times the absolute ones above, and their mean or sum."""
    size = backend.abs(backend.subtract(input, target))
    linear = backend.multiply(backend.subtract(size, 0.5 * delta), delta)
    loss = backend.where(backend.less_equal(size, delta), backend.multiply(backend.square(size), 0.5), linear)
    return _reduce_array(backend, loss, reduction)


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
    _checked(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = _same_shape(input, target)
    if weight is None:
        return huber_error(input, target, reduction=reduction, delta=delta)
    weighted = huber_error(input, target, reduction="none", delta=delta) * weight
    return sum(weighted) / sum(weight) if reduction == "mean" else _reduced(weighted, reduction)


# -- classification ---------------------------------------------------------------------------------------------------


def _check_nll(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> None:
    classes = input.shape[0 if input.ndim == 1 else 1]
    if target.dtype.name not in ("int64", "uint8"):
        name = target.dtype.tensor_type_name.removesuffix("Tensor")
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
            raise RuntimeError(f"expected scalar type {_type_name(input.dtype)} but found {_type_name(weight.dtype)}")


def _weights_of(
    backend: Backend, target: NativeArray, weight: NativeArray | None, ignore_index: int, dtype: DType
) -> tuple[NativeArray, NativeArray | None]:
    """The targets, those to ignore replaced by class 0, and the weight of each; None where all weigh 1."""
    if weight is None and ignore_index < 0:
        try:
            lowest = int(backend.min(target)) if math.prod(target.shape) else 0
        except TypeError:
            lowest = -1  # being traced, so without values
        if lowest >= 0:
            return target, None
    ignored = backend.equal(target, ignore_index)
    target = backend.where(ignored, 0, target)
    weights = backend.astype(backend.logical_not(ignored), dtype)
    if weight is not None:
        weights = backend.multiply(backend.take(weight, _indexable(backend, target, weight.shape[0]), axis=0), weights)
    return target, weights


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


@op(
    name="nll_loss",
    dtypes=FLOATS,
    node=lambda input: "NllLossBackward0" if input.array.ndim <= 2 else "NllLoss2DBackward0",
    linear=True,
    vjp={
        "input": lambda grad, input_shape, target, weight, ignore_index, reduction: _nll_vjp(
            grad, input_shape, target, weight, ignore_index, reduction
        )
    },
    check=_check_nll,
    samples=_nll_samples,
    method=False,
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
    if target.ndim != input.ndim - 1 or not input.ndim:
        raise RuntimeError("nll_loss() expects a class for each row")
    target, weights = _weights_of(backend, target, weight, ignore_index, backend.dtypes[input.dtype])
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
            return backend.divide(backend.sum(picked), backend.negative(backend.sum(weights)))
    return backend.negative(_reduce_array(backend, picked, reduction))


def _nll_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(), make.integers(4, low=0, high=3), None, (4, 3), -100, "mean")
    yield Sample(make(4), make.integers(4, low=0, high=3), None, (4, 3), 1, "none")


@op(
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
    target, weights = _weights_of(backend, target, weight, ignore_index, backend.dtypes[gradient.dtype])
    factor = backend.negative(gradient)
    if reduction == "mean":
        total = math.prod(target.shape) if weights is None else backend.sum(weights)
        factor = backend.divide(factor, total) if weights is not None or total else factor
    if weights is not None:
        factor = backend.multiply(weights, factor)
    apart = (*target.shape[:axis], 1, *target.shape[axis:])
    if factor.ndim:
        factor = backend.reshape(factor, apart)
    classes = backend.arange(0, shape[axis], 1, dtype=target.dtype)
    if len(shape) > 2:
        classes = backend.reshape(classes, (shape[axis], *(1 for _ in shape[2:])))
    chosen = backend.equal(backend.reshape(target, apart), classes)
    if weights is not None:  # what is ignored gets 0, not -0
        counts = backend.not_equal(weights, number(backend, 0, weights))
        chosen = backend.logical_and(chosen, backend.reshape(counts, apart))
    return backend.where(chosen, factor, number(backend, 0, gradient))


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
    reduction = legacy_reduction(size_average, reduce, _checked(reduction))
    if not input.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if input.ndim > 1 and target.ndim and input.array.shape[0] != target.array.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if target.dtype is dtypes.uint8:
        target = target.to(dtypes.int64)
    if weight is not None or target.dtype is not dtypes.int64:
        _check_nll(input, target, weight)
    return negative_log_likelihood(input, target, weight, ignore_index=ignore_index, reduction=reduction)


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
    reduction = legacy_reduction(size_average, reduce, _checked(reduction))
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    axis = 0 if input.array.ndim == 1 else 1
    if input.array.shape == target.array.shape:
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing, axis)
    logarithms = log_softmax(input, axis)
    loss = nll_loss(logarithms, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    classes = input.array.shape[axis]
    spread = -sum(logarithms if weight is None else logarithms * _column(weight, input.ndim, axis), axis)
    ignored = target == ignore_index
    spread = masked_fill(spread, ignored, 0.0)
    even: Any = spread
    if reduction == "mean":
        kept = logical_not(ignored)
        if weight is None:
            total = sum(kept)
        else:
            total = sum(index_select(weight, 0, masked_fill(target, ignored, 0).reshape(-1)) * kept.reshape(-1))
        even = sum(spread) / total
    elif reduction == "sum":
        even = sum(spread)
    return loss * (1 - label_smoothing) + even * (label_smoothing / classes)  # type: ignore[no-any-return]


def _column(weight: Tensor, ndim: int, axis: int) -> Tensor:
    """Class weights in a shape that broadcasts against logits."""
    return weight.reshape(tuple(-1 if d == axis else 1 for d in range(ndim)))


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float, axis: int
) -> Tensor:
    if target.dtype.category < dtypes.FLOATING:
        name = target.dtype.tensor_type_name.removesuffix("Tensor")
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {name}")
    classes = input.array.shape[axis]
    logarithms = log_softmax(input, axis)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    products = logarithms * target
    if weight is not None:
        products = products * _column(weight, input.ndim, axis)
    if reduction == "none":
        return -sum(products, axis)
    total = -sum(products)
    return total / (input.numel() / classes) if reduction == "mean" else total


# -- two classes ------------------------------------------------------------------------------------------------------


def _logits_slope(input: Tensor, target: Tensor, pos_weight: Tensor | None) -> Any:
    if pos_weight is None:
        return sigmoid(input) - target
    positive = pos_weight * target
    return (positive + 1 - target) * sigmoid(input) - positive


def _logits_target_slope(input: Tensor, pos_weight: Tensor | None) -> Any:
    if pos_weight is None:
        return -input
    return pos_weight * softplus(-input) - softplus(input)


def _bce_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9))
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9), make(3, low=0.5, high=1.5), reduction="sum")
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9), None, make(3, low=0.5, high=1.5), reduction="none")


@op(
    name="binary_cross_entropy_with_logits",
    dtypes=FLOATS,
    promotion="promote",
    promotes=("input", "target"),
    vjp={
        "input": lambda grad, input, target, weight, pos_weight, reduction: (
            _spread(grad, input.array.shape, reduction) * _full_slope(_logits_slope(input, target, pos_weight), weight)
        ),
        "target": lambda grad, input, weight, pos_weight, reduction: (
            _spread(grad, input.array.shape, reduction) * _full_slope(_logits_target_slope(input, pos_weight), weight)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, weight, pos_weight, reduction: _reduced(
            tangent * _full_slope(_logits_slope(input, target, pos_weight), weight), reduction
        ),
        "target": lambda tangent, input, weight, pos_weight, reduction: _reduced(
            tangent * _full_slope(_logits_target_slope(input, pos_weight), weight), reduction
        ),
    },
    samples=_bce_samples,
    method=False,
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
    """Binary cross entropy of the sigmoid of ``input``, without overflow, and its mean or sum."""
    # log(1 + exp(-x)) is max(-x, 0) + log(1 + exp(-|x|)).
    tail = backend.log1p(backend.exp(backend.negative(backend.abs(input))))
    tail = backend.add(tail, backend.maximum(backend.negative(input), 0.0))
    if pos_weight is not None:
        tail = backend.multiply(tail, backend.add(backend.multiply(backend.subtract(pos_weight, 1.0), target), 1.0))
    loss = backend.add(backend.multiply(backend.subtract(1.0, target), input), tail)
    if weight is not None:
        loss = backend.multiply(loss, weight)
    return _reduce_array(backend, loss, reduction)


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
    reduction = legacy_reduction(size_average, reduce, _checked(reduction))
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return logistic_loss(input, target, weight, pos_weight, reduction=reduction)


def _probability_slope(input: Tensor, target: Tensor) -> Any:
    return (input - target) / clamp((1 - input) * input, min=1e-12)


def _log_odds(input: Tensor) -> Any:
    return clamp(log1p(-input), min=-100.0) - clamp(log(input), min=-100.0)


def _check_probabilities(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> None:
    for name, values in (("input", input), ("target", target)):
        if not bool(logical_and(values >= 0, values <= 1).all()):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")


def _probability_samples(make: Any) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(make(2, 3, low=0.1, high=0.9), make(2, 3, low=0.1, high=0.9), reduction=reduction)
    yield Sample(make(2, 3, low=0.1, high=0.9), make(2, 3, low=0.1, high=0.9), make(3, low=0.5, high=1.5))


@op(
    name="binary_cross_entropy",
    dtypes=FLOATS,
    promotion="promote",
    promotes=("input", "target"),
    vjp={
        "input": lambda grad, input, target, weight, reduction: (
            _spread(grad, input.array.shape, reduction) * _full_slope(_probability_slope(input, target), weight)
        ),
        "target": lambda grad, input, weight, reduction: (
            _spread(grad, input.array.shape, reduction) * _full_slope(_log_odds(input), weight)
        ),
    },
    jvp={
        "input": lambda tangent, input, target, weight, reduction: _reduced(
            tangent * _full_slope(_probability_slope(input, target), weight), reduction
        ),
        "target": lambda tangent, input, weight, reduction: _reduced(
            tangent * _full_slope(_log_odds(input), weight), reduction
        ),
    },
    check=_check_probabilities,
    samples=_probability_samples,
    method=False,
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
    positive = backend.maximum(backend.log(input), -100.0)
    negative = backend.maximum(backend.log1p(backend.negative(input)), -100.0)
    # As PyTorch orders it: (target - 1) * log(1 - input) - target * log(input).
    loss = backend.subtract(
        backend.multiply(backend.subtract(target, 1.0), negative), backend.multiply(target, positive)
    )
    if weight is not None:
        loss = backend.multiply(loss, weight)
    return _reduce_array(backend, loss, reduction)


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
    reduction = legacy_reduction(size_average, reduce, _checked(reduction))
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated."
            " Please ensure they have the same size."
        )
    return probability_loss(input, target, weight, reduction=reduction)


# -- normalisation ----------------------------------------------------------------------------------------------------


def _check_layer_norm(
    input: Any, weight: Any = None, bias: Any = None, *, normalized_shape: Sequence[int], eps: float = 1e-5
) -> None:
    shape = list(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got"
            f" normalized_shape = {shape}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and list(value.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(value.shape)}"
                f" and normalized_shape = {shape}"
            )
    if list(input.shape[max(input.ndim - len(shape), 0) :]) != shape:
        expected = ", ".join(["*", *map(str, shape)])
        raise RuntimeError(
            f"Given normalized_shape={shape}, expected input with shape [{expected}], but got input of"
            f" size{list(input.shape)}"
        )


def _standardized(input: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    """The input with mean 0 and variance 1 over the dimensions, and the factor that does the latter."""
    centred = input - mean(input, dims, True)
    factor = rsqrt(mean(centred * centred, dims, True) + eps)
    return centred * factor, factor


def _layer_norm_vjp(
    grad: Tensor, input: Tensor, weight: Tensor | None, normalized_shape: Sequence[int], eps: float
) -> Any:
    dims = tuple(range(-len(normalized_shape), 0))
    standard, factor = _standardized(input, dims, eps)
    inner = grad if weight is None else grad * weight
    return factor * (inner - mean(inner, dims, True) - standard * mean(inner * standard, dims, True))


def _layer_norm_jvp(
    tangent: Tensor, input: Tensor, weight: Tensor | None, normalized_shape: Sequence[int], eps: float
) -> Any:
    dims = tuple(range(-len(normalized_shape), 0))
    standard, factor = _standardized(input, dims, eps)
    moved = factor * (tangent - mean(tangent, dims, True) - standard * mean(tangent * standard, dims, True))
    return moved if weight is None else moved * weight


def _standard_of(input: Tensor, normalized_shape: Sequence[int], eps: float) -> Tensor:
    return _standardized(input, tuple(range(-len(normalized_shape), 0)), eps)[0]


def _layer_norm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(3), make(3), normalized_shape=(3,))
    yield Sample(make(2, 3, 2), normalized_shape=(3, 2))
    yield Sample(make(2, 3), make(3), None, normalized_shape=(3,), eps=0.1)


@op(
    name="native_layer_norm",
    node="NativeLayerNormBackward0",
    dtypes=FLOATS,
    vjp={
        "input": lambda grad, input, weight, normalized_shape, eps: _layer_norm_vjp(
            grad, input, weight, normalized_shape, eps
        ),
        "weight": lambda grad, input, normalized_shape, eps: sum_to_size(
            grad * _standard_of(input, normalized_shape, eps), tuple(normalized_shape)
        ),
        "bias": lambda grad, normalized_shape: sum_to_size(grad, tuple(normalized_shape)),
    },
    jvp={
        "input": lambda tangent, input, weight, normalized_shape, eps: _layer_norm_jvp(
            tangent, input, weight, normalized_shape, eps
        ),
        "weight": lambda tangent, input, normalized_shape, eps: tangent * _standard_of(input, normalized_shape, eps),
        "bias": lambda tangent, out: expand(tangent, out.array.shape),
    },
    check=_check_layer_norm,
    samples=_layer_norm_samples,
    method=False,
)
def layer_normalization(
    backend: Backend,
    input: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    normalized_shape: Sequence[int],
    eps: float = 1e-5,
) -> Array:
    """The input standardised over its last dimensions, times a weight, plus a bias; what :func:`layer_norm` runs."""
    dims = len(normalized_shape)
    if not dims or tuple(input.shape[input.ndim - dims :]) != tuple(normalized_shape):
        raise RuntimeError("layer_norm() expects an input of the normalized shape")
    if any(p is not None and tuple(p.shape) != tuple(normalized_shape) for p in (weight, bias)):
        raise RuntimeError("layer_norm() expects weight and bias of the normalized shape")
    axes = tuple(range(input.ndim - dims, input.ndim))
    dtype = backend.dtypes[input.dtype]
    wide = dtypes.float32 if dtype.itemsize == 2 else dtype  # half precision is too little to square sums in
    values = input if wide is dtype else backend.astype(input, wide)
    centred = backend.subtract(values, backend.mean(values, axis=axes, keepdims=True))
    variance = backend.mean(backend.square(centred), axis=axes, keepdims=True)
    out = backend.divide(centred, backend.sqrt(backend.add(variance, eps)))
    if wide is not dtype:
        out = backend.astype(out, dtype)
    if weight is not None:
        out = backend.multiply(out, weight)
    return out if bias is None else plus_product(backend, out, bias)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Standardise over the last dimensions: mean 0, variance 1; then scale and shift.

    Parameters
    ----------
    normalized_shape : sequence of int
        The sizes of those dimensions.
    weight, bias : Tensor, optional
        Of that shape.
    eps : float
        Added to the variance.

    Raises
    ------
    RuntimeError
        If a shape does not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.layer_norm(pb.tensor([[1., 3.]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    return layer_normalization(input, weight, bias, normalized_shape=tuple(normalized_shape), eps=eps)


# -- activations that have a form in place ----------------------------------------------------------------------------


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element, or 0 where it is negative.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.relu(pb.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return input.relu_() if inplace else rectified(input)


# -- dropout ----------------------------------------------------------------------------------------------------------


def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """While training, zero each element with probability ``p`` and divide the others by ``1 - p``.

    Parameters
    ----------
    p : float
    training : bool
        Where it is False, the input comes back as it is.
    inplace : bool
        Write into the input.
    generator : Generator, optional
        What to draw from; the default generator if None.

    Raises
    ------
    ValueError
        If ``p`` is not in [0, 1].

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.dropout(pb.ones(2), training=False)
    tensor([1., 1.])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 0 or not training or not input.numel():
        return input
    backend = input.backend
    if p == 1:
        noise = zeros_of(input, ())
    else:
        kept = happens_array(backend, tuple(input.array.shape), 1 - p, input.device, generator)
        noise = Tensor._wrap(backend.multiply(backend.astype(kept, input.dtype), 1 / (1 - p)), backend)
    return input.mul_(noise) if inplace else mul(input, noise)


from pullback.autograd.engine import sum_to_size  # noqa: E402
from pullback.ops.activation import relu as rectified  # noqa: E402
from pullback.ops.activation import softplus  # noqa: E402
from pullback.ops.arithmetic import mul, sub  # noqa: E402
from pullback.ops.binary import clamp  # noqa: E402
from pullback.ops.comparison import logical_and, logical_not, where  # noqa: E402
from pullback.ops.gathering import index_select, masked_fill  # noqa: E402
from pullback.ops.linalg import addmm, matmul  # noqa: E402
from pullback.ops.random import happens_array  # noqa: E402
from pullback.ops.reduction import mean, sum  # noqa: E402
from pullback.ops.shape import broadcast_tensors, expand, has_contiguous_memory, t, view  # noqa: E402
from pullback.ops.softmax import log_softmax  # noqa: E402
from pullback.ops.unary import abs, log, log1p, rsqrt, sigmoid, sign  # noqa: E402
from pullback.ops.zeros import zeros_of  # noqa: E402

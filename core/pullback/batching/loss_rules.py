"""Batching rules of losses and of normalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pullback import dtypes
from pullback.batching.rules import aligned, front, loop, ndim_of, repeated_front, rule, shape_of
from pullback.op import registry
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.op import Operation


@rule("loss")
def loss(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The loss of each element, then the mean or sum over those of an example."""
    ndim = ndim_of(values[0], dims[0])
    input = repeated_front(values[0], dims[0], size)
    target = repeated_front(values[1], dims[1], size)
    each = operation.call(input, target, *aligned(values[2:], dims[2:], ndim), **{**attributes, "reduction": "none"})
    return reduced(each, attributes["reduction"]), 0


def reduced(each: Tensor, reduction: str) -> Tensor:
    """The mean or sum over all but the mapped dimension, or all elements."""
    if reduction == "none" or each.array.ndim == 1:
        return each
    dims = tuple(range(1, each.array.ndim))
    return each.mean(dims) if reduction == "mean" else each.sum(dims)


@rule("nll loss")
def nll_loss(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The examples become more rows."""
    input, target, weight = values
    if dims[2] is not None:
        return loop(operation, values, dims, attributes, size)
    shape, classes = shape_of(input, dims[0]), shape_of(target, dims[1])
    rows = repeated_front(input, dims[0], size)
    positions = repeated_front(target, dims[1], size)
    if len(shape) > 1:
        rows = rows.reshape((size * shape[0], *shape[1:]))
        positions = positions.reshape((size * classes[0], *classes[1:]))
    ignored = attributes["ignore_index"]
    each = operation.call(rows, positions, weight, ignore_index=ignored, reduction="none").reshape((size, *classes))
    reduction = attributes["reduction"]
    if reduction != "mean":
        return reduced(each, reduction), 0
    count = _total_weight(positions.reshape((size, *classes)), weight, ignored, each)
    return reduced(each, "sum") / count, 0


def _total_weight(target: Tensor, weight: Tensor | None, ignored: int, like: Tensor) -> Tensor:
    """The sum of the weights of an example's targets."""
    counted = target != ignored
    if weight is None:
        weights = counted.to(like.dtype)
    else:
        places = registry["where"].call(counted, target, 0).reshape(-1)
        weights = weight.index_select(0, places.to(dtypes.int64)).reshape(tuple(target.array.shape)) * counted
    return reduced(weights, "sum")


@rule("nll loss backward")
def nll_loss_backward(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The examples become more rows; each has its part of the gradient of a mean."""
    gradient, target, weight = values
    if dims[2] is not None:
        return loop(operation, values, dims, attributes, size)
    shape, classes = tuple(attributes["shape"]), shape_of(target, dims[1])
    positions = repeated_front(target, dims[1], size)
    ignored = attributes["ignore_index"]
    gradient = repeated_front(gradient, dims[0], size)
    if attributes["reduction"] == "mean":
        gradient = gradient / _total_weight(positions, weight, ignored, gradient)
    if attributes["reduction"] != "none":
        gradient = gradient.reshape((size, *(1,) * len(classes))).expand((size, *classes))
    single = len(shape) == 1
    whole = (size, *shape) if single else (size * shape[0], *shape[1:])
    rows = (size,) if single else (size * shape[0], *shape[2:])
    found = operation.call(gradient.reshape(rows), positions.reshape(rows), weight, whole, ignored, "none")
    return found.reshape((size, *shape)), 0


@rule("layer norm")
def layer_norm(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Weight and bias come afterwards where they are mapped too."""
    input, weight, bias = values
    if dims[1] is None and dims[2] is None:
        return operation.call(front(input, dims[0]), weight, bias, **attributes), 0
    ndim = ndim_of(input, dims[0])
    made = operation.call(repeated_front(input, dims[0], size), None, None, **attributes)
    if weight is not None:
        made = made * aligned((weight,), (dims[1],), ndim)[0]
    if bias is not None:
        made = made + aligned((bias,), (dims[2],), ndim)[0]
    return made, 0

"""Batching rules of losses and of normalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from pullback.batching.rules import aligned, front, ndim_of, repeated, repeated_front, rule, shape_of
from pullback.meta import dtypes
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


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


@rule("loss backward")
def loss_backward(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The gradient may be a number for all elements; the other operands have one shape."""
    gradient, *others = values
    (gradient,) = aligned((gradient,), dims[:1], ndim_of(others[0], dims[1]))
    return operation.call(gradient, *repeated(others, dims[1:], size), **attributes), 0


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
    shape, classes = shape_of(input, dims[0]), shape_of(target, dims[1])
    rows = repeated_front(input, dims[0], size)
    positions = repeated_front(target, dims[1], size)
    single = len(shape) == 1
    each = operation.call(
        rows if single else rows.reshape((size * shape[0], *shape[1:])),
        positions if single else positions.reshape((size * classes[0], *classes[1:])),
        None,
        ignore_index=attributes["ignore_index"],
        reduction="none",
    ).reshape((size, *classes))
    reduction = attributes["reduction"]
    if weight is None and reduction != "mean":
        return reduced(each, reduction), 0
    weights = _weights_of_targets(positions, weight, dims[2], attributes["ignore_index"], rows)
    if weight is not None:
        each = each * weights
    if reduction != "mean":
        return reduced(each, reduction), 0
    return reduced(each, "sum") / reduced(weights, "sum"), 0


def _weights_of_targets(target: Tensor, weight: Tensor | None, dim: int | None, ignored: int, like: Tensor) -> Tensor:
    """The weight of each example's targets: 0 for those that are ignored, 1 for others if no weights are given."""
    counted = target != ignored
    if weight is None:
        return counted.to(like.dtype)
    places = registry["where"].call(counted, target, 0).to(dtypes.int64)
    shape = tuple(target.array.shape)
    if dim is None:
        return weight.index_select(0, places.reshape(-1)).reshape(shape) * counted
    rows = places.reshape((shape[0], prod(shape[1:])))
    weights: Tensor = front(weight, dim).gather(1, rows).reshape(shape) * counted
    return weights


@rule("nll loss backward")
def nll_loss_backward(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The examples become more rows; each has its part of the gradient of a mean."""
    gradient, target, weight = values
    shape, classes = tuple(attributes["shape"]), shape_of(target, dims[1])
    positions = repeated_front(target, dims[1], size)
    ignored = attributes["ignore_index"]
    gradient = repeated_front(gradient, dims[0], size)
    reduction = attributes["reduction"]
    weights = None
    if weight is not None or reduction == "mean":
        weights = _weights_of_targets(positions, weight, dims[2], ignored, gradient)
        if reduction == "mean":
            gradient = gradient / reduced(weights, "sum")
    if reduction != "none":
        gradient = gradient.reshape((size, *(1,) * len(classes))).expand((size, *classes))
    if weight is not None:
        gradient = gradient * weights
    single = len(shape) == 1
    whole = (size, *shape) if single else (size * shape[0], *shape[1:])
    rows = (size,) if single else (size * shape[0], *shape[2:])
    found = operation.call(gradient.reshape(rows), positions.reshape(rows), None, whole, ignored, "none")
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

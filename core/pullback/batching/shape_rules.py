"""Batching rules of operations that change shapes, join tensors, or take elements from a fixed place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pullback.backend.geometry import Geometry
from pullback.batching.rules import (
    first_example,
    from_behind,
    front,
    ndim_of,
    repeated,
    repeated_front,
    rule,
    shape_of,
)
from pullback.meta.shapes import normalize_dim, normalize_dims
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


@rule("new shape")
def new_shape(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """``size`` is the shape of the result."""
    (value,) = values
    value = front(value, dims[0])
    return value.reshape((size, *attributes["size"])), 0


@rule("expand")
def expand(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """New dimensions come between the mapped one and the others."""
    (value,) = values
    target = tuple(attributes["size"])
    shape = shape_of(value, dims[0])
    added = len(target) - len(shape)
    value = front(value, dims[0])
    if added < 0:
        operation.call(first_example(value, 0), **attributes)  # raises
    for _ in range(added):
        value = value.unsqueeze(1)
    return operation.call(value, (size, *target)), 0


@rule("repeat")
def repeat(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """As :func:`expand`, with copies."""
    (value,) = values
    repeats = tuple(attributes["repeats"])
    ndim = ndim_of(value, dims[0])
    value = front(value, dims[0])
    if len(repeats) < ndim:
        operation.call(first_example(value, 0), **attributes)  # raises
    for _ in range(len(repeats) - ndim):
        value = value.unsqueeze(1)
    return operation.call(value, (1, *repeats)), 0


@rule("permute")
def permute(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The mapped dimension stays in front of the others."""
    (value,) = values
    order = attributes["dims"]
    ndim = ndim_of(value, dims[0])
    value = front(value, dims[0])
    if len(order) != ndim:
        operation.call(first_example(value, 0), **attributes)  # raises
    return operation.call(value, (0, *(normalize_dim(d, ndim) + 1 for d in order))), 0


@rule("transpose")
def transpose(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Two dimensions exchanged; one of a tensor without any is that tensor."""
    (value,) = values
    shifted = from_behind(attributes, ndim_of(value, dims[0]))
    if not ndim_of(value, dims[0]):
        return registry["alias"].call(value), dims[0]
    return operation.call(front(value, dims[0]), **shifted), 0


@rule("matrix transpose")
def matrix_transpose(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """``t()`` of a matrix, or of a vector, which stays what it is."""
    (value,) = values
    if ndim_of(value, dims[0]) < 2:
        return registry["alias"].call(value), dims[0]
    return front(value, dims[0]).transpose(-1, -2), 0


@rule("squeeze")
def squeeze(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Dimensions of size 1 go, the mapped one stays."""
    (value,) = values
    shape = shape_of(value, dims[0])
    given = attributes["dim"]
    chosen = range(len(shape)) if given is None else () if given == () else normalize_dims(given, len(shape))
    gone = tuple(d - len(shape) for d in chosen if shape[d] == 1)
    value = front(value, dims[0])
    return (operation.call(value, gone) if gone else registry["alias"].call(value)), 0


@rule("new dim")
def new_dim(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Attributes name dimensions of the result, which has one more."""
    ndim = ndim_of(values[0], dims[0]) + 1
    shifted = from_behind(attributes, ndim)
    if operation.sequence:
        return operation.call(repeated(values, dims, size), **shifted), 0
    return operation.call(front(values[0], dims[0]), **shifted), 0


@rule("cat")
def cat(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """An empty vector among the tensors is passed over, as it has another number of dimensions."""
    ndims = list(map(ndim_of, values, dims))
    ndim = max(ndims)
    kept = [
        repeated_front(v, d, size)
        for v, d, n in zip(values, dims, ndims, strict=True)
        if n == ndim or shape_of(v, d) != (0,)
    ]
    return operation.call(kept, **from_behind(attributes, ndim)), 0


@rule("into shape")
def into_shape(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """``shape`` is that of the result, and the other attributes name dimensions of it."""
    shape = tuple(attributes["shape"])
    if not shape:  # a 0-d tensor counts as a vector of one element here
        lent = {**from_behind(attributes, 1), "shape": (size, 1)}
        value = front(values[0], dims[0]).unsqueeze(1)
        return operation.call(value, **lent).squeeze(-1), 0
    shifted = {**from_behind(attributes, len(shape)), "shape": (size, *shape)}
    return operation.call(front(values[0], dims[0]), **shifted), 0


@rule("into first operand")
def into_first_operand(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The second operand goes to a place of the first one that attributes tell."""
    shifted = from_behind(attributes, ndim_of(values[0], dims[0]))
    return operation.call(*repeated(values, dims, size), **shifted), 0


@rule("roll")
def roll(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Without dimensions, the elements roll in the order of a vector."""
    (value,) = values
    shape = shape_of(value, dims[0])
    value = front(value, dims[0])
    given = attributes["dims"]
    if given is None or given == () or given == [] or not shape:
        rolled = operation.call(
            value.reshape(size, -1) if size else value, attributes["shifts"], (1,) if size else None
        )
        return rolled.reshape((size, *shape)), 0
    return operation.call(value, **from_behind(attributes, len(shape))), 0


@rule("trace")
def trace(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The sum of the diagonals."""
    return front(values[0], dims[0]).diagonal(0, -2, -1).sum(-1), 0


@rule("diagonal blocks")
def diagonal_blocks(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Each block between zeros, in rows that are joined."""
    blocks = [
        b if b.array.ndim == 3 else b.reshape(size, 1, b.array.shape[1] if b.array.ndim == 2 else 1)
        for b in repeated(values, dims, size)
    ]
    width = sum(b.array.shape[2] for b in blocks)
    join = registry["cat"].call
    rows, before = [], 0
    for block in blocks:
        _, height, own = block.array.shape
        left = block.new_zeros((size, height, before))
        right = block.new_zeros((size, height, width - before - own))
        rows.append(join([left, block, right], 2))
        before += own
    return join(rows, 1), 0


@rule("geometries")
def geometries(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The geometries of one example, as those of all of them: one behind the other in a storage."""
    value = front(values[0], dims[0])
    source, target = attributes["source"], attributes["target"]
    low = min(source.offset, target.offset)
    step = max(source.extent, target.extent, low) - low

    def every(geometry: Geometry) -> Geometry:
        return Geometry(geometry.dtype, (size, *geometry.shape), (step, *geometry.strides), geometry.offset - low)

    return operation.call(value, every(source), every(target)), 0


@rule("zero part")
def zero_part(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The places to be zero, found in one example, are zero in all."""
    value = front(values[0], dims[0])
    kept = operation.call(value.new_ones(shape_of(values[0], dims[0])), **attributes)
    return registry["where"].call(kept != 0, value, 0), 0


@rule("fill")
def fill(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """One value for all elements of an example."""
    if dims[1] is None:
        return operation.call(*values), dims[0]
    return copy(registry["copy"], values, dims, attributes, size)  # type: ignore[arg-type]  # an operation


@rule("copy")
def copy(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The second operand, in the shape and dtype of the first one."""
    input, source = values
    ndim = ndim_of(input, dims[0])
    input = repeated_front(input, dims[0], size)
    if dims[1] is not None:
        source = front(source, dims[1])
        shape = tuple(source.array.shape)
        if len(shape) - 1 < ndim:
            source = source.reshape((size, *(1,) * (ndim + 1 - len(shape)), *shape[1:]))
    return operation.call(input, source), 0


@rule("membership")
def membership(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Of given values for each example every pair is compared."""
    elements, given = values
    if dims[1] is None:
        return operation.call(elements, given, **attributes), dims[0]
    elements, given = front(elements, dims[0]), front(given, dims[1])
    if dims[0] is None:
        elements = elements.unsqueeze(0)
    given = given.reshape(size, *(1 for _ in range(elements.ndim - 1)), math.prod(given.shape[1:]))
    return (elements.unsqueeze(-1) == given).any(-1), 0

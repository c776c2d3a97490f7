"""Batching rules of operations that gather and write elements at positions that tensors hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from pullback.batching.levels import Level
from pullback.batching.rules import (
    aligned,
    first_example,
    from_behind,
    front,
    ndim_of,
    repeated,
    repeated_front,
    rule,
    shape_of,
    without_last,
)
from pullback.meta import dtypes
from pullback.meta.shapes import broadcast_shape, normalize_dim
from pullback.ops.indexing.masking import numbers_of_true
from pullback.tensor import Tensor
from pullback.tensor.indices import Positions
from pullback.tensor.levels import is_mapped
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


class MappedPositions:
    """Positions of which some have a mapped dimension: the wrapped tensors, and where it is."""

    __slots__ = ("dims", "parts")

    def __init__(self, parts: Sequence[Tensor | None], dims: Sequence[int | None]) -> None:
        self.parts = tuple(parts)
        self.dims = tuple(dims)


def unwrapped_indices(level: Level, attributes: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The attributes with the tensors that the level's positions wrap, and whether one of them is mapped."""
    positions = attributes["indices"]
    positions.check()
    parts: list[Tensor | None] = []
    dims: list[int | None] = []
    for part in positions.parts:
        if part is None or part.backend.level != level.number:
            parts.append(part)
            dims.append(None)
        else:
            parts.append(part.array.value)
            dims.append(part.array.batch_dim)
    if any(d is not None for d in dims):
        return {**attributes, "indices": MappedPositions(parts, dims)}, True
    return {**attributes, "indices": Positions(parts)}, False


def first_indices(positions: Positions | MappedPositions) -> Positions:
    """The positions of the first example."""
    dims = positions.dims if isinstance(positions, MappedPositions) else (None,) * len(positions.parts)
    return Positions(
        [p if d is None or p is None else p.select(d, 0) for p, d in zip(positions.parts, dims, strict=True)]
    )


class _Places:
    """What positions say about where in the result the dimensions come from."""

    def __init__(self, positions: Positions | MappedPositions, shape: Sequence[int]) -> None:
        self.parts: list[Tensor | None] = []
        self.dims: list[int | None] = []
        dims = positions.dims if isinstance(positions, MappedPositions) else (None,) * len(positions.parts)
        for part, dim in zip(positions.parts, dims, strict=True):
            if part is not None and part.dtype is dtypes.bool_:
                vectors = part.nonzero(as_tuple=True)
                self.parts += vectors
                self.dims += (None,) * len(vectors)
            else:
                self.parts.append(part)
                self.dims.append(dim)
        given = [number for number, part in enumerate(self.parts) if part is not None]
        self.mapped = any(d is not None for d in self.dims)
        self.adjacent = bool(given) and given == list(range(given[0], given[0] + len(given)))
        self.before = given[0] if self.adjacent else 0  # dimensions of the result before those of the positions
        shapes = [shape_of(p, d) for p, d in zip(self.parts, self.dims, strict=True) if p is not None]
        self.shape = broadcast_shape(shapes)
        self.ndim = len(self.shape)  # that the positions have together
        others = [size for number, size in enumerate(shape) if number not in given]
        self.region = (*others[: self.before], *self.shape, *others[self.before :])

    def with_examples(self, size: int, like: Tensor) -> list[Tensor | None]:
        """The positions with, in front, the numbers of the examples."""
        arange = registry["arange"].call
        numbers = arange(size, device=like.device, backend=like.backend).reshape(size, *(1,) * self.ndim)
        return [numbers, *self.lined_up()]

    def lined_up(self) -> list[Tensor | None]:
        """The positions such that they broadcast as their examples do."""
        return [
            p if p is None else aligned((p,), (d,), self.ndim)[0] for p, d in zip(self.parts, self.dims, strict=True)
        ]

    def back_in_order(self, found: Tensor) -> Tensor:
        """What is found with the examples' numbers as positions: the positions' dimensions have come to the front."""
        if not self.before:
            return found
        own = range(1, 1 + self.ndim)
        before = range(1 + self.ndim, 1 + self.ndim + self.before)
        return found.permute((0, *before, *own, *range(before.stop, found.array.ndim)))

    def out_of_order(self, values: Tensor) -> Tensor:
        """The reverse of :meth:`back_in_order`."""
        if not self.before:
            return values
        before = range(1, 1 + self.before)
        own = range(1 + self.before, 1 + self.before + self.ndim)
        return values.permute((0, *own, *before, *range(own.stop, values.array.ndim)))


@rule("index")
def index(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The elements at positions."""
    (input,) = values
    places = _Places(attributes["indices"], shape_of(input, dims[0]))
    if not places.mapped:
        found = operation.call(front(input, dims[0]), Positions([None, *places.parts]))
        return found, 0 if places.adjacent else places.ndim
    if dims[0] is None:
        return operation.call(input, Positions(places.lined_up())), places.before
    found = operation.call(front(input, dims[0]), Positions(places.with_examples(size, input)))
    return places.back_in_order(found), 0


@rule("index put")
def index_put(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Elements written or added at positions."""
    input, written = values
    places = _Places(attributes["indices"], shape_of(input, dims[0]))
    input = repeated_front(input, dims[0], size)
    own = shape_of(written, dims[1])
    lead = size if dims[1] is not None else 1
    missing = len(places.region) - len(own)
    written = front(written, dims[1]).reshape((lead, *(1,) * missing, *own))
    if places.mapped:
        parts = places.with_examples(size, input)
        written = places.out_of_order(written)
    else:
        parts = [None, *places.parts]
        if not places.adjacent:  # the mapped dimension comes behind those of the positions
            written = written.movedim(0, places.ndim)
    return operation.call(input, written, Positions(parts), attributes["accumulate"]), 0


@rule("take")
def take(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Elements by their number in the order of a vector."""
    input, positions = values
    flat = _flat(input, dims[0], size)
    parts = MappedPositions([positions], [dims[1]])
    return index(registry["index"], [flat], [_first(dims[0])], {"indices": parts}, size)  # type: ignore[arg-type]


@rule("put")
def put(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Elements written by their number in the order of a vector."""
    input, positions, source = values
    flat = _flat(input, dims[0], size)
    shape = shape_of(positions, dims[1])
    source = front(source, dims[2])
    source = source.reshape(shape if dims[2] is None else (size, *shape))
    written, _ = index_put(
        registry["index_put"],  # type: ignore[arg-type]  # an operation
        [flat, source],
        [_first(dims[0]), _first(dims[2])],
        {"indices": MappedPositions([positions], [dims[1]]), "accumulate": attributes["accumulate"]},
        size,
    )
    return written.reshape((size, *shape_of(input, dims[0]))), 0


def _first(dim: int | None) -> int | None:
    return None if dim is None else 0


def _flat(value: Tensor, dim: int | None, size: int) -> Tensor:
    count = prod(shape_of(value, dim))
    return value.reshape(count) if dim is None else front(value, dim).reshape(size, count)


@rule("gather")
def gather(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Positions along a dimension, in a tensor of as many dimensions."""
    input, positions = repeated(values, dims, size)
    ndim = ndim_of(values[1], dims[1])
    shifted = from_behind(attributes, ndim_of(values[0], dims[0]))
    if input.array.ndim == 1:
        input = input.unsqueeze(-1)
    if positions.array.ndim == 1:
        positions = positions.unsqueeze(-1)
    return without_last(operation.call(input, positions, **shifted), ndim + 1), 0


@rule("scatter")
def scatter(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """As :func:`gather`, writing."""
    ndim = ndim_of(values[0], dims[0])
    shifted = from_behind(attributes, ndim)
    arranged = [v.unsqueeze(-1) if v.array.ndim == 1 else v for v in repeated(values, dims, size)]
    return without_last(operation.call(*arranged, **shifted), ndim + 1), 0


def _spread(positions: Tensor, like: Sequence[int], axis: int, size: int) -> Tensor:
    """A vector of positions for each example, as positions of all elements along ``axis``."""
    shape = [1] * len(like)
    shape[axis] = positions.array.shape[-1]
    whole = [*like]
    whole[axis] = shape[axis]
    return positions.reshape((size, *shape)).expand((size, *whole))


@rule("index select")
def index_select(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """A vector of positions along one dimension."""
    input, positions = values
    ndim = ndim_of(input, dims[0])
    shape = shape_of(input, dims[0]) or (1,)
    axis = normalize_dim(attributes["dim"], ndim)
    input = repeated_front(input, dims[0], size).reshape((size, *shape))
    if dims[1] is None:
        found = operation.call(input, positions, dim=axis - len(shape))
    else:
        rows = _flat(positions, dims[1], size)
        found = registry["gather"].call(input, dim=axis + 1, index=_spread(rows, shape, axis, size))
    return without_last(found, ndim + 1), 0


#: What writes at a position for each element, for what writes at a vector of positions.
_BY_ELEMENT = {"index_add": "scatter_add", "index_copy": "scatter", "index_reduce": "scatter_reduce"}


@rule("index write")
def index_write(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Slices written at a vector of positions along one dimension."""
    input, positions, *sources = values
    ndim = ndim_of(input, dims[0])
    shape = shape_of(input, dims[0]) or (1,)
    axis = normalize_dim(attributes["dim"], ndim)
    input = repeated_front(input, dims[0], size).reshape((size, *shape))
    named = {**attributes, "dim": axis - len(shape)}
    if operation.name in ("index_fill", "index_fill_tensor"):
        filler = sources[0] if sources else None
        if filler is not None and dims[2] is not None:
            return _filled(input, positions, dims[1], front(filler, dims[2]), shape, axis, size, ndim)
        if dims[1] is None:
            return without_last(operation.call(input, positions, *sources, **named), ndim + 1), 0
        value = filler if filler is not None else input.new_full((), attributes["value"])
        return _filled(input, positions, dims[1], value, shape, axis, size, ndim)
    source = repeated_front(sources[0], dims[2], size)
    if source.array.ndim == 1:
        source = source.unsqueeze(-1)
    if dims[1] is None:
        return without_last(operation.call(input, positions, source, **named), ndim + 1), 0
    spread = _spread(_flat(positions, dims[1], size), shape, axis, size)
    if operation.name == "index_add":
        alpha = named.pop("alpha")
        source = source if alpha == 1 else source * alpha
    write = registry[_BY_ELEMENT[operation.name]].call
    written = write(input, spread, source, **{**named, "dim": axis + 1})
    return without_last(written, ndim + 1), 0


def _filled(
    input: Tensor, positions: Tensor, dim: int | None, value: Tensor, shape: Any, axis: int, size: int, ndim: int
) -> tuple[Tensor, int]:
    rows = repeated_front(positions, dim, size).reshape((size, prod(shape_of(positions, dim))))
    rows = rows + (rows < 0).to(rows.dtype) * shape[axis]  # a scatter takes none from the end
    spread = _spread(rows, shape, axis, size)
    numbers = value.array.shape[0] if value.array.ndim else 1
    filler = value.to(input.dtype).reshape((numbers, *(1,) * len(shape))).expand(tuple(spread.array.shape))
    return without_last(registry["scatter"].call(input, spread, filler, dim=axis + 1), ndim + 1), 0


# -- masks ------------------------------------------------------------------------------------------------------------


@rule("masked fill")
def masked_fill(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """One value where the mask is true."""
    ndim = max(ndim_of(values[0], dims[0]), ndim_of(values[1], dims[1]))
    input, mask = aligned(values[:2], dims[:2], ndim)
    if dims[0] is None:
        input = input.unsqueeze(0).expand(size, *input.array.shape)
        (input,) = aligned((input,), (0,), ndim)
    if len(values) < 3 or dims[2] is None:
        return operation.call(input, mask, *values[2:], **attributes), 0
    value = front(values[2], dims[2]).to(input.dtype).reshape((size, *(1,) * ndim))
    return registry["where"].call(mask, value, input), 0


@rule("masked select")
def masked_select(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The elements where the mask is true, if it is the same for each example."""
    if dims[1] is not None:
        raise RuntimeError(
            "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because for"
            " each batch this would return a differently shaped Tensor. Please file an issue at"
            " https://github.com/pytorch/pytorch/issues if you need this feature."
        )
    input, mask = values
    shape = broadcast_shape([shape_of(input, dims[0]), tuple(mask.array.shape)])
    shape = shape or (1,)
    (input,) = aligned((input,), dims[:1], len(shape))
    mask = mask.expand(shape)
    found = registry["index"].call(input.expand((size, *shape)), Positions([None, *mask.nonzero(as_tuple=True)]))
    return found, 0


@rule("masked scatter")
def masked_scatter(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Elements of the source, one after the other, where the mask is true."""
    input, mask, source = values
    shape = broadcast_shape([shape_of(input, dims[0]), shape_of(mask, dims[1])])
    flat = _flat(source, dims[2], size)
    given = flat.array.shape[-1]
    if input.dtype is not source.dtype or mask.dtype is not dtypes.bool_:
        operation.call(*map(first_example, values, dims))  # raises
    if dims[1] is not None or not shape or is_mapped(mask):
        (mask,) = aligned((mask,), dims[1:2], len(shape)) if dims[1] is not None else (mask.unsqueeze(0),)
        mask = mask.expand((size, *shape))
        positions, most = numbers_of_true(mask.reshape((size, prod(shape))))
        if most is not None and most > given:
            raise RuntimeError(_TOO_FEW)
        if not given:
            return repeated_front(input, dims[0], size).expand((size, *shape)).clone(), 0
        positions = positions.clamp(0, given - 1)
        picked = flat.take(positions) if dims[2] is None else flat.gather(1, positions)
        (input,) = aligned((input,), dims[:1], len(shape)) if dims[0] is not None else (input,)
        return registry["where"].call(mask, picked.reshape((size, *shape)), input), 0
    positions = mask.expand(shape).nonzero(as_tuple=True)
    count = positions[0].array.shape[0]
    if count > given:
        raise RuntimeError(_TOO_FEW)
    (input,) = aligned((repeated_front(input, dims[0], size),), (0,), len(shape))
    return index_put(
        registry["index_put"],  # type: ignore[arg-type]  # an operation
        [input.expand((size, *shape)), flat.narrow(-1, 0, count)],
        [0, _first(dims[2])],
        {"indices": Positions(positions), "accumulate": False},
        size,
    )


_TOO_FEW = "Number of elements of source < number of ones in mask"

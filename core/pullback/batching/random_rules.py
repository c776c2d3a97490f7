"""Operations that draw random numbers, inside ``vmap``: its ``randomness`` says whether examples differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from pullback.batching.levels import Level, LevelArray, check_randomness
from pullback.batching.rules import aligned, call, repeated, repeated_front, shape_of
from pullback.tensor import Tensor
from pullback.tensor.levels import LEVELS, innermost_mapped, levels
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


def drawn(
    level: Level,
    operation: Operation,
    values: Sequence[Any],
    dims: Sequence[int | None],
    attributes: Mapping[str, Any],
) -> tuple[Any, Any]:
    """The batching rule of an operation that draws for each element of its operands."""
    check_randomness(level)
    levels_before = levels()
    try:
        LEVELS.set(levels_before[: level.number - 1])  # what is drawn beneath is drawn as it is there
        return _drawn(level, operation, values, dims, attributes)
    finally:
        LEVELS.set(levels_before)


def _drawn(
    level: Level,
    operation: Operation,
    values: Sequence[Any],
    dims: Sequence[int | None],
    attributes: Mapping[str, Any],
) -> tuple[Any, Any]:
    assert level.batch_size is not None
    if level.randomness == "different":
        rows = repeated(values, dims, level.batch_size)
        return call(operation, aligned(rows, (0,) * len(rows)), attributes), 0
    if all(d is None for d in dims):
        return call(operation, values, attributes), None
    of_a_shape = operation.batching == "draws of a shape" or "p" in operation.operands
    if (of_a_shape or attributes.get("p") is not None) and all(d is None for d in dims[1:]):
        shape = shape_of(values[0], dims[0])
        return call(operation, [values[0].new_empty(shape), *values[1:]], attributes), None
    raise _same_of_different()


def _same_of_different() -> RuntimeError:
    return RuntimeError(
        "Vmap does not currently support same randomness with a batched tensor input. Please file an issue with"
        " functorch"
    )


def drawn_from_rows(weights: Tensor, draw: Callable[[Tensor], Tensor]) -> Tensor | None:
    """What ``draw`` draws from each row of weights, for the examples of a level; None where nothing is mapped over.

    ``draw`` takes a vector of weights or a matrix of them.
    """
    level = innermost_mapped()
    if level is None:
        return None
    check_randomness(level)
    assert level.batch_size is not None
    while weights.backend.level > level.number:  # of a forward pass, which passes nothing through a draw
        weights = weights.array.value
    array: LevelArray = level.lift(weights).array
    levels_before = levels()
    try:
        LEVELS.set(levels_before[: level.number - 1])
        if level.randomness == "same":
            if array.batch_dim is not None:
                raise _same_of_different()
            return level.wrap(draw(array.value), None)
        rows = repeated_front(array.value, array.batch_dim, level.batch_size)
        *leading, count = rows.array.shape
        drawn = draw(rows.reshape(prod(leading), count) if len(leading) > 1 else rows)
        return level.wrap(drawn.reshape((*leading, drawn.array.shape[-1])), 0)
    finally:
        LEVELS.set(levels_before)


seams.drawn_from_rows = drawn_from_rows

"""Running an operation on tensors of a level: by its batching rule, on the tensors they wrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.batching.indexing_rules import first_indices, unwrapped_indices
from pullback.batching.levels import Level, LevelArray
from pullback.batching.random_rules import drawn
from pullback.batching.rules import call, rule_of
from pullback.dispatch.complete_path import promoted_dtype
from pullback.dispatch.finishing import finish
from pullback.meta.shapes import broadcast_shape
from pullback.tensor import Tensor
from pullback.tensor.levels import ESCAPED, RECORDED_BENEATH, innermost_mapped, levels
from pullback.tensor.modes import MODE, NO_GRAD, entered, left, mode
from pullback.tensor.registry import registry
from pullback.tensor.seams import NO_LEVEL, seams

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation

    #: Runs an operation on operands of which some have a mapped dimension: takes the operation, the operands, where the
    #: mapped dimension of each is (None where it has none), the attributes and the number of examples. Returns the
    #: result and where its mapped dimension is; a list of both where there are several results.
    Rule: TypeAlias = Callable[
        [Operation, Sequence[Any], Sequence[int | None], Mapping[str, Any], int], tuple[Any, Any]
    ]


def level_of(operation: Operation, flat: Sequence[Any], attributes: Mapping[str, Any]) -> Level | None:
    """The highest level among the operands and the tensors that attributes hold; None for plain tensors."""
    number = 0
    for value in flat:
        if isinstance(value, Tensor) and value.backend.level > number:
            number = value.backend.level
    if "indices" in attributes:
        for part in attributes["indices"].parts:
            if part is not None and part.backend.level > number:
                number = part.backend.level
    if operation.draws:
        mapped = innermost_mapped()
        if mapped is not None and mapped.number > number:
            number = mapped.number
    if not number:
        return None
    if number > len(levels()):
        raise RuntimeError(ESCAPED)
    return levels()[number - 1]


def run_at_level(operation: Operation, flat: list[Any], attributes: dict[str, Any]) -> Any:
    """What :func:`pullback.dispatch.complete_path.run` does, at the level of the operands.

    Returns ``NO_LEVEL`` where they are of none.
    """
    level = level_of(operation, flat, attributes)
    if level is None:
        return NO_LEVEL
    operation = registry.get(operation.name, operation)  # type: ignore[assignment]  # not a form that overwrites
    flat = [level.lift(v) if isinstance(v, Tensor) else v for v in flat]
    dtype = promoted_dtype(operation, flat)
    if operation.check is not None:
        if operation.sequence:
            operation.check(flat, **attributes)
        else:
            operation.check(*flat, **attributes)
    if operation.broadcasts:
        broadcast_shape([v.array.shape for v in flat if isinstance(v, Tensor)])
    active = mode()
    if active & NO_GRAD and level.number in RECORDED_BENEATH.get():
        mode_before = mode()
        try:
            MODE.set(left(active, NO_GRAD))
            results, dims = _results(level, operation, flat, attributes, dtype)
        finally:
            MODE.set(mode_before)
    else:
        results, dims = _results(level, operation, flat, attributes, dtype)
    if operation.view and level.copies_views:
        results = results.clone() if operation.outputs is None else [r.clone() for r in results]
    if operation.outputs is None:
        outs = [level.wrap(results, dims)]
    else:
        places = dims if isinstance(dims, list | tuple) else [dims] * len(results)
        outs = [level.wrap(r, d) for r, d in zip(results, places, strict=True)]
    return finish(operation, flat, attributes, outs, dtype, active, level=True)


def _results(level: Level, operation: Operation, flat: list[Any], attributes: dict[str, Any], dtype: Any) -> Any:
    """The results on the wrapped tensors, and where their mapped dimensions are."""
    values: list[Any] = []
    dims: list[int | None] = []
    for operand in flat:
        if isinstance(operand, Tensor):
            array: LevelArray = operand.array
            values.append(array.value)
            dims.append(array.batch_dim)
        else:
            values.append(operand)
            dims.append(None)
    if operation.draws and level.batch_size is not None:
        return drawn(level, operation, values, dims, attributes)
    parts = attributes.get("indices")
    if parts is not None:
        attributes, mapped = unwrapped_indices(level, attributes)
    else:
        mapped = False
    if not mapped and all(d is None for d in dims):
        return call(operation, values, attributes), None
    assert level.batch_size is not None
    if operation.promotion != "same":
        values = _in_logical_dtype(operation, flat, values, dims, dtype)
    rule = rule_of(operation)
    try:
        return rule(operation, values, dims, attributes, level.batch_size)
    except (RuntimeError, TypeError, ValueError, IndexError):
        _run_first_example(operation, values, dims, attributes)
        raise


def _in_logical_dtype(
    operation: Operation, flat: Sequence[Any], values: list[Any], dims: Sequence[int | None], dtype: Any
) -> list[Any]:
    """The operands as they promote together: one of no dimensions weighs less, with a mapped dimension too."""
    if not any(d is not None and v.array.ndim == 1 for v, d in zip(values, dims, strict=True)):
        return values
    names = operation.operands if not operation.sequence else operation.operands * len(values)
    return [
        v.to(dtype) if isinstance(v, Tensor) and n in operation.promotes and v.dtype is not dtype else v
        for n, v in zip(names, values, strict=True)
    ]


def _run_first_example(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any]
) -> None:
    """Run a failed operation on the first example alone: what that says is about the shapes that the user sees."""
    if any(d is not None and not v.array.shape[d] for v, d in zip(values, dims, strict=True)):
        return
    if "indices" in attributes:
        attributes = {**attributes, "indices": first_indices(attributes["indices"])}
    mode_before = mode()
    try:
        MODE.set(entered(mode(), NO_GRAD))
        call(operation, [v if d is None else v.select(d, 0) for v, d in zip(values, dims, strict=True)], attributes)
    finally:
        MODE.set(mode_before)


seams.run_at_level = run_at_level

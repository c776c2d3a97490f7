"""An operation's samples with their operands in other layouts: one at a time, and all together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pullback.extend import Composite, Operation, Tensor
from pullback_conformance.moving import mapped, tensors_in
from pullback_conformance.samples.bases import Bases, takes
from pullback_conformance.samples.layouts import LAYOUTS, REPEATING
from pullback_conformance.samples.maker import Maker

#: The layouts in which all operands come together; the others overlap, which no two operands need.
_TOGETHER: Final = ("columnwise", "offset", "step", "backwards", "middle exchanged")
#: How many of the operands are tried alone.
_ALONE: Final = 4
#: The layouts are shared out among so many dtypes.
_PARTS: Final = 4


def relaid(operation: Operation | Composite, make: Maker, bases: Bases) -> Iterator[tuple[str, Any, Any]]:
    """The label and the arguments of each sample in another layout; the sample with most dimensions comes first."""
    if operation.sampled.layouts:
        return
    distinct = operation.operands.index(operation.sampled.distinct) if operation.sampled.distinct else None
    by_dimensions = sorted(bases.first, key=lambda s: -sum(t.array.ndim for t in tensors_in((s.args, s.kwargs))))
    number = 0
    for rank, sample in enumerate(by_dimensions):
        ending = f" #{rank + 1}" if rank else ""
        for label, layout, position in _variations(len(tensors_in((sample.args, sample.kwargs)))):
            if position == distinct is not None and layout in REPEATING:
                continue
            number += 1
            # The first sample is seen in every layout; the others share them out, as the dtypes do.
            if (rank and (number + rank) % len(by_dimensions)) or not takes(operation, make.dtype, number, _PARTS):
                continue
            yield label + ending, *_with_layout(sample, layout, position)


def _variations(count: int) -> Iterator[tuple[str, str, int | None]]:
    """Label, layout and operand, None for all; those that find most first."""
    names = tuple(LAYOUTS)
    yield "all columnwise", "columnwise", None
    for position in range(min(count, _ALONE)):
        layout = names[position % 3]
        yield f"operand {position}, {layout}", layout, position
    yield "all with an offset", "offset", None
    for layout in names:
        if layout in _TOGETHER[2:] and count > 1:
            yield f"all {layout}", layout, None
        for position in range(min(count, _ALONE)):
            if layout != names[position % 3]:
                yield f"operand {position}, {layout}", layout, position


def _with_layout(sample: Any, layout: str, position: int | None) -> tuple[Any, Any]:
    number = -1

    def replace(tensor: Tensor) -> Tensor:
        nonlocal number
        number += 1
        if position not in (None, number):
            return tensor
        return Tensor._wrap(LAYOUTS[layout](tensor.array), tensor.backend)

    return mapped((sample.args, sample.kwargs), replace)  # type: ignore[no-any-return]

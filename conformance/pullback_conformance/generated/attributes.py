"""Other attributes for a call: dimensions that are there, and what the samples have, mixed and beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pullback_conformance.generated.choices import Choices
from pullback_conformance.generated.shapes import SIZES, Renaming
from pullback_conformance.samples.bad_calls import DIMENSIONS

#: Parameters that name several dimensions.
_SEVERAL: Final = frozenset({"dims", *(f"{name}s" for name in DIMENSIONS)})


def names_dimensions(name: str) -> bool:
    """Whether a parameter of that name says which dimensions."""
    return name in DIMENSIONS or name in _SEVERAL


def other_attribute(choices: Choices, name: str, value: Any, seen: Sequence[Any], ndim: int) -> Any:
    """A value for an attribute of a sample.

    Parameters
    ----------
    value : object
        The sample's.
    seen : sequence
        What the operation's samples have in its place, and its default.
    ndim : int
        The number of dimensions of the first tensor.
    """
    if names_dimensions(name) and _is_whole(value):
        return choices.below(2 * max(ndim, 1)) - max(ndim, 1)
    if names_dimensions(name) and isinstance(value, tuple) and all(map(_is_whole, value)):
        return _distinct_dimensions(choices, len(value), ndim)
    if isinstance(value, bool):
        return value != choices.whether()
    if _is_whole(value) and all(map(_is_whole, seen)):
        return choices.one_of([value, *seen, value + 1, max(seen) + 1, max(value - 1, min(seen))])
    if isinstance(value, float):
        numbers = [float(v) for v in seen if type(v) in (int, float)]
        # Between what the samples have, whose ends may be those of a domain.
        low, high = min(numbers), max(numbers)
        between = [low + (high - low) * part for part in (0.25, 0.5)] if high - low < float("inf") else []
        return choices.one_of([value, *numbers, *between])
    return choices.one_of([value, *seen])


def other_sizes(value: Any, renaming: Renaming) -> Any:
    """Sizes among the arguments as those of the tensors are."""
    if type(value) in (tuple, list) and all(map(_is_whole, value)):
        return type(value)(renaming.of_size(size) for size in value)
    return renaming.of_size(value) if _is_whole(value) else value


def any_sizes(choices: Choices, value: Any) -> Any:
    """Sizes of which no tensor says what they are: any."""
    return tuple(choices.one_of(SIZES) for _ in value)


def are_sizes(value: Any) -> bool:
    """Whether it may be the sizes of a tensor."""
    return isinstance(value, tuple) and bool(value) and all(_is_whole(size) and size >= 0 for size in value)


def _distinct_dimensions(choices: Choices, count: int, ndim: int) -> tuple[int, ...]:
    left = list(range(ndim))
    chosen = []
    for _ in range(min(count, ndim)):
        dim = left.pop(choices.below(len(left)))
        chosen.append(dim - ndim if choices.seldom() else dim)
    return tuple(chosen)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

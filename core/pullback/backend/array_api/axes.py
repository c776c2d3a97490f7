"""The axes of a reduction."""

from __future__ import annotations

from math import prod
from typing import TypeAlias

Axis: TypeAlias = int | tuple[int, ...] | None


def count_reduced(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements a reduction over ``axis`` combines into one."""
    if axis is None:
        return prod(shape)
    return prod(shape[a] for a in axis) if isinstance(axis, tuple) else shape[axis]

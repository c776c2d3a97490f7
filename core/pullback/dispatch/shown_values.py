"""What graph nodes show without saving it: functions for the ``derived`` of a declaration's ``shows``.

Each takes the names that formulas use and returns a function of ``saved``, which gives what a node saved by such a
name, and None where the node did not need it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

Saved: TypeAlias = Callable[[str], Any]
Derived: TypeAlias = Callable[[Saved], Any]


def size_of(name: str, dim: int) -> Derived:
    """The size of a dimension of a tensor, or of a shape."""

    def size(saved: Saved) -> int | None:
        value = saved(name)
        return None if value is None else (value if isinstance(value, tuple) else tuple(value.shape))[dim]

    return size


def numel_of(shape: str) -> Derived:
    """The number of elements of a shape."""
    return lambda saved: math.prod(saved(shape))


def sizes_and_strides(*operands: str) -> dict[str, Derived]:
    """The shapes and strides of operands, under the names that PyTorch gives them."""

    def sizes(name: str) -> Derived:
        return lambda saved: None if (tensor := saved(name)) is None else tuple(tensor.shape)

    def strides(name: str) -> Derived:
        return lambda saved: () if (tensor := saved(name)) is None else tuple(tensor.stride())

    shown = (("sizes", sizes), ("strides", strides))
    return {f"{name}_sym_{what}": derive(name) for name in operands for what, derive in shown}

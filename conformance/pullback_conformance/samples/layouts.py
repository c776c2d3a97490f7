"""Layouts of operands: the same values with their elements elsewhere in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from pullback.extend import Tensor


def transposed(tensor: Tensor) -> Tensor:
    """A NumPy tensor with its dimensions in reverse order, without the graph or alias an operation would add."""
    return Tensor._wrap(tensor.array.T, tensor.backend)


def stepped(tensor: Tensor) -> Tensor:
    """Every other element of a 1-d NumPy tensor."""
    return Tensor._wrap(tensor.array[::2], tensor.backend)


def columnwise(array: Any) -> Any:
    """The array with its first dimension varying fastest in memory."""
    return np.ascontiguousarray(array.T).T


def with_step(array: Any) -> Any:
    """The array as every other element, in the last dimension, of a larger one whose rest must not be read."""
    return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array


def with_offset(array: Any) -> Any:
    """The array as all but the first row of a larger one."""
    return np.concatenate([array[-1:], array])[1:] if array.ndim else array


def expanded(array: Any) -> Any:
    """The array with its first row in the place of every row: rows that share memory."""
    return np.broadcast_to(array[:1], array.shape) if array.ndim else array


#: By name; each keeps the shape, and all but ``expanded`` the values.
LAYOUTS: Final[dict[str, Callable[[Any], Any]]] = {
    "columnwise": columnwise,
    "step": with_step,
    "offset": with_offset,
    "expanded": expanded,
}


def laid_out(tensor: Tensor, layout: str) -> Tensor:
    """A NumPy tensor in the layout of that name."""
    return Tensor._wrap(LAYOUTS[layout](tensor.array), tensor.backend)

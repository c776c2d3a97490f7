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
    return np.ascontiguousarray(array.T).T if array.ndim else array


def with_step(array: Any) -> Any:
    """The array as every other element, in the last dimension, of a larger one whose rest must not be read."""
    return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array


def with_offset(array: Any) -> Any:
    """The array as all but the first row of a larger one."""
    return np.concatenate([array[-1:], array])[1:] if array.ndim else array


def expanded(array: Any) -> Any:
    """The array with its first row in the place of every row: rows that share memory."""
    return np.broadcast_to(array[:1], array.shape) if array.ndim else array


def backwards(array: Any) -> Any:
    """The array with every axis running backwards in memory."""
    turned = (slice(None, None, -1),) * array.ndim
    return np.ascontiguousarray(array[turned])[turned] if array.ndim else array


def half_backwards(array: Any) -> Any:
    """The array as every other element, from the end of its last axis to the start, of a larger one."""
    return np.repeat(array[..., ::-1], 2, axis=-1)[..., ::-2] if array.ndim else array


def with_middle_exchanged(array: Any) -> Any:
    """The array with its last axis varying slowest in memory, the others in order."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, 0)), 0, -1) if array.ndim > 1 else array


def windows(array: Any) -> Any:
    """Overlapping windows: each row is the one before, moved by one element."""
    if array.ndim < 2 or not array.size:
        return array
    flat = np.array(array).reshape(-1)
    return np.lib.stride_tricks.as_strided(flat, array.shape, (array.itemsize,) * array.ndim)


#: The layouts in which elements share memory, so that values come several times; all others keep the values.
REPEATING: Final = frozenset(("expanded", "windows"))
#: By name; each keeps the shape.
LAYOUTS: Final[dict[str, Callable[[Any], Any]]] = {
    "columnwise": columnwise,
    "step": with_step,
    "offset": with_offset,
    "expanded": expanded,
    "backwards": backwards,
    "half backwards": half_backwards,
    "middle exchanged": with_middle_exchanged,
    "windows": windows,
}


def laid_out(tensor: Tensor, layout: str) -> Tensor:
    """A NumPy tensor in the layout of that name."""
    return Tensor._wrap(LAYOUTS[layout](tensor.array), tensor.backend)

"""Elements read and written at positions that are arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

from pullback.extend import Backend, NativeArray, elements_read


def nonzero(x: NativeArray, count: int) -> tuple[NativeArray, ...]:
    return jnp.nonzero(x, size=count)


def scatter(x: NativeArray, indices: NativeArray, values: NativeArray, axis: int, how: str) -> NativeArray:
    if values.ndim:
        values = values[tuple(slice(0, n) for n in indices.shape)]
    key = tuple(
        indices if d == axis else np.arange(n).reshape(tuple(n if e == d else 1 for e in range(x.ndim)))
        for d, n in enumerate(indices.shape)
    )
    return getattr(x.at[key], how)(values)


def put(x: NativeArray, key: Any, values: NativeArray, how: str) -> NativeArray:
    """``x`` with ``values`` at ``key``, put there by the method ``how`` of ``x.at[key]``."""
    parts = key if isinstance(key, tuple) else (key,)
    arrays = [part for part in parts if consumed(part) and getattr(part, "dtype", np.bool_) != np.bool_]
    whole = tuple(part is Ellipsis if part is Ellipsis or _is_whole(part) else None for part in parts)
    if not arrays or len(arrays) != whole.count(None):
        return getattr(x.at[key], how)(values)  # compiled for each bound of a slice it would be slow
    return _put_at_arrays(x, arrays, values, whole, how)


@partial(jax.jit, static_argnums=(3, 4))
def _put_at_arrays(
    x: NativeArray, arrays: list[NativeArray], values: NativeArray, whole: tuple[bool | None, ...], how: str
) -> NativeArray:
    """Put values where every part of the key is an array, or else takes an axis whole (False) or several (True)."""
    remaining = iter(arrays)
    key = tuple(next(remaining) if several is None else Ellipsis if several else slice(None) for several in whole)
    return getattr(x.at[key], how)(values)


def _is_whole(part: Any) -> bool:
    return isinstance(part, slice) and part == slice(None)


def axis_of_only_index(key: Any) -> int | None:
    """The axis that an array of integers indexes, where every axis before it is taken whole and none follows."""
    if not isinstance(key, tuple) or not key:
        return None
    *before, last = key
    if getattr(last, "dtype", None) is None or last.dtype.kind not in "iu" or not last.ndim:
        return None
    whole = all(_is_whole(part) for part in before)
    return len(before) if whole else None


def consumed(part: Any) -> int:
    """How many axes one part of an index stands for."""
    if part is None or isinstance(part, bool):
        return 0
    dtype = getattr(part, "dtype", None)
    return part.ndim if dtype == np.bool_ else 1


def check_bounds(backend: Backend, indices: Any, size: int, axis: int) -> None:
    if isinstance(indices, jax.core.Tracer):
        return  # its values are known only when the compiled program runs
    seen = backend.is_array(indices)
    values = elements_read("an index, checked for its bounds,", backend, indices) if seen else np.asarray(indices)
    if not values.size or values.dtype == np.bool_:
        return
    lowest, highest = int(values.min()), int(values.max())
    if lowest < -size or highest >= size:
        wrong = lowest if lowest < -size else highest
        raise IndexError(f"index {wrong} is out of bounds for dimension {axis} with size {size}")

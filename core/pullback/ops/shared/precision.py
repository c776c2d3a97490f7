"""Dtypes inside a body: where half precision would lose the result, and where a Python number needs to be an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback.dispatch.complete_path import constant
from pullback.meta.dtypes import bfloat16, float16, float32

if TYPE_CHECKING:
    from pullback.backend.base import Backend
    from pullback.dispatch.declaration import Array


def in_float32(backend: Backend, compute: Callable[..., Array], *arrays: Array) -> Array:
    """``compute(*arrays)``, for float16 and bfloat16 computed in float32 and rounded once at the end."""
    dtype = backend.dtypes[arrays[0].dtype]
    if dtype is float16 or dtype is bfloat16:
        return backend.astype(compute(*(backend.astype(array, float32) for array in arrays)), dtype)
    return compute(*arrays)


def number(backend: Backend, value: Any, array: Array) -> Any:
    """A Python number fit to be combined with ``array`` by a kernel without changing its dtype."""
    dtype = backend.dtypes[array.dtype]
    if dtype in backend.strong_scalar_dtypes:
        return constant(backend, value, dtype)
    return value

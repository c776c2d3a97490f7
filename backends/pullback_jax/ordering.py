"""Comparing, sorting and extremes by the bits of numbers: XLA takes subnormal ones for zero."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special

from pullback.extend import (
    Axis,
    NativeArray,
)
from pullback_jax.subnormal import as_integers

#: Comparisons by name, as functions of integers.
COMPARISONS: dict[str, Any] = {
    "equal": jnp.equal,
    "not_equal": jnp.not_equal,
    "less": jnp.less,
    "less_equal": jnp.less_equal,
    "greater": jnp.greater,
    "greater_equal": jnp.greater_equal,
}


def ordered(x: NativeArray) -> NativeArray:
    """Integers in the order of floating numbers: the two zeros are one, and NaN is the greatest. Others as they are."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x
    bits = as_integers(x)
    limits = jnp.iinfo(bits.dtype)
    return jnp.where(jnp.isnan(x), limits.max, jnp.where(bits < 0, limits.min - bits, bits))


def nonzero_bits(x: NativeArray) -> NativeArray:
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return nonzero_bits(x.real) | nonzero_bits(x.imag)
    return ordered(x) != 0


def compared(compare: Any, x: Any, y: Any) -> NativeArray:
    dtype = jnp.result_type(x, y)
    x, y = x.astype(dtype), y.astype(dtype)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        if compare is jnp.not_equal:
            return ~compared(jnp.equal, x, y)
        return compared(compare, x.real, y.real) & compared(compare, x.imag, y.imag)
    if not jnp.issubdtype(dtype, jnp.floating):
        return compare(x, y)
    result, unordered = compare(ordered(x), ordered(y)), jnp.isnan(x) | jnp.isnan(y)
    return result | unordered if compare is jnp.not_equal else result & ~unordered


@partial(jax.custom_jvp, nondiff_argnums=(0, 2, 3))
def reduced(largest: bool, x: NativeArray, axis: Axis, keepdims: bool) -> NativeArray:
    """The greatest or the least element, by bits whose order is that of the numbers, -0.0 before 0.0."""
    reduce: Any = jnp.max if largest else jnp.min
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return reduce(x, axis=axis, keepdims=keepdims)
    bits = as_integers(x)
    limits = jnp.iinfo(bits.dtype)
    undefined = limits.max if largest else limits.min  # in either the bits of a NaN, once they are turned back
    keys = jnp.where(jnp.isnan(x), undefined, jnp.where(bits < 0, bits ^ limits.max, bits))
    found = reduce(keys, axis=axis, keepdims=keepdims)
    return jax.lax.bitcast_convert_type(jnp.where(found < 0, found ^ limits.max, found), x.dtype)


@reduced.defjvp
def _reduced_jvp(largest: bool, axis: Axis, keepdims: bool, primals: Any, tangents: Any) -> tuple[Any, Any]:
    (x,), (tangent,) = primals, tangents
    out = reduced(largest, x, axis, True)
    chosen = (x == out) | jnp.isnan(x)
    share = jnp.sum(jnp.where(chosen, tangent, 0), axis=axis, keepdims=True) / jnp.sum(chosen, axis=axis, keepdims=True)
    shape = jnp.sum(x, axis=axis, keepdims=keepdims).shape
    return out.reshape(shape), share.astype(x.dtype).reshape(shape)


def maximum(x: Any, y: Any) -> NativeArray:
    return _extreme(x, y, jnp.maximum, jnp.greater_equal)


def minimum(x: Any, y: Any) -> NativeArray:
    return _extreme(x, y, jnp.minimum, jnp.less_equal)


def _extreme(x: Any, y: Any, extreme: Any, precedes: Any) -> NativeArray:
    dtype = jnp.result_type(x, y)
    if not jnp.issubdtype(dtype, jnp.floating):
        return extreme(x, y)
    x, y = x.astype(dtype), y.astype(dtype)
    return jnp.where(precedes(ordered(x), ordered(y)) & ~jnp.isnan(y) | jnp.isnan(x), x, y)


def nextafter(x: Any, y: Any) -> NativeArray:
    dtype = jnp.result_type(x, y)
    x, y = x.astype(dtype), y.astype(dtype)
    here, there = ordered(x), ordered(y)
    found = here + (there > here).astype(here.dtype) - (there < here).astype(here.dtype)
    below = (found < 0) | (found == 0) & (here < 0)  # a zero that comes from below is negative
    found = jnp.where(below, jnp.iinfo(found.dtype).min - found, found)
    found = jnp.where(here == there, y, jax.lax.bitcast_convert_type(found, dtype))
    return jnp.where(jnp.isnan(x) | jnp.isnan(y), math.nan, found)


def sorted_values(x: NativeArray, axis: int, descending: bool) -> NativeArray:
    if descending:  # reversed before and after, equal elements keep their order
        x = jnp.flip(x, axis)
    keys = ordered(x)
    out = jnp.sort(x, axis=axis, stable=True) if keys is x else jax.lax.sort((keys, x), axis, True, 1)[1]
    return jnp.flip(out, axis) if descending else out

"""Products of many factors, and of matrices with a long inner axis."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

from pullback.extend import (
    NativeArray,
)

#: A longer axis than this is not left to XLA's products of matrices, which may add up one product after the other.
LONG = 4096


def long_product(x: NativeArray, y: NativeArray, precision: str, wide: Any) -> NativeArray:
    """``x @ y`` with a long shared axis, where one of the two has more than one dimension."""
    dtype = x.dtype
    x, y = x.astype(wide), y.astype(wide)
    if y.ndim == 1 or x.ndim == 1:
        # XLA reduces in blocks, unless it makes a product of it.
        out = jnp.sum(x * y, axis=-1) if y.ndim == 1 else jnp.sum(x[:, None] * y, axis=-2)
    elif y.shape[-1] == 1:
        out = jnp.sum(x * jnp.matrix_transpose(y), axis=-1, keepdims=True)
    elif x.shape[-2] == 1:
        out = jnp.sum(jnp.matrix_transpose(x) * y, axis=-2, keepdims=True)
    else:
        size = x.shape[-1]
        part = max(16 * LONG, -(-size // 64))
        products = [
            jnp.matmul(x[..., start : start + part], y[..., start : start + part, :], precision=precision)
            for start in range(0, size, part)
        ]
        out = jnp.sum(jnp.stack(products), axis=0)
    return out.astype(dtype)


def prod(x: NativeArray, axis: Any, keepdims: bool) -> NativeArray:
    """The product in double precision; where it leaves the range, of the fractions, with the exponents summed apart."""
    plain = jnp.prod(x, axis=axis, keepdims=keepdims)
    if 0 in x.shape or jnp.iscomplexobj(x):
        return plain

    def scaled() -> NativeArray:
        axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(sorted(a % x.ndim for a in axes))
        kept = [a for a in range(x.ndim) if a not in axes]
        rows = x.transpose((*kept, *axes)).reshape((*(x.shape[a] for a in kept), -1))
        fractions, exponents = jnp.frexp(rows)
        exponents = exponents.astype(np.int64).sum(-1)
        while fractions.shape[-1] > 1:
            if fractions.shape[-1] % 2:
                fractions = jnp.concatenate([fractions, jnp.ones_like(fractions[..., :1])], -1)
            fractions, own = jnp.frexp(fractions[..., ::2] * fractions[..., 1::2])
            exponents = exponents + own.astype(np.int64).sum(-1)
        # In two steps: 2**exponents alone may be out of range.
        half = jnp.clip(exponents, -4000, 4000) // 2
        out = jnp.ldexp(jnp.ldexp(fractions[..., 0], half), jnp.clip(exponents, -4000, 4000) - half)
        return out.reshape(plain.shape)

    in_range = jnp.isfinite(plain) & ((plain != 0) | jnp.any(x == 0, axis=axis, keepdims=keepdims))
    return jax.lax.cond(jnp.all(in_range), lambda: plain, lambda: jnp.where(in_range, plain, scaled()))

"""Powers, by the kind of their operands."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.extend import NativeArray
from pullback_jax.subnormal import power

#: Whole exponents of complex numbers up to this one are products, as NumPy's are.
WHOLE = 100


def pow(x: Any, y: Any) -> NativeArray:
    """``x`` to the power of ``y``, in the dtype that JAX promotes them to."""
    dtype = jnp.result_type(x, y)  # of an array and a Python number, the array's
    x, y = x.astype(dtype), y.astype(dtype)
    if jnp.issubdtype(dtype, jnp.integer):
        return integer_pow(x, y)
    if dtype.itemsize == 2:
        return pow(x.astype(np.float32), y.astype(np.float32)).astype(dtype)
    kernel = complex_pow if jnp.issubdtype(dtype, jnp.complexfloating) else power
    if y.ndim:
        return kernel(x, y)
    # Squares are what powers mostly are, and a product is exact to half an ulp at a fraction of the time.
    return jax.lax.cond(y == 2, lambda: x * x, lambda: kernel(x, y))


def integer_pow(x: NativeArray, y: NativeArray) -> NativeArray:
    """Powers modulo two to the number of bits, for any exponent: XLA's own count the exponent modulo 64."""

    def multiply(state: Any) -> Any:
        result, square, exponent = state
        return jnp.where(exponent & 1 == 1, result * square, result), square * square, exponent >> 1

    start = jnp.ones(jnp.broadcast_shapes(x.shape, y.shape), x.dtype), x, jnp.maximum(y, 0)
    result, _, _ = jax.lax.while_loop(lambda state: jnp.any(state[2] != 0), multiply, start)
    if jnp.issubdtype(x.dtype, jnp.unsignedinteger):
        return result
    # The truncated exact result, 0 or ±1, where the exponent is negative.
    inverse = jnp.where(x == 1, 1, jnp.where(x == -1, 1 - 2 * (y & 1), 0)).astype(x.dtype)
    return jnp.where(y < 0, inverse, result)


@jax.custom_jvp
def complex_pow(x: NativeArray, y: NativeArray) -> NativeArray:
    """Complex powers; to small whole exponents by products, which a logarithm's rounding would leave inexact."""
    whole = (y.imag == 0) & (y.real == jnp.floor(y.real)) & (jnp.abs(y.real) <= WHOLE)

    def by_products() -> NativeArray:
        left = jnp.where(whole, jnp.abs(y.real), 0).astype(np.int32)
        # The inverse first: powers of the number itself may be out of range where the result is not.
        square, product = jnp.broadcast_arrays(jnp.where(whole & (y.real < 0), 1 / x, x), y)
        begun = jnp.zeros(product.shape, bool)
        product = jnp.ones_like(product)
        for _ in range(WHOLE.bit_length()):
            taken = left & 1 == 1
            # No product with one: of an infinity that has parts that are NaN.
            product = jnp.where(taken, jnp.where(begun, product * square, square), product)
            begun, square, left = begun | taken, square * square, left >> 1
        return jnp.where(whole, product, _by_logarithm(x, y))

    return jax.lax.cond(jnp.any(whole), by_products, lambda: _by_logarithm(x, y))


def _by_logarithm(x: NativeArray, y: NativeArray) -> NativeArray:
    """XLA's power, which is a product: as one exponential, where a factor alone is out of range."""
    product = jnp.power(x, y)
    exponential = jnp.exp(y * jnp.log(x))
    are_finite = jnp.isfinite(x) & jnp.isfinite(y) & jnp.isfinite(exponential)
    return jnp.where(are_finite & ~jnp.isfinite(product), exponential, product)


@complex_pow.defjvp
def _complex_pow_jvp(primals: Any, tangents: Any) -> tuple[NativeArray, NativeArray]:
    _, tangent = jax.jvp(jnp.power, primals, tangents)
    return complex_pow(*primals), tangent

"""Arithmetic with subnormal operands.

While a program of XLA's runs on a CPU, the processor takes subnormal operands for zero and gives zero in place of
subnormal results. Here the fraction of a subnormal operand is read from its bits as a normal number, a power of two
times as great, and the result is scaled back: it is right wherever it is not subnormal itself. All of it fuses into the
one loop that reads the operands, and that loop waits for memory. What JAX differentiates keeps its derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.extend import NativeArray


def as_integers(x: NativeArray) -> NativeArray:
    return jax.lax.bitcast_convert_type(x, np.dtype(f"int{8 * x.dtype.itemsize}"))


def shift(dtype: Any) -> int:
    """The power of two that makes subnormal numbers of the dtype normal: an even one, which has a root."""
    return 24 if dtype == np.float32 else 52


def power_of_two(dtype: Any, exponent: int) -> Any:
    return np.array(math.ldexp(1.0, exponent), dtype)


def bits_of(value: Any, dtype: Any) -> Any:
    return np.array(value, dtype).view(f"int{8 * np.dtype(dtype).itemsize}")


def is_small(x: NativeArray) -> NativeArray:
    """Whether numbers are subnormal or zero."""
    return as_integers(x) & bits_of(np.inf, x.dtype) == 0


@jax.custom_jvp
def enlarged(x: NativeArray) -> NativeArray:
    """Numbers of single or double precision, those that are small times two to the power of ``shift``."""
    limits = jnp.finfo(x.dtype)
    fraction = as_integers(x) & (1 << limits.nmant) - 1
    offset = power_of_two(x.dtype, int(limits.minexp) + shift(x.dtype))  # the exponent to put before it
    magnitude = jax.lax.bitcast_convert_type(fraction | bits_of(offset, x.dtype), x.dtype) - offset
    return jnp.where(is_small(x), jnp.copysign(magnitude, x), x)


@enlarged.defjvp
def _enlarged_jvp(primals: Any, tangents: Any) -> tuple[NativeArray, NativeArray]:
    (x,), (tangent,) = primals, tangents
    return enlarged(x), jnp.where(is_small(x), power_of_two(x.dtype, shift(x.dtype)), 1) * tangent


@jax.custom_jvp
def apart(x: NativeArray) -> NativeArray:
    """Numbers whose origin XLA does not see when it simplifies."""
    hidden: Any = jax.lax.optimization_barrier
    return hidden(x)


@apart.defjvp
def _apart_jvp(primals: Any, tangents: Any) -> tuple[NativeArray, NativeArray]:
    return apart(*primals), tangents[0]


def enlarged_together(x: NativeArray, y: NativeArray) -> tuple[NativeArray, NativeArray, NativeArray]:
    """Two numbers, both times two to the power of ``shift`` where one is small and none large; and whether they are.

    Beside a large number a subnormal one counts as much as zero.
    """
    both = (is_small(x) | is_small(y)) & (jnp.abs(x) < 1) & (jnp.abs(y) < 1)
    factor = power_of_two(x.dtype, shift(x.dtype))
    x, y = (jnp.where(both, jnp.where(is_small(v), enlarged(v), factor * v), v) for v in (x, y))
    return x, y, both


def adapted(plain: Any, kernel: Callable[..., NativeArray]) -> Callable[..., NativeArray]:
    """``kernel`` for single and double precision, ``plain`` for other dtypes; either in float32 for half precision.

    Of float16 no number is subnormal in float32.
    """

    def call(*operands: Any) -> NativeArray:
        dtype = jnp.result_type(*operands)
        if not jnp.issubdtype(dtype, jnp.floating):
            return plain(*operands)
        operands = tuple(x.astype(dtype) for x in operands)
        if dtype.itemsize > 2:
            return kernel(*operands)
        return (plain if dtype == np.float16 else kernel)(*(x.astype(np.float32) for x in operands)).astype(dtype)

    return call


def _multiply(x: NativeArray, y: NativeArray) -> NativeArray:
    # The product of two subnormal numbers is nothing in any case.
    small = is_small(x) | is_small(y)
    return enlarged(x) * enlarged(y) * jnp.where(small, power_of_two(x.dtype, -shift(x.dtype)), 1)


def _divide(x: NativeArray, y: NativeArray) -> NativeArray:
    less, more = (power_of_two(x.dtype, sign * shift(x.dtype)) for sign in (-1, 1))
    back = jnp.where(is_small(x) == is_small(y), 1, jnp.where(is_small(x), less, more))
    divisor = enlarged(y)
    if x.shape != y.shape:
        # XLA would multiply by the reciprocal of what it broadcasts, which rounds twice and may be subnormal.
        divisor = apart(jnp.broadcast_to(divisor, jnp.broadcast_shapes(x.shape, y.shape)))
    return enlarged(x) / divisor * back


def _reciprocal(x: NativeArray) -> NativeArray:
    return 1 / enlarged(x) * jnp.where(is_small(x), power_of_two(x.dtype, shift(x.dtype)), 1)


def _sqrt(x: NativeArray) -> NativeArray:
    return jnp.sqrt(enlarged(x)) * jnp.where(is_small(x), power_of_two(x.dtype, -shift(x.dtype) // 2), 1)


def _atan2(y: NativeArray, x: NativeArray) -> NativeArray:
    y, x, both = enlarged_together(y, x)
    # Beside a large x the zero that y is taken for has its sign.
    back = jnp.where(is_small(y) & ~both, power_of_two(y.dtype, -shift(y.dtype)), 1)
    return jnp.atan2(jnp.where(is_small(y), enlarged(y), y) * back, x)


def _logarithm(function: Any, of_two: float) -> Callable[[NativeArray], NativeArray]:
    def kernel(x: NativeArray) -> NativeArray:
        return function(enlarged(x)) - jnp.where(is_small(x), np.array(of_two * shift(x.dtype), x.dtype), 0)

    return kernel


def _floor(x: NativeArray) -> NativeArray:
    return jnp.floor(enlarged(x))


def _ceil(x: NativeArray) -> NativeArray:
    return jnp.ceil(enlarged(x))


def power(x: NativeArray, y: NativeArray) -> NativeArray:
    """Powers of any floating or complex dtype but half precision."""
    if x.dtype not in (np.float32, np.float64):
        return jnp.power(x, y)
    small = is_small(x) & (as_integers(x) & jnp.iinfo(as_integers(x).dtype).max != 0)

    def of_enlarged() -> NativeArray:
        back = jnp.where(small, power_of_two(x.dtype, -shift(x.dtype)), 1)
        return jnp.power(jnp.where(small, enlarged(x), x), y) * jnp.power(back, y)

    # Two powers take twice the time.
    return jax.lax.cond(jnp.any(small), of_enlarged, lambda: jnp.power(x, y))


#: Kernels of floating numbers by name.
KERNELS: dict[str, Callable[..., NativeArray]] = {
    "atan2": _atan2,
    "ceil": _ceil,
    "divide": _divide,
    "floor": _floor,
    "log": _logarithm(jnp.log, math.log(2)),
    "log2": _logarithm(jnp.log2, 1.0),
    "log10": _logarithm(jnp.log10, math.log10(2)),
    "multiply": _multiply,
    "reciprocal": _reciprocal,
    "sqrt": _sqrt,
}


def widened(x: NativeArray, native: Any) -> NativeArray:
    """Single precision or bfloat16 in double precision; the parts of complex numbers likewise."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return jax.lax.complex(widened(x.real, np.float64), widened(x.imag, np.float64))
    x = x.astype(np.float32)
    wide = enlarged(x).astype(np.float64) * jnp.where(is_small(x), power_of_two(np.float64, -shift(x.dtype)), 1)
    return wide.astype(native)

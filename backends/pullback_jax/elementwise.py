"""Elementwise kernels that XLA has not, or is not accurate in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

from pullback.extend import (
    NativeArray,
)
from pullback_jax.ordering import nonzero_bits, ordered


def in_float32(function: Any) -> Callable[[NativeArray], NativeArray]:
    """A function that computes in the dtype it is given, for half precision in float32 and rounded once."""
    return lambda x: function(x.astype(np.float32)).astype(x.dtype) if x.dtype.itemsize == 2 else function(x)


def on_both_sides(function: Any) -> Callable[[NativeArray], NativeArray]:
    """A function of conjugates that are conjugates, with each side of its branch cut along the real axis.

    XLA's own give the upper side also where the imaginary part is -0.0.
    """

    def kernel(x: NativeArray) -> NativeArray:
        if not jnp.issubdtype(x.dtype, jnp.complexfloating):
            return function(x)
        upper = function(jax.lax.complex(x.real, jnp.abs(x.imag)))
        return jnp.where(jnp.signbit(x.imag), jnp.conj(upper), upper)

    return kernel


def asinh(x: NativeArray) -> NativeArray:
    if not jnp.issubdtype(x.dtype, jnp.complexfloating):
        return jnp.asinh(x)
    turned = on_both_sides(jnp.asin)(jax.lax.complex(x.imag, -x.real))  # whose cut is the real axis
    return jax.lax.complex(-turned.imag, turned.real)


@jax.jit
def gcd(x: NativeArray, y: NativeArray) -> NativeArray:
    """Of magnitudes as unsigned integers: jnp.gcd never comes back from the least signed one, which has no opposite."""
    native = jnp.promote_types(x.dtype, y.dtype)
    if not jnp.issubdtype(native, jnp.signedinteger):
        return jnp.gcd(x, y)
    unsigned = np.dtype(f"u{native.name}")
    magnitudes = (jnp.abs(operand.astype(native)).view(unsigned) for operand in (x, y))
    return jnp.gcd(*magnitudes).view(native)


@jax.custom_jvp
def atanh(x: NativeArray) -> NativeArray:
    magnitude = jnp.abs(x)
    return jnp.copysign(0.5 * jnp.log1p(2 * magnitude / (1 - magnitude)), x)


@atanh.defjvp
def _atanh_jvp(primals: Any, tangents: Any) -> tuple[NativeArray, NativeArray]:
    (x,), (tangent,) = primals, tangents
    return atanh(x), tangent / ((1 - x) * (1 + x))


@jax.custom_jvp
def log1p(x: NativeArray) -> NativeArray:
    # The logarithm of the rounded sum, corrected by what the rounding lost (Kahan).
    apart: Any = jax.lax.optimization_barrier  # XLA would cancel (1 + x) - 1
    rounded = apart(1 + x)
    exact = (rounded == 1) | (x == math.inf)  # -0.0 keeps its sign
    return jnp.where(exact, x, jnp.log(rounded) * (x / (rounded - 1)))


@log1p.defjvp
def _log1p_jvp(primals: Any, tangents: Any) -> tuple[NativeArray, NativeArray]:
    (x,), (tangent,) = primals, tangents
    return log1p(x), tangent / (1 + x)


def cosh(x: NativeArray) -> NativeArray:
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        real, imaginary = cosh(x.real) * jnp.cos(x.imag), sinh(x.real) * jnp.sin(x.imag)
        return _in_range(real, imaginary, jnp.cosh(x))
    larger, smaller = _half_exponentials(x)
    return larger + smaller


def sinh(x: NativeArray) -> NativeArray:
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        # XLA's own has a real part of zero where it is small beside 1.
        real, imaginary = sinh(x.real) * jnp.cos(x.imag), cosh(x.real) * jnp.sin(x.imag)
        return _in_range(real, imaginary, jnp.sinh(x))
    larger, smaller = _half_exponentials(x)
    return jnp.where(jnp.abs(x) < 1, jnp.sinh(x), jnp.copysign(larger - smaller, x))


def expm1(x: NativeArray) -> NativeArray:
    if not jnp.issubdtype(x.dtype, jnp.complexfloating):
        return jnp.expm1(x)
    # XLA's own subtracts 1 from the cosine.
    half = jnp.sin(x.imag * 0.5)
    real, imaginary = jnp.expm1(x.real) * jnp.cos(x.imag) - 2 * half * half, jnp.exp(x.real) * jnp.sin(x.imag)
    return _in_range(real, imaginary, jnp.expm1(x))


def _in_range(real: NativeArray, imaginary: NativeArray, otherwise: NativeArray) -> NativeArray:
    """Both parts where they are finite, else what XLA has for infinities."""
    return jnp.where(jnp.isfinite(real) & jnp.isfinite(imaginary), jax.lax.complex(real, imaginary), otherwise)


def _half_exponentials(x: NativeArray) -> tuple[NativeArray, NativeArray]:
    """``exp(|x|) / 2`` and ``exp(-|x|) / 2``, the first without overflow before its half does.

    XLA's own are exponentials of ``x - log(2)``, whose rounding is worth many units in the last place of the result.
    """
    root = jnp.exp(jnp.abs(x) * 0.5)
    return root * (root * 0.5), 0.5 / root / root


def sign(x: NativeArray) -> NativeArray:
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return jnp.where(nonzero_bits(x), jnp.sign(x), 0)  # +0 for -0.0 too, as in PyTorch
    order = ordered(x)
    return jnp.where(jnp.isnan(x), x, (order > 0).astype(x.dtype) - (order < 0).astype(x.dtype))


def floor_divide(x: Any, y: Any) -> NativeArray:
    dtype = jnp.result_type(x, y)
    if dtype.itemsize == 2 and jnp.issubdtype(dtype, jnp.floating):  # in which remainder and quotient would be rounded
        return floor_divide(jnp.asarray(x, np.float32), jnp.asarray(y, np.float32)).astype(dtype)
    exact = jnp.divide(x, y)
    quotient = jnp.where(y == 0, exact, jnp.floor_divide(x, y))  # some releases of JAX give NaN for an infinity there
    # XLA's own gets the sign of a zero from intermediate results.
    return jnp.where(quotient == 0, jnp.copysign(quotient, exact), quotient)


def differentiable_erfc(erfc: Callable[[NativeArray], NativeArray]) -> Callable[[NativeArray], NativeArray]:
    """The complementary error function, with a derivative for JAX's own differentiation."""
    erfc = jax.custom_jvp(erfc)

    @erfc.defjvp
    def jvp(primals: Any, tangents: Any) -> tuple[NativeArray, NativeArray]:
        (x,), (tangent,) = primals, tangents
        return erfc(x), -2 / math.sqrt(math.pi) * jnp.exp(-x * x) * tangent

    return erfc

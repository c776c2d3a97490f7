"""What one element of each loop is, by NumPy: where CuPy's own code says otherwise, by that.

CUDA's mathematical functions round otherwise than NumPy's. That is not simulated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stand_in.dtypes import bfloat16

_NUMPY = {"bitwise_not": "invert", "mod": "remainder", "divide": "true_divide"}


def known(name: str) -> bool:
    return name in _OWN or isinstance(getattr(np, _NUMPY.get(name, name), None), np.ufunc)


def function(name: str) -> Any:
    """What computes a loop of a function: it gets the loop and NumPy's arrays in the loop's dtypes."""
    own = _OWN.get(name)
    if own is not None:
        return own
    found = getattr(np, _NUMPY.get(name, name))

    def compute(loop: Any, *operands: Any) -> Any:
        if bfloat16 in loop.ins:  # as bfloat16.cuh: in float, rounded once
            operands = tuple(x.astype(np.float32) if x.dtype == bfloat16 else x for x in operands)
            return found(*operands)
        return found(*operands)

    return compute


def _in_float(compute: Any) -> Any:
    """Half precision is computed in float and rounded once: float16.cuh and bfloat16.cuh."""

    def call(loop: Any, *operands: Any) -> Any:
        if operands[0].dtype in (bfloat16, np.float16):
            operands = tuple(x.astype(np.float32) for x in operands)
        return compute(loop, *operands)

    return call


def _floor_divide(loop: Any, x: Any, y: Any) -> Any:
    # cupy/_core/include/cupy/carray.cuh: by zero, integers give zero.
    if x.dtype.kind in "iu":
        return np.where(y == 0, np.zeros((), x.dtype), np.floor_divide(x, np.where(y == 0, np.ones((), x.dtype), y)))
    return np.floor(x / y)


def _remainder(loop: Any, x: Any, y: Any) -> Any:
    # The loops' own text: in0 - _floor_divide(in0, in1) * in1, and zero by an integer zero.
    if x.dtype.kind in "iu":
        return np.where(y == 0, np.zeros((), x.dtype), x - _floor_divide(loop, x, y) * y)
    # The compiler makes a fused multiply-add of it, which rounds once (CUDA's default, --fmad=true).
    quotient = np.floor(x / y)
    if x.dtype == np.float64:
        return x - quotient * y
    return (x.astype(np.float64) - quotient.astype(np.float64) * y.astype(np.float64)).astype(x.dtype)


def _power(loop: Any, x: Any, y: Any) -> Any:
    if x.dtype.kind not in "biu":
        return _complex_power(x, y) if x.dtype.kind == "c" else np.power(x, y)
    # integral_power of cupy/_core/_routines_math.pyx: to a negative power 0, and ±1 of ±1.
    wide = np.dtype(np.int8) if x.dtype == np.bool_ else x.dtype
    x, y = x.astype(wide), y.astype(wide)
    negative = y < 0
    inverse = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2 == 0, 1, -1), 0)).astype(wide)
    return np.where(negative, inverse, np.power(x, np.where(negative, np.zeros((), wide), y)))


def _complex_power(x: Any, y: Any) -> Any:
    # complex_power of cupy/_core/_routines_math.pyx, and pow of cupy/_core/include/cupy/complex/cpow.h.
    return np.where(y == 0, np.ones((), x.dtype), np.exp(_product(np.log(x), y)))


def _product(x: Any, y: Any) -> Any:
    """The product of complex numbers as written out: where a part is infinite, others may be NaN."""
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), x.dtype)
    out.real = x.real * y.real - x.imag * y.imag
    out.imag = x.real * y.imag + x.imag * y.real
    return out


def _divide(loop: Any, x: Any, y: Any) -> Any:
    made = loop.outs[0]
    if made.kind != "c":
        return np.true_divide(x, y)
    # operator/ of cupy/_core/include/cupy/complex/arithmetic.h
    real, imag = y.real, y.imag
    once = 1 / (np.abs(real) + np.abs(imag))
    a, b, c, d = x.real * once, x.imag * once, real * once, imag * once
    twice = 1 / (c * c + d * d)
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), made)
    out.real = (a * c + b * d) * twice
    out.imag = (b * c - a * d) * twice
    return out


def _reciprocal(loop: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return _divide(loop, np.ones((), x.dtype), x)
    if x.dtype.kind in "iu":
        return np.where(x == 0, np.zeros((), x.dtype), np.reciprocal(np.where(x == 0, np.ones((), x.dtype), x)))
    return np.reciprocal(x)


def _logaddexp(loop: Any, x: Any, y: Any) -> Any:
    return np.where(x == y, x + math.log(2.0), np.fmax(x, y) + np.log1p(np.exp(-np.abs(x - y)))).astype(x.dtype)


def _shift(shift: Any) -> Any:
    def compute(loop: Any, x: Any, y: Any) -> Any:
        # C says nothing of shifts by as many bits as there are, or by a negative number. CUDA clamps them.
        bits = x.dtype.itemsize * 8
        far = (y < 0) | (y >= bits)
        shifted = shift(x, np.where(far, np.zeros((), y.dtype), y))
        rest = np.zeros((), x.dtype) if shift is np.left_shift else np.where(x < 0, -1, 0).astype(x.dtype)
        return np.where(far, rest, shifted)

    return compute


def _of_parts(compute: Any) -> Any:
    """Of complex numbers, part by part."""

    def call(loop: Any, *operands: Any) -> Any:
        if operands[0].dtype.kind != "c":
            return compute(*operands)
        out = np.empty(np.broadcast_shapes(*(x.shape for x in operands)), operands[0].dtype)
        out.real = compute(*(x.real for x in operands))
        out.imag = compute(*(x.imag for x in operands))
        return out

    return call


def _refuse(*operands: Any) -> Any:
    raise NotImplementedError("the stand-in computes this of real numbers only")


def _scalarwise(compute: Any) -> Any:
    def call(loop: Any, x: Any) -> Any:
        values = [compute(float(v)) for v in np.ravel(x)]
        return np.array(values, np.float64).reshape(np.shape(x)).astype(loop.outs[0])

    return call


def _plus(x: Any, number: float) -> Any:
    """A complex number plus a real one, which leaves the sign of a zero imaginary part."""
    out = np.array(x)
    out.real += number
    return out


def _times(x: Any, number: float) -> Any:
    """A complex number times a real one, part by part."""
    out = np.array(x)
    out.real *= number
    out.imag *= number
    return out


def _of_complex(compute: Any, name: str) -> Any:
    """CuPy's own function of complex numbers (cupy/_core/include/cupy/complex.cuh), NumPy's of others."""

    def call(loop: Any, x: Any) -> Any:
        return compute(x) if x.dtype.kind == "c" else getattr(np, name)(x)

    return call


def _sign(loop: Any, x: Any) -> Any:
    if x.dtype.kind in "iu":
        return np.sign(x)
    if x.dtype.kind == "c":
        size = np.abs(x)
        out = np.empty(x.shape, x.dtype)
        out.real, out.imag = x.real / size, x.imag / size
        return np.where(size == 0, np.zeros((), x.dtype), out)
    return np.where((x < 0) | (x > 0), np.copysign(np.ones((), x.dtype), x), x - x)


_OWN = {
    "log1p": _in_float(_of_complex(lambda x: np.log(_plus(x, 1)), "log1p")),
    "expm1": _in_float(_of_complex(lambda x: _plus(np.exp(x), -1), "expm1")),
    "log2": _in_float(_of_complex(lambda x: _times(np.log(x), 1 / math.log(2)), "log2")),
    "exp2": _in_float(_of_complex(lambda x: np.exp(_times(x, math.log(2))), "exp2")),
    "sign": _in_float(_sign),
    "floor_divide": _in_float(_floor_divide),
    "remainder": _in_float(_remainder),
    "mod": _in_float(_remainder),
    "divide": _in_float(_divide),
    "true_divide": _in_float(_divide),
    "reciprocal": _in_float(_reciprocal),
    "power": _in_float(_power),
    "pow": _in_float(_power),
    "logaddexp": _in_float(_logaddexp),
    "left_shift": _shift(np.left_shift),
    "bitwise_left_shift": _shift(np.left_shift),
    "right_shift": _shift(np.right_shift),
    "bitwise_right_shift": _shift(np.right_shift),
    "nextafter": lambda loop, x, y: np.nextafter(x, y) if x.dtype.kind != "c" else _refuse(),
    "copysign": _in_float(lambda loop, x, y: np.copysign(x, y) if x.dtype.kind != "c" else _refuse()),
    "rint": _in_float(_of_parts(np.rint)),
    "erf": _scalarwise(math.erf),
    "erfc": _scalarwise(math.erfc),
}

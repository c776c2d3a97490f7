"""The gamma function's logarithm and its derivatives in double precision, for libraries that have none of them.

The rational approximations of ``lgamma`` and their coefficients are those of Sun's msun library, e_lgamma_r.c:

    Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
    Developed at SunPro, a Sun Microsystems, Inc. business.
    Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice
    is preserved.

That of ``digamma`` between 1 and 2, where its root is, is John Maddock's in Boost.Math, digamma.hpp (Copyright 2006,
Boost Software License 1.0, https://www.boost.org/LICENSE_1_0.txt).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullback.backend.base import NativeArray
from pullback.backend.polynomials import polynomial

if TYPE_CHECKING:
    from pullback.backend.array_api.namespace import NamespaceBackend
    from pullback.backend.error_function import Piece

#: Around 1 and 2, in powers of the distance from 2; even and odd ones.
A_EVEN = (
    7.72156649015328655494e-02, 6.73523010531292681824e-02, 7.38555086081402883957e-03, 1.19270763183362067845e-03,
    2.20862790713908385557e-04, 2.52144565451257326939e-05,
)  # fmt: skip
A_ODD = (
    3.22467033424113591611e-01, 2.05808084325167332806e-02, 2.89051383673415629091e-03, 5.10069792153511336608e-04,
    1.08011567247583939954e-04, 4.48640949618915160150e-05,
)  # fmt: skip
#: Around the minimum TC; TF + TT is the value there.
TC, TF, TT = 1.46163214496836224576e00, -1.21486290535849611461e-01, -3.63867699703950536541e-18
T0 = (
    4.83836122723810047042e-01, -3.27885410759859649565e-02, 6.10053870246291332635e-03,
    -1.40346469989232843813e-03, 3.15632070903625950361e-04,
)  # fmt: skip
T1 = (
    -1.47587722994593911752e-01, 1.79706750811820387126e-02, -3.68452016781138256760e-03,
    8.81081882437654011382e-04, -3.12754168375120860518e-04,
)  # fmt: skip
T2 = (
    6.46249402391333854778e-02, -1.03142241298341437450e-02, 2.25964780900612472250e-03,
    -5.38595305356740546715e-04, 3.35529192635519073543e-04,
)  # fmt: skip
U = (
    -7.72156649015328655494e-02, 6.32827064025093366517e-01, 1.45492250137234768737e00, 9.77717527963372745603e-01,
    2.28963728064692451092e-01, 1.33810918536787660377e-02,
)  # fmt: skip
V = (
    1.0, 2.45597793713041134822e00, 2.12848976379893395361e00, 7.69285150456672783825e-01,
    1.04222645593369134254e-01, 3.21709242282423911810e-03,
)  # fmt: skip
S = (
    -7.72156649015328655494e-02, 2.14982415960608852501e-01, 3.25778796408930981787e-01, 1.46350472652464452805e-01,
    2.66422703033638609560e-02, 1.84028451407337715652e-03, 3.19475326584100867617e-05,
)  # fmt: skip
R = (
    1.0, 1.39200533467621045958e00, 7.21935547567138069525e-01, 1.71933865632803078993e-01,
    1.86459191715652901344e-02, 7.77942496381893596434e-04, 7.32668430744625636189e-06,
)  # fmt: skip
W = (
    8.33333333333329678849e-02, -2.77777777728775536470e-03, 7.93650558643019558500e-04,
    -5.95187557450339963135e-04, 8.36339918996282139126e-04, -1.63092934096575273989e-03,
)  # fmt: skip
W0 = 4.18938533204672725052e-01

#: The root of digamma, in parts that are exact.
ROOTS = (1569415565.0 / 2**30, 381566830.0 / 2**60, 9.016312093258695918615325266959189453125e-20)
Y = 0.99558162689208984375
P = (
    0.25479851061131551, -0.32555031186804491, -0.65031853770896507, -0.28919126444774784, -0.045251321448739056,
    -0.0020713321167745952,
)  # fmt: skip
Q = (
    1.0, 2.0767117023730469, 1.4606242909763515, 0.43593529692665969, 0.054151797245674225, 0.0021284987017821144,
    -0.55789841321675513e-6,
)  # fmt: skip
#: B(2k) / (2k) of the Bernoulli numbers: the asymptotic series of digamma.
D = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160)
#: B(2k) / (2k)!: the sum of Euler and Maclaurin.
EULER_MACLAURIN = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip


def _distance(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """How far each element is from the nearest integer, with its sign: exact."""
    return x - backend.round(x)


def lgamma(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """log|Γ(x)| of a float64 array, within two ulp for positive numbers."""

    def from_two(y: NativeArray) -> NativeArray:
        square = y * y
        return y * polynomial(square, A_EVEN) + square * polynomial(square, A_ODD) - 0.5 * y

    def from_minimum(y: NativeArray) -> NativeArray:
        square = y * y
        cube = square * y
        rest = cube * (polynomial(cube, T1) + y * polynomial(cube, T2))
        return TF + (square * polynomial(cube, T0) - (TT - rest))

    def from_one(y: NativeArray) -> NativeArray:
        return -0.5 * y + y * polynomial(y, U) / polynomial(y, V)

    def below_eight(a: NativeArray) -> NativeArray:
        whole = backend.floor(a)
        y = a - whole
        product = backend.like(1.0, a)
        for factor in range(2, 7):
            product = backend.where(whole > factor, product * (y + float(factor)), product)
        return 0.5 * y + y * polynomial(y, S) / polynomial(y, R) + backend.log(product)

    def large(a: NativeArray) -> NativeArray:
        inverse = 1.0 / a
        return (a - 0.5) * (backend.log(a) - 1.0) + (W0 + inverse * polynomial(inverse * inverse, W))

    pieces: list[Piece] = [
        (2.0**-70, lambda a: -backend.log(a)),
        (0.23164, lambda a: from_one(a) - backend.log(a)),
        (0.7316, lambda a: from_minimum(a - (TC - 1.0)) - backend.log(a)),
        (0.9, lambda a: from_two(1.0 - a) - backend.log(a)),
        (1.2316, lambda a: from_one(a - 1.0)),
        (1.7316, lambda a: from_minimum(a - TC)),
        (2.0, lambda a: from_two(2.0 - a)),
        (8.0, below_eight),
        (2.0**58, large),
        (math.inf, lambda a: a * (backend.log(a) - 1.0)),
    ]
    magnitude = backend.abs(x)
    positive = backend.piecewise(magnitude, magnitude, pieces)
    sine = backend.abs(backend.sin(math.pi * _distance(backend, x)))
    # Zero at the poles, where the logarithm is infinite; subtracted from infinity it would be no number.
    reflected = math.log(math.pi) - backend.log(sine * magnitude) - positive
    reflected = backend.where(magnitude >= 2.0**52, math.inf, reflected)  # every number is a pole there
    reflected = backend.where(magnitude < 2.0**-70, positive, reflected)  # the product above is none any longer
    return backend.where(x < 0, reflected, backend.where(positive == 0, 0.0, positive))  # not a negative zero


def mvlgamma(backend: NamespaceBackend, x: NativeArray, p: int) -> NativeArray:
    """The logarithm of the gamma function of ``p`` dimensions, of a float64 array."""
    total = lgamma(backend, x)
    for number in range(1, p):
        total = total + lgamma(backend, x - number / 2)
    return total + p * (p - 1) / 4 * math.log(math.pi)


def digamma(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """The derivative of lgamma of a float64 array, within four ulp for positive numbers."""

    def from_one_to_two(a: NativeArray) -> NativeArray:
        distance = backend.minus_in_parts(a, ROOTS)
        return distance * Y + distance * (polynomial(a - 1.0, P) / polynomial(a - 1.0, Q))

    def below_ten(a: NativeArray) -> NativeArray:
        first = a - backend.floor(a) + 1.0
        total = from_one_to_two(first)
        for step in range(8):
            term = first + float(step)
            total = backend.where(term < a - 0.5, total + 1.0 / term, total)
        return total

    def large(a: NativeArray) -> NativeArray:
        a = a - 1.0
        inverse = 1.0 / a
        square = inverse * inverse
        return backend.log(a) + 0.5 * inverse - square * polynomial(square, D)

    pieces: list[Piece] = [
        (1.0, lambda a: from_one_to_two(a + 1.0) - 1.0 / a),
        (2.0, from_one_to_two),
        (10.0, below_ten),
        (math.inf, large),
    ]
    negative = x < 0
    a = backend.where(negative, 1.0 - x, x)
    found = backend.piecewise(a, a, pieces)
    distance = _distance(backend, x)
    reflected = backend.where(distance == 0, math.nan, found - math.pi / backend.tan(math.pi * distance))
    found = backend.where(negative, reflected, found)
    return backend.where(x == 0, backend.copysign(math.inf, -x), found)


#: The greatest number whose factorial double precision holds.
_FACTORIALS = 170


def polygamma(backend: NamespaceBackend, x: NativeArray, n: int) -> NativeArray:
    """The derivative of order ``n`` of digamma of a float64 array, for an ``n`` that is not zero.

    It is n! times Hurwitz's zeta function of n + 1, with a sign: a sum, and its tail by Euler and Maclaurin. Negative
    numbers are reflected at 1/2, which the derivatives of the cotangent make good.
    """
    order = n + 1
    steps = n if n <= _FACTORIALS else 0  # beyond them, all that counts is whether the first term is zero
    negative = x < 0
    a = backend.where(negative, 1.0 - x, x)
    end = a + float(10 + steps)
    inverse = 1.0 / (end * end)
    tail, factor = backend.like(0.0, x), float(order)
    for number, coefficient in enumerate(EULER_MACLAURIN, 1):
        tail = tail + factor * coefficient * backend.pow(inverse, backend.like(float(number), x))
        factor *= (order + 2 * number - 1) * (order + 2 * number)
    # End^-n (1/n + 1/(2 end) + ...): the smallest terms first.
    total = backend.pow(end, backend.like(-float(n), x)) * (1.0 / n + 0.5 / end + tail)
    for step in range(9 + steps, -1, -1):
        total = total + backend.pow(a + float(step), backend.like(-float(order), x))
    sign = -1.0 if n % 2 == 0 else 1.0
    factorial = float(math.factorial(n)) if n <= _FACTORIALS else math.inf
    found = sign * factorial * total
    if n <= _FACTORIALS:
        cotangent = _cotangent(backend, _distance(backend, x))
        # The coefficients by n!: they grow as fast.
        by_cotangent = math.pi**order * polynomial(cotangent, _derivative_of_cotangent(n)) * factorial
        found = backend.where(negative, (found if n % 2 == 0 else -found) - by_cotangent, found)
    else:  # the nearest pole decides
        side = backend.sign(_distance(backend, x)) if order % 2 else backend.like(1.0, x)
        found = backend.where(negative, sign * math.inf * side, found)
    pole = backend.logical_and(x <= 0, backend.floor(x) == x)
    return backend.where(backend.logical_and(pole, backend.isfinite(x)), sign * math.inf, found)


def _cotangent(backend: NamespaceBackend, distance: NativeArray) -> NativeArray:
    """The cotangent of π times what is at most 1/2: exactly 0 there."""
    size = backend.abs(distance)
    near_zero = backend.tan(math.pi * (0.5 - size)) * backend.sign(distance)
    return backend.where(size > 0.25, near_zero, 1.0 / backend.tan(math.pi * distance))


def _derivative_of_cotangent(n: int) -> tuple[float, ...]:
    """The derivative of order ``n`` of the cotangent, by n!, as coefficients of a polynomial of the cotangent."""
    coefficients = [0, 1]
    for _ in range(n):  # each derivative multiplies the inner one, -(1 + c²), with that by c
        slope = [power * c for power, c in enumerate(coefficients)][1:]
        coefficients = [-a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    factorial = math.factorial(n)
    return tuple(c / factorial for c in coefficients)

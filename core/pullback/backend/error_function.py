"""``erf``, ``erfc`` and ``erfinv`` in double precision, for libraries that have none of them.

The rational approximations and their coefficients are those of Sun's msun library, s_erf.c:

    Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
    Developed at SunPro, a Sun Microsystems, Inc. business.
    Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice
    is preserved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from pullback.backend.base import NativeArray
from pullback.backend.polynomials import polynomial

if TYPE_CHECKING:
    from pullback.backend.array_api.namespace import NamespaceBackend

#: A function and the magnitude below which it holds.
Piece: TypeAlias = tuple[float, Callable[[NativeArray], NativeArray]]

ERX = 8.45062911510467529297e-01
PP = (
    1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
    -5.77027029648944159157e-03, -2.37630166566501626084e-05,
)  # fmt: skip
QQ = (
    1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
    1.32494738004321644526e-04, -3.96022827877536812320e-06,
)  # fmt: skip
PA = (
    -2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
    3.18346619901161753674e-01,
    -1.10894694282396677476e-01, 3.54783043256182359371e-02, -2.16637559486879084300e-03,
)  # fmt: skip
QA = (
    1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
    1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02,
)  # fmt: skip
RA = (
    -9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e+01,
    -6.23753324503260060396e+01,
    -1.62396669462573470355e+02, -1.84605092906711035994e+02, -8.12874355063065934246e+01,
    -9.81432934416914548592e+00,
)  # fmt: skip
SA = (
    1.0, 1.96512716674392571292e+01, 1.37657754143519042600e+02, 4.34565877475229228821e+02,
    6.45387271733267880336e+02,
    4.29008140027567833386e+02, 1.08635005541779435134e+02, 6.57024977031928170135e+00,
    -6.04244152148580987438e-02,
)  # fmt: skip
RB = (
    -9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e+01,
    -1.60636384855821916062e+02,
    -6.37566443368389627722e+02, -1.02509513161107724954e+03, -4.83519191608651397019e+02,
)  # fmt: skip
SB = (
    1.0, 3.03380607434824582924e+01, 3.25792512996573918826e+02, 1.53672958608443695994e+03,
    3.19985821950859553908e+03,
    2.55305040643316442583e+03, 4.74528541206955367215e+02, -2.24409524465858183362e+01,
)  # fmt: skip


def _tail(backend: NamespaceBackend, x: NativeArray, over: tuple[float, ...], under: tuple[float, ...]) -> NativeArray:
    """``erfc(x)`` for a positive x: exp(-x²) in two parts, so that rounding x² does not cost digits."""
    inverse = 1.0 / (x * x)
    ratio = polynomial(inverse, over) / polynomial(inverse, under)
    high = backend.shortened(x)  # 24 bits: its square is exact
    return backend.product_of_exponentials(-(high * high) - 0.5625, (high - x) * (high + x) + ratio) / x


def erf(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """The error function of a float64 array, within an ulp."""

    def small(a: NativeArray) -> NativeArray:
        square = a * a
        return a + a * (polynomial(square, PP) / polynomial(square, QQ))

    pieces: list[Piece] = [
        (0.84375, small),
        (1.25, lambda a: polynomial(a - 1.0, PA) / polynomial(a - 1.0, QA) + ERX),
        (1 / 0.35, lambda a: 1.0 - _tail(backend, a, RA, SA)),
        (6.0, lambda a: 1.0 - _tail(backend, a, RB, SB)),
        (float("inf"), lambda a: _constant(backend, a, 1.0)),
    ]
    magnitude = backend.abs(x)
    return backend.copysign(backend.piecewise(magnitude, magnitude, pieces), x)


def erfc(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """1 - erf(x) of a float64 array, within two and a half ulp down to the smallest normal result."""

    def small(a: NativeArray) -> NativeArray:
        square = a * a
        term = a * (polynomial(square, PP) / polynomial(square, QQ))
        return backend.where(a < 0.25, 1.0 - (a + term), 0.5 - (term + (a - 0.5)))

    def middle(a: NativeArray) -> NativeArray:
        s = backend.abs(a) - 1.0
        ratio = polynomial(s, PA) / polynomial(s, QA)
        return backend.where(a > 0, (1.0 - ERX) - ratio, 1.0 + (ERX + ratio))

    def far(over: tuple[float, ...], under: tuple[float, ...]) -> Callable[[NativeArray], NativeArray]:
        def tail(a: NativeArray) -> NativeArray:
            value = _tail(backend, backend.abs(a), over, under)
            return backend.where(a > 0, value, 2.0 - value)

        return tail

    def beyond(a: NativeArray) -> NativeArray:
        return backend.where(a < 0, _constant(backend, a, 2.0), _constant(backend, a, 0.0))

    pieces: list[Piece] = [
        (0.84375, small),
        (1.25, middle),
        (1 / 0.35, far(RA, SA)),
        (28.0, far(RB, SB)),
        (float("inf"), beyond),
    ]
    return backend.piecewise(x, backend.abs(x), pieces)


#: A first guess of the inverse: below 0.7 in powers of x², above in powers of sqrt(-log((1 - x) / 2)).
GUESS = (
    (0.886226899, -1.645349621, 0.914624893, -0.140543331),
    (1.0, -2.118377725, 1.442710462, -0.329097515, 0.012229801),
)
GUESS_OF_TAIL = (-1.970840454, -1.624906493, 3.429567803, 1.641345311), (1.0, 3.543889200, 1.637067800)


def erfinv(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """The inverse of erf of a float64 array, within two ulp.

    Newton's method from a rational approximation, by erf near zero and by erfc, which keeps its digits, beyond: as good
    as those are in the whole range.
    """

    def improved(guess: NativeArray, error: NativeArray) -> NativeArray:
        """One step of Halley's method."""
        step = error * (math.sqrt(math.pi) / 2) * backend.exp(guess * guess)
        return guess - step / (1.0 + guess * step)

    def central(y: NativeArray) -> NativeArray:
        square = y * y
        found = y * polynomial(square, GUESS[0]) / polynomial(square, GUESS[1])
        for _ in range(2):
            found = improved(found, erf(backend, found) - y)
        return found

    def tail(y: NativeArray) -> NativeArray:
        rest = 1.0 - y  # exact
        root = backend.sqrt(-backend.log(rest * 0.5))
        found = polynomial(root, GUESS_OF_TAIL[0]) / polynomial(root, GUESS_OF_TAIL[1])
        for _ in range(2):
            found = improved(found, rest - erfc(backend, found))
        return found

    def end(y: NativeArray) -> NativeArray:
        return backend.where(y == 1.0, backend.like(math.inf, y), backend.like(math.nan, y))

    magnitude = backend.abs(x)
    pieces: list[Piece] = [(0.7, central), (1.0, tail), (math.inf, end)]
    return backend.copysign(backend.piecewise(magnitude, magnitude, pieces), x)


def _constant(backend: NamespaceBackend, x: NativeArray, value: float) -> NativeArray:
    """``value`` everywhere but where ``x`` is NaN."""
    return backend.where(backend.isnan(x), x, value)

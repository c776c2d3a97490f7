"""Elementwise functions that are short for a few others: units of angles, powers of two, ``sinc``, ``logit``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, Sample, elementwise
from pullback.dispatch.declaration_values import Accepts, Inplace, Promotes
from pullback.dispatch.out_rules import Out
from pullback.meta.dtypes import FLOATS, INEXACT
from pullback.ops.pointwise.comparison import where
from pullback.ops.pointwise.exponential import exp2
from pullback.ops.pointwise.rounding import round
from pullback.ops.pointwise.trigonometric import cos
from pullback.ops.pointwise.unary import abs
from pullback.ops.shared.precision import in_float32, number
from pullback.ops.shared.reducing import in_wide
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="deg2rad is not supported for complex tensors."),
    partials=math.pi / 180,
    node="Deg2RadBackward0",
    inplace=Inplace(functions=True),
)
def deg2rad(backend: Backend, input: Array) -> Array:
    """Angles given in degrees, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.deg2rad(pb.tensor([180., -90.]))
    tensor([ 3.1416, -1.5708])
    """
    return in_float32(backend, lambda x: backend.multiply(x, math.pi / 180), input)


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="rad2deg is not supported for complex tensors."),
    partials=180 / math.pi,
    node="Rad2DegBackward0",
    inplace=Inplace(functions=True),
)
def rad2deg(backend: Backend, input: Array) -> Array:
    """Angles given in radians, in degrees.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.rad2deg(pb.tensor([0., 3.14159265]))
    tensor([  0., 180.])
    """
    return in_float32(backend, lambda x: backend.multiply(x, 180 / math.pi), input)


#: The derivative of the series of ``sinc``, as coefficients of the odd powers of ``pi * x``, without the factor pi.
_SINC_SERIES = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(1, 15)]


def _sinc_partial(input: Tensor) -> Any:
    return in_wide(_sinc_slope, input)


def _sinc_slope(input: Tensor) -> Any:
    # The quotient is 0 / 0 at zero and loses its digits near it; the series has every order of derivative there.
    small = abs(input) < 0.3
    angle = where(small, input, 0) * math.pi
    square = angle * angle
    series = ops.zeros_like(square)
    for coefficient in reversed(_SINC_SERIES):
        series = series * square + coefficient
    beyond = where(small, 1, input)
    turn = beyond if input.dtype.is_complex else beyond - round(beyond / 2) * 2  # what is cut off is whole turns
    return where(small, series * angle * math.pi, (cos(turn * math.pi) - sinc(beyond)) / beyond)


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=_sinc_partial,
    domain=(-0.9, 0.9),
    smooth=((0.2, 0.9), (-0.9, -0.2), (1.1, 1.9), (-1.9, -1.1)),
    inplace=Inplace(functions=True),
)
def sinc(backend: Backend, input: Array) -> Array:
    """``sin(pi * input) / (pi * input)``, and 1 at 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sinc(pb.tensor([0., 0.5]))
    tensor([1.0000, 0.6366])
    """

    is_complex = backend.dtypes[input.dtype].is_complex

    def compute(x: Any) -> Any:
        # What is beyond whole half turns is exact, and so the sine near its zeros is not all rounding.
        half_turns = backend.round(backend.real(x) if is_complex else x)
        odd = backend.not_equal(backend.remainder(half_turns, 2.0), 0)
        turn = backend.subtract(x, half_turns)
        turn = backend.where(odd, backend.negative(turn), turn)
        at_zero = backend.equal(x, 0)
        sine = backend.sin(backend.multiply(turn, math.pi))
        quotient = backend.divide(sine, backend.where(at_zero, 1.0, backend.multiply(x, math.pi)))
        return backend.where(at_zero, 1.0, quotient)

    return in_float32(backend, compute, input)


def _logit_derivative(direction: Tensor, input: Tensor, eps: float | None) -> Any:
    moved = direction / (input * (1 - input))
    if eps is None:
        return where((input < 0) | (input > 1), math.nan, moved)
    return where((input >= eps) & (input <= 1 - eps), moved, 0)


def _logit_samples(make: Any) -> Iterator[Sample]:
    # Away from its zero at 0.5, where the rounding of the quotient is large beside the result.
    yield Sample(make(2, 3, low=0.6, high=0.95))
    yield Sample(make(2, 3, low=0.05, high=0.4))
    yield Sample(make(4, low=0.6, high=0.9), 0.25)
    yield Sample(make(low=0.2, high=0.4), eps=0.125)
    yield Sample(make(4, low=0.01, high=0.2), eps=0.25)
    yield Sample(make(0, 3, low=0.1, high=0.9))
    yield Sample(make(3, 2, low=0.1, high=0.4).mT)


@elementwise(
    promotion="float",
    dtypes=FLOATS,
    vjp=lambda grad, input, eps: _logit_derivative(grad, input, eps),
    jvp="vjp",
    samples=_logit_samples,
    inplace=Inplace(functions=True),
)
def logit(backend: Backend, input: Array, eps: float | None = None) -> Array:
    """``log(input / (1 - input))``: the inverse of :func:`sigmoid`.

    Parameters
    ----------
    eps : float, optional
        Bring the elements into ``[eps, 1 - eps]`` first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.logit(pb.tensor([0.5, 0.75]))
    tensor([0.0000, 1.0986])
    """

    def compute(x: Any) -> Any:
        if eps is not None:
            x = backend.where(backend.less(x, eps), eps, x)
            x = backend.where(backend.greater(x, 1 - eps), 1 - eps, x)
        return backend.log(backend.divide(x, backend.subtract(1.0, x)))

    return in_float32(backend, compute, input)


@elementwise(
    promotion=Promotes("float", numbers=False),
    dtypes=INEXACT,
    partials={"input": lambda other: exp2(other), "other": lambda out: out * math.log(2)},
    domain=(-8.0, 8.0),
    out=Out("ldexp can't be cast to the desired output type {out}", casts=True),
    inplace=Inplace(functions=True),
)
def ldexp(backend: Backend, input: Array, other: Array) -> Array:
    """``input * 2**other``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ldexp(pb.tensor([1., 3.]), pb.tensor([2, 3]))
    tensor([ 4., 24.])
    """

    def compute(x: Array, y: Array) -> Array:
        return backend.multiply(x, backend.pow(number(backend, 2.0, y), y))

    return in_float32(backend, compute, input, other)

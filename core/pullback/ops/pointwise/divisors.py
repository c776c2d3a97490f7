"""Greatest common divisors and least common multiples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback.dispatch.declaration import Array, Sample, elementwise
from pullback.dispatch.declaration_values import Accepts, Inplace, Promotes, Sampled
from pullback.meta.dtypes import INTEGERS


def _samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(2, 3))
    yield Sample(make(4), make())
    yield Sample(make(2, 1), make(3) * 0)
    yield Sample(make(0, 3), make(3))


@elementwise(
    dtypes=Accepts(INTEGERS, unsupported="gcd_cpu"),
    nondifferentiable="it takes integers",
    promotion=Promotes(numbers=False),
    samples=Sampled(_samples, ends="the smallest integer has no modulus"),
    inplace=Inplace(functions=True),
)
def gcd(input: Array, other: Array) -> Array:
    """Greatest common divisor of two elements, which is not negative; that of zeros is zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.gcd(pb.tensor([12, -8, 0]), pb.tensor([18, 4, 5]))
    tensor([6, 4, 5])
    """


@elementwise(
    dtypes=Accepts(INTEGERS, unsupported="lcm_cpu"),
    nondifferentiable="it takes integers",
    promotion=Promotes(numbers=False),
    samples=Sampled(_samples, ends="the smallest integer has no modulus"),
    inplace=Inplace(functions=True),
)
def lcm(input: Array, other: Array) -> Array:
    """Least common multiple of two elements, which is not negative; that with a zero is zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.lcm(pb.tensor([4, -6, 0]), pb.tensor([6, 4, 5]))
    tensor([12, 12,  0])
    """

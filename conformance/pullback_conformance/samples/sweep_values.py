"""Values all over what a dtype holds: even, even in their logarithm, close to hard points, in pairs that interact."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

#: Between which real values lie most densely.
_USUAL: Final = 4.0
#: Where functions have zeros, kinks, branch points or another formula; their negatives too, and multiples of pi / 2.
_HARD: Final = (
    0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 20.0, 27.0, 32.0, 0.25, 0.125, 0.46163214, 1.46163214,
    0.70710678, 2.7182818, 1.4142135, 88.0, 100.0, *(math.pi / 2 * k for k in (1, 2, 3, 4, 7, 8, 100, 1000)),
)  # fmt: skip

#: Results below this multiple of the smallest normal number may come from intermediate ones that are subnormal.
NEARLY_SUBNORMAL: Final = 2.0**8


class Range:
    """The numbers that a floating dtype holds.

    Attributes
    ----------
    eps, tiny, largest : float
        The distance from one to the next number; the smallest normal number; the largest one.
    """

    def __init__(self, precision: int, smallest: int, largest: int) -> None:
        self.precision, self.smallest, self.exponents = precision, smallest, largest
        self.eps = 2.0 ** (1 - precision)
        self.tiny = 2.0**smallest
        self.largest = (2.0 - self.eps) * 2.0**largest


#: By the names of real floating dtypes.
RANGES: Final = {
    "float16": Range(11, -14, 15),
    "bfloat16": Range(8, -126, 127),
    "float32": Range(24, -126, 127),
    "float64": Range(53, -1022, 1023),
}


def real_values(
    count: int, low: float, high: float, within: Range, random: np.random.Generator, operands: int = 1
) -> Any:
    """Real numbers of a domain, in random order.

    A half lies evenly in the usual part of the domain, one in each cell of it; a quarter evenly in the logarithm of the
    distance from an end of the domain, or from zero; an eighth has any exponent of the dtype, an eighth is a hard point
    or up to three numbers of the dtype beside one. Exponents of three or more operands are such that the product of all
    has a place.
    """
    start = max(low, -_USUAL) if high > -_USUAL else high - 2 * _USUAL
    stop = min(high, max(_USUAL, start + _USUAL))
    even = count // 2
    cells = start + (stop - start) * (np.arange(even) + random.uniform(0.02, 0.98, even)) / max(even, 1)
    near = _signed(np.exp2(random.uniform(-12.0, 11.0, count // 4)), low, high, random)
    share = 1 if operands < 3 else operands + 1
    exponents = random.uniform(within.smallest / share, within.exponents / share, count // 8)
    far = _signed(np.exp2(exponents), low, high, random)
    hard = random.choice(np.array(_HARD), count - len(cells) - len(near) - len(far))
    hard = hard * random.choice([-1.0, 1.0], hard.shape) * (1 + within.eps * random.integers(-3, 4, hard.shape))
    values = np.concatenate([cells, near, far, hard])
    return random.permutation(_inside(values, low, high, within, random))


def _signed(sizes: Any, low: float, high: float, random: np.random.Generator) -> Any:
    """Distances as numbers of a domain: from its finite ends, and from zero where it lies within."""
    anchors = [(low, 1.0)] * math.isfinite(low) + [(high, -1.0)] * math.isfinite(high)
    if low < 0 < high:
        anchors += [(0.0, 1.0), (0.0, -1.0)]
    chosen = np.array(anchors)[random.integers(0, len(anchors), sizes.shape)]
    return chosen[:, 0] + chosen[:, 1] * sizes


def _inside(values: Any, low: float, high: float, within: Range, random: np.random.Generator) -> Any:
    """The values with others in the place of those that are not inside of the domain, or round to one of its ends."""
    margin = within.eps
    least = low + margin * max(abs(low), within.tiny) if math.isfinite(low) else -within.largest
    most = high - margin * max(abs(high), within.tiny) if math.isfinite(high) else within.largest
    instead = random.uniform(max(least, -_USUAL), min(most, max(_USUAL, least + _USUAL)), values.shape)
    return np.where((values >= least) & (values <= most), values, instead)


def related(values: list[Any], within: Range, random: np.random.Generator) -> list[Any]:
    """Operands of several dimensions of freedom, an eighth of which depends on the first one each.

    Equal and opposite elements, those some units in the last place apart, whole multiples, and such as are larger or
    smaller by many orders: where sums cancel, quotients are whole, and intermediate results overflow.
    """
    first, *others = values
    found = [first]
    for other in others:
        chosen = random.integers(0, 16, first.shape)
        whole = random.integers(1, 9, first.shape)
        ulps = 1 + within.eps * random.integers(-4, 5, first.shape)
        with np.errstate(over="ignore", under="ignore"):
            candidates = (first, -first, first * ulps, -first * ulps, first / whole, first * np.exp2(whole))
            changed = np.array(other)
            for number, candidate in enumerate(candidates):
                fits = (chosen == number) & (np.abs(candidate) <= within.largest) & (np.abs(candidate) >= within.tiny)
                changed = np.where(fits, candidate, changed)
        found.append(changed)
    return found


def subnormal_values(count: int, within: Range, random: np.random.Generator) -> Any:
    """Numbers below the smallest normal one, a few of them normal, of both signs."""
    exponents = random.uniform(within.smallest - within.precision + 1, within.smallest + 4, count)
    return np.exp2(exponents) * random.choice([-1.0, 1.0], count)


def complex_values(count: int, within: Range, random: np.random.Generator) -> Any:
    """Complex numbers in all quadrants: of usual size, of very unequal parts, beside branch points, on the axes, huge.

    Large ones have real and imaginary parts of about one size, whose squares overflow.
    """
    shares = [count // 2, count // 8, count // 8, count // 8]
    usual, unequal, beside, axes = shares
    huge = count - sum(shares)
    parts = [
        _both_signs(random, (2, usual), -6.0, 3.0),
        np.stack([_both_signs(random, unequal, -28.0, 6.4), _both_signs(random, unequal, -28.0, 5.9)]),
        _beside(beside, within, random),
        np.where(random.permuted(np.tile([[True], [False]], axes), axis=0), 1.0, 0.0) * _both_signs(
            random, (2, axes), -6.0, 5.0
        ),
        _both_signs(random, (2, huge), -1.0, 1.0)
        * np.exp2(random.choice([-1.0, 1.0], huge) * random.uniform(7.0, 0.9 * within.exponents, huge)),
    ]  # fmt: skip
    real, imaginary = np.concatenate(parts, axis=1)[:, random.permutation(count)]
    values = np.empty(count, np.complex128)
    values.real, values.imag = real, imaginary  # a sum would lose the signs of zeros
    return values


def _both_signs(random: np.random.Generator, shape: Any, first: float, last: float) -> Any:
    return np.exp2(random.uniform(first, last, shape)) * random.choice([-1.0, 1.0], shape)


def _beside(count: int, within: Range, random: np.random.Generator) -> Any:
    points = np.array([0.0, 1.0, -1.0, 1j, -1j])[random.integers(0, 5, count)]
    distance = np.exp2(random.uniform(-within.precision / 2, -1.0, count))
    values = points + distance * np.exp(2j * np.pi * random.uniform(0.0, 1.0, count))
    return np.stack([values.real, values.imag])


def whole_values(count: int, least: int, most: int, random: np.random.Generator) -> Any:
    """Integers between two ends, both included: small ones, ends, powers of two and what is beside them, any others.

    Where there are not more than ``count`` integers, each of them occurs.
    """
    if most - least < count:
        return np.resize(random.permutation(np.array(range(least, most + 1), object)), count)
    powers = [sign * 2**k + d for k in range(most.bit_length() + 1) for sign in (1, -1) for d in (-1, 0, 1)]
    given = [*range(-10, 11), *(least + d for d in range(3)), *(most - d for d in range(3)), *powers]
    inside = np.array([v for v in given if least <= v <= most], object)
    chosen = inside[random.integers(0, len(inside), count // 2)]
    bits = random.integers(1, max(most.bit_length(), 1) + 1, count - len(chosen))
    drawn = [int(random.integers(0, 1 << int(b), dtype=np.uint64)) * int(random.choice([-1, 1])) for b in bits]
    drawn = [v if least <= v <= most else min(abs(v), most) for v in drawn]
    return random.permutation(np.concatenate([chosen, np.array([max(v, least) for v in drawn], object)]))

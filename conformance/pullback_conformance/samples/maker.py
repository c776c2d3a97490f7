"""The maker of values: what ``samples(make)`` of a declaration gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pullback import int64
from pullback.extend import Backend, DType, Tensor, dtypes
from pullback.random import Generator
from pullback_conformance.samples.known_values import LATTICE, SIZES, SPECIAL_VALUES

#: The interval within which most values lie where the domain has no end.
_USUAL: Final = 4.0


class Maker:
    """What ``samples(make)`` gets: ``make(2, 3)`` is a new tensor of the dtype under test.

    Attributes
    ----------
    dtype : DType
    backend : Backend
        NumPy's: samples are made there, and moved.
    sizes : tuple of int
        Numbers of elements on both sides of where kernels divide their work into blocks.
    indices : list of numpy.ndarray
        The integers it made that are no values of the dtype under test.
    """

    sizes = SIZES

    def __init__(self, backend: Backend, dtype: DType) -> None:
        self.backend = backend
        self.dtype = dtype
        self.indices: list[Any] = []
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    @property
    def random(self) -> np.random.Generator:
        """Where its random values come from."""
        return self._random

    def __call__(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
        """Values between ``low`` and ``high``, distinct and, where that interval contains zero, away from zero."""
        category = self.dtype.category
        if category == 0:
            return self._tensor(self._random.integers(0, 2, shape).astype(bool), dtypes.bool_)
        if category == 1:
            return self._tensor(self._whole(shape, low, high), self.dtype)
        values = self._distinct(shape, low, high)
        if category == 3:
            values = values + 1j * self._distinct(shape, min(low, -high), high)
        return self._tensor(values, self.dtype)

    def pieces(self, *shape: int, intervals: Sequence[tuple[float, float]], each: int = 1) -> Tensor:
        """Values of several intervals: ``each`` elements of the first one, as many of the next, and so on again.

        Of complex numbers these are the real parts; imaginary ones are as in the first interval.
        """
        made = [self(*shape, low=low, high=high) for low, high in intervals]
        if len(made) == 1:
            return made[0]
        chosen = np.arange(made[0].array.size).reshape(shape) // each % len(made)
        if self.dtype.is_complex:
            return self._tensor(np.choose(chosen, [m.array.real for m in made]) + 1j * made[0].array.imag, self.dtype)
        return self._tensor(np.choose(chosen, [m.array for m in made]), self.dtype)

    def values(self, *shape: int, low: float = float("-inf"), high: float = float("inf")) -> Tensor:
        """Values all over a domain: zeros, whole numbers, exact halves, equal ones, small and large ones.

        Parameters
        ----------
        low, high : float
            The ends of the domain, which does not contain them. Complex values lie in all four quadrants.
        """
        category, count = self.dtype.category, int(np.prod(shape, dtype=np.int64))
        if category == 0:
            return self(*shape)
        if category == 1:
            return self._tensor(self._any_whole(count, low, high).reshape(shape), self.dtype)
        if category == 3:
            # Imaginary parts of a few halves: poles lie at multiples of i*pi, and exp(z) turns by what they round to.
            most = 6.0 if np.isinf(low) or np.isinf(high) else max(abs(low), abs(high))
            sizes = np.exp2(self._random.uniform(-6.0, 0.0, (2, count))) * [[most], [min(most, 2.0)]]
            real, imaginary = sizes * self._random.choice([-1.0, 1.0], (2, count))
            return self._tensor((real + 1j * imaginary).reshape(shape), self.dtype)
        return self._tensor(self._all_over(count, low, high).reshape(shape), self.dtype)

    def constant(self, *shape: int, value: Any = 1) -> Tensor:
        """One value everywhere, as far as the dtype holds it."""
        return self._tensor(np.full(shape, value), self.dtype)

    def given(self, values: Any) -> Tensor:
        """These values, in the dtype under test."""
        return self._tensor(np.asarray(values), self.dtype)

    def integers(self, *shape: int, low: int = 0, high: int = 10) -> Tensor:
        """int64 values from ``low`` up to ``high``, which is excluded."""
        return self.positions(self._random.integers(low, high, shape))

    def positions(self, values: Any) -> Tensor:
        """These values as an int64 tensor."""
        made = self._tensor(np.asarray(values, np.int64), int64)
        self.indices.append(made.array)
        return made

    def generator(self) -> Generator:
        """A generator of random numbers, of the same seed each time."""
        return Generator().manual_seed(7)

    def mask(self, *shape: int) -> Tensor:
        """bool values; both occur where there is room."""
        values = self._random.integers(0, 2, shape).astype(bool)
        if values.size > 1:
            flat = values.reshape(-1)
            flat[0], flat[-1] = True, False
        return self._tensor(values, dtypes.bool_)

    def special(self, *shape: int) -> Tensor:
        """NaN, infinities, zeros of both signs and others, repeated to fill the shape in its last dimension."""
        return self._tensor(np.resize(np.array(SPECIAL_VALUES), shape), self.dtype)

    def _distinct(self, shape: tuple[int, ...], low: float, high: float) -> Any:
        count = int(np.prod(shape, dtype=np.int64))
        # One value from each of `count` cells, never from the outer quarters: at least half a cell apart.
        positions = self._random.permutation(count) + self._random.uniform(0.25, 0.75, count)
        if low < 0 < high:
            gap = 0.02 * (high - low)
            values = low + positions * ((high - low - 2 * gap) / max(count, 1))
            values = np.where(values > -gap, values + 2 * gap, values)
        else:
            values = low + positions * ((high - low) / max(count, 1))
        return values.reshape(shape)

    def _all_over(self, count: int, low: float, high: float) -> Any:
        """A third from the lattice, a third even, a third even in their logarithm; all within the domain."""
        inside = np.array([v for v in LATTICE if low < v < high])
        chosen = np.resize(inside, min(count // 3, len(inside)))
        rest = count - len(chosen)
        margin = 2.0**-7  # so that rounding to any dtype does not reach an end
        if np.isfinite(high - low):
            spread = low + (high - low) * self._random.uniform(margin, 1 - margin, rest)
        else:
            start, sign = (low, 1.0) if np.isfinite(low) else (high, -1.0) if np.isfinite(high) else (0.0, 0.0)
            sizes = np.exp2(self._random.uniform(-7.0, 6.0, rest))
            even = np.arange(rest) % 2 == 0
            sizes = np.where(even, self._random.uniform(margin, _USUAL, rest), sizes)
            signs = self._random.choice([-1.0, 1.0], rest) if sign == 0 else np.full(rest, sign)
            spread = start + signs * sizes
        values = np.concatenate([chosen, spread])
        return values[self._random.permutation(count)]

    def _any_whole(self, count: int, low: float, high: float) -> Any:
        smallest = max(low, -9.0 if self.dtype.is_signed else 0.0)
        first = int(smallest) + 1 if smallest == low else int(smallest)
        last = int(np.ceil(min(high, 10.0))) - 1
        return self._random.integers(first, max(last, first) + 1, count)

    def _whole(self, shape: tuple[int, ...], low: float, high: float) -> Any:
        largest = 9 if (low, high) == (-2.0, 2.0) else int(np.ceil(high))
        if low >= 0 or not self.dtype.is_signed:
            return self._random.integers(max(int(np.ceil(low)), 1), max(largest, 2) + 1, shape)
        values = self._random.integers(int(min(np.floor(low), -largest)), max(largest, 1), shape)
        return np.where(values >= 0, values + 1, values)  # no zero: integers are divided by, too

    def _tensor(self, values: Any, dtype: DType) -> Tensor:
        return Tensor._wrap(self.backend.from_data(np.asarray(values), dtype, None), self.backend)

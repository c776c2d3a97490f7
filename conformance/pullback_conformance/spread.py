"""How the errors of one sample are spread: a histogram in ulp, and the worst of them over the operand's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

#: The histogram counts errors up to each of these, in ulp, beyond the one before; the last count is of all above them.
EDGES: Final = (0.0, *(2.0**e for e in range(-3, 11)))

#: The most places in the domain of which the worst error is kept, for one sample.
MOST_POINTS: Final = 8


class Spread(NamedTuple):
    """The errors of a sample, in few numbers.

    Attributes
    ----------
    counts : tuple of int
        How many elements have an error up to each of :data:`EDGES`, and above them; zeros at the end are left out.
    points : tuple of tuple
        Values of the operand with the errors there: the worst of each part of the domain. Empty where elements of the
        result belong to no element of the operand.
    """

    counts: tuple[int, ...]
    points: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, errors: Any, operand: Any = None) -> Spread:
        """The spread of an array of errors.

        Parameters
        ----------
        operand : numpy.ndarray, optional
            The value of the operand for each error.

        Examples
        --------
        >>> Spread.of(np.array([0.0, 0.5, 0.25, 0.5]))
        Spread(counts=(1, 0, 0, 1, 2), points=())
        """
        errors = np.nan_to_num(np.asarray(errors, np.float64).reshape(-1), nan=np.inf, posinf=np.inf)
        counts = np.bincount(np.searchsorted(EDGES, errors)).tolist()
        return cls(_trimmed(counts), () if operand is None else _points(errors, operand))

    def merged(self, other: Spread | None) -> Spread:
        """Both in one, as where an operation has two results."""
        if other is None:
            return self
        length = max(len(self.counts), len(other.counts))
        counts = [sum(s.counts[i] for s in (self, other) if i < len(s.counts)) for i in range(length)]
        points = sorted((*self.points, *other.points), key=lambda p: -p[1])[: 2 * MOST_POINTS]
        return Spread(_trimmed(counts), tuple(sorted(points)))


def _trimmed(counts: Sequence[int]) -> tuple[int, ...]:
    length = len(counts)
    while length and not counts[length - 1]:
        length -= 1
    return tuple(counts[:length])


def _points(errors: Any, operand: Any) -> tuple[tuple[float, float], ...]:
    values = np.asarray(operand).reshape(-1)
    if values.dtype.kind not in "fiu" or values.shape != errors.shape:
        return ()
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    points = []
    for part in np.array_split(order, min(MOST_POINTS, order.size)) if order.size else ():
        worst = part[np.argmax(errors[part])]
        points.append((float(f"{float(values[worst]):.5g}"), float(f"{errors[worst]:.4g}")))
    return tuple(points)

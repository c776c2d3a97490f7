"""What became of each cell between two runs."""

from __future__ import annotations

from typing import NamedTuple

from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record


class Comparison(NamedTuple):
    """The cells whose outcome is another one in the later run.

    Attributes
    ----------
    worse, better : list of tuple
        Cells before and after: bad now, and bad before.
    other : list of tuple
        Cells before and after whose outcome changed between others.
    gone, new : list of Cell
        Cells that only the earlier run has, and only the later one.
    larger_errors, smaller_errors : list of tuple
        Cells before and after that passed both times, whose error is twice what it was, or was twice what it is, and
        the larger of the two at least a quarter of what is allowed.
    """

    worse: list[tuple[Cell, Cell]]
    better: list[tuple[Cell, Cell]]
    other: list[tuple[Cell, Cell]]
    gone: list[Cell]
    new: list[Cell]
    larger_errors: list[tuple[Cell, Cell]]
    smaller_errors: list[tuple[Cell, Cell]]

    def lines(self) -> list[str]:
        """The comparison in words, the worst first."""
        lines = []
        for title, pairs in (("worse", self.worse), ("better", self.better), ("changed", self.other)):
            lines += [f"{title}: {b.name}: {a.outcome.value}, then {b.outcome.value}" for a, b in pairs]
        lines += [f"larger error: {b.name}: {a.ulp or 0:.3g} ulp, then {b.ulp or 0:.3g}" for a, b in self.larger_errors]
        for title, cells in (("no longer there", self.gone), ("new", self.new)):
            bad = [c for c in cells if c.outcome.is_bad]
            lines += [f"{title}: {c.name}: {c.outcome.value}" for c in bad]
            if len(cells) > len(bad):
                lines.append(f"{title}: {len(cells) - len(bad)} cells that did not fail")
        return lines or ["no cell has another outcome"]


def compared(before: Record, after: Record) -> Comparison:
    """Compare two runs, cell by cell."""
    old, now = ({(c.operation, c.dtype, c.check): c for c in r.cells} for r in (before, after))
    pairs = [(old[key], now[key]) for key in now if key in old and old[key].outcome is not now[key].outcome]
    passed = [
        (old[key], cell)
        for key, cell in now.items()
        if key in old and old[key].outcome is cell.outcome is Outcome.PASSED
    ]
    worse = [(a, b) for a, b in pairs if b.outcome.is_bad and not a.outcome.is_bad]
    better = [(a, b) for a, b in pairs if a.outcome.is_bad and not b.outcome.is_bad]
    return Comparison(
        worse,
        better,
        [pair for pair in pairs if pair not in worse and pair not in better],
        [cell for key, cell in old.items() if key not in now],
        [cell for key, cell in now.items() if key not in old],
        [(a, b) for a, b in passed if _is_much_larger(b, a)],
        [(a, b) for a, b in passed if _is_much_larger(a, b)],
    )


def _is_much_larger(one: Cell, other: Cell) -> bool:
    if one.ulp is None or other.ulp is None or not one.bound:
        return False
    return one.ulp >= 2 * other.ulp and one.ulp >= one.bound / 4


def failed_units(record: Record) -> frozenset[tuple[str, str]]:
    """Operation and dtype of each cell that is bad."""
    return frozenset((cell.operation, cell.dtype) for cell in record.bad_cells())

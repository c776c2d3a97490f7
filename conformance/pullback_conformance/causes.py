"""Failures by what is behind them: one missing kernel may be forty cells."""

from __future__ import annotations

import re
from typing import NamedTuple

from pullback.extend import registry
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult


class Cause(NamedTuple):
    """What several cells have in common.

    Attributes
    ----------
    title : str
        The cause in words.
    cells : list of Cell
        Those it makes bad, in the record's order.
    example : Cell
        The one to look at.
    """

    title: str
    cells: list[Cell]
    example: Cell

    @property
    def operations(self) -> list[str]:
        """The operations of its cells."""
        return list(dict.fromkeys(cell.operation for cell in self.cells))


#: What a message begins with where the exception, or the end of the process, is the cause.
_BY_MESSAGE = ("raised ", "ended the process ", "gave no answer ", "while samples were made", "its samples could not")


def causes(record: Record) -> list[Cause]:
    """The bad cells by their causes: failures before what was not run, the most cells first."""
    wrong_dtypes = {(c.operation, c.dtype): c for c in record.cells if c.check == "dtype" and _failed(c)}
    groups: dict[str, list[Cell]] = {}
    leading: dict[tuple[str, str], str] = {}
    bad = record.bad_cells()
    for cell in bad:
        sample = bad_sample(cell)
        unit = (cell.operation, cell.dtype)
        if sample.message.startswith("the operation itself failed") and unit in leading:
            title = leading[unit]
        elif unit in wrong_dtypes and _is_about_the_dtype(wrong_dtypes[unit]) and not _has_own_cause(sample.message):
            title = f"a wrong dtype: {cell.operation}"
        else:
            title = _title(cell, sample)
        leading.setdefault(unit, title)
        groups.setdefault(title, []).append(cell)
    found = [Cause(title, cells, _example(title, cells, wrong_dtypes)) for title, cells in groups.items()]
    return sorted(found, key=lambda cause: (not _failed(cause.example), -len(cause.cells)))


def bad_sample(cell: Cell) -> SampleResult:
    """The first sample of a cell that failed; else that was not run."""
    bad = [s for s in cell.samples if Outcome(s.outcome).is_bad]
    return next((s for s in bad if s.outcome == Outcome.FAILED.value), bad[0])


def _failed(cell: Cell) -> bool:
    return cell.outcome is Outcome.FAILED


def _is_about_the_dtype(cell: Cell) -> bool:
    return " has dtype " in bad_sample(cell).message


def _has_own_cause(message: str) -> bool:
    return message.startswith((*_BY_MESSAGE, "no kernel "))


def _example(title: str, cells: list[Cell], wrong_dtypes: dict[tuple[str, str], Cell]) -> Cell:
    if title.startswith("a wrong dtype: "):
        return next(wrong_dtypes[(c.operation, c.dtype)] for c in cells)
    return next((cell for cell in cells if _failed(cell)), cells[0])


def _title(cell: Cell, sample: SampleResult) -> str:
    first = sample.message.partition("\n")[0]
    missing = re.match(r"no kernel '([^']*)'", first)
    if missing is not None:
        return f"the kernel {missing[1]!r} is missing"
    if sample.outcome == Outcome.NOT_RUN.value or first.startswith(_BY_MESSAGE):
        # Sizes, positions and values differ from sample to sample where the cause is one.
        return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", first)
    kernel = getattr(registry.get(cell.operation), "kernel", None)
    if cell.check == "contract":
        return f"{cell.operation} is not what the contract says"
    return f"wrong results of the kernel {kernel!r}" if kernel else f"wrong results of {cell.operation}"

"""Expected failures: what is known to be wrong with somebody else's library, in a file that is held to what it says."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from pullback.extend import did_you_mean, dtypes, import_all, registry
from pullback_conformance.checks import CHECKS
from pullback_conformance.contract import METHODS
from pullback_conformance.limitations import NO_SAMPLE
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult
from pullback_conformance.runner import SelectionError


class Expected(NamedTuple):
    """A failure that is expected.

    Attributes
    ----------
    operation : str
        A name or a pattern with ``*``.
    reason : str
        What is wrong, and whose fault it is.
    dtype, check, sample : str
        Where it shows; empty for everywhere.
    link : str
        Where it is reported.
    """

    operation: str
    reason: str
    dtype: str = ""
    check: str = ""
    sample: str = ""
    link: str = ""

    def covers(self, cell: Cell, result: SampleResult) -> bool:
        """Whether it is about this result."""
        return (
            fnmatchcase(cell.operation, self.operation)
            and self.dtype in ("", cell.dtype)
            and self.check in ("", cell.check)
            and self.sample in ("", result.sample)
            and result.sample != NO_SAMPLE
            and cell.check in CHECKS
        )


def read_expected(path: Path) -> list[Expected]:
    """The expected failures of a TOML file, each a table ``[[failure]]``.

    Raises
    ------
    SelectionError
        If the file is no such file, or names what does not exist.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SelectionError(f"{path}: {error}") from error
    import_all()
    _refuse_others(data, ("failure",), str(path))
    entries = data.get("failure", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SelectionError(f"{path}: an expected failure is a table [[failure]]")
    return [_entry(entry, f"{path}, failure {number}") for number, entry in enumerate(entries, 1)]


def _entry(entry: dict[str, Any], place: str) -> Expected:
    _refuse_others(entry, Expected._fields, place)
    for name in ("operation", "reason"):
        if not entry.get(name):
            raise SelectionError(f"{place} has no {name}")
    for name, value in entry.items():
        if not isinstance(value, str):
            raise SelectionError(f"{place}: {name} is no text")
    expected = Expected(**entry)
    known = [*registry, *METHODS]
    if not any(fnmatchcase(name, expected.operation) for name in known):
        raise SelectionError(
            f"{place}: no operation matches {expected.operation!r}{did_you_mean(expected.operation, known)}"
        )
    for what, value, known in (("dtype", expected.dtype, dtypes.by_name), ("check", expected.check, CHECKS)):
        if value and value not in known:
            raise SelectionError(f"{place}: no {what} {value!r}{did_you_mean(value, known)}")
    return expected


def _refuse_others(given: dict[str, Any], known: tuple[str, ...], place: str) -> None:
    for name in given:
        if name not in known:
            raise SelectionError(f"{place}: no key {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")


def apply_expected(record: Record, entries: list[Expected], *, has_all_samples: bool) -> None:
    """Make what is expected to fail, and does, ``expected``; what is expected and passes is a failure of its own.

    Parameters
    ----------
    has_all_samples : bool
        Whether the run has every sample; else an entry that names none is not judged by what passes.
    """
    for entry in entries:
        touched = [
            (cell, result)
            for cell in record.cells
            for result in cell.samples
            if result.outcome not in (Outcome.UNSUPPORTED.value, Outcome.NO_ORACLE.value) and entry.covers(cell, result)
        ]
        wrong = [result for _, result in touched if _is_wrong(result)]
        for result in wrong:
            if result.outcome != Outcome.EXPECTED.value:
                result.outcome = Outcome.EXPECTED.value
                link = f", {entry.link}" if entry.link else ""
                result.message = f"{entry.reason}{link} ({result.message})"
        if wrong:
            continue
        if not touched or not record.complete or not (has_all_samples or entry.sample):
            record.notes.append(f"not judged in this run: {entry.operation} is expected to fail, {entry.reason}")
            continue
        message = f"expected to fail, and all that this is about works: {entry.reason}"
        result = SampleResult(entry.sample or "all samples", Outcome.FAILED.value, message=message)
        record.cells.append(
            Cell(entry.operation, "expected failures", entry.dtype or "every dtype", "expected", [result])
        )


def _is_wrong(result: SampleResult) -> bool:
    outcome = Outcome(result.outcome)
    return outcome.is_bad or outcome is Outcome.EXPECTED

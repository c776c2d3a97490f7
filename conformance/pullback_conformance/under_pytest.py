"""What the tests do once a backend is given: the same cells as the command's, from the same code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pullback_conformance.cells import Planned, planned
from pullback_conformance.expected import apply_expected, read_expected
from pullback_conformance.outcome import Outcome
from pullback_conformance.pytest_plugin import destination
from pullback_conformance.record import Cell
from pullback_conformance.references import split_references
from pullback_conformance.runner import Runner, Selection, Unit

_NOT_JUDGED = (Outcome.UNSUPPORTED.value, Outcome.NO_ORACLE.value)


class _Session:
    """The runner of one pytest session, and the cells that were run and not asked for yet."""

    def __init__(self, config: pytest.Config) -> None:
        def given(option: str) -> Any:
            return config.getoption(destination(option))

        def several(option: str) -> tuple[str, ...]:
            return tuple(part.strip() for part in given(option).split(",") if part.strip())

        try:
            references = split_references(several("against"))
            selection = Selection(
                given("tier"),
                several("operations"),
                several("dtypes"),
                several("checks"),
                given("seed"),
                (*several("oracles"), *references.oracles),
                given("examples"),
                references.others,
            )
            self.expected = read_expected(Path(given("expected"))) if given("expected") else []
            self.runner = Runner(given("backend"), references.first, selection)
        except (ValueError, RuntimeError, ImportError, AttributeError) as error:
            raise pytest.UsageError(str(error)) from error
        # All cells of a unit are run at once, and asked for in any order: pytest-randomly's, for one.
        self._waiting: dict[Unit, dict[str, Cell]] = {}

    def cell(self, wanted: Planned) -> Cell | None:
        """The cell, run; it is kept no longer."""
        waiting = self._waiting.get(wanted.unit)
        if waiting is None or wanted.check not in waiting:
            cells = self.runner.run_unit(wanted.unit)
            of_unit = self.runner.record()  # not complete, so that entries that nothing fails of are not judged by it
            of_unit.cells = list(cells)
            apply_expected(of_unit, self.expected, has_all_samples=False)
            waiting = self._waiting[wanted.unit] = {cell.check: cell for cell in cells}
        return waiting.pop(wanted.check, None)

    def entries_of(self, cell: Cell) -> tuple[list[int], list[int]]:
        """The expected failures that a cell is about, by their place in the file, and those of them that it shows."""
        touched, shown = [], []
        for number, entry in enumerate(self.expected):
            results = [r for r in cell.samples if entry.covers(cell, r) and r.outcome not in _NOT_JUDGED]
            if results:
                touched.append(number)
            if any(Outcome(r.outcome) is Outcome.EXPECTED for r in results):
                shown.append(number)
        return touched, shown

    def can_judge(self, number: int) -> bool:
        """Whether a run of this tier tells that nothing fails of an expected failure."""
        return self.runner.tier.samples is None or bool(self.expected[number].sample)


_session_key = pytest.StashKey[_Session]()


def session_of(config: pytest.Config) -> _Session:
    """The session's runner, made when first asked for."""
    if _session_key not in config.stash:
        config.stash[_session_key] = _Session(config)
    return config.stash[_session_key]


def cells_to_run(config: pytest.Config) -> list[Planned]:
    """Every cell of the grid that the options select."""
    try:
        runner = session_of(config).runner
        runner.require_cells()
        return planned(runner)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def run_cell(config: pytest.Config, cell: Planned) -> Cell | None:
    """The cell, run; None where its question arises for no sample."""
    return session_of(config).cell(cell)


def properties_of(config: pytest.Config, cell: Cell) -> list[tuple[str, str]]:
    """What a test says of its cell beside passing or failing, in JUnit's report and to the summary."""
    properties = [("conformance outcome", cell.outcome.value)]
    properties += [("oracle", name) for name in dict.fromkeys(s.oracle for s in cell.samples if s.oracle)]
    if cell.ulp is not None:
        properties.append(("largest error in ulp", f"{cell.ulp:.3g}"))
    if cell.bound is not None:
        properties.append(("allowed in ulp", f"{cell.bound:g}"))
    touched, shown = session_of(config).entries_of(cell)
    properties += [("expected failure, covers", str(n)) for n in touched]
    properties += [("expected failure, shows", str(n)) for n in shown]
    return properties


def remarks(config: pytest.Config) -> list[str]:
    """What is to be said of the whole run, beside its cells; nothing where no cell was collected here."""
    if _session_key not in config.stash:
        return []
    runner = session_of(config).runner
    limits = [f"limited: {c.operation}: {c.samples[0].message}" for c in runner.tolerance_cells()]
    return [*runner.record().remarks(), *limits]

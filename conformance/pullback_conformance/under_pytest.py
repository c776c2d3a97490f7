"""What the tests do once a backend is given: the same cells as the command's, from the same code."""

from __future__ import annotations

import pytest

from pullback_conformance.cells import Planned, planned
from pullback_conformance.record import Cell
from pullback_conformance.runner import Runner, Selection, Unit


class _Session:
    """The runner of one pytest session, and the cells of the operation and dtype it ran last."""

    def __init__(self, config: pytest.Config) -> None:
        def several(option: str) -> tuple[str, ...]:
            return tuple(part.strip() for part in config.getoption(option).split(",") if part.strip())

        selection = Selection(
            config.getoption("--tier"), several("--operations"), several("--dtypes"), several("--checks")
        )
        try:
            self.runner = Runner(config.getoption("--backend"), config.getoption("--against"), selection)
        except (ValueError, RuntimeError, ImportError, AttributeError) as error:
            raise pytest.UsageError(str(error)) from error
        self.unit: Unit | None = None
        self.cells: dict[str, Cell] = {}

    def cell(self, wanted: Planned) -> Cell | None:
        if wanted.unit != self.unit:
            self.cells = {cell.check: cell for cell in self.runner.run_unit(wanted.unit)}
            self.unit = wanted.unit
        return self.cells.get(wanted.check)


_session_key = pytest.StashKey[_Session]()


def _session(config: pytest.Config) -> _Session:
    if _session_key not in config.stash:
        config.stash[_session_key] = _Session(config)
    return config.stash[_session_key]


def cells_to_run(config: pytest.Config) -> list[Planned]:
    """Every cell of the grid that the options select."""
    try:
        runner = _session(config).runner
        runner.require_cells()
        return planned(runner)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def run_cell(config: pytest.Config, cell: Planned) -> Cell | None:
    """The cell, run; None where its question arises for no sample."""
    return _session(config).cell(cell)


def remarks(config: pytest.Config) -> list[str]:
    """What is to be said of the whole run, beside its cells; nothing where no cell was collected here."""
    if _session_key not in config.stash:
        return []
    runner = _session(config).runner
    limits = [f"limited: {c.operation}: {c.samples[0].message}" for c in runner.tolerance_cells()]
    return [*runner.record().notes, *limits]

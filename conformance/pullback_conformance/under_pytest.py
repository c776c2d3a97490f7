"""What the tests do once a backend is given: the same cells as the command's, from the same code."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from pullback_conformance.record import Cell
from pullback_conformance.runner import Runner, Selection, Unit


class PlannedCell(NamedTuple):
    """A cell before it is run."""

    unit: Unit
    check: str

    @property
    def name(self) -> str:
        """The test's identifier."""
        return f"{self.unit.operation.name}-{self.unit.dtype.name}-{self.check}"


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

    def cell(self, planned: PlannedCell) -> Cell | None:
        if planned.unit != self.unit:
            self.cells = {cell.check: cell for cell in self.runner.run_unit(planned.unit)}
            self.unit = planned.unit
        return self.cells.get(planned.check)


_session_key = pytest.StashKey[_Session]()


def _session(config: pytest.Config) -> _Session:
    if _session_key not in config.stash:
        config.stash[_session_key] = _Session(config)
    return config.stash[_session_key]


def cells_to_run(config: pytest.Config) -> list[PlannedCell]:
    """Every cell of the grid that the options select."""
    try:
        runner = _session(config).runner
        return [PlannedCell(unit, check.name) for unit in runner.units() for check in runner.checks_of(unit)]
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def run_cell(config: pytest.Config, planned: PlannedCell) -> Cell | None:
    """The cell, run; None where its question arises for no sample."""
    return _session(config).cell(planned)

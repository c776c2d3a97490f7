"""Cells by their names, as ``exp-float32-value``: finding one, and running it alone."""

from __future__ import annotations

from typing import NamedTuple

from pullback.extend import did_you_mean
from pullback_conformance.case import Case
from pullback_conformance.contract import Method
from pullback_conformance.contract.running import script_of_sample
from pullback_conformance.record import Cell
from pullback_conformance.runner import Runner, Selection, SelectionError, Unit
from pullback_conformance.script import script_for


class Planned(NamedTuple):
    """A cell that is not run yet."""

    unit: Unit
    check: str

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.unit.operation.name}-{self.unit.dtype.name}-{self.check}"


def planned(runner: Runner) -> list[Planned]:
    """The cells of a run, in its order."""
    return [Planned(unit, check.name) for unit in runner.units() for check in runner.checks_of(unit)]


def cell_named(
    name: str, backend: str, against: str, tier: str, seed: int, examples: int = 0
) -> tuple[Runner, Unit, Cell]:
    """The cell of that name, run in this process.

    Raises
    ------
    SelectionError
        If there is none, with the names that are like it.
    """
    operation, _, rest = name.partition("-")
    parts = rest.split("-")
    if len(parts) != 2:
        raise SelectionError(f"a cell's name is OPERATION-DTYPE-CHECK, as in exp-float32-value, not {name!r}")
    runner = Runner(backend, against, Selection(tier, (operation,), (parts[0],), (parts[1],), seed, (), examples))
    found = next((cell for cell in planned(runner) if cell.name == name), None)
    if found is None:
        every = [cell.name for cell in planned(Runner(backend, against, Selection("standard")))]
        raise SelectionError(f"backend {backend!r} has no cell {name!r}{did_you_mean(name, every)}")
    cells = runner.run_unit(found.unit)
    if not cells:
        raise SelectionError(f"the question of {name!r} arises for none of the samples of the {tier} tier")
    return runner, found.unit, cells[0]


def script_of(runner: Runner, unit: Unit, cell: Cell, label: str) -> str:
    """A script for a sample of a cell: the one of its failure, else the call alone. The first bad sample by default."""
    labels = [s.sample for s in cell.samples]
    if label and label not in labels:
        raise SelectionError(f"{cell.name} has no sample {label!r}{did_you_mean(label, labels)}; there are {labels}")
    bad = next((s for s in cell.samples if s.script and label in ("", s.sample)), None)
    if bad is not None:
        return bad.script
    chosen = label or labels[0]
    if isinstance(unit.operation, Method):
        return script_of_sample(unit.operation, runner.subject, unit.dtype, runner.selection.seed, chosen)
    for arguments in runner.samples(unit):
        if arguments.label == chosen:
            case = Case(unit.operation, unit.dtype, arguments, runner.subject, runner.reference)
            return script_for(case, f"{cell.name} on {runner.subject.name}, {chosen}", ["print(result)"])
    raise SelectionError(f"the samples of {cell.name} could not be made: {cell.samples[0].message}")

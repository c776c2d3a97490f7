"""JUnit's XML: a test case for each cell, a suite for each family of operations."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record


def write_junit(record: Record, path: Path) -> None:
    """Write the record as JUnit's XML. Limited and unsupported cells are skipped tests, with the reason."""
    root = ElementTree.Element("testsuites", name=f"conformance of {record.backend}", time=f"{record.seconds:.3f}")
    for family, group in groupby(record.cells, key=lambda cell: cell.family):
        cells = list(group)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=family,
            tests=str(len(cells)),
            failures=str(sum(c.outcome is Outcome.FAILED for c in cells)),
            errors=str(sum(c.outcome is Outcome.NOT_RUN for c in cells)),
        )
        for cell in cells:
            _add(suite, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _class_of(cell: Cell) -> str:
    """The family and the operation; the methods of a backend have names that begin with their family."""
    prefix = f"{cell.family}."
    return cell.operation if cell.operation.startswith(prefix) else prefix + cell.operation


def _add(suite: ElementTree.Element, cell: Cell) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_class_of(cell), name=f"{cell.dtype}-{cell.check}")
    outcome = cell.outcome
    if outcome is Outcome.PASSED:
        return
    of_outcome = [s for s in cell.samples if s.outcome == outcome.value]
    kind = {Outcome.FAILED: "failure", Outcome.NOT_RUN: "error"}.get(outcome, "skipped")
    element = ElementTree.SubElement(case, kind, message=f"{outcome.value}: {of_outcome[0].message}")
    element.text = "\n\n".join(f"{s.sample}: {s.message}\n{s.script}" for s in of_outcome)

"""JUnit's XML: a test case for each cell, a suite for each family of operations."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record


def write_junit(record: Record, path: Path) -> None:
    """Write the record as JUnit's XML. Limited and unsupported cells are skipped tests, with the reason.

    Each test has the oracles that judged it as properties, each suite those of the run, and says which are missing.
    """
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
            skipped=str(sum(not c.outcome.is_bad and c.outcome is not Outcome.PASSED for c in cells)),
        )
        _add_properties(suite, _of_the_run(record))
        for cell in cells:
            _add(suite, cell)
        if record.remarks():
            ElementTree.SubElement(suite, "system-out").text = "\n".join(record.remarks())
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _class_of(cell: Cell) -> str:
    """The family and the operation; the methods of a backend have names that begin with their family."""
    prefix = f"{cell.family}."
    return cell.operation if cell.operation.startswith(prefix) else prefix + cell.operation


def _of_the_run(record: Record) -> list[tuple[str, str]]:
    """What is to be said of the whole run, for each suite: readers show suites one by one."""
    return [
        ("backend", record.backend),
        ("against", record.against),
        ("tier", record.tier),
        ("seed", str(record.seed)),
        *([("examples", str(record.examples))] if record.examples else []),
        *((f"version of {name}", version) for name, version in record.versions.items()),
        *((f"oracle: {name}", what) for name, what in record.oracles.items()),
        *(("note", note) for note in record.notes),
    ]


def _add_properties(parent: ElementTree.Element, items: list[tuple[str, str]]) -> None:
    if not items:
        return
    properties = ElementTree.SubElement(parent, "properties")
    for name, value in items:
        ElementTree.SubElement(properties, "property", name=name, value=value)


def _add(suite: ElementTree.Element, cell: Cell) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_class_of(cell), name=f"{cell.dtype}-{cell.check}")
    judges = dict.fromkeys(s.oracle for s in cell.samples if s.oracle)
    _add_properties(case, [("oracle", name) for name in judges])
    outcome = cell.outcome
    if outcome is Outcome.PASSED:
        return
    of_outcome = [s for s in cell.samples if s.outcome == outcome.value]
    kind = {Outcome.FAILED: "failure", Outcome.NOT_RUN: "error"}.get(outcome, "skipped")
    element = ElementTree.SubElement(case, kind, message=f"{outcome.value}: {of_outcome[0].message}")
    element.text = "\n\n".join(f"{s.sample}: {s.message}\n{s.script}" for s in of_outcome)

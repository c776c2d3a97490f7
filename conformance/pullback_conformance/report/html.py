"""The matrix as one HTML file that needs nothing else: operations by dtypes and checks, with every detail behind it."""

from __future__ import annotations

import math
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from pullback_conformance.checks import CHECKS
from pullback_conformance.outcome import MEANINGS, Outcome
from pullback_conformance.record import Cell, Record

_SYMBOLS = {
    Outcome.PASSED: "",
    Outcome.FAILED: "✕",
    Outcome.NOT_RUN: "?",
    Outcome.EXPECTED: "!",
    Outcome.FALLBACK: "↷",
    Outcome.LIMITED: "!",
    Outcome.UNSUPPORTED: "",
}
#: Two letters head a narrow column; the legend has the question in full.
_SHORT = {
    "value": "va", "dtype": "dt", "special": "sp", "unchanged": "un", "deterministic": "de",
    "vjp": "vj", "jvp": "jv", "adjoint": "ad", "second": "2°",
    "reference": "re", "aliases": "al", "state": "st", "spellings": "wr", "contract": "co",
}  # fmt: skip


def write_html(record: Record, path: Path) -> None:
    """Write the matrix of a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rendered(record), encoding="utf-8")


def rendered(record: Record) -> str:
    """The HTML of a run.

    Raises
    ------
    RuntimeError
        If jinja2 is not installed, with the command that installs it.
    """
    try:
        import jinja2
    except ModuleNotFoundError:
        raise RuntimeError("--html needs jinja2: pip install 'pullback[conformance]'") from None
    source = files("pullback_conformance.report").joinpath("matrix.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(**_content(record))


def _content(record: Record) -> dict[str, Any]:
    grid = [c for c in record.cells if c.check in CHECKS]
    dtypes = list(dict.fromkeys(c.dtype for c in grid))
    columns = [
        {"dtype": d, "checks": [n for n in CHECKS if any(c.dtype == d and c.check == n for c in grid)]} for d in dtypes
    ]
    by_place = {(c.operation, c.dtype, c.check): c for c in grid}
    families = []
    for family, group in groupby(sorted(grid, key=lambda c: (c.family, c.operation)), key=lambda c: c.family):
        names = list(dict.fromkeys(c.operation for c in group))
        families.append({"name": family, "rows": [_row(name, columns, by_place) for name in names]})
    limitations = [
        {"operation": c.operation, "dtype": c.dtype, "outcome": _slug(c.outcome), "label": c.outcome.value, "sample": s}
        for c in record.cells
        if c.check not in CHECKS
        for s in c.samples
    ]
    counts = record.counts()
    shown = [Outcome.PASSED, *[o for o in Outcome if o is not Outcome.PASSED]]
    return {
        "record": record,
        "counts": [
            {
                "slug": _slug(o),
                "label": o.value,
                "count": counts[o.value],
                "meaning": MEANINGS[o],
                "symbol": _SYMBOLS[o],
            }
            for o in shown
        ],
        "columns": columns,
        "short": {name: _short(name) for name in CHECKS},
        "questions": [{"short": _short(c.name), "name": c.name, "question": c.question} for c in CHECKS.values()],
        "families": families,
        "limitations": limitations,
        "worst": _worst(grid),
        "operations": len({c.operation for c in grid}),
    }


def _short(check: str) -> str:
    return _SHORT.get(check, check[:2])


def _row(name: str, columns: list[dict[str, Any]], by_place: dict[tuple[str, str, str], Cell]) -> dict[str, Any]:
    cells, details = [], []
    for column in columns:
        for number, check in enumerate(column["checks"]):
            cell = by_place.get((name, column["dtype"], check))
            shown = {"starts": not number, "slug": "none", "title": "", "symbol": ""}
            cells.append(shown)
            if cell is not None:
                details.append(cell)
                shown |= {"slug": _slug(cell.outcome), "title": _title(cell), "symbol": _SYMBOLS[cell.outcome]}
    outcomes = {_slug(c.outcome) for c in details}
    return {
        "name": name,
        "cells": cells,
        "outcomes": " ".join(sorted(outcomes)),
        "details": [_detail(c) for c in details if c.outcome is not Outcome.PASSED],
        "plot": _plot([c for c in details if c.ulp is not None]),
        "passed": sum(c.outcome is Outcome.PASSED for c in details),
        "total": len(details),
    }


def _title(cell: Cell) -> str:
    lines = [f"{cell.operation} {cell.dtype} {cell.check}: {cell.outcome.value}, {len(cell.samples)} samples"]
    if cell.ulp is not None:
        lines.append(
            f"worst error {_ulp(cell.ulp)} ulp" + (f", {cell.bound:g} allowed" if cell.bound is not None else "")
        )
    lines += [f"{s.sample}: {s.message}" for s in cell.samples if s.message and s.outcome == cell.outcome.value][:2]
    return "\n".join(lines)


def _detail(cell: Cell) -> dict[str, Any]:
    samples = [s for s in cell.samples if s.outcome == cell.outcome.value]
    return {
        "dtype": cell.dtype,
        "check": cell.check,
        "slug": _slug(cell.outcome),
        "label": cell.outcome.value,
        "samples": [{"label": s.sample, "message": s.message, "script": s.script} for s in samples[:3]],
        "more": len(samples) - 3,
        "of": len(cell.samples),
    }


def _worst(cells: list[Cell]) -> list[dict[str, Any]]:
    """The cells that come closest to their bounds, among those that passed."""
    near = [c for c in cells if c.ulp and c.bound and c.outcome is Outcome.PASSED]
    near.sort(key=lambda c: (c.ulp or 0) / (c.bound or 1), reverse=True)
    return [
        {"name": c.operation, "dtype": c.dtype, "check": c.check, "ulp": _ulp(c.ulp or 0), "bound": f"{c.bound:g}"}
        for c in near[:12]
    ]


_LEFT, _WIDTH, _LINE = 150.0, 420.0, 15.0
_DECADES = (-2, -1, 0, 1, 2, 3)


def _plot(cells: list[Cell]) -> dict[str, Any] | None:
    """The errors of one operation on a logarithmic axis: a dot for each sample, a tick for the bound."""
    if not cells:
        return None
    lines = []
    for number, cell in enumerate(cells):
        y = number * _LINE + 14.0
        dots = [
            {"x": _x(s.ulp), "slug": _slug(Outcome(s.outcome)), "title": f"{s.sample}: {_ulp(s.ulp)} ulp"}
            for s in cell.samples
            if s.ulp is not None
        ]
        bound = None if cell.bound is None else _x(cell.bound)
        lines.append({"y": y, "label": f"{cell.dtype} {cell.check}", "dots": dots, "bound": bound})
    axis = [{"x": _x(10.0**d), "label": f"{10.0**d:g}"} for d in _DECADES]
    height = len(cells) * _LINE + 30.0
    return {
        "lines": lines,
        "axis": axis,
        "height": height,
        "width": _LEFT + _WIDTH + 30.0,
        "bottom": height - 22.0,
        "left": _LEFT,
    }


def _x(ulp: float) -> float:
    exponent = math.log10(min(max(ulp, 10.0 ** _DECADES[0]), 10.0 ** _DECADES[-1])) if ulp > 0 else _DECADES[0]
    return round(_LEFT + _WIDTH * (exponent - _DECADES[0]) / (_DECADES[-1] - _DECADES[0]), 1)


def _ulp(value: float) -> str:
    return f"{value:.3g}"


def _slug(outcome: Outcome) -> str:
    return outcome.value.replace(" ", "-")

"""The matrix as compact data for the page's script: each text once, and for each cell its samples and errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pullback_conformance.checks import CHECKS
from pullback_conformance.outcome import MEANINGS, Outcome
from pullback_conformance.record import Cell, Record
from pullback_conformance.report.labels import SYMBOLS, run_labels, slug
from pullback_conformance.spread import EDGES, Spread

#: The most points of a plot of errors over the operand, for one cell.
_MOST_POINTS = 64
#: The most scripts of a cell that the page has.
_MOST_SCRIPTS = 3

#: Two letters head a narrow column; the legend has the question in full.
_SHORT = {"spellings": "wr", "second": "2°", "repeated": "rp"}

_DTYPES_SHORT = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf", "complex64": "c64", "complex128": "c128",
    "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8", "uint8": "u8", "bool": "bo",
}  # fmt: skip


def short_check(check: str) -> str:
    """A check's name in two letters."""
    return _SHORT.get(check, check[:2])


class _Texts:
    """Texts, each once, by their number; the first one is empty."""

    def __init__(self) -> None:
        self.list = [""]
        self._numbers = {"": 0}

    def number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self.list)
            self.list.append(text)
        return self._numbers[text]


def page_data(records: Sequence[Record], changes: Sequence[Mapping[tuple[str, str, str], str]]) -> dict[str, Any]:
    """What the page's script shows.

    Parameters
    ----------
    changes : sequence of mapping
        For each record what became of its cells since an earlier one: ``"worse"``, ``"better"`` or ``"changed"``.
    """
    texts, label_sets = _Texts(), _Texts()
    grids = [[c for c in r.cells if c.check in CHECKS] for r in records]
    every = [cell for grid in grids for cell in grid]
    dtypes = list(dict.fromkeys(c.dtype for c in every))
    checks = [name for name in CHECKS if any(c.check == name for c in every)]
    rows: dict[str, dict[str, Any]] = {}
    for cell in sorted(every, key=lambda c: (c.family, c.operation)):
        rows.setdefault(cell.operation, {"name": cell.operation, "family": cell.family, "cells": {}})
    for run, grid in enumerate(grids):
        for cell in grid:
            change = changes[run].get((cell.operation, cell.dtype, cell.check), "")
            place = f"{run}.{dtypes.index(cell.dtype)}.{checks.index(cell.check)}"
            rows[cell.operation]["cells"][place] = _cell(cell, change, texts, label_sets)
    return {
        "runs": run_labels(records),
        "dtypes": [{"name": d, "short": _DTYPES_SHORT.get(d, d)} for d in dtypes],
        "checks": [{"name": c, "short": short_check(c), "question": CHECKS[c].question} for c in checks],
        "outcomes": [
            {"slug": slug(o), "label": o.value, "symbol": SYMBOLS[o], "meaning": MEANINGS[o]} for o in _BY_NUMBER
        ],
        "edges": list(EDGES),
        "rows": list(rows.values()),
        "texts": texts.list,
        "labelSets": [[int(n) for n in line.split()] for line in label_sets.list],
    }


def as_script(data: dict[str, Any]) -> str:
    """The data as JSON that may stand within a script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


#: Outcomes by their number, from worst to best, as those of several cells are shown by the worst.
_BY_NUMBER = list(Outcome)


def _cell(cell: Cell, change: str, texts: _Texts, label_sets: _Texts) -> dict[str, Any]:
    """One cell: its outcome, what passed in groups of one oracle and bound, and the others one by one."""
    made: dict[str, Any] = {"o": _BY_NUMBER.index(cell.outcome)}
    if cell.ulp is not None:
        made["u"] = _number(cell.ulp)
    if cell.bound is not None:
        made["b"] = cell.bound
    if change:
        made["c"] = change
    groups: dict[tuple[int, float | None], list[tuple[int, float | None]]] = {}
    others = []
    scripts = 0
    for sample in cell.samples:
        label = texts.number(sample.sample)
        oracle = texts.number(sample.oracle)
        if sample.outcome == Outcome.PASSED.value:
            groups.setdefault((oracle, sample.bound), []).append((label, sample.ulp))
            continue
        has_script = bool(sample.script) and scripts < _MOST_SCRIPTS
        scripts += has_script
        others.append(
            [
                label,
                _BY_NUMBER.index(Outcome(sample.outcome)),
                None if sample.ulp is None else _number(sample.ulp),
                sample.bound,
                oracle,
                texts.number(sample.message),
                texts.number(sample.script if has_script else ""),
            ]
        )
    made["g"] = [_group(oracle, bound, items, label_sets) for (oracle, bound), items in groups.items()]
    if others:
        made["x"] = others
    return made | _spread(cell)


def _group(oracle: int, bound: float | None, items: list[tuple[int, float | None]], label_sets: _Texts) -> list[Any]:
    labels = label_sets.number(" ".join(str(label) for label, _ in items))
    ulps = [None if ulp is None else _number(ulp) for _, ulp in items]
    return [oracle, bound, labels] if all(u is None for u in ulps) else [oracle, bound, labels, ulps]


def _spread(cell: Cell) -> dict[str, Any]:
    total: Spread | None = None
    points: list[tuple[float, float]] = []
    for sample in cell.samples:
        if sample.spread is not None:
            points += sample.spread.points
            counts = Spread(sample.spread.counts)
            total = counts if total is None else total.merged(counts)
    if total is None:
        return {}
    made: dict[str, Any] = {"h": list(total.counts)}
    if points:
        made["p"] = [[x, _number(u)] for x, u in _thinned(points)]
    return made


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """As many points as a plot shows, the worst of each stretch of the domain."""
    points = sorted(points)
    if len(points) <= _MOST_POINTS:
        return points
    size = len(points) / _MOST_POINTS
    parts = (points[int(i * size) : int((i + 1) * size)] for i in range(_MOST_POINTS))
    return [max(part, key=lambda p: p[1]) for part in parts]


def _number(value: float) -> float | str:
    """To four digits; JSON has no infinity."""
    return "inf" if value == float("inf") else float(f"{value:.4g}")

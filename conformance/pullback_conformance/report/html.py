"""The matrix of one run or of several side by side, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pullback_conformance.causes import bad_sample, causes
from pullback_conformance.checks import CHECKS
from pullback_conformance.comparison import Comparison, compared
from pullback_conformance.outcome import MEANINGS, Outcome
from pullback_conformance.record import Cell, Record
from pullback_conformance.report.labels import SHOWN, SYMBOLS, number, run_labels, slug
from pullback_conformance.report.page_data import as_script, page_data, short_check

#: Causes of failures that are shown in full for each run; the matrix has all.
_MOST_CAUSES = 40
#: Those of them that are listed before the matrix without being asked for.
_OPEN_CAUSES = 6
#: Changed cells that are listed for each run.
_MOST_CHANGES = 200


def write_html(records: Sequence[Record], path: Path, *, since: Sequence[Record] = ()) -> None:
    """Write the matrix of one or more runs; see :func:`rendered`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rendered(*records, since=since), encoding="utf-8")


def rendered(*records: Record, since: Sequence[Record] = ()) -> str:
    """The HTML of one or more runs, side by side.

    Parameters
    ----------
    since : sequence of Record
        Earlier runs: what became of the cells of each backend since its own is shown.

    Raises
    ------
    RuntimeError
        If jinja2 is not installed, with the command that installs it.
    """
    try:
        import jinja2
    except ModuleNotFoundError:
        raise RuntimeError("an HTML report needs jinja2: pip install 'pullback[conformance]'") from None
    folder = files("pullback_conformance.report")

    def text_of(name: str) -> str:
        return folder.joinpath(name).read_text(encoding="utf-8")

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(text_of("page.html.j2"))
    comparisons = [_since(record, since) for record in records]
    changes = [_changes(comparison) for comparison in comparisons]
    return template.render(
        **_content(records, comparisons),
        style=text_of("page.css"),
        script=text_of("page.js"),
        data=as_script(page_data(records, changes)),
    )


def _since(record: Record, earlier: Sequence[Record]) -> Comparison | None:
    before = next((r for r in earlier if r.backend == record.backend), None)
    return None if before is None else compared(before, record)


def _changes(comparison: Comparison | None) -> Mapping[tuple[str, str, str], str]:
    if comparison is None:
        return {}
    kinds = (("worse", comparison.worse), ("better", comparison.better), ("changed", comparison.other))
    return {(b.operation, b.dtype, b.check): kind for kind, pairs in kinds for _, b in pairs}


def _content(records: Sequence[Record], comparisons: Sequence[Comparison | None]) -> dict[str, Any]:
    labels = run_labels(records)
    several = len(records) > 1
    runs = [_run(record, label) for record, label in zip(records, labels, strict=True)]
    checks = [name for name in CHECKS if any(c.check == name for r in records for c in r.cells)]
    return {
        "title": f"{', '.join(labels)}: conformance",
        "several": several,
        "runs": runs,
        "outcomes": [
            {
                "slug": slug(o),
                "label": o.value,
                "meaning": MEANINGS[o],
                "symbol": SYMBOLS[o],
                "counts": [run["record"].counts()[o.value] for run in runs],
            }
            for o in SHOWN
        ],
        "checks": [
            {
                "name": name,
                "short": short_check(name),
                "question": CHECKS[name].question,
                "runs": [_of_check(record, name) for record in records],
            }
            for name in checks
        ],
        "failures": [_failures(record, label) for record, label in zip(records, labels, strict=True)],
        "limitations": _limitations(records, labels),
        "worst": _worst(records, labels),
        "history": [
            _history(comparison, label)
            for comparison, label in zip(comparisons, labels, strict=True)
            if comparison is not None
        ],
        "oracles": _oracles(records),
        "has_bad": any(not record.is_good for record in records),
    }


def _run(record: Record, label: str) -> dict[str, Any]:
    counts = record.counts()
    total = sum(counts.values()) or 1
    bar, x = [], 0.0
    for outcome in SHOWN:
        width = 100.0 * counts[outcome.value] / total
        if width:
            bar.append({"slug": slug(outcome), "x": round(x, 3), "width": round(width, 3)})
        x += width
    described = ", ".join(f"{counts[o.value]} {o.value}" for o in SHOWN if counts[o.value])
    return {
        "record": record,
        "label": label,
        "bar": bar,
        "described": described or "no cells",
        "operations": len({c.operation for c in record.cells if c.check in CHECKS}),
    }


def _of_check(record: Record, check: str) -> dict[str, Any]:
    cells = [c for c in record.cells if c.check == check]
    count = Counter(c.outcome for c in cells)
    ulps = [c.ulp for c in cells if c.ulp is not None and c.outcome is Outcome.PASSED]
    others = [f"{count[o]} {o.value}" for o in SHOWN if count[o] and o is not Outcome.PASSED]
    return {
        "passed": count[Outcome.PASSED],
        "others": ", ".join(others),
        "bad": any(o.is_bad for o in count),
        "ulp": number(max(ulps)) if ulps else "",
    }


def _failures(record: Record, label: str) -> dict[str, Any]:
    found = causes(record)
    shown = []
    for cause in found[:_MOST_CAUSES]:
        sample = bad_sample(cause.example)
        shown.append(
            {
                "title": cause.title,
                "count": len(cause.cells),
                "operations": cause.operations[:8],
                "more": max(0, len(cause.operations) - 8),
                "cell": cause.example.name,
                "operation": cause.example.operation,
                "slug": slug(cause.example.outcome),
                "label": cause.example.outcome.value,
                "sample": sample,
            }
        )
    return {
        "label": label,
        "first": shown[:_OPEN_CAUSES],
        "others": shown[_OPEN_CAUSES:],
        "more": len(found) - len(shown),
    }


def _limitations(records: Sequence[Record], labels: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "run": label,
            "operation": c.operation,
            "dtype": c.dtype,
            "slug": slug(c.outcome),
            "label": c.outcome.value,
            "sample": s,
        }
        for record, label in zip(records, labels, strict=True)
        for c in record.cells
        if c.check not in CHECKS
        for s in c.samples
    ]


def _worst(records: Sequence[Record], labels: Sequence[str]) -> list[dict[str, Any]]:
    """The cells that come closest to their bounds, among those that passed."""
    near: list[tuple[float, str, Cell]] = []
    for record, label in zip(records, labels, strict=True):
        for c in record.cells:
            if c.ulp and c.bound and c.outcome is Outcome.PASSED and c.check in CHECKS:
                near.append((c.ulp / c.bound, label, c))
    # A result that is rounded correctly may be half an ulp off: it is no news that some are.
    near = [item for item in near if not (item[2].bound == 0.5 and (item[2].ulp or 0) <= 0.5)]
    near.sort(key=lambda item: -item[0])
    return [
        {
            "run": label,
            "name": c.operation,
            "dtype": c.dtype,
            "check": c.check,
            "ulp": number(c.ulp or 0),
            "bound": f"{c.bound:g}",
            "share": round(100 * share),
        }
        for share, label, c in near[:12]
    ]


def _history(comparison: Comparison, label: str) -> dict[str, Any]:
    kinds = [
        ("worse", "failed", comparison.worse),
        ("better", "passed", comparison.better),
        ("changed", "limited", comparison.other),
    ]
    return {
        "label": label,
        "kinds": [
            {
                "name": name,
                "slug": style,
                "count": len(pairs),
                "cells": [
                    {"name": b.name, "operation": b.operation, "before": a.outcome.value, "after": b.outcome.value}
                    for a, b in pairs[:_MOST_CHANGES]
                ],
                "more": max(0, len(pairs) - _MOST_CHANGES),
            }
            for name, style, pairs in kinds
        ],
        "new": len(comparison.new),
        "gone": len(comparison.gone),
        "larger": [
            {"name": b.name, "operation": b.operation, "before": number(a.ulp or 0), "after": number(b.ulp or 0)}
            for a, b in comparison.larger_errors[:40]
        ],
        "smaller": len(comparison.smaller_errors),
    }


def _oracles(records: Sequence[Record]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for r in records for name in r.oracles))
    judges: Counter[str] = Counter()
    for record in records:
        judges.update(record.judges())
    return {
        "there": [{"name": name, "runs": [r.oracles.get(name, "not said") for r in records]} for name in names],
        "judged": [
            {"name": name, "runs": [r.judges().get(name, 0) for r in records]} for name, _ in judges.most_common()
        ],
    }

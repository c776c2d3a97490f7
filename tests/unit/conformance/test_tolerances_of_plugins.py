"""Wider bounds that plugins declare reach their backend alone, and every report lists them, and what is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pullback import float32
from pullback.extend import registry
from pullback_conformance import tolerances
from pullback_conformance.record import Record
from pullback_conformance.report.html import rendered
from pullback_conformance.report.junit import write_junit
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.terminal import show_record
from pullback_conformance.tolerances import Tolerance, bound

GIVEN = [
    Tolerance("ex*", "value", 50.0, "our library is fast", backend="numpy"),
    Tolerance("exp", "value", 70.0, "for another", backend="other"),
    Tolerance("*", "*", 1e12, "for everybody"),
    Tolerance("exp", "value", 1e9, "for many", backend="num*"),
    "nothing",
]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tolerances, "_given_by_plugins", GIVEN)


def run(*operations: str) -> Record:
    return Runner("numpy", "numpy", Selection("smoke", operations, ("float32",))).run()


def views(record: Record, folder: Path) -> dict[str, str]:
    """Every report, as text."""
    console = Console(record=True, width=250, force_terminal=False)
    show_record(console, record, [])
    record.write_json(folder / "record.json")
    write_junit(record, folder / "record.xml")
    return {
        "terminal": console.export_text(),
        "html": rendered(record),
        "json": json.dumps(json.loads((folder / "record.json").read_text()), ensure_ascii=False),
        "junit": (folder / "record.xml").read_text(),
    }


@pytest.mark.usefixtures("given")
def test_a_tolerance_reaches_its_backend_alone() -> None:
    registry_exp = registry["exp"]
    assert bound(registry_exp, float32, "value", "numpy")[0] == 50.0
    assert bound(registry_exp, float32, "value", "other")[0] == 70.0
    assert bound(registry_exp, float32, "value", "jax")[0] == 4.0
    assert bound(registry["sin"], float32, "value", "numpy")[0] == 4.0


@pytest.mark.usefixtures("given")
def test_every_report_lists_it_as_a_limitation(tmp_path: Path) -> None:
    for name, text in views(run("exp"), tmp_path).items():
        assert "50 ulp are allowed by a plugin: our library is fast" in text, name
        assert "70 ulp" not in text, name
    assert "50 ulp" not in views(run("sin"), tmp_path)["terminal"]


@pytest.mark.usefixtures("given")
def test_what_names_no_backend_is_left_out_and_said(tmp_path: Path) -> None:
    shown = views(run("sin"), tmp_path)
    del shown["junit"]
    for name, text in shown.items():
        assert "eft out: a plugin&#39;s tolerance of 1e+12 ulp for *" in text.replace("'", "&#39;"), name
        assert "for everybody" in text, name
        assert "for many" in text, name
        assert "which is no Tolerance" in text, name


def test_a_missing_oracle_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "mpmath" in run("exp").versions
    monkeypatch.setitem(sys.modules, "mpmath", None)
    record = run("exp", "neg")
    assert "mpmath" not in record.versions
    shown = views(record, tmp_path)
    del shown["junit"]
    for name, text in shown.items():
        assert (
            "pmath is not installed: NumPy in extended precision judges values in its place (operations: 1;" in text
        ), name
    assert not run("neg").notes

"""Failures grouped by what is behind them."""

from __future__ import annotations

from rich.console import Console

from pullback_conformance.causes import causes
from pullback_conformance.record import Cell, Record, SampleResult
from pullback_conformance.terminal import show_record


def cell(name: str, message: str, *, outcome: str = "failed", dtype: str = "float32") -> Cell:
    operation, check = name.split("-")
    return Cell(operation, "unary", dtype, check, [SampleResult("(2, 3)", outcome, message=message)])


def record(*cells: Cell) -> Record:
    return Record("mine", "numpy", "smoke", 0, "2026-01-01", {}, "Linux", [], complete=True, cells=list(cells))


def found(*cells: Cell) -> dict[str, int]:
    return {cause.title: len(cause.cells) for cause in causes(record(*cells))}


MISSING = "no kernel 'erfc': define it, or declare a Limitation (MissingKernelError: ...)"


def test_a_missing_kernel_is_one_cause() -> None:
    cells = [
        cell("erfc-value", MISSING),
        cell("erfc-dtype", "the operation itself failed: see value", outcome="not run"),
        cell("gelu-vjp", MISSING),
        cell("erfc-value", MISSING, dtype="float64"),
        cell("exp-value", "result is 1, expected 2"),
    ]
    assert found(*cells) == {"the kernel 'erfc' is missing": 4, "wrong results of the kernel 'exp'": 1}


def test_an_exception_is_one_cause_whatever_its_numbers() -> None:
    cells = [cell("sum-value", "raised TypeError: no axis 3"), cell("mean-value", "raised TypeError: no axis 14")]
    assert found(*cells) == {"raised TypeError: no axis #": 2}


def test_a_wrong_dtype_is_said_as_that() -> None:
    cells = [
        cell("exp-value", "result at [0] is 1, expected 2: 8e+08 ulp off, 4 allowed (against mpmath)"),
        cell("exp-dtype", "result has dtype float64, expected float32"),
        cell("exp-vjp", "raised ValueError: no"),
    ]
    (first, second) = causes(record(*cells))
    assert (first.title, len(first.cells), first.example.check) == ("a wrong dtype: exp", 2, "dtype")
    assert second.title == "raised ValueError: no"


def test_the_terminal_shows_each_cause_once() -> None:
    console = Console(record=True, width=200, force_terminal=False)
    others = [cell(f"op{i}-value", f"result is wrong in {i}") for i in range(6)]
    show_record(console, record(*[cell("erfc-value", MISSING), cell("gelu-value", MISSING)], *others), [])
    text = console.export_text()
    assert "2 cells of erfc, gelu: the kernel 'erfc' is missing" in text
    assert text.count("FAILED") == 5
    assert "... and 2 more cells" in text
    assert "1 cell of op5: wrong results of op5" in text

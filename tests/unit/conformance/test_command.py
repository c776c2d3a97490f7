"""The command beside its run: cells by name, records compared, what failed first, expected failures."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pullback_conformance.command import conformance
from pullback_conformance.comparison import compared, failed_units
from pullback_conformance.expected import apply_expected, read_expected
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult, read_json
from pullback_conformance.runner import Runner, Selection, SelectionError

WRONG = Path(__file__).with_name("wrong_backend.py").read_text()


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A backend whose exponential is one per cent off."""
    (tmp_path / "wrong_backend.py").write_text(WRONG)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return "wrong_backend:Wrong"


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(conformance, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def cell(operation: str, outcome: str, *, sample: str = "(2, 3)", check: str = "value") -> Cell:
    return Cell(operation, "unary", "float32", check, [SampleResult(sample, outcome, message="off")])


def record(*cells: Cell, complete: bool = True) -> Record:
    return Record(
        "mine", "numpy", "smoke", 0, "2026-01-01T00:00:00+00:00", {}, "Linux", [], complete=complete, cells=list(cells)
    )


# -- cells by name ----------------------------------------------------------------------------------------------------


def test_cells_are_listed() -> None:
    status, output = invoke("list", "--operations", "exp", "--dtypes", "float32", "--checks", "value,vjp")
    assert (status, output.split()) == (0, ["exp-float32-value", "exp-float32-vjp"])


def test_a_cell_is_shown_with_its_samples(wrong: str) -> None:
    status, output = invoke("show", "exp-float32-value")
    assert status == 0
    assert "0-d: passed" in output
    assert "against mpmath" in output
    status, output = invoke("show", "exp-float32-value", "--backend", wrong, "--tier", "smoke")
    assert status == 1
    assert "exp-float32-value: failed" in output
    assert "ulp off, 4 allowed" in output


def test_a_script_is_printed(wrong: str) -> None:
    status, output = invoke("repro", "exp-float32-value", "--backend", wrong)
    assert status == 0
    with pytest.raises(AssertionError, match="expected"):
        exec(output, {})
    status, output = invoke("repro", "exp-float32-value", "--sample", "0-d")
    assert status == 0
    exec(output, {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "exp"), "a cell's name is OPERATION-DTYPE-CHECK"),
        (("show", "expo-float32-value"), "no operation matches 'expo'; did you mean 'exp"),
        (("show", "exp-float3-value"), "no dtype 'float3'; did you mean 'float32'"),
        (("repro", "exp-float32-valu"), "no check 'valu'; did you mean 'value'"),
        (("show", "exp-int64-vjp"), "backend 'numpy' has no cell 'exp-int64-vjp'; did you mean"),
        (("repro", "exp-float32-value", "--sample", "0d"), "exp-float32-value has no sample '0d'; did you mean '0-d'"),
        (("list", "--operations", "expo"), "no operation matches 'expo'"),
        (("compare", "a.json", "b.json"), "a.json"),
        (("--backend", "numpy", "show", "exp-float32-value"), "options come after the name of the subcommand"),
        (("--backend", "numpy", "--operations", "exp", "--failed-first"), "needs a record of an earlier run"),
    ],
)
def test_what_does_not_exist_is_said(arguments: tuple[str, ...], message: str) -> None:
    status, output = invoke(*arguments)
    assert status == 2
    assert message in output


# -- records ----------------------------------------------------------------------------------------------------------


def test_records_are_compared(tmp_path: Path) -> None:
    before = record(cell("exp", "passed"), cell("log", "failed"), cell("sin", "passed"), cell("tan", "passed"))
    after = record(cell("exp", "failed"), cell("log", "passed"), cell("sin", "limited"), cell("cos", "not run"))
    found = compared(before, after)
    assert [b.name for _, b in found.worse] == ["exp-float32-value"]
    assert [b.name for _, b in found.better] == ["log-float32-value"]
    assert [c.name for c in found.gone] == ["tan-float32-value"]
    for name, made in (("a", before), ("b", after)):
        made.write_json(tmp_path / f"{name}.json")
    status, output = invoke("compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    assert status == 1
    assert output.splitlines() == [
        "worse: exp-float32-value: passed, then failed",
        "better: log-float32-value: failed, then passed",
        "changed: sin-float32-value: passed, then limited",
        "no longer there: 1 cells that did not fail",
        "new: cos-float32-value: not run",
    ]
    assert invoke("compare", str(tmp_path / "a.json"), str(tmp_path / "a.json"))[0] == 0
    (tmp_path / "c.json").write_text("{}")
    status, output = invoke("compare", str(tmp_path / "a.json"), str(tmp_path / "c.json"))
    assert status == 2
    assert "c.json is no record of a run" in output


def test_what_failed_before_comes_first(wrong: str, tmp_path: Path) -> None:
    options = ["--backend", wrong, "--operations", "neg,exp,log", "--dtypes", "float32", "--json", "record.json"]
    assert invoke(*options)[0] == 1
    assert failed_units(read_json(tmp_path / "record.json")) == {("exp", "float32")}
    status, output = invoke(*options, "--failed-first", "--fail-fast", "--since", "record.json")
    assert status == 1
    again = read_json(tmp_path / "record.json")
    assert {c.operation for c in again.cells if c.outcome is not Outcome.NOT_RUN} == {"exp"}
    assert "worse: neg-float32-value: passed, then not run" in output


# -- expected failures ------------------------------------------------------------------------------------------------


def test_expected_failures_are_no_failures(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "expected.toml").write_text(
        '[[failure]]\noperation = "exp"\ndtype = "float32"\nreason = "one per cent off"\nlink = "their tracker, 7"\n'
    )
    options = ["--backend", wrong, "--operations", "exp,log", "--dtypes", "float32", "--json", "r.json"]
    status, output = invoke(*options, "--expected", "expected.toml", "--html", "r.html", "--junit", "r.xml")
    assert status == 0, output
    made = read_json(tmp_path / "r.json")
    found = {c.check: c for c in made.cells if c.operation == "exp"}
    assert found["value"].outcome is Outcome.EXPECTED
    assert found["dtype"].outcome is Outcome.PASSED
    assert found["value"].samples[0].message.startswith("one per cent off, their tracker, 7 (result at")
    assert "expected: wrong or missing, and a file of expected failures says so" in output
    assert "one per cent off, their tracker, 7" in (tmp_path / "r.html").read_text()


def test_an_expected_failure_that_passes_is_one(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text('[[failure]]\noperation = "ex*"\nsample = "(2, 3)"\nreason = "off"\n')
    entries = read_expected(tmp_path / "e.toml")
    made = record(cell("exp", "passed"), cell("exp", "failed", sample="0-d", check="dtype"))
    apply_expected(made, entries, has_all_samples=False)
    assert made.cells[-1].check == "expected"
    assert made.cells[-1].outcome is Outcome.FAILED
    assert "expected to fail, and all that this is about works" in made.cells[-1].samples[0].message
    assert made.cells[1].outcome is Outcome.FAILED


@pytest.mark.parametrize(("has_all_samples", "complete"), [(False, True), (True, False)])
def test_an_expected_failure_is_not_judged_by_a_part(tmp_path: Path, has_all_samples: bool, complete: bool) -> None:
    (tmp_path / "e.toml").write_text('[[failure]]\noperation = "exp"\nreason = "off"\n')
    made = record(cell("exp", "passed"), complete=complete)
    apply_expected(made, read_expected(tmp_path / "e.toml"), has_all_samples=has_all_samples)
    assert len(made.cells) == 1
    assert made.notes == ["not judged in this run: exp is expected to fail, off"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[failure]", "e.toml"),
        ("[[failures]]\n", "no key 'failures'; did you mean 'failure'"),
        ("failure = 3\n", "an expected failure is a table"),
        ('[[failure]]\nreason = "off"\n', "failure 1 has no operation"),
        ('[[failure]]\noperation = "exp"\n', "failure 1 has no reason"),
        ('[[failure]]\noperation = "expo"\nreason = "off"\n', "no operation matches 'expo'; did you mean 'exp"),
        ('[[failure]]\noperation = "exp"\nreason = "off"\ndtype = "float3"\n', "no dtype 'float3'"),
        ('[[failure]]\noperation = "exp"\nreason = "off"\ncheck = "valu"\n', "no check 'valu'; did you mean 'value'"),
        ('[[failure]]\noperation = "exp"\nreason = "off"\nsampel = "a"\n', "no key 'sampel'; did you mean 'sample'"),
        ('[[failure]]\noperation = "exp"\nreason = 3\n', "reason is no text"),
    ],
)
def test_a_file_that_says_nothing_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(SelectionError, match=message):
        read_expected(tmp_path / "e.toml")


def test_nothing_selected_is_an_error() -> None:
    runner = Runner("numpy", "numpy", Selection(operations=("exp",), dtypes=("int64",), checks=("vjp",)))
    with pytest.raises(SelectionError, match="nothing to run"):
        runner.require_cells()

"""Reports and the command: exit statuses, and that each report says what the record says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from pullback_conformance.command import conformance
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult, read_json
from pullback_conformance.report.html import rendered
from pullback_conformance.report.junit import write_junit
from pullback_conformance.report.scripts import save_scripts


def cell(outcome: str, check: str = "value", *, ulp: float | None = None, message: str = "", script: str = "") -> Cell:
    sample = SampleResult("(2, 3)", outcome, ulp, 4.0 if ulp is not None else None, message, script)
    return Cell("exp", "unary", "float32", check, [sample])


def record(*cells: Cell, complete: bool = True) -> Record:
    return Record(
        "mine", "numpy", "smoke", 0, "2026-01-01T00:00:00+00:00", {"pullback": "0.1.0"}, "Linux", ["bfloat16"],
        complete=complete, cells=list(cells),
    )  # fmt: skip


def test_the_worst_outcome_is_the_cells() -> None:
    samples = [SampleResult("a", o.value) for o in (Outcome.PASSED, Outcome.LIMITED, Outcome.UNSUPPORTED)]
    assert Cell("exp", "unary", "float32", "value", samples).outcome is Outcome.LIMITED
    assert Cell("exp", "unary", "float32", "value", []).outcome is Outcome.NOT_RUN


@pytest.mark.parametrize(
    ("outcome", "good"),
    [
        ("passed", True),
        ("limited", True),
        ("unsupported", True),
        ("fallback", True),
        ("failed", False),
        ("not run", False),
    ],
)
def test_only_failures_and_what_was_not_run_are_bad(outcome: str, good: bool) -> None:
    assert record(cell("passed"), cell(outcome)).is_good is good


def test_a_run_of_nothing_and_an_interrupted_one_are_not_good() -> None:
    assert not record().is_good
    assert not record(cell("passed"), complete=False).is_good


def test_json_is_strict_and_gives_the_record_back(tmp_path: Path) -> None:
    made = record(
        cell("passed", ulp=1.5), cell("failed", "vjp", ulp=float("inf"), message="wrong", script="assert False")
    )
    made.write_json(tmp_path / "record.json")
    text = (tmp_path / "record.json").read_text()
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert data["summary"]["failed"] == 1
    assert data["passed"] is False
    assert read_json(tmp_path / "record.json") == made


def test_html_stands_alone_and_shows_each_failure() -> None:
    text = rendered(
        record(cell("passed", ulp=1.5), cell("failed", "vjp", message="wrong <here>", script="assert x < 1"))
    )
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "src=" not in text
    assert "wrong &lt;here&gt;" in text
    assert "assert x &lt; 1" in text
    assert "<svg" in text
    assert "Not conforming" in text
    assert "bfloat16" in text


def test_junit_has_a_test_for_each_cell(tmp_path: Path) -> None:
    write_junit(
        record(
            cell("passed"), cell("failed", "vjp", message="wrong"), cell("limited", "jvp"), cell("not run", "second")
        ),
        tmp_path / "j.xml",
    )
    root = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert [child.tag for case in root.iter("testcase") for child in case] == ["failure", "skipped", "error"]
    assert len(list(root.iter("testcase"))) == 4


def invoke(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(conformance, [*arguments, "--repro-dir", str(folder / "failures")])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_command_succeeds_and_writes_what_it_is_asked_for(tmp_path: Path) -> None:
    files = {name: tmp_path / "reports" / f"record.{name}" for name in ("json", "html", "junit")}
    options = [item for name, path in files.items() for item in (f"--{name}", str(path))]
    status, output = invoke(tmp_path, "--backend", "numpy", "--operations", "exp, mul", "--dtypes", "float32", *options)
    assert status == 0
    assert "numpy: " in output
    assert "cells passed" in output
    assert {c.operation for c in read_json(files["json"]).cells} == {"exp", "mul"}
    assert all(path.stat().st_size > 500 for path in files.values())
    assert not (tmp_path / "failures").exists()


@pytest.mark.parametrize(
    ("arguments", "wanted", "message"),
    [
        (("--backend", "numpi"), 2, "did you mean 'numpy'"),
        (("--backend", "NumPy"), 2, "did you mean 'numpy'"),
        (("--backend", "numpy", "--operations", "expo"), 2, "no operation matches 'expo'; did you mean 'exp"),
        (("--backend", "numpy", "--operations", "mul,Exp"), 2, "no operation matches 'Exp'; did you mean 'exp'?"),
        (("--backend", "numpy", "--operations", "exp", "--operations", "lgo*"), 2, "no operation matches 'lgo*'"),
        (("--backend", "numpy", "--checks", "values"), 2, "no check 'values'; did you mean 'value'? there are value, "),
        (("--backend", "numpy", "--dtypes", "Float32"), 2, "no dtype 'Float32'; did you mean 'float32'?"),
        (("--backend", "numpy", "--tier", "smok"), 2, "'smok'"),
        (("--backend", "numpy", "--operations", "exp", "--dtypes", "int64", "--checks", "vjp"), 2, "nothing to run"),
        (("--backend", "numpy", "--operations", "bitwise_and", "--dtypes", "float32"), 2, "nothing to run"),
        ((), 2, "--backend"),
        (("--backend", "no_such_module:Backend"), 3, "no_such_module"),
        (("--backend", "antigravity_:Backend"), 3, "antigravity_:Backend does not load: ModuleNotFoundError"),
        (("--backend", "sys:exit"), 3, "sys:exit does not load: SystemExit"),
        (("--backend", "builtins:list"), 3, "builtins:list is not a backend"),
        (
            ("--backend", "pullback.extend:Backend"),
            3,
            "pullback.extend:Backend cannot be used: Backend does not define name",
        ),
    ],
)
def test_the_command_says_what_is_wrong_with_its_options(
    tmp_path: Path, arguments: tuple[str, ...], wanted: int, message: str
) -> None:
    status, output = invoke(tmp_path, *arguments)
    assert status == wanted, output
    assert message in output
    assert "Traceback" not in output


def saved_for(backend: str, folder: Path) -> set[str]:
    made = record(cell("failed", message="wrong", script="assert False"))
    made.backend = backend
    return {path.name for path in save_scripts(made, folder)}


@pytest.mark.parametrize("backend", ["*", "?*", "[a-z]*", "../mine", "..", "mine", "mine--", "", "/", "mi.ne"])
def test_scripts_of_other_backends_and_other_files_stay(tmp_path: Path, backend: str) -> None:
    folder = tmp_path / "failures"
    kept = saved_for("numpy", folder) | saved_for("mine-other", folder)
    for name in ("mine--notes.py", "notes.py", "mine--exp.txt"):
        (folder / name).write_text("")
        kept.add(name)
    first = saved_for(backend, folder)
    (folder / next(iter(first)).replace("-0.py", "-7.py")).write_text("of an earlier run")
    assert saved_for(backend, folder) == first
    assert {path.name for path in folder.iterdir()} == kept | first
    assert not kept & first
    assert [path.name for path in tmp_path.iterdir()] == ["failures"]


def test_pullback_has_the_command() -> None:
    from pullback.cli.group import CommandGroup

    group = CommandGroup("pullback")
    result = CliRunner().invoke(group, ["conformance", "--help"])
    assert result.exit_code == 0
    assert "--against" in result.output


def test_the_plugin_loads_nothing_but_itself() -> None:
    code = (
        "import sys, pullback_conformance.plugin, pullback_conformance.pytest_plugin\n"
        "found = {'numpy', 'rich', 'jinja2', 'mpmath', 'pullback_conformance.runner', 'click'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

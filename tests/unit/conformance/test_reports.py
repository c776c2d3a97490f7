"""Reports and the command: exit statuses, and that each report says what the record says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rich.console import Console

from pullback_conformance.command import conformance
from pullback_conformance.comparison import compared
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult, read_json
from pullback_conformance.report.html import rendered
from pullback_conformance.report.junit import write_junit
from pullback_conformance.report.scripts import save_scripts
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.spread import Spread
from pullback_conformance.terminal import show_record


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


def test_a_sample_keeps_what_judged_it_and_how_its_errors_are_spread(tmp_path: Path) -> None:
    spread = Spread.of([0.0, 0.2, 0.4, 0.5, 3.0, float("inf")], [1.0, -2.0, 0.5, float("nan"), 8.0, 9.0])
    assert spread.counts == (1, 0, 1, 2, 0, 0, 1, *[0] * 8, 1)
    assert spread.points == ((-2.0, 0.2), (0.5, 0.4), (1.0, 0.0), (8.0, 3.0), (9.0, float("inf")))
    sample = SampleResult("(6,)", "failed", float("inf"), 4.0, "off", oracle="mpmath (40 digits)", spread=spread)
    made = record(Cell("exp", "unary", "float32", "value", [sample]))
    made.oracles = {"mpmath": "1.3.0, 40 digits"}
    made.write_json(tmp_path / "record.json")
    assert read_json(tmp_path / "record.json") == made


def test_a_sample_without_a_label_is_written_and_read(tmp_path: Path) -> None:
    made = record(Cell("backend.copy", "memory", "float32", "contract", [SampleResult("", "passed")]))
    made.write_json(tmp_path / "record.json")
    assert read_json(tmp_path / "record.json") == made


def test_records_of_the_first_format_are_read(tmp_path: Path) -> None:
    made = record(cell("passed", ulp=1.5))
    data = made.as_dict() | {"format": 1}
    del data["oracles"]
    sample = {"sample": "(2, 3)", "outcome": "passed", "ulp": 1.5, "bound": 4.0}
    data["cells"] = [data["cells"][0] | {"samples": [sample]}]
    del data["cells"][0]["shared"]
    (tmp_path / "old.json").write_text(json.dumps(data))
    assert read_json(tmp_path / "old.json") == made
    assert "does not say which oracles" in rendered(made)
    (tmp_path / "new.json").write_text(json.dumps(data | {"format": 3}))
    with pytest.raises(ValueError, match="is a record of format 3; this version reads 1 and 2"):
        read_json(tmp_path / "new.json")


def test_every_sample_that_was_judged_says_by_what() -> None:
    made = Runner("numpy", "numpy", Selection("standard", ("exp", "sum"), ("float32", "int64"))).run()
    judged = [s for c in made.cells for s in c.samples if s.outcome == "passed"]
    assert judged
    assert all(s.oracle for s in judged)
    by_check = {(c.operation, c.dtype, c.check): c.samples[0].oracle for c in made.cells}
    assert by_check["exp", "float32", "value"] == "mpmath (40 digits)"
    assert by_check["sum", "float32", "value"] == "exact rational arithmetic (exact)"
    assert by_check["exp", "float32", "dtype"] == "dtype, shape and device of numpy"
    assert by_check["exp", "float32", "unchanged"] == "the bits before the call"
    assert all(s.spread for c in made.cells if c.check in ("value", "vjp") and c.dtype == "float32" for s in c.samples)


def test_several_records_are_one_report_with_their_history(tmp_path: Path) -> None:
    before = record(cell("passed", ulp=1.0), cell("failed", "vjp", message="wrong"))
    now = record(cell("failed", message="worse <now>"), cell("passed", "vjp"))
    other = record(cell("passed", ulp=1.0))
    other.backend = "theirs"
    for name, made in (("before", before), ("now", now), ("other", other)):
        made.write_json(tmp_path / f"{name}.json")
    arguments = ["report", *(str(tmp_path / f"{n}.json") for n in ("now", "other")), "-o", str(tmp_path / "m.html")]
    status, output = report_of(*arguments, "--since", str(tmp_path / "before.json"))
    assert status == 0, output
    text = (tmp_path / "m.html").read_text()
    assert "<title>mine, theirs: conformance</title>" in text
    assert "worse &lt;now&gt;" in text
    history = text.partition('id="history"')[2].partition("</section>")[0]
    assert "exp-float32-value</a>: passed, then failed" in history
    assert "exp-float32-vjp</a>: failed, then passed" in history
    status, output = report_of(*arguments[:2], "-o", str(tmp_path / "m.html"), "--since", str(tmp_path / "other.json"))
    assert status == 2
    assert "is a record of backend 'theirs', of which there is none to compare" in output
    (tmp_path / "no.json").write_text("{}")
    assert report_of("report", str(tmp_path / "no.json"), "-o", str(tmp_path / "m.html"))[0] == 2


def report_of(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(conformance, list(arguments))
    return result.exit_code, result.output


def test_an_error_that_grows_is_said_though_the_cell_passes() -> None:
    found = compared(record(cell("passed", ulp=0.5)), record(cell("passed", ulp=2.0)))
    assert found.lines() == ["larger error: exp-float32-value: 0.5 ulp, then 2"]
    assert compared(record(cell("passed", ulp=0.01)), record(cell("passed", ulp=0.1))).larger_errors == []


def test_missing_oracles_and_what_judged_are_in_every_report(tmp_path: Path) -> None:
    sample = SampleResult("(2, 3)", "passed", 1.5, 4.0, oracle="numpy in extended precision (64 bits)")
    made = record(Cell("exp", "unary", "float32", "value", [sample]))
    made.oracles = {"mpmath": "missing; pip install it"}
    write_junit(made, tmp_path / "j.xml")
    console = Console(record=True, width=120)
    show_record(console, made, [])
    for text in (rendered(made), (tmp_path / "j.xml").read_text(), console.export_text()):
        assert "missing oracle: mpmath; pip install it" in text
        assert "numpy in extended precision (64 bits)" in text

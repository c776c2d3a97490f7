"""The suite under pytest: one test for each cell, with options of its own, in any order and on several workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLUGIN = ("-p", "pullback_conformance.pytest_plugin")
WRONG = Path(__file__).with_name("wrong_backend.py").read_text()


def pytest_run(*arguments: str, path: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", *arguments]
    paths = [str(path)] if path else []
    return subprocess.run(
        [*command, "--pyargs", "pullback_conformance"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        # The suite needs no plugin but its own, and no options but those given here.
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "",
            "PYTHONPATH": os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])]),
            **variables,
        },
    )


def options(**given: str) -> list[str]:
    return [f"--conformance-{name}={value}" for name, value in given.items()]


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A folder with a backend whose exponential is one per cent off, `wrong_under_pytest:Wrong`."""
    (tmp_path / "wrong_under_pytest.py").write_text(WRONG)
    return tmp_path


def test_each_cell_is_a_test_and_the_summary_counts_outcomes() -> None:
    done = pytest_run(*PLUGIN, *options(backend="numpy", operations="exp", dtypes="float32", checks="value,vjp"), "-v")
    assert done.returncode == 0, done.stdout
    assert "exp-float32-value" in done.stdout
    assert "2 passed" in done.stdout
    assert "conformance of numpy, smoke tier" in done.stdout
    assert "     2 passed: executed on this backend, and right" in done.stdout
    assert "by what against: mpmath (40 digits): 2" in done.stdout


def test_a_misspelt_operation_is_an_error_beside_a_good_one() -> None:
    done = pytest_run(*PLUGIN, *options(backend="numpy", operations="exp,Mul", dtypes="float32"))
    assert done.returncode not in (0, 5), done.stdout
    assert "no operation matches 'Mul'; did you mean 'mul'?" in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [(), PLUGIN], ids=["without-plugin", "with-plugin"])
def test_without_a_backend_nothing_runs(arguments: tuple[str, ...]) -> None:
    done = pytest_run(*arguments)
    assert done.returncode == 0, done.stdout
    wanted = "no backend to check: give -p pullback_conformance.pytest_plugin --conformance-backend=BACKEND"
    assert wanted in done.stdout
    assert "1 skipped" in done.stdout


def test_a_selection_by_name_and_another_seed(tmp_path: Path) -> None:
    selected = options(backend="numpy", operations="exp,sin", dtypes="float32", seed="7")
    done = pytest_run(*PLUGIN, *selected, "-k", "sin and (value or vjp)", f"--junitxml={tmp_path / 'j.xml'}")
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    cases = list(ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase"))
    assert [c.get("name") for c in cases] == ["test_cell[sin-float32-value]", "test_cell[sin-float32-vjp]"]
    properties = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert properties["conformance outcome"] == "passed"
    assert properties["oracle"] == "mpmath (40 digits)"
    assert properties["allowed in ulp"] == "4"


def test_workers_of_xdist_report_to_one_summary(wrong: Path) -> None:
    pytest.importorskip("xdist")
    selected = options(backend="wrong_under_pytest:Wrong", operations="exp,neg", dtypes="float32", checks="value,dtype")
    done = pytest_run(*PLUGIN, "-p", "xdist.plugin", "-n2", "--dist=loadgroup", *selected, path=wrong)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("conformance of wrong_under_pytest:Wrong, smoke tier") == 1
    assert "     3 passed: " in done.stdout
    assert "     1 failed: " in done.stdout


def test_expected_failures(wrong: Path) -> None:
    entry = '[[failure]]\noperation = "{}"\ncheck = "{}"\nreason = "one per cent off"\n'
    (wrong / "e.toml").write_text(entry.format("exp", "value"))
    selected = options(
        backend="wrong_under_pytest:Wrong", operations="exp,neg", dtypes="float32", checks="value,dtype",
        tier="standard", expected=str(wrong / "e.toml"),
    )  # fmt: skip
    done = pytest_run(*PLUGIN, *selected, path=wrong)
    assert done.returncode == 0, done.stdout
    assert "3 passed, 1 xfailed" in done.stdout
    assert "     1 expected: " in done.stdout
    (wrong / "e.toml").write_text(entry.format("exp", "value") + entry.format("neg", "value"))
    done = pytest_run(*PLUGIN, *selected, path=wrong)
    assert done.returncode == 1, done.stdout
    assert "expected to fail, and all that this is about works: one per cent off" in done.stdout
    # Of a part of the cells nobody can say that nothing fails.
    assert pytest_run(*PLUGIN, *selected, "-k", "neg", path=wrong).returncode == 0


def test_a_missing_oracle_is_said(tmp_path: Path) -> None:
    hide = "import sys\nsys.modules['mpmath'] = None\n"
    (tmp_path / "without_mpmath.py").write_text(hide)
    selected = options(backend="numpy", operations="exp", dtypes="float32", checks="value")
    done = pytest_run("-p", "without_mpmath", *PLUGIN, *selected, f"--junitxml={tmp_path / 'j.xml'}", path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mpmath is not installed: NumPy in extended precision judges values in its place" in done.stdout
    assert "mpmath is not installed" in (tmp_path / "j.xml").read_text()

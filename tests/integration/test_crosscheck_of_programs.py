"""``PULLBACK_CROSSCHECK`` checks a whole program, in every thread of it."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

FAULTY = """
from pullback.extend import BackendSpec, hookimpl
@hookimpl
def pullback_backends():
    return [BackendSpec("imprecise", "faulty:ImpreciseTanh")]
"""
PROGRAM = """
import threading
import pullback as pb

def work():
    x = pb.ones(3, requires_grad=True)
    x.tanh().sum().backward()
    print(x.grad.tolist())

work()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.fixture
def run(site, tmp_path):
    """Runs the program with a value of the variable; the plugin is one of this environment's, or made so."""
    (site.folder / "faulty.py").write_text(
        (Path(__file__).parents[1] / "unit" / "crosscheck" / "faulty.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    site.add("imprecise", FAULTY)
    if not any(found.value == "pullback_crosscheck.plugin" for found in entry_points(group="pullback")):
        site.add("crosscheck-here", "", entry_points="crosscheck = pullback_crosscheck.plugin")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")

    def run(value: str | None) -> subprocess.CompletedProcess[str]:
        variables = {} if value is None else {"PULLBACK_CROSSCHECK": value}
        return site.python(str(program), **variables)

    return run


def test_every_thread_is_checked_and_the_report_comes_at_the_end(run, tmp_path):
    path = tmp_path / "report.json"
    ran = run(f"imprecise, mode=collect, report={path}")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == run(None).stdout
    assert "differ; 0 skipped" in ran.stderr
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["operations"]["tanh"]["diverged"] == 2
    (found,) = report["divergences"]
    assert found["source"] == "x.tanh().sum().backward()"


def test_without_a_mode_the_program_ends_at_the_first_divergence(run):
    ran = run("imprecise")
    assert ran.returncode == 1
    assert "DivergenceError: tanh on numpy and on imprecise differ" in ran.stderr


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "imprecis",
            "unknown backend 'imprecis' (from PULLBACK_CROSSCHECK); did you mean 'imprecise'? known backends:",
        ),
        (
            "imprecise,rat=1",
            "PULLBACK_CROSSCHECK has no option 'rat', it has mode, rate, seed, shadow, report; did you",
        ),
        ("imprecise,rate=much", "PULLBACK_CROSSCHECK: rate='much' makes no sense"),
    ],
)
def test_a_wrong_value_says_what_there_is(run, value, message):
    ran = run(value)
    assert ran.returncode == 1
    assert message in ran.stderr

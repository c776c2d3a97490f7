"""What the suite says of a defect: the check that asks about it finds it, and the script it writes shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import loopbacks
import pytest

import pullback as pb
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record
from pullback_conformance.report.scripts import save_scripts
from pullback_conformance.runner import Runner, Selection

DEFECTS = [
    # backend, operation, what finds it, a sample that does
    ("ImpreciseExp", "exp", "value", "(3, 8)"),
    ("WidensSums", "sum", "dtype", "(3, 4)"),
    ("NegatesInPlace", "neg", "unchanged", "(3, 8)"),
    ("LacksTanh", "tanh", "value", "(3, 8)"),
    ("LosesZeroDimensions", "add", "dtype", "0-d, 0-d"),
    ("ForgetsNaN", "maximum", "special", "special values"),
    ("Wavers", "sum", "deterministic", "(3, 4)"),
    ("IgnoresStrides", "sin", "value", "not contiguous (3, 2)"),
    ("HalvesPrecision", "matmul", "value", "(2, 3), (3,)"),
    ("ForgetsSigns", "abs", "vjp", "(3, 8)"),
    ("ForgetsSigns", "abs", "jvp", "(3, 8)"),
]


def run(backend: str, operation: str, *, dtypes: tuple[str, ...] = ("float32", "float64")) -> Record:
    selection = Selection("standard", (operation,), dtypes)
    return Runner(f"loopbacks:{backend}", "numpy", selection).run()


def failures(record: Record) -> dict[str, set[str]]:
    """The samples that failed, by check."""
    found: dict[str, set[str]] = {}
    for cell in record.cells:
        found.setdefault(cell.check, set()).update(s.sample for s in cell.samples if s.outcome == Outcome.FAILED.value)
    return {check: samples for check, samples in found.items() if samples}


@pytest.mark.parametrize(("backend", "operation", "check", "sample"), DEFECTS)
def test_the_right_check_finds_the_defect(backend: str, operation: str, check: str, sample: str) -> None:
    record = run(backend, operation)
    assert sample in failures(record).get(check, set())
    assert not record.is_good


@pytest.mark.parametrize("operation", sorted({operation for _, operation, _, _ in DEFECTS}))
def test_without_a_defect_everything_passes(operation: str) -> None:
    record = run("Loopback", operation)
    assert record.is_good, record.bad_cells()[:1]
    assert {c.outcome for c in record.cells} <= {Outcome.PASSED, Outcome.UNSUPPORTED}


def test_only_the_check_that_asks_about_a_defect_finds_it() -> None:
    assert set(failures(run("WidensSums", "sum", dtypes=("float32",)))) >= {"dtype"}
    assert set(failures(run("ForgetsNaN", "maximum"))) == {"special"}
    assert set(failures(run("HalvesPrecision", "matmul", dtypes=("float32",)))) == set()
    assert set(failures(run("ImpreciseExp", "cos"))) == set()


def test_a_missing_kernel_is_named_with_what_to_do() -> None:
    record = run("LacksTanh", "tanh")
    (message, *_) = [s.message for c in record.cells if c.check == "value" for s in c.samples]
    assert "no kernel 'tanh': define it, or declare a Limitation" in message
    assert record.counts()["not run"] > 0  # the other checks of tanh were claimed, and could not be executed


def test_a_declared_limitation_is_neither_green_nor_a_failure() -> None:
    record = run("AdmitsLackingTanh", "tanh")
    assert {c.outcome for c in record.cells} == {Outcome.LIMITED}
    assert record.is_good


def test_a_limitation_that_does_not_show_is_a_failure() -> None:
    record = run("ClaimsALimit", "exp", dtypes=())
    (cell,) = [c for c in record.cells if c.check == "limitation"]
    assert cell.outcome is Outcome.FAILED
    assert "everything it covers works" in cell.samples[0].message
    assert not record.is_good


def test_a_limitation_is_judged_only_where_all_samples_were_run() -> None:
    record = Runner("loopbacks:ClaimsALimit", "numpy", Selection("smoke", ("exp",))).run()
    assert [c for c in record.cells if c.check == "limitation"] == []
    assert "not judged in this run: exp" in record.notes[0]


@pytest.mark.parametrize(("backend", "operation", "check", "sample"), DEFECTS)
def test_the_script_fails_on_the_backend_and_not_on_numpy(
    backend: str, operation: str, check: str, sample: str
) -> None:
    record = run(backend, operation)
    found = [s for c in record.cells if c.check == check for s in c.samples if s.sample == sample and s.script]
    script = found[0].script
    selection = f"from loopbacks import {backend}\n\npb.set_default_backend({backend}())"
    assert selection in script
    try:
        with pytest.raises((AssertionError, pb.BackendError)):
            exec(compile(script, "script", "exec"), {})
        exec(compile(script.replace(selection, "pb.set_default_backend('numpy')"), "script", "exec"), {})
    finally:
        pb.set_default_backend(None)


def test_a_saved_script_needs_pullback_and_the_backend_only(tmp_path: Path) -> None:
    record = run("ImpreciseExp", "exp", dtypes=("float32",))
    path = save_scripts(record, tmp_path)[0]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(loopbacks.__file__).parent), *sys.path])}
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "AssertionError: got " in done.stderr
    assert "pullback_conformance" not in path.read_text(encoding="utf-8")

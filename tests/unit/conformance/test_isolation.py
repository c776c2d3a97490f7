"""Kernels that hang, abort or exit cost their cell; the run goes on, and an interrupted one leaves its record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import pullback as pb
from pullback_conformance.command import conformance
from pullback_conformance.isolation import Isolated, WorkerError
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record, read_json
from pullback_conformance.runner import Runner, Selection

HOSTILE = """
import os, sys, time
import numpy as np
import pullback as pb

class Hostile(type(pb.get_backend("numpy"))):
    def __init__(self):
        super().__init__()
        self.name = "hostile"

    def exp(self, x):
        {exp}

    def log(self, x):
        {log}
"""


def backend_of(folder: Path, monkeypatch: pytest.MonkeyPatch, exp: str, log: str = "return np.log(x)") -> str:
    """A backend with kernels of these statements, in a module of its own."""
    module = f"hostile_{abs(hash((exp, log)))}"
    (folder / f"{module}.py").write_text(HOSTILE.format(exp=exp, log=log))
    monkeypatch.syspath_prepend(folder)
    return f"{module}:Hostile"


def isolated(backend: str, *operations: str, timeout: float = 60.0, jobs: int = 1, **options: bool) -> Record:
    selection = Selection("smoke", operations, ("float32",))
    return Isolated(Runner(backend, "numpy", selection), timeout=timeout, jobs=jobs, **options).run()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("os.abort()", "ended the process with SIGABRT, in exp ("),
        ("os._exit(0)", "ended the process with status 0"),
        ("sys.exit(0)", "raised SystemExit: 0"),
        ("time.sleep(1000)", "gave no answer within 2 s, in exp ("),
        ("while True: pass", "gave no answer within 2 s, in exp ("),
        ("os.close(1); os.write(2, b'text'); print('text'); input()", "raised "),
    ],
)
def test_what_ends_or_hangs_a_process_fails_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, reason: str
) -> None:
    record = isolated(backend_of(tmp_path, monkeypatch, statement), "exp", "neg", timeout=2.0)
    cells = {(c.operation, c.check): c for c in record.cells}
    assert record.complete
    assert not record.is_good
    assert cells["exp", "value"].outcome is Outcome.FAILED
    assert reason in cells["exp", "value"].samples[0].message
    assert "return pb.exp(operands[0])" in cells["exp", "value"].samples[0].script
    assert cells["exp", "dtype"].outcome is Outcome.NOT_RUN
    assert {c.outcome for c in record.cells if c.operation == "neg"} == {Outcome.PASSED}


def test_a_kernel_that_hangs_in_the_derivative_only_costs_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The derivative of log divides, its value does not.
    source = HOSTILE.format(exp="return np.exp(x)", log="return np.log(x)")
    source += "\n    def divide(self, x, y):\n        os.abort()\n\n    reciprocal = pow = divide\n"
    (tmp_path / "hostile_division.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    found = {c.check: c for c in isolated("hostile_division:Hostile", "log").cells}
    assert found["value"].outcome is Outcome.PASSED
    assert found["dtype"].outcome is Outcome.PASSED
    assert found["vjp"].outcome is Outcome.FAILED
    assert "SIGABRT" in found["vjp"].samples[0].message
    assert "gradients(operands, cotangents)" in found["vjp"].samples[0].script


def test_workers_give_the_record_that_this_process_gives() -> None:
    selection = Selection("smoke", ("exp", "sum", "index", "rand"))
    here = Runner("numpy", "numpy", selection).run()
    for jobs in (1, 2):
        assert Isolated(Runner("numpy", "numpy", selection), jobs=jobs).run().cells == here.cells


def test_limitations_are_judged_over_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = HOSTILE.format(exp="os.abort()", log="return np.log(x)")
    source += (
        "\n    from pullback.extend import Limitation\n"
        "    limitations = (Limitation('exp', frozenset(), 'it aborts', case='value'),)\n"
    )
    (tmp_path / "hostile_limited.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    cells = isolated("hostile_limited:Hostile", "exp").cells
    assert {c.outcome for c in cells if c.check in ("value", "limitation")} == {Outcome.LIMITED}


def test_the_first_failure_can_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = backend_of(tmp_path, monkeypatch, "return np.exp(x) + 1")
    record = isolated(name, "exp", "log", fail_fast=True)
    assert not record.complete
    assert {c.outcome for c in record.cells if c.operation == "log"} == {Outcome.NOT_RUN}
    assert "the run was stopped at the first failure: 1 of 2 operations and dtypes were run" in record.notes


def test_a_worker_that_cannot_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = backend_of(tmp_path, monkeypatch, "return np.exp(x)")
    runner = Runner(name, "numpy", Selection(operations=("exp",)))
    (tmp_path / f"{name.partition(':')[0]}.py").write_text("raise OSError('no such device')")
    with pytest.raises(WorkerError, match="no such device"):
        Isolated(runner).run()


def test_a_backend_that_is_an_object_stays_in_this_process() -> None:
    with pytest.raises(ValueError, match="given as an object"):
        Isolated(Runner(pb.get_backend("numpy"), "numpy", Selection(operations=("exp",))))


@pytest.mark.parametrize("statement", ["time.sleep(1000)", "while True: pass", "return np.exp(x)"])
def test_an_interrupted_run_leaves_a_complete_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    name = backend_of(tmp_path, monkeypatch, statement)
    command = [
        sys.executable, "-m", "pullback", "conformance", "--backend", name, "--json", "record.json", "--html", "r.html",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    run = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    time.sleep(4.0)
    run.send_signal(signal.SIGINT)
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    record = read_json(tmp_path / "record.json")
    assert not record.complete
    assert "the run was interrupted" in output
    assert "The run was interrupted" in (tmp_path / "r.html").read_text()
    runner = Runner(name, "numpy", Selection())
    planned = {(u.operation.name, u.dtype.name) for u in runner.units()}
    assert {(c.operation, c.dtype) for c in record.cells if c.check != "limitation"} == planned


def test_the_command_runs_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = backend_of(tmp_path, monkeypatch, "os.abort()")
    options = ["--operations", "exp,neg", "--dtypes", "float32", "--jobs", "2", "--repro-dir", str(tmp_path / "f")]
    result = CliRunner().invoke(conformance, ["--backend", name, *options])
    assert result.exit_code == 1
    assert "SIGABRT" in result.output
    assert (tmp_path / "f" / "hostile--exp-float32-value-0.py").exists()


def test_one_process_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = backend_of(tmp_path, monkeypatch, "sys.exit(0)")
    options = ["--operations", "exp,log", "--dtypes", "float32", "--in-process", "--fail-fast"]
    result = CliRunner().invoke(conformance, ["--backend", name, *options, "--repro-dir", str(tmp_path / "f")])
    assert result.exit_code == 1
    assert "raised SystemExit: 0" in result.output
    assert "the run was stopped at the first failure" in result.output

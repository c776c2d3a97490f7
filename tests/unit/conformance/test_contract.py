"""The contract of a backend itself: what its probes find, what they leave alone, and where they stand in the grid."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import array_api_strict
import numpy as np
import pytest
from click.testing import CliRunner

import pullback as pb
from pullback.extend import ArrayAPIBackend, Device, Limitation
from pullback_conformance.cells import cell_named, script_of
from pullback_conformance.command import conformance
from pullback_conformance.contract import METHODS
from pullback_conformance.contract.probe import probe
from pullback_conformance.contract.script import script_of_probe
from pullback_conformance.expected import apply_expected, read_expected
from pullback_conformance.isolation import Isolated
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record
from pullback_conformance.report.junit import write_junit
from pullback_conformance.runner import Runner, Selection, SelectionError
from pullback_conformance.selftest.loopbacks import loopback_class
from pullback_conformance.selftest.planted import Loopback

Mutable: Any = loopback_class()
Immutable: Any = loopback_class(mutable=False)


def run(backend: Any, *methods: str, tier: str = "smoke", dtypes: tuple[str, ...] = ()) -> Record:
    return Runner(backend, "numpy", Selection(tier, methods or ("backend.*",), dtypes)).run()


def problems(backend: Any, *methods: str, **where: Any) -> list[str]:
    """What is wrong with a backend, each with the method and the sample."""
    found = run(backend, *methods, **where)
    return [f"{c.operation} {s.sample}: {s.message}" for c in found.bad_cells() for s in c.samples if s.message]


@pytest.mark.parametrize("backend", [Mutable, Immutable], ids=["mutable", "immutable"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex64", "uint8", "bool"])
def test_a_backend_without_a_defect_keeps_the_contract(backend: Any, dtype: str) -> None:
    assert problems(backend(), tier="standard", dtypes=(dtype,)) == []


@pytest.mark.parametrize("mutable", [True, False])
def test_a_backend_over_a_namespace_keeps_the_contract(mutable: bool) -> None:
    backend = ArrayAPIBackend("strict", array_api_strict, mutable=mutable)
    assert problems(backend, dtypes=("float32", "int64")) == []


# -- what is found: each defect is one line of one method


class SharesWhatItMakes(Mutable):
    def copy(self, array: Any) -> Any:
        return array if array.ndim == 0 else array.copy()


class CopiesInItsOrder(Mutable):
    def copy(self, array: Any) -> Any:
        return array.copy(order="K")


class FloorsNegativeNumbers(Mutable):
    def astype(self, array: Any, dtype: Any) -> Any:
        return super().astype(np.floor(array) if array.dtype.kind == "f" and dtype.category == 1 else array, dtype)


class GoesToTheNext(Mutable):
    def astype(self, array: Any, dtype: Any) -> Any:
        if array.dtype == np.float64 and dtype is pb.float32:
            array = np.nextafter(array, np.inf)
        return super().astype(array, dtype)


class MisplacesColumns(Mutable):
    def strides(self, array: Any) -> Any:
        return super().strides(array)[::-1]


class AddsAnOffset(Mutable):
    def data_pointer(self, array: Any) -> Any:
        return super().data_pointer(array) + 8 * (array.base is not None)


class WritesBesideOut(Mutable):
    def __init__(self) -> None:
        super().__init__()
        true = self.add

        def add(x: Any, y: Any, out: Any = None) -> Any:
            if out is not None and out.base is not None:
                out.base[0] = 0
            return true(x, y, out=out)

        self.add = add


class ForgetsOut(Mutable):
    def __init__(self) -> None:
        super().__init__()
        self.multiply = lambda x, y, out=None: np.multiply(x, y)


class WritesBeforeItRaises(Mutable):
    def index_put_into(self, x: Any, key: Any, values: Any, accumulate: bool = False) -> Any:
        x[0] = 0
        return super().index_put_into(x, key, values, accumulate)


class DrawsOtherWords(Mutable):
    def positions(self, count: int, dtype: Any, device: Any) -> Any:
        found = super().positions(count, dtype, device)
        return found if count < 500 else found[::-1].copy()


class IsEverywhere(Mutable):
    def has_device(self, device: Any) -> bool:
        return True


class GoesAnywhere(Mutable):
    def to_device(self, array: Any, device: Any) -> Any:
        return array


class SharesReadOnly(Mutable):
    def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> Any:
        return super().from_dlpack(producer, copy=copy and False)


class WritesThrough(Immutable):
    def scatter_into(self, x: Any, axis: int, indices: Any, values: Any, reduce: Any = None) -> Any:
        np.put_along_axis(x, indices, values[: len(indices)], axis)
        return x


class StaysUnwritten(Mutable):
    def assign(self, target: Any, value: Any) -> None:
        super().assign(target if target.flags.c_contiguous else target.copy(), value)


class AnswersEverything(Mutable):
    def dtype_of(self, native: Any) -> Any:
        return self.dtypes.get(native, pb.float64) if native.__hash__ else None


@pytest.mark.parametrize(
    ("backend", "method", "message"),
    [
        (SharesWhatItMakes, "copy", "after a copy was written to"),
        (CopiesInItsOrder, "copy", "the copy of one of permuted dimensions is not contiguous"),
        (FloorsNegativeNumbers, "astype", "-0.25 in float32 becomes -1 in int8, not 0"),
        (GoesToTheNext, "astype", "-0.0 in float64 becomes 0.0 in float32, not -0.0"),
        (MisplacesColumns, "strides", "the strides of a row-major array are said to be (1, 6), not (6, 1)"),
        (AddsAnOffset, "data_pointer", "bytes behind what it is a view of"),
        (WritesBesideOut, "inplace_kernels", "add"),
        (ForgetsOut, "inplace_kernels", "multiply: what is written into a row-major array"),
        (WritesBeforeItRaises, "index_put_into", "positions out of range: the array has"),
        (DrawsOtherWords, "random", "from block 0 on"),
        (IsEverywhere, "has_device", "is said to be there, and not listed"),
        (GoesAnywhere, "to_device", "raises no BackendError"),
        (SharesReadOnly, "from_dlpack", "in spite of copy=True"),
        (WritesThrough, "scatter_into", "is overwritten, where arrays are immutable"),
        (StaysUnwritten, "assign", "one of permuted dimensions of shape (3, 4)"),
        (AnswersEverything, "dtype_of", "raises no TypeError"),
    ],
)
def test_a_defect_is_found_where_it_is(backend: Any, method: str, message: str) -> None:
    tier = "smoke" if backend.mutable else "standard"
    found = problems(backend(), f"backend.{method}", tier=tier, dtypes=("float32", "float64"))
    assert any(message in problem for problem in found), found


def test_what_a_method_raises_is_told() -> None:
    class Raises(Mutable):
        def to_device(self, array: Any, device: Device) -> Any:
            raise SystemExit(3)

    (problem, *_) = problems(Raises(), "backend.to_device", dtypes=("int64",))
    assert problem == "backend.to_device elements and memory: raised SystemExit: 3"


# -- in the grid


def test_patterns_select_them_by_their_names() -> None:
    names = {row.name for row in Runner("numpy", selection=Selection("smoke", ("backend.*",))).rows()}
    assert names == set(METHODS)
    names = {row.name for row in Runner("numpy", selection=Selection("smoke", ("backend.to_*",))).rows()}
    assert names == {
        "backend.to_numpy",
        "backend.to_device",
        "backend.to_dlpack",
    }
    assert not {row.name for row in Runner("numpy", selection=Selection("smoke", ("exp*", "a*"))).rows()} & set(METHODS)
    assert set(METHODS) < {row.name for row in Runner("numpy").rows()}


def test_a_misspelt_method_is_an_error_that_names_the_right_one() -> None:
    with pytest.raises(SelectionError, match=r"did you mean 'backend\.from_numpy'"):
        Runner("numpy", selection=Selection("smoke", ("backend.from_nump",))).rows()
    runner = Runner("numpy", selection=Selection("smoke", ("exp",), checks=("contract",)))
    with pytest.raises(SelectionError, match="nothing to run"):
        runner.require_cells()


def test_cells_have_one_check_and_a_sample_for_each_probe() -> None:
    record = run("numpy", "backend.copy", dtypes=("float32",))
    (cell,) = record.cells
    assert (cell.name, cell.family) == ("backend.copy-float32-contract", "backend")
    assert [s.sample for s in cell.samples] == ["elements and memory", "writing into it"]
    assert record.is_good


def test_only_what_a_backend_claims_is_asked() -> None:
    names = {cell.operation for cell in run(Immutable(), dtypes=("float32",)).cells}
    assert "backend.assign" not in names
    assert "backend.strides" in names


def test_a_method_has_questions_of_different_names() -> None:
    def ask(backend: Any, dtype: Any) -> None:
        """Is this asked twice?"""

    with pytest.raises(ValueError, match="two probes of copy are called 'elements and memory'"):
        probe("copy", "elements and memory")(ask)
    with pytest.raises(TypeError, match="its docstring is its question"):
        probe("copy", "another")(lambda backend, dtype: None)


def test_a_limitation_covers_a_method_and_has_to_show() -> None:
    class Limited(IsEverywhere):
        limitations = (Limitation("backend.has_device", frozenset(), "every device is there"),)

    class Right(Mutable):
        limitations = Limited.limitations

    record = run(Limited(), "backend.has_device", tier="standard")
    assert record.is_good
    assert {cell.outcome for cell in record.cells} == {Outcome.LIMITED}
    record = run(Right(), "backend.has_device", tier="standard")
    assert [c.check for c in record.bad_cells()] == ["limitation"]


def test_a_failure_can_be_expected(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text('[[failure]]\noperation = "backend.has_*"\nreason = "known"\n')
    record = run(IsEverywhere(), "backend.has_device")
    apply_expected(record, read_expected(file), has_all_samples=False)
    assert {cell.outcome for cell in record.cells} == {Outcome.EXPECTED}


def test_reports_show_them(tmp_path: Path) -> None:
    record = run(IsEverywhere(), "backend.has_device")
    write_junit(record, tmp_path / "report.xml")
    assert 'classname="backend.has_device" name="float32-contract"' in (tmp_path / "report.xml").read_text()


def test_the_command_lists_and_shows_them() -> None:
    listed = CliRunner().invoke(conformance, ["list", "--operations", "backend.copy", "--tier", "smoke"])
    assert listed.output.splitlines()[0] == "backend.copy-float32-contract"
    shown = CliRunner().invoke(conformance, ["show", "backend.copy-float32-contract"])
    assert "elements and memory: passed" in shown.output


HOSTILE = """
import os
import pullback as pb

class Hostile(type(pb.get_backend("numpy"))):
    def __init__(self):
        super().__init__()
        self.name = "hostile"

    def owns_memory(self, array):
        os.abort()
"""


def test_a_method_that_ends_the_process_costs_its_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hostile_contract.py").write_text(HOSTILE)
    monkeypatch.syspath_prepend(tmp_path)
    selection = Selection("smoke", ("backend.owns_memory", "backend.writable"), ("float32",))
    record = Isolated(Runner("hostile_contract:Hostile", "numpy", selection)).run()
    lost, other = record.cells
    assert (lost.outcome, other.outcome) == (Outcome.FAILED, Outcome.PASSED)
    assert lost.samples[0].message.startswith("ended the process with SIGABRT, in owns_memory (")


# -- scripts


def test_a_script_asks_what_failed_and_needs_nothing_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "everywhere.py").write_text(
        'import pullback as pb\n\nclass Everywhere(type(pb.get_backend("numpy"))):\n'
        '    def __init__(self):\n        super().__init__()\n        self.name = "everywhere"\n\n'
        "    def has_device(self, device):\n        return True\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        name = "backend.has_device-float32-contract"
        runner, unit, cell = cell_named(name, "everywhere:Everywhere", "numpy", "smoke", 0)
        script = script_of(runner, unit, cell, "")
    finally:
        sys.path.remove(str(tmp_path))
    assert "pullback_conformance" not in script
    assert "backend = Everywhere()\nproblem = knows_its_devices(backend, pb.float32)\n" in script
    environment = {"PYTHONPATH": os.pathsep.join([*sys.path, str(tmp_path)])}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("AssertionError: ")
    assert done.stderr.splitlines()[-1].endswith(" is said to be there, and not listed")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_script_holds_without_a_defect(method: str) -> None:
    backend = Loopback()
    for kind in (pb.float32, pb.int64, pb.bool, pb.complex64):
        for call in METHODS[method].calls(backend, kind, 0, complete=False)[:2]:
            script = script_of_probe(call, backend, kind, "a title")
            exec(compile(script, "<script>", "exec"), {"__name__": "script"})

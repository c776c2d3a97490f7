"""The table of PyTorch's results, and the check that holds operations to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pullback as pb
from pullback.extend import import_all, registry
from pullback_conformance.case import Call
from pullback_conformance.oracles import own_choices, pytorch
from pullback_conformance.outcome import Outcome
from pullback_conformance.runner import Runner, Selection

ROOT = Path(__file__).parents[3]


def run(operation: str, dtype: str = "float32") -> Any:
    return Runner("numpy", "numpy", Selection("smoke", (operation,), (dtype,), ("reference",))).run()


def test_the_table_names_operations_that_exist_and_its_pytorch() -> None:
    import_all()
    assert not [name for name in pytorch.operations() if name not in registry]
    assert pytorch.version()[0].isdigit()


def test_every_operation_of_the_table_is_held_to_it_in_smoke() -> None:
    record = Runner("numpy", "numpy", Selection("smoke", checks=("reference",))).run()
    assert {c.operation for c in record.cells} == set(pytorch.operations())
    assert {c.outcome for c in record.cells} == {Outcome.PASSED}
    assert all(s.oracle.startswith("PyTorch ") for c in record.cells for s in c.samples)


def test_documented_differences_name_operations_of_the_table_and_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(own_choices.operations()) <= set(registry)
    monkeypatch.setitem(own_choices._ROWS, "hypot", [([[0.0], [0.0]], {}, [[0.0]], [[1.0], [0.0]])])
    own_choices.rows_of.cache_clear()
    record = run("hypot")
    own_choices.rows_of.cache_clear()
    assert [cell.outcome for cell in record.cells] == [Outcome.FAILED]
    assert "documented difference" in record.cells[0].samples[0].message


def test_rows_have_shapes_and_numbers_that_json_has_not() -> None:
    (row, *_) = pytorch.rows_of("logsumexp")
    assert row.attributes == {"dim": 1}
    assert row.operands[0].shape == (3, 2)
    assert str(row.operands[0][0, 0]) == "inf"


@pytest.mark.parametrize(
    ("operation", "wrong"),
    [
        ("relu", lambda x: pb.where(x >= 0, x, pb.zeros_like(x))),
        ("gelu", lambda x, approximate="none": x * pb.sigmoid(x * 1.702)),
        ("rot90", lambda x, k=1: pb.rot90(x, -k)),
        (
            "huber_loss",
            lambda x, y, delta=1.0, **others: pb.nn.functional.huber_loss(x, y, **others),
        ),
    ],
)
def test_what_differs_from_pytorch_is_found_with_a_script_that_runs(
    operation: str, wrong: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = Call.run

    def run_wrong(self: Call, replaced: Any = None) -> list[Any]:
        if self.operation.name != operation:
            return right(self, replaced)
        return [wrong(*self.args, **self.kwargs)]

    monkeypatch.setattr(Call, "run", run_wrong)
    (cell,) = run(operation).cells
    assert cell.outcome is Outcome.FAILED
    (sample,) = cell.samples
    assert "against PyTorch" in sample.message
    script = tmp_path / "repro.py"
    script.write_text(sample.script, encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # the operation itself is right


@pytest.mark.oracle
def test_the_table_is_what_the_installed_pytorch_gives() -> None:
    torch = pytest.importorskip("torch")
    if torch.__version__ != pytorch.version():
        pytest.skip(f"the table is of PyTorch {pytorch.version()}")
    done = subprocess.run([sys.executable, ROOT / "tools/pytorch_table.py", "--check"], check=False)
    assert done.returncode == 0


def test_the_table_is_json_with_a_line_for_each_row() -> None:
    lines = Path(pytorch.__file__).with_name("pytorch_table.json").read_text(encoding="utf-8").splitlines()
    assert len(json.loads("\n".join(lines))["rows"]) == len(lines) - 2

"""PyTorch itself as an oracle: asked for by name, for what it has, leaving out only what is said with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import pullback as pb
from pullback.extend import import_all, registry
from pullback_conformance.command import conformance
from pullback_conformance.oracles.torch_differences import DIFFERENCES
from pullback_conformance.oracles.torch_runner import ByTorch
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record, read_json
from pullback_conformance.references import split_references
from pullback_conformance.runner import Runner, Selection


def run(backend: Any, operation: str, *dtypes: str) -> Record:
    return Runner(backend, "numpy", Selection("standard", (operation,), dtypes, ("torch",))).run()


@pytest.fixture
def backend_with() -> Callable[..., Any]:
    """A backend over NumPy with other kernels."""
    return lambda **kernels: type("Other", (type(pb.get_backend("numpy")),), {"name": "other", **kernels})()


def test_references_are_a_backend_and_torch() -> None:
    assert split_references(["torch", "jax"]) == ("jax", (), ("torch",))
    assert split_references([]) == ("numpy", (), ())
    assert split_references(["numpy", "jax", "numpy"]) == ("numpy", ("jax",), ())


def test_without_pytorch_it_is_said_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pullback_conformance.oracles.torch_runner.find_spec", lambda name: None)
    result = CliRunner().invoke(conformance, ["--backend", "numpy", "--against", "torch", "--operations", "exp"])
    assert result.exit_code == 2
    assert "the oracle 'torch' is not installed: pip install 'pullback[oracle]'" in result.output


def test_each_difference_is_of_an_operation_and_has_a_reason() -> None:
    import_all()
    assert all(d.operation in registry and d.reason for d in DIFFERENCES)


@pytest.mark.oracle
def test_results_and_gradients_are_compared(tmp_path: Path) -> None:
    options = ["--backend", "numpy", "--against", "torch", "--operations", "exp,sum", "--dtypes", "float32,bool"]
    options += ["--in-process", "--json", str(tmp_path / "r.json"), "--repro-dir", str(tmp_path)]
    result = CliRunner().invoke(conformance, options)
    assert result.exit_code == 0, result.output
    made = read_json(tmp_path / "r.json")
    assert made.against == "numpy"
    assert "the dtype under test" in made.oracles["PyTorch itself"]
    cells = {(c.operation, c.dtype): c for c in made.cells if c.check == "torch"}
    assert set(cells) == {("exp", "float32"), ("exp", "bool"), ("sum", "float32"), ("sum", "bool")}
    assert {c.outcome for c in cells.values()} == {Outcome.PASSED}
    assert {s.oracle for c in cells.values() for s in c.samples} == {"PyTorch itself (the same dtype)"}


@pytest.mark.oracle
def test_a_wrong_bool_is_found_for_which_numpy_itself_has_no_oracle(backend_with: Callable[..., Any]) -> None:
    base = type(pb.get_backend("numpy"))

    def where(self: Any, condition: Any, x: Any, y: Any) -> Any:
        result = base.where(self, condition, x, y)
        return ~result if result.dtype == bool and result.size else result

    wrong = backend_with(where=where)
    (cell,) = Runner(wrong, wrong, Selection("standard", ("where",), ("bool",), ("torch",))).run().cells
    assert cell.outcome is Outcome.FAILED
    assert "(against PyTorch itself)" in next(s.message for s in cell.samples if s.outcome == "failed")


@pytest.mark.oracle
def test_a_wrong_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    (cell,) = run("numpy", "sin", "float64").cells
    assert cell.outcome is Outcome.PASSED

    def gradients(self: Any, cotangents: list[Any]) -> list[Any]:
        return [1.01 * g for g in right(self, cotangents)]

    right = ByTorch.gradients
    monkeypatch.setattr(ByTorch, "gradients", gradients)
    (cell,) = run("numpy", "sin", "float64").cells
    assert cell.outcome is Outcome.FAILED
    assert "gradient" in next(s.message for s in cell.samples if s.outcome == "failed")


@pytest.mark.oracle
@pytest.mark.parametrize("operation", sorted({d.operation for d in DIFFERENCES}))
def test_what_differs_is_left_out_and_the_rest_compared(operation: str) -> None:
    assert not [c.name for c in run("numpy", operation, "float32", "float64", "int64").cells if c.outcome.is_bad]


@pytest.mark.oracle
def test_what_pytorch_does_not_take_is_unsupported_with_its_reason() -> None:
    (cell,) = run("numpy", "gather", "float32").cells
    assert cell.outcome is Outcome.UNSUPPORTED
    assert cell.samples[0].message.startswith("PyTorch does not take this: TypeError")

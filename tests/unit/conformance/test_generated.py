"""Calls that are drawn at random: the same ones for a seed, none that is no call, and the smallest where one fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pullback import float32, int64
from pullback.extend import get_backend, registry
from pullback_conformance import runner as runner_module
from pullback_conformance.generated.calls import Drawing
from pullback_conformance.generated.choices import Choices
from pullback_conformance.generated.searching import smallest, visit
from pullback_conformance.record import Cell, read_json
from pullback_conformance.runner import Runner, Selection, SelectionError
from pullback_conformance.samples import Arguments
from pullback_conformance.samples.arguments import described
from pullback_conformance.selftest.loopbacks import loopback_class

Loopback: Any = loopback_class()


class WrongInLongRows(Loopback):  # type: ignore[misc]
    """Its sums leave the last element of a row out where there are more than two."""

    def sum(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        return super().sum(x[..., :-1] if x.ndim and x.shape[-1] > 2 else x, *args, **kwargs)


class EndsInRows(Loopback):  # type: ignore[misc]
    """Its sums of several rows raise."""

    def sum(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        if x.ndim > 1:
            raise ValueError("no sums of rows here")
        return super().sum(x, *args, **kwargs)


def drawn(operation: str, dtype: Any, seed: int, count: int = 12) -> list[str]:
    """The calls of a seed, with their values, in words."""
    import pullback.ops as ops

    ops.import_all()
    found: list[str] = []

    def note(arguments: Arguments) -> bool:
        values = [np.asarray(a.array).tolist() for a in arguments.args if hasattr(a, "array")]
        found.append(f"{described(arguments.args, arguments.kwargs)} {values}")
        return True

    visit(Drawing(registry[operation], get_backend("numpy"), dtype).call, note, seed=seed, count=count)
    return found


def generated_samples(subject: Any, operation: str, check: str, *, examples: int = 20, seed: int = 0) -> list[Any]:
    selection = Selection("smoke", (operation,), ("float32",), (check,), seed, examples=examples)
    runner = Runner(subject, "numpy", selection)
    cells: list[Cell] = [cell for unit in runner.units() for cell in runner.run_unit(unit)]
    return [s for cell in cells for s in cell.samples if s.sample.startswith("generated")]


@pytest.mark.parametrize("operation", ["add", "sum", "gather", "cat", "mm"])
def test_a_seed_draws_the_same_calls_again_and_another_one_others(operation: str) -> None:
    assert drawn(operation, float32, 1) == drawn(operation, float32, 1)
    assert drawn(operation, float32, 1) != drawn(operation, float32, 2)


def test_shapes_and_dimensions_are_others_than_those_of_the_samples() -> None:
    shapes = {text.partition(" [")[0] for text in drawn("sum", float32, 0, 40)}
    assert len(shapes) >= 15


def test_integers_are_those_for_which_the_operation_is_defined() -> None:
    for text in drawn("remainder", int64, 0, 30):
        divisor = eval(text.partition(" [")[2].join(["[", ""]))[-1:]
        assert not np.any(np.asarray(divisor) == 0) or np.size(divisor) == 0, text


@pytest.mark.parametrize("operation", ["exp", "sum", "gather", "index_put", "var", "where", "clamp"])
def test_a_clean_backend_passes(operation: str) -> None:
    found = [s for check in ("value", "dtype", "unchanged") for s in generated_samples(Loopback(), operation, check)]
    assert found
    assert {s.outcome for s in found} <= {"passed", "unsupported"}


def test_a_failure_shrinks_to_a_small_call_of_simple_values() -> None:
    (sample,) = generated_samples(WrongInLongRows(), "sum", "value")
    assert sample.outcome == "failed"
    size = int(sample.sample.removeprefix("generated: (").partition(",")[0])
    assert sample.sample.startswith(f"generated: ({size},)")
    assert 3 <= size <= 5
    assert f"result is {size - 1}, expected {size}" in sample.message
    (again,) = generated_samples(WrongInLongRows(), "sum", "value")
    assert (again.sample, again.message) == (sample.sample, sample.message)


def test_an_exception_shrinks_too() -> None:
    (sample,) = generated_samples(EndsInRows(), "sum", "value")
    assert sample.sample.startswith("generated: (1, 1)")
    assert "no sums of rows here" in sample.message


def test_the_script_has_the_shrunk_call() -> None:
    (sample,) = generated_samples(WrongInLongRows(), "sum", "value")
    assert "pb.tensor([1.0, 1.0, 1.0" in sample.script
    assert "pb.sum(operands[0]" in sample.script


def test_choices_are_counted_from_the_simplest() -> None:
    assert Choices(lambda: False).one_of("abc") == "a"
    assert Choices(lambda: True).below(5) < 5


def test_what_fails_once_and_then_does_not_is_no_smaller_call() -> None:
    answers = iter([True])
    found = smallest(
        Drawing(registry["exp"], get_backend("numpy"), float32).call,
        lambda arguments: next(answers, False),
        seed=0,
        count=5,
    )
    assert found is None


def test_a_run_without_hypothesis_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "find_spec", lambda name: None)
    with pytest.raises(SelectionError, match="hypothesis"):
        Runner("numpy", "numpy", Selection(examples=1))


def test_the_record_says_how_many_are_drawn(tmp_path: Path) -> None:
    runner = Runner(Loopback(), "numpy", Selection("smoke", ("exp",), ("float32",), ("value",), 3, examples=2))
    record = runner.run()
    record.write_json(tmp_path / "record.json")
    assert (read_json(tmp_path / "record.json").examples, record.seed) == (2, 3)


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pullback", "conformance", "--backend", "numpy", "--operations", "exp"]
    options = ["--checks", "value", "--dtypes", "float32", "--examples", "30", "--quiet", "--in-process"]
    path = os.pathsep.join(str(Path(p).resolve()) for p in sys.path if p)
    environment = os.environ | {"PYTHONPATH": path}
    subprocess.run([*command, *options], cwd=tmp_path, check=True, capture_output=True, env=environment)
    assert list(tmp_path.iterdir()) == []

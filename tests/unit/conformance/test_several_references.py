"""Several backends after `--against`: the first judges as ever, the others each say what they give themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from click.testing import CliRunner

from pullback.extend import NativeArray, register_backend, unregister_backend
from pullback_conformance.command import conformance
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record
from pullback_conformance.runner import Runner, Selection
from pullback_numpy.backend import NumPyBackend


class Off(NumPyBackend):
    """A reference that is wrong itself."""

    def __init__(self, name: str, value: float = 0.0, slope: float = 1.0) -> None:
        super().__init__()
        self.name = name
        self.value, self.slope = value, slope

    def exp(self, x: NativeArray) -> NativeArray:
        return np.exp(x) * self.slope + self.value

    def cos(self, x: NativeArray) -> NativeArray:
        return np.cos(x) * self.slope


@pytest.fixture
def others() -> Iterator[tuple[str, ...]]:
    made = [Off("right"), Off("shifted", 1.0), Off("scaled", slope=2.0)]
    for backend in made:
        register_backend(backend)
    yield tuple(backend.name for backend in made)
    for backend in made:
        unregister_backend(backend.name)


def record(operation: str, others: tuple[str, ...], dtype: str = "float64") -> Record:
    return Runner("numpy", "numpy", Selection("smoke", (operation,), (dtype,), others=others)).run()


def judged(record: Record) -> tuple[Outcome, str]:
    (cell,) = [c for c in record.cells if c.check == "others"]
    return cell.outcome, " ".join(sample.message for sample in cell.samples)


def test_one_that_agrees_passes_and_stands_in_the_record(others: tuple[str, ...]) -> None:
    run = record("exp", ("right",))
    assert judged(run)[0] is Outcome.PASSED
    assert run.against == "numpy, right"
    (cell,) = [c for c in run.cells if c.check == "others"]
    assert {sample.oracle for sample in cell.samples} == {"right (the same dtype)"}


def test_each_that_differs_is_named_and_the_first_still_judges(others: tuple[str, ...]) -> None:
    run = record("exp", others)
    outcome, detail = judged(run)
    assert outcome is Outcome.FAILED
    assert "shifted: result at" in detail
    assert "scaled: result at" in detail
    assert "right:" not in detail
    assert all(c.outcome is not Outcome.FAILED for c in run.cells if c.check != "others")


def test_gradients_are_compared_too(others: tuple[str, ...]) -> None:
    outcome, detail = judged(record("sin", ("right", "scaled")))
    assert outcome is Outcome.FAILED
    assert "gradient" in detail


def test_bounds_are_those_of_the_calls_attributes() -> None:
    for operation in ("add", "round", "nan_to_num"):
        assert judged(record(operation, ("jax",), "float32"))[0] is Outcome.PASSED


def test_a_wider_dtype_is_told_where_the_first_reference_is_the_backend_itself(others: tuple[str, ...]) -> None:
    class Wide(Off):
        def exp(self, x: NativeArray) -> NativeArray:
            return np.exp(x.astype(np.float64))

    register_backend(Wide("wide"))
    try:
        outcome, detail = judged(record("exp", ("wide",), "float32"))
    finally:
        unregister_backend("wide")
    assert outcome is not Outcome.PASSED, detail


def test_without_further_ones_there_is_no_such_check() -> None:
    assert not [c for c in record("exp", ()).cells if c.check == "others"]


@pytest.mark.jax
def test_jax_judges_numpy_beside_numpy() -> None:
    for operation in ("exp", "matmul", "sort", "where"):
        assert judged(record(operation, ("jax",), "float32"))[0] is Outcome.PASSED


@pytest.mark.jax
def test_the_command_takes_several() -> None:
    arguments = ["--backend", "jax", "--against", "numpy", "--against", "array_api_strict_backend:None"]
    failed = CliRunner().invoke(conformance, [*arguments, "--operations", "exp"])
    assert failed.exit_code in (2, 3)
    run = CliRunner().invoke(
        conformance,
        ["--backend", "numpy", "--against", "numpy,jax", "--operations", "exp", "--dtypes", "float32", "--quiet"],
    )
    assert run.exit_code == 0, run.output
    assert "others" in run.output

"""What the checks see in operations rather than in backends: wrong formulas, lost graphs, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.dispatch.declaration import Array, composite, elementwise
from pullback.tensor import Tensor
from pullback.tensor.registry import registry
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record
from pullback_conformance.runner import Runner, Selection


@pytest.fixture
def declared() -> Iterator[None]:
    """Takes away the operations that a test declares."""
    before = set(registry)
    yield
    for name in set(registry) - before:
        del registry[name]


def run(operation: str, *dtypes: str, backend: str = "numpy", **selection: Any) -> Record:
    return Runner(backend, "numpy", Selection("standard", (operation,), dtypes or ("float64",), **selection)).run()


def outcomes(record: Record) -> dict[str, Outcome]:
    return {cell.check: cell.outcome for cell in record.cells}


@pytest.mark.usefixtures("declared")
def test_a_wrong_formula_is_seen_by_differences_of_values() -> None:
    @elementwise(kernel="sin", partials=lambda input: pb.cos(input) * 1.0001, method=False, inplace=False)
    def wrong_sine(input: Array) -> Array:
        """A sine whose derivative is a little too large."""

    record = run("wrong_sine")
    found = outcomes(record)
    assert found["value"] is Outcome.PASSED
    assert {found[c] for c in ("vjp", "jvp", "second")} == {Outcome.FAILED}
    messages = [s.message for c in record.cells if c.check == "vjp" for s in c.samples if s.message]
    assert "differences of values give" in messages[0]


@pytest.mark.usefixtures("declared")
def test_modes_that_disagree_are_seen_by_the_adjoint_identity() -> None:
    @elementwise(
        kernel="sin", vjp=lambda grad, input: grad * pb.cos(input), jvp=lambda tangent, input: -tangent * pb.cos(input),
        method=False, inplace=False,
    )  # fmt: skip
    def two_minded_sine(input: Array) -> Array:
        """A sine whose forward mode has the wrong sign."""

    found = outcomes(run("two_minded_sine"))
    assert found["adjoint"] is Outcome.FAILED
    assert found["jvp"] is Outcome.FAILED
    assert found["vjp"] is Outcome.PASSED


@pytest.mark.usefixtures("declared")
def test_a_wrong_second_derivative_is_seen() -> None:
    @elementwise(kernel="sin", partials=lambda input: pb.cos(input.detach()), method=False, inplace=False)
    def shallow_sine(input: Array) -> Array:
        """A sine whose derivative is a constant to the graph."""

    found = outcomes(run("shallow_sine"))
    assert found["vjp"] is Outcome.PASSED
    assert found["second"] is Outcome.FAILED


@pytest.mark.usefixtures("declared")
def test_a_lost_graph_is_a_failure_and_a_constant_is_not() -> None:
    def samples(make: Any) -> Iterator[Any]:
        from pullback.dispatch.declaration import Sample

        yield Sample(make(2, 3))

    @composite(samples=samples, method=False)
    def detached_sine(input: Tensor) -> Tensor:
        """A sine without a graph."""
        return pb.sin(input.detach())

    @composite(samples=samples, method=False)
    def constant_one(input: Tensor) -> Tensor:
        """One, whatever the operand."""
        return pb.ones_like(input)

    assert outcomes(run("detached_sine"))["vjp"] is Outcome.FAILED
    assert outcomes(run("constant_one"))["vjp"] is Outcome.UNSUPPORTED


@pytest.mark.usefixtures("declared")
def test_an_operation_without_samples_is_not_run() -> None:
    @composite(method=False)
    def unsampled(input: Tensor, dim: int) -> Tensor:
        """The tensor itself."""
        return input

    record = run("unsampled")
    assert {c.outcome for c in record.cells} == {Outcome.NOT_RUN}
    assert not record.is_good


@pytest.mark.usefixtures("declared")
def test_a_graph_that_raises_is_a_failure_with_its_error() -> None:
    @elementwise(kernel="sin", partials=lambda input: nowhere(input), method=False, inplace=False)  # type: ignore[name-defined]  # noqa: F821
    def broken_sine(input: Array) -> Array:
        """A sine whose formula names what does not exist."""

    record = run("broken_sine", "float32")
    cells = {c.check: c for c in record.cells}
    assert cells["value"].outcome is Outcome.PASSED
    assert cells["vjp"].outcome is Outcome.FAILED
    assert "nowhere" in cells["vjp"].samples[0].message
    assert "gradients(operands, cotangents)" in cells["vjp"].samples[0].script
    assert "NameError" in cells["vjp"].samples[0].message


def test_nondifferentiable_operations_have_no_derivative_cells() -> None:
    assert not {"vjp", "jvp", "adjoint", "second"} & set(outcomes(run("floor_divide")))


def test_integers_have_no_derivative_cells() -> None:
    first = {"value", "dtype", "unchanged", "deterministic"}
    assert set(outcomes(run("mul", "int64"))) == first | {
        "aliases", "state", "promotion", "errors", "warnings", "spellings",
    }  # fmt: skip


def test_checks_can_be_chosen() -> None:
    assert set(outcomes(run("exp", checks=("value", "second")))) == {"value", "second"}


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection("tiny"), "no tier 'tiny'; there are smoke, standard, full"),
        (Selection(dtypes=("float31",)), "no dtype 'float31'"),
        (Selection(checks=("values",)), "no check 'values'"),
    ],
)
def test_what_does_not_exist_is_said(selection: Selection, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Runner("numpy", "numpy", selection)


def test_patterns_that_match_nothing_are_said() -> None:
    with pytest.raises(ValueError, match="no operation matches 'expo'; did you mean 'exp'"):
        Runner("numpy", "numpy", Selection(operations=("expo",))).run()


def test_a_dtype_the_backend_lacks_is_no_cell() -> None:
    record = run("exp", "float32", "float64")
    assert {c.dtype for c in record.cells} == {"float32", "float64"}
    assert record.missing_dtypes == []


@pytest.mark.parametrize("operation", ["exp", "mul", "sum", "matmul", "softmax", "index_put", "where", "rand"])
def test_threads_give_the_same_record(operation: str) -> None:
    one, four = (Runner("numpy", "numpy", Selection("smoke", (operation,))).run(jobs=jobs) for jobs in (1, 4))
    assert one.cells == four.cells


def test_jax_passes_what_it_computes_well() -> None:
    selection = Selection("smoke", ("mul", "sum"), ("float32",))
    record = Runner("jax", "numpy", selection).run()
    assert record.is_good, [(c.name, c.samples) for c in record.bad_cells()]
    assert record.versions["jax"]

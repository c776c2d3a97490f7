"""JAX's own differentiation as an oracle: it is asked for, finds wrong formulas, and says what it does not cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.dispatch.declaration import Array, elementwise
from pullback.extend import registry
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record
from pullback_conformance.runner import Runner, Selection, SelectionError

pytest.importorskip("jax")
pytestmark = pytest.mark.jax


@pytest.fixture
def declare() -> Iterator[Callable[[Any], None]]:
    """Declares the sine once more, as an operation with these derivatives."""
    before = set(registry)

    def declare(partials: Any) -> None:
        @elementwise(kernel="sin", partials=partials, method=False, inplace=False)
        def sine_under_test(input: Array) -> Array:
            """The sine."""

    yield declare
    for name in set(registry) - before:
        del registry[name]


def run(operation: str, *dtypes: str, **more: Any) -> Record:
    return Runner("numpy", "numpy", Selection("smoke", (operation,), dtypes, **more)).run()


def test_it_is_asked_only_if_named() -> None:
    assert "jax" not in {c.check for c in run("neg", "float32").cells}
    made = run("neg", "float32", oracles=("jax",))
    assert {"value", "vjp", "jax"} <= {c.check for c in made.cells}
    assert made.oracles["JAX's own differentiation"].endswith("float64")
    with pytest.raises(SelectionError, match="no oracle 'jaxx'; did you mean 'jax'"):
        run("neg", "float32", oracles=("jaxx",))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_formula_that_is_slightly_wrong_is_found(declare: Callable[[Any], None], dtype: str) -> None:
    declare(lambda input: pb.cos(input) * (1 + 1e-12))
    (cell,) = run("sine_under_test", dtype, checks=("jax",)).cells
    assert cell.outcome is Outcome.FAILED
    assert "(against JAX's own differentiation)" in cell.samples[0].message


def test_a_right_formula_passes_with_what_judged_it(declare: Callable[[Any], None]) -> None:
    declare(lambda input: pb.cos(input))
    for dtype in ("float32", "float64", "complex64"):
        (cell,) = run("sine_under_test", dtype, checks=("jax",)).cells
        assert cell.outcome is Outcome.PASSED
        assert cell.samples[0].oracle == "JAX's own differentiation (float64)"
        assert cell.samples[0].spread is not None


def test_what_jax_has_no_rule_for_is_unsupported_with_its_reason() -> None:
    (cell,) = run("index_reduce", "float32", checks=("jax",)).cells
    reasons = [s.message for s in cell.samples if s.outcome == "unsupported"]
    assert any(reason.startswith("JAX does not differentiate this: NotImplementedError") for reason in reasons)


def test_without_jax_it_is_said_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pullback_conformance.oracles.jax_differentiation.find_spec", lambda name: None)
    with pytest.raises(SelectionError, match=r"the oracle 'jax' is not installed: pip install 'pullback\[jax\]'"):
        run("neg", "float32", oracles=("jax",))

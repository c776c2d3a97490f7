"""The checks of mixed dtypes and of vmap: operations that are wrong in one of these alone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import pullback as pb
from pullback.dispatch.declaration import Array, elementwise, op
from pullback.extend import Sample, registry
from pullback_conformance.checks import promotion
from pullback_conformance.oracles.promotion import common_dtype
from pullback_conformance.outcome import Outcome
from pullback_conformance.runner import Runner, Selection

ROOT = Path(__file__).parents[3]


def failures(operation: str, check: str, dtype: str = "float32") -> list[str]:
    record = Runner("numpy", "numpy", Selection("standard", (operation,), (dtype,), (check,))).run()
    assert [c.check for c in record.cells] == [check]
    return [s.message for c in record.cells for s in c.samples if s.outcome == Outcome.FAILED.value]


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    """Takes away the operations that a test declares."""
    before = set(registry)
    yield
    for name in set(registry) - before:
        del registry[name]


@pytest.mark.parametrize("operation", ["add", "true_divide", "pow", "maximum", "huber_loss"])
def test_right_promotion_passes(operation: str) -> None:
    assert failures(operation, "promotion") == []


def test_another_dtype_than_the_tables_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "common_dtype", lambda left, right, rank: pb.float64)
    (message,) = failures("add", "promotion")
    assert message == "float32 and bool operand: the result has dtype float32, expected float64"


def test_other_values_than_those_of_a_conversion_are_found() -> None:
    calls = [0]

    @elementwise(nondifferentiable="for a test", method=False, inplace=False)
    def growing(backend: Any, input: Array, other: Array) -> Array:
        """A sum that is larger each time."""
        calls[0] += 1
        return backend.add(backend.add(input, other), calls[0])

    (message,) = failures("growing", "promotion")
    assert "float32 and bool operand: result" in message


def test_the_table_is_pytorchs() -> None:
    assert common_dtype("int64", "float32", "dimensions") is pb.float32
    assert common_dtype("float32", "float64", "0-d") is pb.float32
    assert common_dtype("int8", "complex", "number") is pb.complex64
    assert common_dtype("float16", "complex", "number") is None  # PyTorch's complex32
    for left in (pb.bool, pb.uint8, pb.int64, pb.float16, pb.bfloat16, pb.float64, pb.complex64):
        for right in (pb.bool, pb.int32, pb.float32, pb.complex128):
            assert common_dtype(left.name, right.name, "dimensions") is pb.promote_types(left, right)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the oracle extra installs it")
@pytest.mark.oracle
def test_the_table_is_what_the_tool_writes() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools/pytorch_promotion.py", "--check"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("operation", ["add", "sum", "mm", "gather", "cat", "as_strided", "softmax"])
def test_right_rules_pass(operation: str) -> None:
    assert failures(operation, "batching") == []


def _of_first_example(
    operation: Any, values: Sequence[Any], dims: Sequence[int | None], attributes: Any, size: int
) -> tuple[Any, int]:
    """A rule that gives the first example's result for all."""
    value = values[0].select(dims[0], 0)
    return pb.stack([operation.call(value)] * size), 0


def _samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))


def test_a_wrong_rule_is_found() -> None:
    @op(samples=_samples, batching=_of_first_example, nondifferentiable="for a test", method=False)
    def repeated_negative(backend: Any, input: Array) -> Array:
        """The negative, with a rule that looks at one example."""
        return backend.negative(input)

    (message,) = failures("repeated_negative", "batching")
    assert "vmap over (0,): result 0" in message


def test_a_rule_without_a_gradient_is_found() -> None:
    def detached(operation: Any, values: Any, dims: Any, attributes: Any, size: int) -> tuple[Any, int]:
        return operation.call(values[0].detach()), dims[0]

    @op(
        samples=_samples, batching=detached, linear=True, vjp=lambda grad: -grad, method=False
    )  # fmt: skip
    def forgetful_negative(backend: Any, input: Array) -> Array:
        """The negative, with a rule that forgets the graph."""
        return backend.negative(input)

    (message,) = failures("forgetful_negative", "batching")
    assert "gradient 0" in message


def test_what_vmap_refuses_by_design_is_no_failure() -> None:
    record = Runner("numpy", "numpy", Selection("standard", ("nonzero",), ("float32",), ("batching",))).run()
    assert [c.outcome for c in record.cells] == [Outcome.UNSUPPORTED]

"""A backend that is its own reference: what it refuses, and what it agrees with itself about, is no evidence."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell
from pullback_conformance.refusals import is_raised_by_core
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.selftest.loopbacks import loopback_class

Loopback: Any = loopback_class()


class WithoutComplexTangents(Loopback):  # type: ignore[misc]
    """Its kernel ``tan`` takes no complex numbers."""

    def tan(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise TypeError("ufunc 'tan' not supported for the input types")
        return super().tan(x)


def cells(subject: Any, reference: Any, operation: str, dtype: str, check: str) -> list[Cell]:
    runner = Runner(subject, reference, Selection("standard", (operation,), (dtype,), (check,)))
    return [cell for unit in runner.units() for cell in runner.run_unit(unit)]


def test_a_kernel_that_refuses_a_dtype_fails() -> None:
    backend = WithoutComplexTangents()
    (cell,) = cells(backend, backend, "tan", "complex64", "value")
    assert cell.outcome is Outcome.FAILED


def test_so_it_does_where_the_class_is_made_twice() -> None:
    (cell,) = cells(WithoutComplexTangents(), WithoutComplexTangents(), "tan", "complex64", "value")
    assert cell.outcome is Outcome.FAILED


def test_what_the_core_refuses_is_no_part_of_the_grid() -> None:
    (cell,) = cells("numpy", "numpy", "randn", "int64", "value")
    assert cell.outcome is Outcome.UNSUPPORTED


def test_a_division_by_an_integer_zero_is_refused_by_right() -> None:
    (cell,) = cells("numpy", "numpy", "floor_divide", "int64", "unchanged")
    assert cell.outcome is Outcome.PASSED


@pytest.mark.parametrize(("operation", "dtype", "check"), [("cumsum", "int64", "dtype"), ("randn", "float32", "value")])
def test_agreement_with_itself_is_called_no_oracle(operation: str, dtype: str, check: str) -> None:
    (cell,) = cells("numpy", "numpy", operation, dtype, check)
    assert cell.outcome is Outcome.NO_ORACLE
    assert not cell.outcome.is_bad


def test_another_reference_is_an_oracle() -> None:
    (cell,) = cells(Loopback(), "numpy", "cumsum", "int64", "dtype")
    assert cell.outcome is Outcome.PASSED


def test_an_error_of_the_core_and_one_of_a_function_that_it_calls_are_told_apart() -> None:
    with pytest.raises(NotImplementedError) as by_core:
        pb.einsum("i,i->", pb.ones(2, dtype=pb.bool), pb.ones(2, dtype=pb.bool))
    with pytest.raises(TypeError) as by_function:
        int([])  # type: ignore[call-overload]
    assert is_raised_by_core(by_core.value)
    assert not is_raised_by_core(by_function.value)

"""Oracles that don't come out of the core: mpmath's values and derivatives, and exact rational arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.dispatch.declaration import Array, elementwise
from pullback.extend import Operation, Tensor, import_all, registry
from pullback_conformance.oracles import expressions, multiprecision, rational
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.tolerances import Kind, kind_of


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Declares an operation for a test, with an expression of its own."""
    before = set(registry)

    def declare(kernel: str, partials: Any, expression: Any) -> None:
        @elementwise(kernel=kernel, partials=partials, method=False, inplace=False)
        def function_under_test(input: Array) -> Array:
            """A function of one operand."""

        monkeypatch.setitem(expressions.EXPRESSIONS, "function_under_test", expression)

    yield declare
    for name in set(registry) - before:
        del registry[name]


def run(operation: str, *dtypes: str, checks: tuple[str, ...] = ()) -> Record:
    return Runner("numpy", "numpy", Selection("standard", (operation,), dtypes or ("float64",), checks)).run()


def messages(record: Record, check: str) -> list[str]:
    return [s.message for c in record.cells if c.check == check for s in c.samples if s.message]


def test_a_derivative_is_held_to_as_many_digits_as_a_value(declare: Callable[..., None]) -> None:
    declare("exp2", lambda out: out * 0.693147181, lambda x: expressions.mp.power(2, x))
    for dtype in ("float64", "float32"):  # where nine digits are as good as all
        record = run("function_under_test", dtype)
        found = {c.check: c.outcome for c in record.cells}
        assert found["value"] is Outcome.PASSED
        assert {found["vjp"], found["jvp"]} == {Outcome.FAILED}
        assert "mpmath gives" in messages(record, "vjp")[0]


def test_a_complex_derivative_is_held_to_mpmath(declare: Callable[..., None]) -> None:
    declare("sin", lambda input: pb.cos(input) * (1 + 1e-10), lambda x: expressions.mp.sin(x))
    assert "mpmath gives" in messages(run("function_under_test", "complex128"), "jvp")[0]


def test_what_the_core_computes_itself_is_held_to_the_expression(declare: Callable[..., None]) -> None:
    declare("sin", lambda input: pb.cos(input), lambda x: expressions.mp.sin(x * (1 + expressions.mp.mpf(10) ** -13)))
    assert "(against mpmath)" in messages(run("function_under_test"), "value")[0]


def test_every_elementwise_function_of_real_numbers_has_an_expression() -> None:
    import_all()
    without = {
        name
        for name, o in registry.items()
        if isinstance(o, Operation) and o.broadcasts and o.nondifferentiable is None and not o.sequence
        if kind_of(o) in (Kind.ELEMENTWISE, Kind.EXACT) and "generator" not in o.attributes
        if expressions.expression_of(name, o.oracle, is_complex=False) is None
    }
    # Rounded to decimals, neighbouring numbers, and an operand that may be left out: exact, and compared as such.
    assert without <= {"round", "nextafter", "clamp_to_tensors", "round_to_decimals"}


def test_expressions_are_of_operations_that_exist() -> None:
    import_all()
    assert not [name for name in (*expressions.EXPRESSIONS, *expressions.REAL_EXPRESSIONS) if name not in registry]


def test_values_are_known_where_operands_are_finite_and_no_pole_is() -> None:
    x = np.array([2.0, 0.0, np.nan, np.inf], np.longdouble)
    values, is_unknown = multiprecision.evaluate(expressions.EXPRESSIONS["reciprocal"], [x], {}, np.longdouble)
    assert values[0] == 0.5
    assert is_unknown.tolist() == [False, True, True, True]


def test_a_derivative_at_a_kink_is_unknown_and_one_beside_it_is_not() -> None:
    x = np.array([0.0, 1e-9, -1e-9], np.longdouble)
    values, is_unknown = multiprecision.derivative(
        expressions.REAL_EXPRESSIONS["relu"], [x], {}, 0, np.longdouble, np.ones(3, bool)
    )
    assert is_unknown.tolist() == [True, False, False]
    assert values[1:].tolist() == [1.0, 0.0]


def test_results_have_the_digits_of_extended_precision() -> None:
    with expressions.mp.workdps(40):
        third = multiprecision._rounded(expressions.mp.mpf(1) / 3)
    assert abs(third * 3 - 1) <= np.finfo(np.longdouble).eps


def exactly(name: str, *args: Any, result: Tensor, **kwargs: Any) -> Any:
    import_all()
    return rational.evaluate(registry[name], args, kwargs, result)


def test_sums_are_exact_where_floating_ones_cancel() -> None:
    x = pb.tensor([1e16, 1.0, -1e16, 2.0**-30], dtype=pb.float64)
    assert exactly("sum", x, result=x.sum()) == 1 + 2.0**-30
    assert exactly("mean", x, result=x.mean()) == (1 + 2.0**-30) / 4


def test_matrix_products_wrap_around_as_integers_do() -> None:
    x = pb.tensor([[2**62, 3], [5, 7]])
    exact = exactly("matmul", x, x, result=x @ x)
    assert exact.dtype == np.int64
    assert exact.tolist() == [[15, 3 * 2**62 - 2**64 + 21], [5 * 2**62 + 35 - 2**64, 64]]


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((0,), {}), (((0, 1), True), {}), ((1,), {"correction": 0}), ((True,), {})]
)
def test_variances_are_exact(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    x = pb.tensor([[1.0, 2.5, -3.0], [0.5, 0.25, 8.0]], dtype=pb.float64)
    own = pb.var(x, *[a for a in args if a is not True], keepdim=True in args[1:], **kwargs)
    if args and args[0] is True:
        own = pb.var(x, unbiased=True)
    names = [a for a in args if not (isinstance(a, bool) and a is not args[0])]
    if True in args[1:]:
        kwargs = {**kwargs, "keepdim": True}
    exact = exactly("var", x, *names, result=own, **kwargs)
    assert np.allclose(np.asarray(exact, np.float64), own.numpy(), rtol=1e-15)


def test_large_and_infinite_operands_are_left_to_other_oracles() -> None:
    large = pb.ones(rational.MOST_TERMS + 1)
    assert exactly("sum", large, result=large.sum()) is None
    infinite = pb.tensor([math.inf, 1.0])
    assert exactly("sum", infinite, result=infinite.sum()) is None


def test_fractions_are_rounded_once() -> None:
    out = rational._rounded(np.array([Fraction(1, 3)], object), np.dtype(np.float64))
    assert abs(Fraction(*out[0].as_integer_ratio()) - Fraction(1, 3)) < Fraction(1, 2**64)

"""What is NumPy's own: what it reports of numbers, which are values here."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb
from pullback.dispatch.declaration import Operation
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback.tensor.tensor import tensors_of
from pullback_conformance.samples import samples_of
from pullback_numpy.backend import QUIET, SILENT

import_all()

VALUES = [math.nan, math.inf, -math.inf, 0.0, -0.0, 3e38, 1e-40, -1.0]
UNGUARDED = sorted(
    name
    for name, operation in registry.items()
    if isinstance(operation, Operation)
    and (operation.body.__name__ if operation.body is not None else operation.kernel) in QUIET | SILENT
)


def _special(value: object, count: list[int]) -> object:
    if isinstance(value, pb.Tensor):
        if value.dtype.is_floating_point or value.dtype.is_complex:
            count[0] += 1
            values = [VALUES[(i + count[0]) % len(VALUES)] for i in range(value.numel())]
            return pb.tensor(values, dtype=pb.float64).to(value.dtype).reshape(value.shape)
        return value
    return type(value)(_special(v, count) for v in value) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", UNGUARDED)
def test_what_runs_without_a_guard_reports_nothing(name: str) -> None:
    operation, backend = registry[name], pb.ones(1).backend
    seen = [0]
    for dtype in (pb.float16, pb.float32, pb.float64, pb.complex64):
        if dtype not in operation.dtypes:
            continue
        for sample in samples_of(operation, backend, dtype):
            if sample.values_only:
                continue
            args = [_special(value, seen) for value in sample.args]
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for _ in range(2):  # the first call takes the general path
                    results = operation.call(*args, **sample.kwargs)
            assert tensors_of([results])
            assert [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)] == []
    assert seen[0]


def test_every_function_without_a_guard_is_one_of_an_operation() -> None:
    bodies = {o.body.__name__ for o in registry.values() if isinstance(o, Operation) and o.body is not None}
    kernels = {o.kernel for o in registry.values() if isinstance(o, Operation)}
    assert bodies | kernels >= QUIET | SILENT


@given(
    st.lists(
        st.one_of(
            st.floats(width=32, allow_nan=True, allow_infinity=True),
            st.sampled_from([0.0, -0.0, 1e38, -1e38, 1e-38, 1e-45, 3.0]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_products_and_norms_of_few_numbers_are_those_of_exact_arithmetic(values: list[float]) -> None:
    x = pb.tensor(values, dtype=pb.float32, backend="numpy")
    factors = x.tolist()
    product, norm = x.prod().item(), x.norm().item()
    if all(map(math.isfinite, factors)):
        exact = math.prod(map(Fraction, factors))
        root = math.sqrt(sum(Fraction(v) ** 2 for v in factors))
        tiny, largest = 2.0**-149, pb.finfo(pb.float32).max
        for got, right in ((product, exact), (norm, Fraction(root))):
            if abs(right) > largest:
                assert abs(got) in (math.inf, largest)
            else:
                assert abs(Fraction(got) - right) <= abs(right) * Fraction(2.0**-22) + Fraction(tiny)
    elif any(map(math.isnan, factors)):
        assert math.isnan(product)
        assert math.isnan(norm)
    else:
        assert math.isnan(product) if 0 in factors else math.isinf(product)
        assert norm == math.inf

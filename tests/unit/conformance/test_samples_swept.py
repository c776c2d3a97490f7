"""Sweeps over what a dtype holds: of elementwise operations, for values alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.extend import get_backend, import_all, registry
from pullback_conformance.moving import to_numpy
from pullback_conformance.runner import Runner, Selection, Unit
from pullback_conformance.samples import swept
from pullback_conformance.samples.sweep_values import RANGES

import_all()


def operands(name: str, dtype: pb.dtype, position: int = 0, *, label: str = "sweep", seed: int = 0) -> Any:
    """All values that an operation gets for one operand in the samples of such a label."""
    samples = list(swept(registry[name], get_backend("numpy"), dtype, seed=seed))
    chosen = [s for s in samples if s.label.startswith(label)]
    given = [s.args[position] for s in chosen]
    sizes = [s.args[0].numel() for s in chosen]
    return np.concatenate(
        [to_numpy(v) if isinstance(v, pb.Tensor) else np.full(n, v) for v, n in zip(given, sizes, strict=True)]
    )


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_real_values_are_dense_where_functions_do_most_and_have_every_magnitude(dtype: pb.dtype) -> None:
    values = operands("sin", dtype)
    usual = np.sort(values[np.abs(values) < 4])
    assert np.diff(usual).max() < 0.01
    sizes = np.abs(values[values != 0])
    assert sizes.max() > 2.0 ** (0.9 * RANGES[dtype.name].exponents)
    assert sizes.min() < 2.0 ** (0.5 * RANGES[dtype.name].smallest)
    assert np.any(values == 1)
    assert np.any(values == np.nextafter(1, 2, dtype=values.dtype))


def test_values_stay_inside_of_the_domain() -> None:
    assert np.all(np.abs(operands("atanh", pb.bfloat16).astype(np.float64)) < 1)
    assert np.all(operands("acosh", pb.float32) > 1)


def test_operands_are_equal_opposite_and_next_to_each_other() -> None:
    left, right = operands("add", pb.float32), operands("add", pb.float32, 1)
    for is_met in (left == right, left == -right, np.nextafter(left, right) == right):
        assert np.any(is_met & (left != 0))


def test_subnormal_operands_and_results_are_a_sample_of_their_own() -> None:
    tiny = np.finfo(np.float32).tiny
    for name in ("exp", "neg", "mul"):
        ordinary = [
            s for s in swept(registry[name], get_backend("numpy"), pb.float32) if s.label != "subnormal numbers"
        ]
        for sample in ordinary:
            result = to_numpy(registry[name].call(*sample.args))
            assert not np.any((np.abs(result) < tiny) & (result != 0))
    assert np.any(np.abs(operands("neg", pb.float32, label="subnormal numbers")) < tiny)
    assert np.any(operands("exp", pb.float32, label="subnormal numbers") < -88)


def test_complex_values_have_all_quadrants_unequal_parts_and_both_signs_of_zero() -> None:
    values = operands("log", pb.complex64)
    quadrants = {(bool(a), bool(b)) for a, b in zip(np.signbit(values.real), np.signbit(values.imag), strict=True)}
    assert len(quadrants) == 4
    on_the_cut = values[(values.imag == 0) & (values.real < 0)]
    assert set(np.signbit(on_the_cut.imag)) == {True, False}
    assert np.abs(values).max() > 1e20


def test_integers_are_those_for_which_the_operation_is_defined() -> None:
    left, right = operands("floor_divide", pb.int8), operands("floor_divide", pb.int8, 1)
    assert np.all(right != 0)
    assert not np.any((left == -128) & (right == -1))
    assert np.any(left == -128)
    assert np.all(operands("pow", pb.int64, 1) >= 0)
    assert np.all(operands("gcd", pb.int16) > -(2**15))


def test_integers_have_numbers_that_no_float_has() -> None:
    left, right = operands("eq", pb.int64), operands("eq", pb.int64, 1)
    assert np.any((left != right) & (left.astype(np.float64) == right.astype(np.float64)))


def test_every_small_integer_occurs() -> None:
    assert len(np.unique(operands("neg", pb.uint8))) == 256


def test_each_setting_of_the_attributes_is_swept() -> None:
    settings = {str(s.kwargs) for s in swept(registry["gelu"], get_backend("numpy"), pb.float32)}
    assert len(settings) == 3


def test_the_seed_decides() -> None:
    assert np.array_equal(operands("exp", pb.float32), operands("exp", pb.float32))
    assert not np.array_equal(operands("exp", pb.float32), operands("exp", pb.float32, seed=1))


def test_the_smoke_tier_sweeps_complex_numbers_and_asks_for_values_alone() -> None:
    runner = Runner("numpy", "numpy", Selection("smoke", ("exp", "sum")))
    units = [unit for unit in runner.units() if unit.dtype is pb.complex64]
    assert units == [Unit(registry["exp"], pb.complex64)]
    assert [check.name for check in runner.checks_of(units[0])] == ["value"]
    assert [sample.label for sample in runner.samples(units[0])] == ["sweep 1"]


def test_a_jump_is_left_out_where_either_side_is_right() -> None:
    left, right = operands("trunc_divide", pb.float64), operands("trunc_divide", pb.float64, 1)
    by_rounding = np.trunc(left / right)
    exact = np.trunc(left.astype(np.longdouble) / right)
    assert np.array_equal(by_rounding, exact.astype(np.float64))

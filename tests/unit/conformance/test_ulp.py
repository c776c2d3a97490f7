"""Errors in ulp: what one ulp is, where it is measured, and what is no error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullback.meta import dtypes
from pullback_conformance.ulp import errors_in_ulp, ulp_at


@given(st.floats(min_value=2.0**-100, max_value=2.0**100, width=32))
def test_one_ulp_is_the_distance_to_the_next_number(value: float) -> None:
    assert ulp_at(value, dtypes.float32) == np.spacing(np.float32(value))
    assert ulp_at(value, dtypes.float64) == np.spacing(value)


@pytest.mark.parametrize(
    ("dtype", "at_one", "smallest"),
    [
        (dtypes.float16, 2.0**-10, 2.0**-24),
        (dtypes.bfloat16, 2.0**-7, 2.0**-133),
        (dtypes.float32, 2.0**-23, 2.0**-149),
        (dtypes.float64, 2.0**-52, 2.0**-1074),
        (dtypes.complex64, 2.0**-23, 2.0**-149),
    ],
)
def test_ulp_of_each_dtype(dtype: dtypes.DType, at_one: float, smallest: float) -> None:
    assert ulp_at(1.0, dtype) == at_one
    assert ulp_at(1.999, dtype) == at_one
    assert ulp_at(2.0, dtype) == 2 * at_one
    assert ulp_at(0.0, dtype) == smallest  # never less than the smallest subnormal number


@given(st.floats(min_value=-1e300, max_value=1e300, allow_subnormal=False))
def test_a_correctly_rounded_result_is_at_most_half_an_ulp_off(value: float) -> None:
    rounded = np.float32(value) if abs(value) < 3.4028235e38 else np.float32(np.sign(value) * np.inf)
    assert errors_in_ulp(np.asarray(rounded), np.asarray(value), dtypes.float32) <= 0.5


def test_the_next_number_is_one_ulp_off() -> None:
    exact = np.array([1.0, 3.0, 1e-3])
    actual = np.nextafter(exact, np.inf)
    assert errors_in_ulp(actual, exact, dtypes.float64).tolist() == [1.0, 1.0, 1.0]


def test_what_is_not_finite() -> None:
    nan, inf = math.nan, math.inf
    actual = np.array([nan, inf, -inf, nan, inf, 1.0])
    exact = np.array([nan, inf, -inf, 1.0, -inf, inf])
    assert errors_in_ulp(actual, exact, dtypes.float64).tolist() == [0, 0, 0, inf, inf, inf]


def test_overflow_may_give_infinity_or_the_largest_number() -> None:
    exact = np.array([1e39, 1e39, -1e39, 1e39])
    actual = np.array([np.inf, np.finfo(np.float32).max, -np.inf, 1e38])
    errors = errors_in_ulp(actual, exact, dtypes.float32)
    assert errors[:3].tolist() == [0, 0, 0]
    assert errors[3] > 1e6


def test_a_complex_error_is_measured_at_the_modulus() -> None:
    exact = np.array([1.0 + 1e-20j])
    assert errors_in_ulp(np.array([1.0 + 1e-17j]), exact, dtypes.complex128)[0] < 0.1


def test_the_scale_decides_what_an_error_is_worth() -> None:
    exact, actual = np.array([1e-7]), np.array([1e-7 + 2.0**-23])
    assert errors_in_ulp(actual, exact, dtypes.float32)[0] > 1e6
    assert errors_in_ulp(actual, exact, dtypes.float32, scale=np.array([1.0]))[0] == pytest.approx(1.0)


def test_an_infinity_is_not_the_largest_number() -> None:
    largest = np.finfo(np.float32).max
    assert errors_in_ulp(np.float32([-largest]), np.longdouble([-np.inf]), dtypes.float32)[0] == np.inf
    assert errors_in_ulp(np.float32([largest]), np.longdouble([1e39]), dtypes.float32)[0] == 0

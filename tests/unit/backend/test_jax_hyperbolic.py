"""Hyperbolic functions, powers and floored quotients on JAX, where XLA's own lose digits."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.jax


@pytest.mark.parametrize("name", ["sinh", "cosh"])
def test_far_from_zero_they_are_good_to_a_few_units_in_the_last_place(name: str) -> None:
    values = np.array([2.0, 30.0, 60.0, 88.0, 89.3, -89.3], np.float32)
    with pb.use_backend("jax"):
        result = np.array(getattr(pb, name)(pb.tensor(values.tolist())).tolist())
    exact = getattr(np, name)(values.astype(np.float64))
    assert np.all(np.abs(result / exact - 1) < 4 * 2.0**-23)


def test_the_real_part_of_a_complex_sinh_is_kept_where_it_is_small() -> None:
    with pb.use_backend("jax"):
        result = pb.sinh(pb.tensor([complex(1e-15, 1e-15), complex(1e-10, 0.5)])).tolist()
    assert result[0].real == pytest.approx(1e-15, rel=1e-6)
    assert result[1].real == pytest.approx(1e-10 * np.cos(0.5), rel=1e-6)


def test_a_complex_expm1_does_not_subtract_one_from_a_cosine() -> None:
    with pb.use_backend("jax"):
        (result,) = pb.expm1(pb.tensor([complex(1e-6, 1e-3)])).tolist()
    assert result.real == pytest.approx(np.expm1(complex(1e-6, 1e-3)).real, rel=1e-6)


def test_a_complex_power_is_finite_where_its_modulus_is() -> None:
    base, exponent = complex(-1e30, 1e30), complex(1.28, 2.0)
    with pb.use_backend("jax"):
        (result,) = pb.pow(pb.tensor([base]), pb.tensor([exponent])).tolist()
    assert result == pytest.approx(base**exponent, rel=1e-4)


def test_floored_quotients_of_half_precision_are_rounded_once() -> None:
    random = np.random.default_rng(0)
    signs = random.choice([-1.0, 1.0], (2, 500))
    left = (random.uniform(1, 900, 500) * signs[0]).astype(np.float16)
    right = (random.uniform(0.1, 9, 500) * signs[1]).astype(np.float16)
    with pb.use_backend("jax"):
        result = pb.floor_divide(
            pb.tensor(left.tolist(), dtype=pb.float16), pb.tensor(right.tolist(), dtype=pb.float16)
        ).tolist()
    exact = np.floor(left.astype(np.float64) / right.astype(np.float64)).astype(np.float16)
    assert result == exact.tolist()

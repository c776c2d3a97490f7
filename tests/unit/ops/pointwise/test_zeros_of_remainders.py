"""The sign of a zero remainder: the dividend's, as in C and PyTorch, and not the divisor's, as in Python and NumPy."""

from __future__ import annotations

import math
from typing import Any

import pytest

import pullback as pb

DIVIDENDS = [2.0, -2.0, 2.0, -2.0, 0.0, -0.0, 0.0, -0.0]
DIVISORS = [1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0]


def signs(values: Any) -> list[float]:
    return [math.copysign(1.0, v) for v in values.tolist()]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64, pb.float16, pb.bfloat16])
def test_zeros_have_the_sign_of_the_dividend(backend: str, dtype: pb.dtype) -> None:
    if backend == "jax":
        pytest.importorskip("jax")
    x, y = (pb.tensor(v, dtype=dtype, backend=backend) for v in (DIVIDENDS, DIVISORS))
    assert (x % y).tolist() == [0.0] * 8
    assert signs(x % y) == signs(x)


def test_so_have_those_of_numbers_and_in_place() -> None:
    x = pb.tensor([2.0, -2.0])
    assert signs(x % -1.0) == [1.0, -1.0]
    assert signs(-2 % pb.tensor([1.0, -1.0])) == [-1.0, -1.0]
    assert signs(x.remainder_(-1.0)) == [1.0, -1.0]


def test_other_remainders_have_the_sign_of_the_divisor() -> None:
    assert (pb.tensor([-3.5, 3.5]) % pb.tensor([2.0, -2.0])).tolist() == [0.5, -0.5]
    assert (pb.tensor([-3, 3]) % pb.tensor([2, -2])).tolist() == [1, -1]


def test_the_zero_of_logsigmoid_is_positive() -> None:
    assert math.copysign(1.0, pb.nn.functional.logsigmoid(pb.tensor(float("inf"))).item()) == 1.0

"""``assert_close`` says what is furthest off; ``make_tensor`` draws from where it should."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.testing import assert_close, make_tensor

BACKENDS = ["numpy", "jax"]
FLOATS = [pb.float16, pb.bfloat16, pb.float32, pb.float64]


def message(*arguments, **options):
    with pytest.raises(AssertionError) as caught:
        assert_close(*arguments, **options)
    return str(caught.value)


# -- the element furthest off -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("steps", [1, 7])
def test_distance_in_ulp_is_the_number_of_steps(name, dtype, steps):
    expected = pb.tensor([1.0, 1.0], dtype=dtype, backend=name)
    actual = expected + pb.tensor([0.0, steps * pb.finfo(dtype).eps], dtype=dtype, backend=name)
    text = message(actual, expected, rtol=0, atol=0)
    value = actual[1].item()
    assert text.splitlines()[-1] == f"Worst element: {value} instead of 1.0 at index (1,), {steps} ulp away"


def test_ulp_grow_with_the_numbers():
    # Both are off by one hundredth; that is many more steps between small numbers.
    text = message(pb.tensor([[1000.01, 1.01]]), pb.tensor([[1000.0, 1.0]]), rtol=0, atol=0)
    assert "Greatest absolute difference: 0.0100" in text
    assert "at index (0, 0)" in text
    assert text.splitlines()[-1].endswith("at index (0, 1), 83886 ulp away")


def test_numbers_of_different_sign_are_the_steps_through_zero_apart():
    smallest = 2.0**-149
    text = message(pb.tensor([smallest]), pb.tensor([-smallest]), rtol=0, atol=0)
    assert text.endswith("at index (0,), 2 ulp away")
    assert_close(pb.tensor([0.0]), pb.tensor([-0.0]), rtol=0, atol=0)


def test_of_complex_numbers_the_part_further_off_counts():
    text = message(pb.tensor([1 + 1j, 2 + 2j]), pb.tensor([1 + 1j, 2 + (2 + 2**-20) * 1j]), rtol=0, atol=0)
    assert text.endswith("at index (1,), 4 ulp away")


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_an_element_that_is_not_finite_is_the_worst(wrong):
    text = message(pb.tensor([1.0, wrong, 5.0]), pb.tensor([2.0, 2.0, 2.0]))
    assert text.splitlines()[-1] == f"Worst element: {wrong} instead of 2.0 at index (1,)"


def test_integers_have_no_ulp():
    text = message(pb.tensor([1, 7]), pb.tensor([1, 2]))
    assert text.splitlines()[-1] == "Worst element: 7 instead of 2 at index (1,)"


@pytest.mark.parametrize(
    ("actual", "expected", "ulp"),
    [(1.0, 1.0 + 3 * 2.0**-52, 3), (pb.tensor(1.0), pb.tensor(1.0 + 2 * 2.0**-23), 2)],
)
def test_of_single_numbers_too(actual, expected, ulp):
    assert message(actual, expected, rtol=0, atol=0).splitlines()[-1] == f"Difference in ulp: {ulp}"


def test_distances_beyond_64_bits_are_exact():
    greatest = pb.finfo(pb.float64).max
    text = message(pb.tensor([greatest], dtype=pb.float64), pb.tensor([-greatest], dtype=pb.float64))
    assert text.endswith(f"{2 * 0x7FEFFFFFFFFFFFFF} ulp away")


# -- backends ---------------------------------------------------------------------------------------------------------


def test_backends_must_agree_unless_told_otherwise():
    on_numpy, on_jax = (pb.tensor([1.0, 2.0], backend=name) for name in BACKENDS)
    assert message(on_numpy, on_jax) == "The values for attribute 'backend' do not match: numpy != jax."
    assert_close(on_numpy, on_jax, check_backend=False)
    assert "(50.0%)" in message(on_numpy, on_jax * pb.tensor([1.0, 2.0], backend="jax"), check_backend=False)


def test_views_on_an_immutable_backend_are_compared_element_by_element():
    base = pb.arange(6.0, backend="jax").reshape(2, 3)
    text = message(base.T, base.T * pb.tensor([1.0, 2.0], backend="jax"))
    assert text.splitlines()[-1] == "Worst element: 3.0 instead of 6.0 at index (0, 1), 8388608 ulp away"


# -- what it leaves alone, what it refuses ----------------------------------------------------------------------------


def test_operands_keep_their_graph_and_version():
    actual = pb.ones(2, requires_grad=True) * 2
    node = actual.grad_fn
    assert_close(actual, pb.full((2,), 2.0))
    assert actual.grad_fn is node
    assert actual._version == 0


def test_truth_values_are_no_numbers():
    text = "The (d)types do not match: <class 'bool'> != <class 'int'>."
    assert message(True, 1) == text
    assert_close(True, 1, check_dtype=False)


def test_message_may_be_made_of_the_usual_one():
    text = message([pb.tensor([1.0])], [pb.tensor([2.0])], msg=lambda usual: f"step 3: {usual}")
    assert text.startswith("step 3: Tensor-likes are not close!\n\n")
    assert text.endswith("\n\nThe failure occurred for item [0]")


def test_arrays_of_other_libraries_are_compared_with_their_like():
    assert_close(np.array([1.0]), np.array([1.0 + 1e-9]))
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
        assert_close(np.array([1.0]), pb.tensor([1.0]))


# -- make_tensor ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dtype", "low", "high"),
    [
        ("numpy", pb.bool, 0, 1), ("numpy", pb.uint8, 0, 9), ("numpy", pb.int8, -9, 9), ("numpy", pb.int64, -9, 9),
        ("numpy", pb.float16, -9, 9), ("numpy", pb.bfloat16, -9, 9), ("numpy", pb.float32, -9, 9),
        ("numpy", pb.float64, -9, 9), ("jax", pb.float32, -9, 9),
    ],
)  # fmt: skip
def test_elements_fill_the_usual_interval(name, dtype, low, high):
    pb.manual_seed(0)
    made = make_tensor(4000, dtype=dtype, backend=name)
    assert made.backend.name == name
    values = made.double()
    assert values.min().item() == pytest.approx(low, abs=0.2)
    assert values.max().item() == pytest.approx(high, abs=0.2)


def test_both_parts_of_complex_numbers_are_drawn():
    pb.manual_seed(0)
    made = make_tensor(1000, dtype=pb.complex64, low=1, high=2)
    for part in (made.real, made.imag):
        assert part.min().item() >= 1
        assert part.max().item() < 2


@pytest.mark.parametrize("dtype", [pb.float16, pb.float32, pb.float64], ids=str)
def test_the_whole_range_of_a_dtype_does_not_overflow(dtype):
    limits = pb.finfo(dtype)
    made = make_tensor(100, dtype=dtype, low=limits.min, high=limits.max)
    assert bool(made.isfinite().all())
    assert made.max().item() > limits.max / 4


@pytest.mark.parametrize(
    ("dtype", "high", "least"), [(pb.bool, 2, 1), (pb.int32, 2, 1), (pb.float32, 1e-45, pb.finfo(pb.float32).tiny)]
)
def test_zeros_can_be_excluded(dtype, high, least):
    made = make_tensor(100, dtype=dtype, low=0, high=high, exclude_zero=True)
    assert bool((made != 0).all())
    assert made.min().item() == least


def test_gaps_in_memory_and_gradients():
    made = make_tensor(3, 4, dtype=pb.float32, noncontiguous=True, requires_grad=True)
    assert made.shape == (3, 4)
    assert made.stride() == (8, 2)
    assert made.is_leaf
    assert made.requires_grad

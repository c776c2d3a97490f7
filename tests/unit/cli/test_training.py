"""The parts of ``pullback demo`` that compute."""

from __future__ import annotations

import math
from itertools import chain
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb
from pullback.cli.demo import DEFAULT_EPOCHS
from pullback.cli.plotting import draw_losses
from pullback.cli.training import Trained, float32_spacing, load_example, max_ulp_at_scale


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    return load_example().module


# At the largest number NumPy's spacing overflows.
@given(st.floats(min_value=0, max_value=2.0**127, width=32))
def test_spacing_is_numpys(value):
    assert float32_spacing(value) == float(np.spacing(np.float32(value)))


def test_spacing_of_what_is_not_finite():
    assert math.isnan(float32_spacing(math.inf))
    assert math.isnan(float32_spacing(math.nan))


def test_ulp_is_taken_at_the_largest_expected_magnitude_of_each_array():
    one_ulp_at_one = 2.0**-23
    assert max_ulp_at_scale([[1.0, 0.5]], [[1.0, 0.5]]) == 0
    assert max_ulp_at_scale([[1.0, 3 * one_ulp_at_one]], [[1.0, 0.0]]) == 3
    assert max_ulp_at_scale([[1.0], [256.0 + 2.0**-15]], [[1.0 + one_ulp_at_one], [256.0]]) == 1


def test_a_nan_is_the_largest_difference():
    assert math.isnan(max_ulp_at_scale([[math.nan, 1.0], [1.0, 5.0]], [[1.0, 1.0], [1.0, 1.0]]))


def test_default_epochs_are_the_examples(digits):
    assert digits.EPOCHS == DEFAULT_EPOCHS


def test_the_data_are_split_by_seed(digits):
    images, labels, test_images, test_labels = digits.load_data(seed=1)
    assert images.shape == (digits.TRAINING_IMAGES, 64)
    assert images.dtype is pb.float32
    assert len(images) + len(test_images) == 1797
    assert sorted(set(labels.tolist())) == sorted(set(test_labels.tolist())) == list(range(10))
    assert pb.equal(images, digits.load_data(seed=1)[0])
    assert not pb.equal(images, digits.load_data(seed=2)[0])


def test_one_seed_one_start_on_every_backend(digits):
    expected = [parameter.tolist() for parameter in digits.initial_parameters(seed=3)]
    for name in pb.available_backends():
        with pb.use_backend(name):
            parameters = digits.initial_parameters(seed=3)
            assert all(parameter.is_leaf and parameter.requires_grad for parameter in parameters)
            for parameter, values in zip(parameters, expected, strict=True):
                np.testing.assert_allclose(parameter.tolist(), values, rtol=1e-6, atol=0)


def test_one_seed_one_order_on_every_backend(digits):
    orders = []
    for name in pb.available_backends():
        with pb.use_backend(name):
            numbers = pb.arange(digits.TRAINING_IMAGES)
            orders.append([batch.tolist() for batch, _ in digits.minibatches(numbers, numbers, 5, epochs=2)])
    assert all(order == orders[0] for order in orders)
    per_epoch = digits.TRAINING_IMAGES // digits.BATCH_SIZE
    first, second = list(chain(*orders[0][:per_epoch])), list(chain(*orders[0][per_epoch:]))
    assert sorted(first) == sorted(second) == list(range(digits.TRAINING_IMAGES))
    assert first != second


@pytest.mark.parametrize("count", [1, 2, 3])
def test_losses_are_drawn(tmp_path, count):
    results = [
        Trained("numpy", losses=[2.0, 1.0, 0.5]),
        Trained("jax", losses=[2.0, 1.0 + 1e-7, 0.5]),
        Trained("equal", losses=[2.0, 1.0, 0.5]),
    ]
    path = tmp_path / "losses.png"
    draw_losses(results[:count], path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_equal_losses_are_drawn(tmp_path):
    draw_losses([Trained("a", losses=[1.0, 0.5]), Trained("b", losses=[1.0, 0.5])], tmp_path / "equal.svg")
    assert (tmp_path / "equal.svg").stat().st_size > 0

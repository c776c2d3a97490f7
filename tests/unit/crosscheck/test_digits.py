"""The example that `pullback demo` trains, with a fault planted in one kernel."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.cli.training import load_example
from pullback_crosscheck import DivergenceError, crosscheck


def train_two_batches() -> list[list[float]]:
    digits = load_example().module
    images, labels, _, _ = digits.load_data(0)
    parameters = digits.train(images[:120], labels[:120], epochs=1)
    return [parameter.reshape(-1).tolist() for parameter in parameters]


def test_the_faulty_kernels_operation_is_named_and_its_line(faulty):
    with pb.use_backend(faulty("ImpreciseMatmul")), pytest.raises(DivergenceError) as caught, crosscheck("numpy"):
        train_two_batches()
    found = caught.value.divergence
    assert found.operation == "matmul"
    assert found.where == (0, 0)
    assert found.line.file.endswith("digits.py")
    assert found.line.text == "hidden = F.relu(images @ w1 + b1)"


def test_without_a_fault_it_trains_as_ever_and_nothing_differs(faulty):
    faulty("Faultless")
    without = train_two_batches()
    with crosscheck("Faultless", mode="collect") as report:
        assert train_two_batches() == without
    assert report.checked > 100
    assert not report.divergences
    assert not report.skipped


@pytest.mark.jax
def test_beside_jax_nothing_differs():
    with crosscheck("jax"):
        train_two_batches()

"""The network of pullback's example trains on dask as it does on NumPy."""

from __future__ import annotations

import importlib.util
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

import pullback as pb
from pullback_dask.persisting import persist

STEPS = 4


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    beside = Path(pb.__file__).parents[2] / "examples" / "digits.py"  # in a checkout; a wheel has it inside
    path = beside if beside.exists() else Path(pb.__file__).parent / "cli" / "examples" / "digits.py"
    spec = importlib.util.spec_from_file_location("digits", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def losses_of_first_steps(digits: ModuleType, backend: str) -> list[float]:
    losses = []
    with pb.use_backend(backend):
        images, labels, _, _ = digits.load_data()
        parameters = digits.initial_parameters()
        velocities = [pb.zeros_like(parameter) for parameter in parameters]
        for batch, answers in islice(digits.minibatches(images, labels), STEPS):
            loss = digits.loss_of(parameters, batch, answers)
            loss.backward()
            digits.gradient_step(parameters, velocities)
            if backend == "dask":
                persist(*parameters, *velocities)
            losses.append(loss.item())
    return losses


def test_the_losses_are_those_of_numpy(digits: ModuleType) -> None:
    losses = losses_of_first_steps(digits, "dask")
    assert losses == pytest.approx(losses_of_first_steps(digits, "numpy"), rel=1e-5)
    assert losses[-1] < losses[0]

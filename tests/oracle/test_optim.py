"""Optimizers take the steps that PyTorch's take."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.nn
import pullback.optim

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "centered": True, "momentum": 0.9, "weight_decay": 0.1}),
]


def trained(lib, name, settings):
    rng = np.random.default_rng(0)
    x = lib.tensor(rng.standard_normal((5, 3)).tolist(), dtype=lib.float64)
    target = lib.tensor([0, 1, 2, 3, 0])
    model = lib.nn.Linear(3, 4, dtype=lib.float64)
    state = {"weight": rng.standard_normal((4, 3)), "bias": rng.standard_normal(4)}
    model.load_state_dict({n: lib.tensor(v.tolist(), dtype=lib.float64) for n, v in state.items()})
    optimizer = getattr(lib.optim, name)(model.parameters(), **settings)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = lib.nn.CrossEntropyLoss()(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [losses, model.weight.tolist(), model.bias.tolist()]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_six_steps(backend, name, settings):
    with pb.use_backend(backend):
        found = trained(pb, name, settings)
    for own, expected in zip(found, trained(torch, name, settings), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-9)


ERRORS = [
    "SGD([], lr=0.1)",
    "SGD(p, lr=0.1)",
    "SGD([p * 2], lr=0.1)",
    "SGD([p], lr=-0.1)",
    "SGD([p], momentum=-0.1)",
    "SGD([p], nesterov=True)",
    "SGD([3])",
    "Adam([p], betas=(1.0, 0.9))",
    "Adam([p], eps=-1)",
    "RMSprop([p], alpha=-1)",
]


@pytest.mark.parametrize("expression", ERRORS)
def test_error(expression):
    found = []
    for lib in (pb, torch):
        with pytest.raises((TypeError, ValueError)) as error:
            eval("lib.optim." + expression, {"lib": lib, "p": lib.ones(2, requires_grad=True)})
        found.append((type(error.value), str(error.value)))
    assert found[0] == found[1]

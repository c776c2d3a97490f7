"""Optimizers take the steps that PyTorch's take."""

from __future__ import annotations

from itertools import product

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


#: Every setting that changes what a step does, alone and with the others.
CHOICES = {
    "SGD": {
        "momentum": [0, 0.9],
        "dampening": [0, 0.3],
        "weight_decay": [0, 0.1],
        "nesterov": [False, True],
        "maximize": [False, True],
    },
    "Adam": {"weight_decay": [0, 0.1], "amsgrad": [False, True], "maximize": [False, True]},
    "AdamW": {"weight_decay": [0, 0.1], "amsgrad": [False, True], "maximize": [False, True]},
    "RMSprop": {
        "momentum": [0, 0.9],
        "weight_decay": [0, 0.1],
        "centered": [False, True],
        "maximize": [False, True],
    },
}


def settings_of(name):
    choices = CHOICES[name]
    for values in product(*choices.values()):
        settings = dict(zip(choices, values, strict=True))
        if not settings.get("nesterov") or (settings["momentum"] and not settings["dampening"]):
            yield {"lr": 0.05, **settings}


def trajectory(lib, name, settings, dtype):
    """A parameter after each of six steps, and the optimizer's state after the last."""
    rng = np.random.default_rng(1)
    start, target = (rng.standard_normal((3, 2)) + 1j * rng.standard_normal((3, 2)) for _ in range(2))
    kind = getattr(lib, dtype)
    if not kind.is_complex:
        start, target = start.real, target.real
    parameter = lib.tensor(start.tolist(), dtype=kind, requires_grad=True)
    optimizer = getattr(lib.optim, name)([parameter], **settings)
    path = []
    for _ in range(6):
        optimizer.zero_grad()
        (parameter - lib.tensor(target.tolist(), dtype=kind)).abs().pow(1.5).sum().backward()
        optimizer.step()
        path.append(np.asarray(parameter.tolist()))
    (state,) = optimizer.state_dict()["state"].values() if optimizer.state else ({},)
    kept = {key: np.asarray(value.tolist()) for key, value in state.items() if hasattr(value, "tolist")}
    return path, {key: value for key, value in kept.items() if key != "step"}


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", ["float64", "complex128", "complex64"])
@pytest.mark.parametrize("name", CHOICES)
def test_trajectories_with_every_setting(backend, dtype, name):
    tolerance = {"rtol": 1e-9, "atol": 1e-12} if dtype != "complex64" else {"rtol": 2e-4, "atol": 1e-5}
    for settings in settings_of(name):
        with pb.use_backend(backend):
            path, state = trajectory(pb, name, settings, dtype)
        expected_path, expected_state = trajectory(torch, name, settings, dtype)
        assert state.keys() == expected_state.keys(), settings
        np.testing.assert_allclose(path, expected_path, err_msg=str(settings), **tolerance)
        for key, value in expected_state.items():
            assert state[key].dtype == value.dtype
            np.testing.assert_allclose(state[key], value, err_msg=f"{key} {settings}", **tolerance)


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

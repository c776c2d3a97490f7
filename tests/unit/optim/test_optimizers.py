"""Optimizers: groups, state, closures."""

from __future__ import annotations

import pytest

import pullback as pb
import pullback.optim
import pullback.testing
from pullback.optim import SGD, Adam, AdamW, RMSprop

BACKENDS = ["numpy", "jax"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SGD, {"lr": 0.1}),
        (SGD, {"lr": 0.02, "momentum": 0.9}),
        (Adam, {"lr": 0.1}),
        (AdamW, {"lr": 0.1}),
        (RMSprop, {}),
    ],
)
def test_each_finds_a_minimum(backend, kind, settings):
    x = pb.tensor([2.0, -3.0], requires_grad=True, backend=backend)
    optimizer = kind([x], **settings)
    for _ in range(150):
        optimizer.zero_grad()
        ((x - 1) ** 2).sum().backward()
        optimizer.step()
    assert ((x - 1) ** 2).sum().item() < 7
    assert x.is_leaf
    assert x.requires_grad


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
def test_a_complex_parameter_moves_as_its_two_parts_do(backend, kind):
    options = {"amsgrad": True} if issubclass(kind, Adam) else {"momentum": 0.5}
    start, goal = pb.tensor([0j, 1 - 1j], dtype=pb.complex128, backend=backend), 1 + 2j
    whole = start.clone().requires_grad_()
    parts = pb.view_as_real(start).clone().requires_grad_()
    optimizers = kind([whole], lr=0.1, **options), kind([parts], lr=0.1, **options)
    for _ in range(5):
        for optimizer, value in zip(optimizers, (whole, pb.view_as_complex(parts)), strict=True):
            optimizer.zero_grad()
            ((value - goal).abs() ** 2).sum().backward()
            optimizer.step()
    assert pb.testing.assert_close(pb.view_as_real(whole.detach()), parts.detach()) is None


def test_groups_have_settings_of_their_own():
    x, y = (pb.ones(1, requires_grad=True) for _ in range(2))
    optimizer = SGD([{"params": [x]}, {"params": y, "lr": 1.0}], lr=0.1)
    (x.sum() + y.sum()).backward()
    optimizer.step()
    assert (x.item(), y.item()) == (pytest.approx(0.9), 0.0)
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        optimizer.add_param_group({"params": [x]})


def test_a_parameter_without_gradient_stays():
    x, y = (pb.ones(1, requires_grad=True) for _ in range(2))
    optimizer = Adam([x, y])
    x.sum().backward()
    optimizer.step()
    assert y.item() == 1
    assert y not in optimizer.state


def test_a_closure_is_evaluated_with_gradients():
    x = pb.ones(1, requires_grad=True)
    optimizer = SGD([x], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with pb.no_grad():
        assert optimizer.step(closure).item() == 1
    assert x.item() == 0


def test_state_travels():
    x = pb.ones(1, requires_grad=True)
    optimizer = Adam([x], lr=0.1)

    def step(chosen):
        chosen.zero_grad()
        (x**3).sum().backward()
        chosen.step()

    step(optimizer)
    state, value = optimizer.state_dict(), x.item()
    assert state["param_groups"][0]["params"] == [0]
    state = {
        "state": {0: {k: v.clone() if k != "step" else v for k, v in state["state"][0].items()}},
        "param_groups": state["param_groups"],
    }
    step(optimizer)
    expected = x.item()
    with pb.no_grad():
        x.fill_(value)
    other = Adam([x], lr=5.0)
    other.load_state_dict(state)
    step(other)
    assert x.item() == expected
    with pytest.raises(ValueError, match="different number of parameter groups"):
        SGD([{"params": [x]}, {"params": [pb.ones(1)]}]).load_state_dict(state)


def test_it_prints_its_settings():
    assert repr(SGD([pb.ones(1)], lr=0.1)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.1\n    maximize: False\n    momentum: 0\n"
        "    nesterov: False\n    weight_decay: 0\n)"
    )

"""Device naming."""

from __future__ import annotations

import copy
import pickle

import pytest

from pullback.meta.devices import Device


@pytest.mark.parametrize(
    ("given", "text", "shown"),
    [
        (("cpu",), "cpu", "device(type='cpu')"),
        (("cuda",), "cuda", "device(type='cuda')"),
        (("cuda:1",), "cuda:1", "device(type='cuda', index=1)"),
        (("cuda", 0), "cuda:0", "device(type='cuda', index=0)"),
        ((2,), "cuda:2", "device(type='cuda', index=2)"),
    ],
)
def test_names(given, text, shown):
    device = Device(*given)
    assert str(device) == text
    assert repr(device) == shown
    assert device == Device(text) == Device(device)
    assert hash(device) == hash(Device(text))
    assert pickle.loads(pickle.dumps(device)) == copy.deepcopy(device) == device


def test_differences():
    assert Device("cuda") != Device("cuda:0")
    assert Device("cpu") != "cpu"


@pytest.mark.parametrize("text", ["", "CUDA", "cuda:", "cuda:-1", "cuda:01", "cuda:x", "cuda:0:1", " cpu"])
def test_malformed_names(text):
    with pytest.raises(RuntimeError, match="Invalid device string"):
        Device(text)


def test_wrong_arguments():
    with pytest.raises(RuntimeError, match="index was passed explicitly"):
        Device("cuda:1", 1)
    with pytest.raises(RuntimeError, match="must not be negative"):
        Device("cuda", -1)
    with pytest.raises(TypeError, match="argument 'type' must be str, not float"):
        Device(1.0)
    for first in (Device("cpu"), 0):
        with pytest.raises(RuntimeError, match="an index cannot follow"):
            Device(first, 1)

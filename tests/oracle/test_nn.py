"""Modules print, fail and begin as PyTorch's."""

from __future__ import annotations

import pytest

import pullback as pb
import pullback.nn

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

REPRESENTATIONS = [
    "nn.Linear(3, 4)",
    "nn.Linear(3, 4, bias=False)",
    "nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Dropout(0.5)), nn.LayerNorm(4))",
    "nn.Sequential()",
    "nn.ModuleList([nn.Sigmoid(), nn.Tanh()])",
    "nn.MSELoss()",
    "nn.CrossEntropyLoss()",
    "nn.BCEWithLogitsLoss()",
    "nn.Softmax(dim=1)",
    "nn.LogSoftmax(dim=1)",
    "nn.GELU()",
    "nn.SiLU()",
    "nn.ELU()",
    "nn.Softplus()",
    "nn.LeakyReLU(0.1)",
    "nn.ReLU(inplace=True)",
    "nn.Identity()",
    "nn.Parameter(lib.ones(2))",
    "nn.Parameter(lib.ones(2), requires_grad=False)",
    "list(nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2, bias=False))).state_dict())",
    "nn.Linear(2, 2).load_state_dict({'weight': lib.ones(2, 2)}, strict=False)",
]

ERRORS = [
    "nn.Linear(2, 2).load_state_dict({})",
    "nn.Linear(2, 2).load_state_dict({'weight': lib.ones(3, 2), 'bias': lib.ones(2), 'other': lib.ones(1)})",
    "nn.Linear(2, 2).missing",
    "nn.Module()(3)",
    "nn.Module().add_module('a.b', nn.ReLU())",
    "nn.Module().add_module('a', 3)",
    "nn.Module().register_parameter('w', lib.ones(2))",
    "nn.Module().to(lib.int64)",
    "nn.Dropout(2)",
    "setattr(nn.Linear(2, 2), 'weight', lib.ones(2, 2))",
    "nn.Sequential(nn.ReLU())[1]",
    "nn.Parameter(lib.ones(2, dtype=lib.int64))",
]


@pytest.mark.parametrize("expression", REPRESENTATIONS)
def test_representation(expression):
    found, expected = (repr(eval(expression, {"lib": lib, "nn": lib.nn})) for lib in (pb, torch))
    assert found == expected


@pytest.mark.parametrize("expression", ERRORS)
def test_error(expression):
    found = []
    for lib in (pb, torch):
        with pytest.raises(Exception) as error:  # noqa: PT011  the type is compared below
            eval(expression, {"lib": lib, "nn": lib.nn})
        found.append((type(error.value).__name__, str(error.value).rstrip()))
    assert found[0] == found[1]


def test_linear_starts_in_pytorchs_distribution():
    pb.manual_seed(0)
    layer, other = pb.nn.Linear(100, 400), torch.nn.Linear(100, 400)
    for own, reference in ((layer.weight, other.weight), (layer.bias, other.bias)):
        assert own.min().item() == pytest.approx(reference.min().item(), abs=2e-3)
        assert own.max().item() == pytest.approx(reference.max().item(), abs=2e-3)
        assert own.std().item() == pytest.approx(reference.std().item(), rel=0.1)

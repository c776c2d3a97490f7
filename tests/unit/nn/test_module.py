"""Modules: what they hold, their state, their modes, where they are."""

from __future__ import annotations

import copy
import pickle

import pytest

import pullback as pb
from pullback import nn

BACKENDS = ["numpy", "jax"]


def model(**place):
    return nn.Sequential(nn.Linear(3, 4, **place), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2, bias=False, **place))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.register_buffer("count", pb.zeros(()))
        self.register_buffer("scratch", pb.zeros(2), persistent=False)

    def forward(self, x):
        self.count += 1
        return self.second(self.first(x))


def test_parameters_and_modules_by_name():
    names = [name for name, _ in model().named_parameters()]
    assert names == ["0.weight", "0.bias", "3.weight"]
    assert [name for name, _ in model().named_modules()] == ["", "0", "1", "2", "3"]
    tied = Tied()
    assert [n for n, _ in tied.named_parameters()] == ["first.weight", "first.bias", "second.bias"]
    assert list(tied.state_dict()) == ["count", "first.weight", "first.bias", "second.weight", "second.bias"]
    assert dict(tied.named_buffers()).keys() == {"count", "scratch"}
    assert tied.get_submodule("first") is tied.first
    assert "first" in dir(tied)


def test_attributes_can_change_what_they_are():
    module = nn.Module()
    module.x = 3
    module.x = nn.Parameter(pb.ones(2))
    assert [n for n, _ in module.named_parameters()] == ["x"]
    module.x = nn.ReLU()
    assert list(module.parameters()) == []
    del module.x
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'x'"):
        _ = module.x


def test_results_of_operations_on_parameters_are_plain_tensors():
    parameter = nn.Parameter(pb.ones(2))
    assert isinstance(parameter, pb.Tensor)
    assert type(parameter * 2) is pb.Tensor
    assert type(parameter.detach()) is pb.Tensor
    assert parameter.is_leaf
    assert type(copy.deepcopy(parameter)) is nn.Parameter


@pytest.mark.parametrize("backend", BACKENDS)
def test_state_travels(backend):
    with pb.use_backend(backend):
        source, target = model(), model()
        x = pb.ones(2, 3)
        target.load_state_dict(source.state_dict())
        source.eval()
        target.eval()
        assert pb.equal(source(x), target(x))
        state = source.state_dict()
        with pb.no_grad():
            source[0].weight.zero_()
        assert not state["0.weight"].any()  # it shares the module's memory
        with pytest.raises(RuntimeError, match="size mismatch for 0\\.weight"):
            target.load_state_dict({**state, "0.weight": pb.ones(1)})
        assert target[0].weight.any()


def test_training_and_evaluation():
    module = model()
    assert module.training
    assert module.eval() is module
    assert not module[2].training
    x = pb.ones(5, 3)
    assert pb.equal(module(x), module(x))
    module.train()
    assert module[2].training


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none):
    module = nn.Linear(2, 2)
    module(pb.ones(1, 2)).sum().backward()
    module.zero_grad(set_to_none)
    assert module.weight.grad is None if set_to_none else not module.weight.grad.any()


def test_a_module_moves_between_backends_and_dtypes():
    module = model()
    parameter = module[0].weight
    state = module.state_dict()
    module.to("jax")
    assert module[0].weight is parameter
    assert parameter.backend.name == "jax"
    assert state["0.weight"].backend.name == "numpy"
    with pb.no_grad():
        parameter.zero_()
    assert state["0.weight"].backend.name == "numpy"
    module.double()
    out = module(pb.ones(1, 3, dtype=pb.float64, backend="jax"))
    assert (out.dtype, out.backend.name) == (pb.float64, "jax")
    out.sum().backward()
    assert parameter.grad.backend.name == "jax"
    module.to("numpy", pb.float32)
    assert (parameter.grad.backend.name, parameter.grad.dtype) == ("numpy", pb.float32)


def test_containers():
    module = model()
    assert len(module) == 4
    assert module[-1] is module[3]
    assert len(module[:2]) == 2
    module.append(nn.Tanh())
    assert isinstance(module[4], nn.Tanh)
    del module[0]
    assert [n for n, _ in module.named_children()] == ["0", "1", "2", "3"]
    listed = nn.ModuleList([nn.Linear(1, 1)]).extend([nn.Linear(1, 1)])
    assert len(list(listed.parameters())) == 4


def test_apply_and_requires_grad():
    module = model()
    seen = []
    module.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "Dropout", "Linear", "Sequential"]
    module.requires_grad_(False)
    assert not any(p.requires_grad for p in module.parameters())


def test_copies_are_apart():
    module = model()
    other = copy.deepcopy(module)
    with pb.no_grad():
        other[0].weight.zero_()
    assert module[0].weight.any()
    assert isinstance(other[0].weight, nn.Parameter)


@pytest.mark.parametrize("backend", BACKENDS)
def test_initialisations(backend):
    with pb.use_backend(backend):
        pb.manual_seed(0)
        weight = nn.Parameter(pb.empty(300, 100))
        bounds = {
            "kaiming_uniform_": (6 / 100) ** 0.5,
            "xavier_uniform_": (6 / 400) ** 0.5,
        }
        for name, bound in bounds.items():
            getattr(nn.init, name)(weight)
            assert weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
        deviations = {"kaiming_normal_": (2 / 100) ** 0.5, "xavier_normal_": (2 / 400) ** 0.5}
        for name, deviation in deviations.items():
            getattr(nn.init, name)(weight)
            assert weight.std().item() == pytest.approx(deviation, rel=0.02)
        assert nn.init.zeros_(weight) is weight
        assert not weight.any()
        assert weight.requires_grad


def test_a_parameter_pickles():
    parameter = nn.Parameter(pb.ones(2))
    other = pickle.loads(pickle.dumps(parameter))
    assert type(other) is nn.Parameter
    assert (other.tolist(), other.requires_grad) == ([1, 1], True)

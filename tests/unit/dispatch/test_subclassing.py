"""Tensor subclasses: how instances are made, what they share, what they keep."""

from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import pytest

import pullback as pb

BACKENDS = ("numpy", "jax")


class Signal(pb.Tensor):
    pass


class Sampled(pb.Tensor):
    """With a constructor of its own and an attribute."""

    def __new__(cls, data, rate):
        return super().__new__(cls, data)

    def __init__(self, data, rate):
        self.rate = rate


class Slotted(pb.Tensor):
    __slots__ = ("extra",)


@pytest.fixture(params=BACKENDS)
def backend(request):
    with pb.use_backend(request.param):
        yield request.param


def duplicates(tensor):
    return [copy.copy(tensor), copy.deepcopy(tensor), pickle.loads(pickle.dumps(tensor))]


def test_an_instance_is_made_as_a_tensor_is(backend):
    assert repr(Signal([1, 2])) == "Signal([1., 2.])"
    assert Signal(2, 3).shape == (2, 3)
    assert Signal().shape == (0,)
    assert repr(Signal([[1.0], [2.0]])) == "Signal([[1.],\n        [2.]])"


def test_the_constructor_gives_a_view_of_a_tensor(backend):
    x = pb.ones(2, requires_grad=True)
    signal = Signal(x)
    assert signal.grad_fn.name() == "AliasBackward0"
    assert type(pb.Tensor(signal)) is pb.Tensor
    assert vars(pb.Tensor)["fast_backend"] is vars(pb.Tensor)["backend"]


def test_as_subclass_shares_memory_and_history(backend):
    x = pb.zeros(2)
    signal = x.as_subclass(Signal)
    signal.add_(1)
    x.mul_(3)
    assert x.tolist() == signal.tolist() == [3.0, 3.0]
    assert signal._is_view()
    assert signal._version == x._version == 2
    leaf = pb.ones(2, requires_grad=True)
    (leaf.as_subclass(Signal) * 2).sum().backward()
    assert leaf.grad.tolist() == [2.0, 2.0]


def test_make_subclass_gives_a_leaf_that_shares_memory(backend):
    x = pb.ones(2)
    leaf = pb.Tensor._make_subclass(Signal, x, True)
    assert (leaf.is_leaf, leaf.requires_grad, leaf._is_view()) == (True, True, False)
    x.mul_(5)
    assert leaf.tolist() == [5.0, 5.0]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: pb.ones(1).as_subclass(3), r"cls must be a type \(got int\)"),
        (
            lambda: pb.ones(1).as_subclass(int),
            "Creating a Tensor subclass from a class that does not inherit from Tens",
        ),
        (lambda: pb.Tensor._make_subclass(int, pb.ones(1)), "Creating a Tensor subclass from a class that does not"),
        (
            lambda: pb.Tensor._make_subclass(Signal, 3),
            r"_make_subclass\(\): argument 'data' \(position 2\) must be Tens",
        ),
    ],
)
def test_other_classes_are_refused(call, text):
    with pytest.raises(TypeError, match=text):
        call()


def test_a_leaf_of_integers_cannot_require_gradients():
    with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"):
        pb.Tensor._make_subclass(Signal, pb.tensor([1]), True)


def test_views_of_an_instance_share_its_memory_and_class(backend):
    signal = Signal([1.0, 2.0, 3.0])
    part = signal[1:]
    part.zero_()
    signal.add_(1)
    assert type(part) is Signal
    assert (signal.tolist(), part.tolist()) == ([2.0, 1.0, 1.0], [1.0, 1.0])
    signal.t_()
    assert type(signal) is Signal


def test_a_write_into_a_result_reaches_its_history(backend):
    leaf = Signal([1.0, 2.0]).requires_grad_()
    doubled = leaf * 2
    doubled[0].mul_(5)
    doubled.sum().backward()
    assert leaf.grad.tolist() == [10.0, 2.0]


def test_hooks_of_an_instance(backend):
    leaf = Signal([1.0, 2.0]).requires_grad_()
    seen = []
    leaf.register_hook(lambda grad: seen.append(grad) or grad * 2)
    result = leaf * 3
    result.retain_grad()
    result.sum().backward()
    assert leaf.grad.tolist() == [6.0, 6.0]
    assert result.grad.tolist() == [1.0, 1.0]
    assert len(seen) == 1


def test_a_constructor_and_attributes_of_ones_own():
    sampled = Sampled([1.0, 2.0], rate=100)
    assert sampled.rate == 100
    assert not hasattr(sampled * 2, "rate")
    for duplicate in duplicates(sampled):
        assert type(duplicate) is Sampled
        assert duplicate.rate == 100
        assert duplicate.tolist() == [1.0, 2.0]


def test_attributes_are_copied_as_deep_as_asked():
    signal = Signal([1.0])
    signal.tags = ["a"]
    shallow, deep, unpickled = duplicates(signal)
    assert shallow.tags is signal.tags
    assert deep.tags == unpickled.tags == ["a"]
    assert deep.tags is not signal.tags
    signal.me = signal
    assert copy.deepcopy(signal).me is not signal


def test_slots_are_kept():
    slotted = Slotted([1.0])
    slotted.extra = 5
    assert type(slotted + 1) is Slotted
    assert not hasattr(slotted + 1, "extra")
    assert [d.extra for d in duplicates(slotted)] == [5, 5, 5]


def test_a_subclass_says_what_its_state_is():
    class Stateful(Signal):
        def __getstate__(self):
            return {"half": self.whole / 2}

        def __setstate__(self, state):
            self.whole = state["half"] * 2

    stateful = Stateful([1.0])
    stateful.whole = 4
    assert copy.copy(stateful).whole == 4.0


def test_keywords_of_a_class_statement_reach_its_own_init_subclass():
    class Registered(pb.Tensor):
        kinds: ClassVar[dict[str, type]] = {}

        def __init_subclass__(cls, kind, **kwargs):
            super().__init_subclass__(**kwargs)
            cls.kinds[kind] = cls

    class First(Registered, kind="first"):
        pass

    assert Registered.kinds == {"first": First}
    assert type(First([1.0]) + 1) is First


def test_an_init_subclass_that_keeps_to_itself_does_no_harm():
    class Closed(pb.Tensor):
        def __init_subclass__(cls):
            pass

    class Inner(Closed):
        pass

    assert type(Inner([1.0]) + 1) is type(pb.ones(1).as_subclass(Inner) + 1) is Inner


def test_isinstance_and_hash_are_by_class_and_identity():
    signal = Signal([1.0])
    assert isinstance(signal, pb.Tensor)
    assert pb.is_tensor(signal)
    assert signal in {signal}
    assert {signal: 1}[signal] == 1
    assert Signal([1.0]) not in {signal}


def test_a_parameter_made_of_an_instance_keeps_the_class(backend):
    parameter = pb.nn.Parameter(Signal([1.0, 2.0]))
    assert type(parameter) is Signal
    assert isinstance(parameter, pb.nn.Parameter)
    assert repr(parameter) == "Parameter(Signal([1., 2.], requires_grad=True))"
    module = pb.nn.Module()
    module.weight = parameter
    assert list(module.parameters()) == [parameter]
    (module.weight * 3).sum().backward()
    pb.optim.SGD(module.parameters(), lr=1.0).step()
    assert parameter.tolist() == [-2.0, -1.0]
    assert isinstance(copy.deepcopy(module).weight, pb.nn.Parameter)
    assert not isinstance(Signal([1.0]), pb.nn.Parameter)


def test_a_subclass_of_parameter_shows_its_name():
    class Learned(pb.nn.Parameter):
        pass

    learned = Learned(pb.ones(1))
    assert repr(learned) == "Parameter containing:\nParameter(Learned([1.], requires_grad=True))"
    assert type(learned + 1) is pb.Tensor
    assert isinstance(copy.deepcopy(learned), Learned)


def test_a_subclass_whose_detach_is_another_class_makes_no_parameter():
    class Leaving(pb.Tensor):
        def detach(self):
            return pb.ones(1)

    with pytest.raises(
        RuntimeError, match="requires that detach\\(\\) returns an instance of the same type, but return"
    ):
        pb.nn.Parameter(Leaving([1.0]))


def test_a_parameter_shares_the_memory_of_its_data(backend):
    data = pb.zeros(2)
    parameter = pb.nn.Parameter(data)
    data.add_(1)
    assert parameter.tolist() == [1.0, 1.0]
    with pb.no_grad():
        parameter.add_(1)
    assert data.tolist() == [2.0, 2.0]
    assert data._version == 1


def test_formatting_takes_no_spec():
    assert f"{Signal([1.0])}" == "Signal([1.])"
    with pytest.raises(TypeError, match=r"unsupported format string passed to Signal\.__format__"):
        f"{Signal([1.0])[0]:.2f}"

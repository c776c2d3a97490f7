"""``__pullback_function__``: who is asked, about what, in which order, and that nobody else pays."""

from __future__ import annotations

import inspect
import subprocess
import sys
import types
from typing import ClassVar

import pytest

import pullback as pb
from pullback.extend import Composite, Operation, intercept, registry
from pullback.overrides import (
    DisablePullbackFunction,
    DisablePullbackFunctionSubclass,
    PullbackFunctionMode,
    disabled_pullback_function_impl,
    get_ignored_functions,
    get_overridable_functions,
    handle_pullback_function,
    has_pullback_function,
    is_tensor_like,
    is_tensor_method_or_property,
    resolve_name,
    wrap_pullback_function,
)

BACKENDS = ("numpy", "jax")


class Plain(pb.Tensor):
    """A subclass that overrides nothing itself."""


class Child(Plain):
    pass


class Other(pb.Tensor):
    pass


class Logged(pb.Tensor):
    calls: ClassVar[list[tuple[object, ...]]] = []

    @classmethod
    def __pullback_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((resolve_name(func), types, args, kwargs))
        return super().__pullback_function__(func, types, args, kwargs)


class Duck:
    """No Tensor: it answers with what it was asked."""

    @classmethod
    def __pullback_function__(cls, func, types, args=(), kwargs=None):
        return func, types, args, kwargs


class Helpless:
    @classmethod
    def __pullback_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


@pytest.fixture(params=BACKENDS)
def backend(request):
    with pb.use_backend(request.param):
        yield request.param


@pytest.fixture
def calls():
    Logged.calls.clear()
    return Logged.calls


def test_results_are_of_the_subclass(backend):
    x = Plain([[1.0, 2.0], [3.0, 4.0]])
    results = [
        x + 1,
        1 - x,
        pb.ones(2, 2) * x,
        x @ x,
        x == x,
        x.sum(),
        x[0],
        x.T,
        x.flatten(),
        x.clone(),
        x.detach(),
        x.data,
        x.double(),
        x.new_zeros(2),
        pb.zeros_like(x),
        pb.cat([pb.ones(2, 2), x]),
        pb.where(x > 1, 0.0, x),
        pb.einsum("ij->", x),
        pb.nn.functional.softmax(x, 0),
        *x.unbind(),
        *pb.max(x, 1),
        *x,
    ]
    assert {type(r) for r in results} == {Plain}
    assert {r.backend.name for r in results} == {backend}


def test_results_have_the_values_of_plain_tensors(backend):
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    y = x.as_subclass(Plain)
    assert (y.T @ y - y.sum(0)).exp().tolist() == (x.T @ x - x.sum(0)).exp().tolist()


def test_the_class_is_asked_about_the_public_function_with_the_arguments_of_the_call(calls):
    x = Logged([1.0, 2.0])
    pb.add(x, 1, alpha=2)
    x + 1
    x.sum(0)
    pb.ones(2) + x
    x.flatten()
    assert [c[0] for c in calls] == [
        "pullback.add",
        "pullback.Tensor.add",
        "pullback.Tensor.sum",
        "pullback.Tensor.add",
        "pullback.flatten",
    ]
    assert calls[0][2:] == ((x, 1), {"alpha": 2})
    assert calls[2][2:] == ((x, 0), {})
    assert all(c[1] == (Logged,) for c in calls)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("pullback.nn.functional.softmax", lambda x: pb.nn.functional.softmax(x, 0)),
        ("pullback.einsum", lambda x: pb.einsum("i,i->", x, x)),
        ("pullback.var_mean", pb.var_mean),
        ("pullback.Tensor.__getitem__", lambda x: x[0]),
        ("pullback.Tensor.__repr__", repr),
        ("pullback.Tensor.tolist", lambda x: x.tolist()),
        ("pullback.Tensor.shape.__get__", lambda x: x.shape),
        ("pullback.Tensor.grad.__get__", lambda x: x.grad),
        ("pullback.Tensor.add_", lambda x: x.add_(1)),
        ("pullback.Tensor.add_", lambda x: pb.ones(2).add_(x)),
        ("pullback.Tensor.requires_grad.__set__", lambda x: setattr(x, "requires_grad", True)),
        ("pullback.is_floating_point", pb.is_floating_point),
        ("pullback.add", lambda x: pb.add(pb.ones(2), 1, out=x)),
    ],
)
def test_a_function_made_of_others_asks_once(calls, name, call):
    call(Logged([1.0, 2.0]))
    assert [c[0] for c in calls] == [name]


def test_backward_asks_once_and_gradients_are_plain(backend, calls):
    x = Logged([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    calls.clear()
    loss.backward()
    assert [c[0] for c in calls] == ["pullback.Tensor.backward"]
    assert type(x.grad) is pb.Tensor
    assert x.grad.tolist() == [2.0, 4.0]
    (grad,) = pb.autograd.grad((x * x).sum(), x, create_graph=True)
    assert type(grad) is Logged
    assert grad.requires_grad


def test_a_subclass_result_has_an_alias_node(backend):
    x = Plain([1.0, 2.0]).requires_grad_()
    y = x * 2
    assert y.grad_fn.name() == "AliasBackward0"
    assert y.grad_fn.next_functions[0][0].name() == "MulBackward0"


@pytest.mark.parametrize(
    ("left", "right", "result"), [(Plain, Child, Child), (Child, Plain, Child), (Plain, pb.Tensor, Plain)]
)
def test_subclasses_come_before_their_superclasses(left, right, result):
    assert type(left([1.0]) + right([1.0])) is result


def test_unrelated_subclasses_know_nothing_of_each_other():
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'Plain' and 'Other'"):
        Plain([1.0]) + Other([1.0])
    with pytest.raises(TypeError) as error:
        pb.cat([Plain([1.0]), Other([1.0])])
    assert str(error.value) == (
        "Multiple dispatch failed for 'pullback.cat'; all __pullback_function__ handlers returned NotImplemented:\n"
        f"\n  - tensor subclass {Plain}\n  - tensor subclass {Other}"
    )


def test_classes_are_asked_from_left_to_right_until_one_knows():
    asked = []

    class First(pb.Tensor):
        @classmethod
        def __pullback_function__(cls, func, types, args=(), kwargs=None):
            asked.append((cls, types))
            return NotImplemented

    class Second(First):
        @classmethod
        def __pullback_function__(cls, func, types, args=(), kwargs=None):
            asked.append((cls, types))
            return "known"

    assert pb.stack([pb.ones(1), First([1.0]), Other([1.0]), Second([1.0]), First([2.0])]) == "known"
    assert asked == [(Second, (Second, First, Other))]


def test_an_object_that_is_no_tensor_stands_in_the_place_of_one():
    duck, x = Duck(), pb.ones(1)
    assert pb.add(duck, 1) == (pb.add, (Duck,), (duck, 1), {})
    assert (x + duck)[0] is pb.Tensor.add
    assert (duck + x)[2] == (x, duck)
    assert pb.cat([x, duck])[1:] == ((Duck,), ([x, duck],), {})
    assert pb.flatten(duck)[0] is pb.flatten
    assert pb.nn.functional.relu(duck)[0] is pb.nn.functional.relu
    assert x[duck][2] == (x, duck)
    assert x.add_(duck)[0] is pb.Tensor.add_
    assert x.tolist() == [1.0]


def test_nobody_knowing_is_a_type_error():
    with pytest.raises(TypeError, match=r"^Multiple dispatch failed for 'pullback.add'; all"):
        pb.add(Helpless(), 1)
    with pytest.raises(TypeError, match=r"^no implementation found for 'pullback.nn.functional.relu' on types that"):
        pb.nn.functional.relu(Helpless())
    for operate in (lambda: pb.ones(1) - Helpless(), lambda: Helpless() / pb.ones(1), lambda: pb.ones(1) < Helpless()):
        with pytest.raises(TypeError, match=r"not supported between|unsupported operand"):
            operate()
    assert (pb.ones(1) == Helpless()) is False


def test_a_plain_method_is_asked_with_a_warning():
    class Careless:
        def __pullback_function__(self, func, types, args=(), kwargs=None):
            return 5

    with pytest.warns(UserWarning, match="Defining your `__pullback_function__` as a plain method is deprecated"):
        assert pb.add(Careless(), 1) == 5


def test_an_error_of_the_handler_reaches_the_caller():
    class Refusing(pb.Tensor):
        @classmethod
        def __pullback_function__(cls, func, types, args=(), kwargs=None):
            raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no$"):
        Refusing([1.0]) * 2


def test_errors_are_those_of_plain_tensors():
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(2\) must match the size of tensor b \(3\)"):
        Plain([1.0, 2.0]) + Plain([1.0, 2.0, 3.0])
    leaf = Plain([1.0]).requires_grad_()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        leaf.add_(1)
    assert leaf.tolist() == [1.0]


def test_a_class_may_opt_out():
    class Ordinary(pb.Tensor):
        __pullback_function__ = disabled_pullback_function_impl

    x = Ordinary([1.0])
    assert type(x + 1) is type(x[0]) is type(x.ravel().square()) is pb.Tensor
    assert type(x + Plain([1.0])) is Plain
    assert x.fast_backend is x.backend
    assert type(pb.nn.Parameter(pb.ones(1)) + 1) is pb.Tensor


def test_an_opted_out_class_can_opt_in_again():
    class Learned(pb.nn.Parameter):
        __pullback_function__ = classmethod(pb.Tensor.__pullback_function__.__func__)

    assert type(Learned(pb.ones(1)) * 2) is Learned


def test_disabling_gives_plain_results_and_ends_with_the_block():
    x = Plain([1.0])
    with DisablePullbackFunctionSubclass():
        assert type(x + 1) is type(x.unflatten(0, (1, 1))) is type(x[0]) is pb.Tensor
        assert not has_pullback_function((x,))
    assert type(x + 1) is Plain


def test_a_method_that_calls_super_is_asked_about_inside():
    class Named(pb.Tensor):
        def add(self, other):
            result = super().add(other)
            result.origin = "add"
            return result

    result = Named([1.0]).add(1)
    assert type(result) is Named
    assert result.origin == "add"


def test_interceptors_see_the_operations_inside(calls):
    names = []

    def note(operation, operands, attributes, proceed):
        names.append(operation.name)
        return proceed()

    with intercept(note):
        Logged([1.0]) * 2
    assert [c[0] for c in calls] == ["pullback.Tensor.mul"]
    assert names[0] == "mul"


def test_forward_mode_goes_through_subclasses(backend):
    forward_ad = pb.autograd.forward_ad
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(Plain([1.0, 2.0]), pb.tensor([1.0, 10.0]))
        primal, tangent = forward_ad.unpack_dual((dual * dual).flatten())
    assert tangent.tolist() == [2.0, 40.0]
    assert type(dual) is type(primal) is type(tangent) is Plain


# -- modes ------------------------------------------------------------------------------------------------------------


class Names(PullbackFunctionMode):
    def __init__(self):
        self.names = []

    def __pullback_function__(self, func, types, args=(), kwargs=None):
        self.names.append(resolve_name(func))
        return func(*args, **(kwargs or {}))


def test_a_mode_sees_calls_on_plain_tensors_and_those_that_make_tensors():
    with Names() as mode:
        x = pb.ones(2)
        x + 1
        x.sum().item()
        pb.nn.functional.relu(x)
        x[0]
        pb.tensor([1.0])
        Plain([1.0]) * 2
    x + 1
    assert mode.names == [
        "pullback.ones",
        "pullback.Tensor.add",
        "pullback.Tensor.sum",
        "pullback.Tensor.item",
        "pullback.nn.functional.relu",
        "pullback.Tensor.__getitem__",
        "pullback.tensor",
        "pullback.Tensor.mul",
    ]


def test_modes_nest_and_the_innermost_comes_first():
    order = []

    class Noting(PullbackFunctionMode):
        def __init__(self, name):
            self.name = name

        def __pullback_function__(self, func, types, args=(), kwargs=None):
            order.append(self.name)
            return func(*args, **(kwargs or {}))

    x = pb.ones(1)
    with Noting("outer"), Noting("inner"):
        x + 1
    with Noting("again"), pb.no_grad():
        x + 1
    assert order == ["inner", "outer", "again"]


def test_a_mode_comes_before_classes_and_may_leave_the_call_to_them(calls):
    class Passing(PullbackFunctionMode):
        def __pullback_function__(self, func, types, args=(), kwargs=None):
            calls.append(("mode", types))
            return NotImplemented

    duck = Duck()
    with Passing():
        assert pb.add(duck, 1) == (pb.add, (Duck,), (duck, 1), {})
    assert calls == [("mode", (Duck,))]
    with pytest.raises(TypeError, match=r"(?s)for 'pullback.ones'.*- mode object <.*Passing"), Passing():
        pb.ones(1)


def test_a_mode_must_define_what_it_does():
    class Empty(PullbackFunctionMode):
        pass

    with pytest.raises(NotImplementedError), Empty():
        pb.ones(1)
    assert pb.ones(1).tolist() == [1.0]


def test_everything_can_be_disabled():
    with Names() as mode, DisablePullbackFunction():
        assert type(Plain([1.0]) + 1) is pb.Tensor
    assert mode.names == []


def test_formulas_of_a_backward_pass_ask_nobody():
    x = pb.ones(2, requires_grad=True)
    y = (x * x).sum()
    with Names() as mode:
        y.backward()
    assert mode.names == ["pullback.Tensor.backward"]


# -- the functions about it -------------------------------------------------------------------------------------------


def test_what_is_like_a_tensor():
    assert is_tensor_like(pb.ones(1))
    assert is_tensor_like(Duck())
    assert not is_tensor_like(3)
    assert has_pullback_function((1, Plain([1.0])))
    assert has_pullback_function([Duck()])
    assert not has_pullback_function((1, pb.ones(1), pb.nn.Parameter(pb.ones(1))))


def test_names_of_functions():
    assert resolve_name(pb.add) == "pullback.add"
    assert resolve_name(pb.Tensor.add_) == "pullback.Tensor.add_"
    assert resolve_name(pb.Tensor.shape.__get__) == "pullback.Tensor.shape.__get__"
    assert resolve_name(pb.Tensor.grad.__set__) == "pullback.Tensor.grad.__set__"
    assert resolve_name(print) is None
    assert is_tensor_method_or_property(pb.Tensor.add)
    assert not is_tensor_method_or_property(pb.add)


def test_every_public_operation_can_be_overridden_by_an_argument():
    overridable = set(get_overridable_functions()[pb]) | set(get_overridable_functions()[pb.Tensor])
    declared = {r.call for r in registry.values() if r.name in pb.__all__ and getattr(pb, r.name) is r.call}
    assert declared - overridable <= get_ignored_functions()
    assert pb.tensor in get_ignored_functions()
    assert pb.add in overridable


@pytest.mark.parametrize("name", sorted(n for n, r in registry.items() if isinstance(r, Composite)))
def test_composites_ask_the_class_of_their_first_argument(name):
    function = getattr(pb, name, None)
    if function is None or function in get_ignored_functions() or name == "broadcast_shapes":
        function = getattr(pb.Tensor, name, None)
    if isinstance(function, types.FunctionType):
        parameters = inspect.signature(function).parameters.values()
        needed = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        assert function(*(Duck() for _ in needed or [None]))[0] is function


def test_functions_of_ones_own_become_overridable():
    @wrap_pullback_function(lambda x, scale=1: (x,))
    def scaled(x, scale=1):
        return x * scale

    assert scaled(Duck(), scale=2)[0] is scaled
    assert scaled(pb.ones(1), scale=2).tolist() == [2.0]

    def doubled(x):
        if has_pullback_function((x,)):
            return handle_pullback_function(doubled, (x,), x)
        return x * 2

    duck = Duck()
    assert doubled(duck) == (doubled, (Duck,), (duck,), {})
    assert doubled(pb.ones(1)).tolist() == [2.0]
    with pytest.raises(TypeError, match="Multiple dispatch failed"):
        handle_pullback_function(doubled, (1,), 1)


def test_nothing_is_changed_before_a_class_overrides():
    program = (
        "import pullback as pb\n"
        "code = pb.flatten.__code__, pb.Tensor.tolist.__code__\n"
        "pb.nn.Parameter(pb.ones(1)) * 2\n"
        "assert (pb.flatten.__code__, pb.Tensor.tolist.__code__) == code\n"
        "class Duck:\n"
        "    @classmethod\n"
        "    def __pullback_function__(cls, func, types, args=(), kwargs=None):\n"
        "        return func is pb.exp\n"
        "assert pb.exp(Duck()) is True\n"
        "assert pb.flatten(Duck()) is False\n"
        "assert pb.flatten.__code__ is not code[0]\n"
        "import inspect\n"
        "assert list(inspect.signature(pb.flatten).parameters) == ['input', 'start_dim', 'end_dim']\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_bodies_of_operations_are_left_as_they_were_declared() -> None:
    class Plain(pb.Tensor):
        pass

    assert type(Plain([1.0]).softmax(0)) is Plain
    for record in registry.values():
        if isinstance(record, Operation):
            assert "overridable" not in record.function.__code__.co_filename, record.name

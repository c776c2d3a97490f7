"""Overriding functions does in pullback what it does in PyTorch: one program, run on both."""

from __future__ import annotations

import re
import warnings

import pytest

import pullback as pb

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="the oracle extra installs it")


def classes(lib):
    """A plain subclass and its child, an unrelated one, one that notes what it is asked, two that are no tensors."""
    method = "__torch_function__" if lib is torch else "__pullback_function__"

    class My(lib.Tensor):
        pass

    class Child(My):
        pass

    class Other(lib.Tensor):
        pass

    class Log(lib.Tensor):
        def asked(cls, func, types, args=(), kwargs=None):
            cls.names.append((named(lib, func), [t.__name__ for t in types]))
            return getattr(super(), method)(func, types, args, kwargs or {})

    Log.names = []
    setattr(Log, method, classmethod(Log.asked))

    class Duck:
        def asked(cls, func, types, args=(), kwargs=None):
            name = named(lib, func)
            return name, [t.__name__ for t in types], [type(a).__name__ for a in args]

    setattr(Duck, method, classmethod(Duck.asked))

    class Helpless:
        def asked(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    setattr(Helpless, method, classmethod(Helpless.asked))
    return {"My": My, "Child": Child, "Other": Other, "Log": Log, "Duck": Duck, "Helpless": Helpless}


def named(lib, func):
    """The name users know the function by, without the library's, nor the module's it is in."""
    name = lib.overrides.resolve_name(func) or func.__name__
    return name.removeprefix("torch.").removeprefix("pullback.").removeprefix("functional.").removeprefix("autograd.")


def described(value):
    if isinstance(value, tuple | list):
        return [type(value).__name__, *map(described, value)]
    if hasattr(value, "grad_fn"):
        node = value.grad_fn.name() if value.grad_fn is not None else None
        return type(value).__name__, str(value.dtype), value.tolist(), value.requires_grad, node, repr(value)
    return type(value).__name__, repr(value)


def outcome(lib, expression):
    names = classes(lib)
    names |= {
        "lib": lib,
        "F": lib.nn.functional,
        "m": names["My"]([[1.0, 2.0], [3.0, 4.0]]),
        "l": names["Log"]([[1.0, 2.0], [3.0, 4.0]]),
        "g": names["My"]([1.0, 2.0]).requires_grad_(),
        "x": lib.ones(2, 2),
    }
    log = names["Log"].names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(expression, names)
            log = list(log)
            found = described(result) if "Log" not in type(result).__name__ else type(result).__name__
        except Exception as error:
            log = list(log)
            text = str(error).split("\n\nFor more information")[0]
            found = type(error).__name__, re.sub(r"<class '[^']*\.(\w+)'>", r"\1", text).replace("pullback", "torch")
    return found, log


def agree(expression):
    assert outcome(pb, expression) == outcome(torch, expression)


@pytest.mark.parametrize(
    "expression",
    [
        "m + 1",
        "1 - m",
        "2 / m",
        "2 ** m",
        "x * m",
        "m @ m",
        "m == m",
        "-m",
        "m[0]",
        "m[0, 0]",
        "m.T",
        "m.sum()",
        "m.max(1)",
        "m.unbind()",
        "list(m)",
        "m.shape",
        "m.tolist()",
        "m.detach()",
        "m.data",
        "m.double()",
        "m.to(lib.int64)",
        "m.new_zeros(2)",
        "m.add_(1)",
        "x.add_(m)",
        "lib.zeros_like(m)",
        "lib.cat([x, m])",
        "lib.stack((m,))",
        "lib.where(m > 1, m, 0.)",
        "lib.einsum('ij->j', m)",
        "lib.var_mean(m)",
        "lib.broadcast_tensors(m, x)",
        "lib.tensor_split(m, 2)",
        "lib.equal(m, m)",
        "F.softmax(m, 0)",
        "F.linear(m, x)",
        "lib.Tensor(m)",
        "My(x)",
        "My([1, 2])",
        "My()",
        "x.as_subclass(My)",
        "m.as_subclass(lib.Tensor)",
        "lib.Tensor._make_subclass(My, x, True)",
        "lib.tensor(m)",
        "lib.as_tensor(m)",
        "lib.nn.Parameter(m)",
        "lib.nn.Parameter(x) + 1",
        "lib.nn.Parameter(x)[0]",
        "g * 2",
        "g[0]",
        "(g * 2).sum()",
        "(g * g).mul_(3)",
        "lib.autograd.grad((g * g).sum(), g)",
        "lib.autograd.grad((g * g).sum(), g, create_graph=True)",
        "[(g * g).sum().backward(), g.grad]",
        "Child([1.]) + My([1.])",
        "My([1.]) + Child([1.])",
        "My([1.]) + Other([1.])",
        "lib.add(My([1.]), Other([1.]))",
        "My([1.]).add(Other([1.]))",
        "lib.cat([My([1.]), Other([1.])])",
        "lib.add(Duck(), 1)",
        "x + Duck()",
        "Duck() + x",
        "lib.add(x, Duck())",
        "x.add(Duck())",
        "x.add_(Duck())",
        "lib.cat([x, Duck()])",
        "m + Duck()",
        "F.relu(Duck())",
        "lib.flatten(Duck())",
        "lib.einsum('i->', Duck())",
        "lib.add(Helpless(), 1)",
        "x.add(Helpless())",
        "x + Helpless()",
        "Helpless() - x",
        "x == Helpless()",
        "x < Helpless()",
        "F.relu(Helpless())",
        "lib.flatten(Helpless())",
        "lib.tensor(Helpless())",
        "x.as_subclass(int)",
        "x.as_subclass(3)",
        "lib.Tensor._make_subclass(My, 3)",
        "format(m[0, 0], '.2f')",
    ],
)
def test_results_and_errors(expression):
    agree(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "l + 1",
        "1 + l",
        "l - 1",
        "l * l",
        "l @ l",
        "-l",
        "abs(l)",
        "lib.add(l, 1, alpha=2)",
        "l.add(1)",
        "lib.sum(l, 0)",
        "l.sum(dim=0)",
        "l[0]",
        "l.T",
        "l.shape",
        "l.dtype",
        "l.requires_grad",
        "l.is_leaf",
        "l.grad",
        "l.tolist()",
        "l.size()",
        "l.dim()",
        "len(l)",
        "1 in l",
        "repr(l)",
        "l.detach()",
        "l.data",
        "l.double()",
        "l.to(lib.float64)",
        "l.add_(1)",
        "l.requires_grad_()",
        "l.unbind()",
        "lib.max(l, 1)",
        "lib.cat([l, l])",
        "lib.stack((l,))",
        "lib.split(l, 1)",
        "lib.einsum('ij,ij->', l, l)",
        "lib.var_mean(l)",
        "lib.allclose(l, l)",
        "lib.is_tensor(l)",
        "lib.is_floating_point(l)",
        "lib.numel(l)",
        "lib.tensor(l)",
        "lib.zeros_like(l)",
        "lib.meshgrid(l[0], l[0])",
        "F.relu(l)",
        "F.softmax(l, 0)",
        "x + l",
        "x.add_(l)",
        "x[l > 0]",
        "l.sum().item()",
        "bool(l[0, 0])",
        "float(l[0, 0])",
        "hash(l)",
        "lib.nn.Parameter(l)",
        "lib.autograd.grad(l.requires_grad_().sum(), l)",
        "l.requires_grad_().sum().backward()",
        "lib.autograd.backward(l.requires_grad_().sum())",
    ],
)
def test_what_the_class_is_asked(expression):
    found, expected = outcome(pb, expression)[1], outcome(torch, expression)[1]
    assert [simplified(f) for f in found] == [simplified(e) for e in expected]


def simplified(asked):
    """Without whether the function or the method is meant: where `lib` has no `out=`, they are one object here."""
    name, types = asked
    return name.removeprefix("Tensor."), types


def test_modes_are_asked_alike():
    def seen(lib):
        word = "torch" if lib is torch else "pullback"
        base = lib.overrides.TorchFunctionMode if lib is torch else lib.overrides.PullbackFunctionMode
        names = []

        def asked(self, func, types, args=(), kwargs=None):
            names.append(named(lib, func))
            return func(*args, **(kwargs or {}))

        mode = type("Mode", (base,), {f"__{word}_function__": asked})
        my = classes(lib)["My"]
        with mode(), mode():
            x = lib.ones(2) + 1
            x.sum().item()
            lib.nn.functional.relu(x)
            x[0]
            lib.tensor([1.0])
            my([1.0]) * 2
        return names

    assert seen(pb) == seen(torch)

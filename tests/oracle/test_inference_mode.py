"""Inference mode, behaviour by behaviour: the same program as on PyTorch."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch")

import pullback as pb  # noqa: E402

PROGRAMS: list[Callable[[Any], Any]] = []


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def refused(action: Callable[[], Any]) -> Any:
    try:
        found = action()
    except Exception as error:
        return type(error).__name__, str(error)
    return described(found) if hasattr(found, "grad_fn") else found


def described(tensor: Any) -> Any:
    return (
        tensor.tolist(),
        tensor.is_inference(),
        tensor.requires_grad,
        tensor.is_leaf,
        tensor._is_view(),
        tensor.grad_fn and tensor.grad_fn.name(),
    )


@program
def what_is_made_inside(lib: Any) -> Any:
    with lib.inference_mode():
        made = lib.ones(2, 3)
        leaf = lib.ones(2, 3, requires_grad=True)
        found = [described(t) for t in (made, leaf, leaf * 2, made.clone(), made.view(-1), lib.tensor(3.0))]
        found.append(refused(lambda: made._version))
        made.view(-1).add_(1)
        found.append(described(made))
        found.append(repr(made))
    return found, described(made), repr(made), repr(leaf), lib.is_inference(made)


@program
def operations_on_normal_tensors(lib: Any) -> Any:
    found = []
    for requires_grad in (True, False):
        x = lib.ones(2, 3, requires_grad=requires_grad)
        copied = x.clone()
        with lib.inference_mode():
            for operation in (
                lambda t: t + t,
                lambda t: t * t,
                lambda t: t.clone(),
                lambda t: t.view(-1),
                lambda t: t[0],
                lambda t: t.view(-1).view(6),
                lambda t: t.transpose(0, 1),
                lambda t: t.detach(),
            ):
                found.append(refused(lambda o=operation, x=x: o(x)))
            copied.add_(2)
            copied.view(-1).mul_(2)
        found.append((described(copied), copied._version))
    return found


@program
def use_outside(lib: Any) -> Any:
    found = []
    for action in (
        lambda i, n: i + 1,
        lambda i, n: i * i,
        lambda i, n: n + i,
        lambda i, n: n * i,
        lambda i, n: i * n,
        lambda i, n: n @ i.T,
        lambda i, n: n / i,
        lambda i, n: n**i,
        lambda i, n: lib.cat([n, i]),
        lambda i, n: lib.where(i > 0, n, i),
        lambda i, n: i.view(-1),
        lambda i, n: i[0],
        lambda i, n: i.detach(),
        lambda i, n: i.clone(),
        lambda i, n: i.add_(1),
        lambda i, n: i[0].add_(1),
        lambda i, n: i.__setitem__(0, 1.0),
        lambda i, n: i.copy_(n.detach()),
        lambda i, n: i.zero_(),
        lambda i, n: i.resize_(6),
        lambda i, n: lib.add(n.detach(), 1, out=i),
        lambda i, n: lib.add(i, i, out=lib.empty(2, 3)),
        lambda i, n: n.detach().clone().add_(i),
        lambda i, n: (n * 1).add_(i),
        lambda i, n: (n * 1).mul_(i),
        lambda i, n: (n * 1).copy_(i),
        lambda i, n: i.requires_grad_(),
        lambda i, n: i.requires_grad_(False),
        lambda i, n: setattr(i, "requires_grad", True),
        lambda i, n: i._version,
        lambda i, n: (n * 2).backward(i),
        lambda i, n: lib.autograd.grad(n * 2, n, i)[0],
        lambda i, n: lib.nn.Parameter(i),
    ):
        with lib.inference_mode():
            inference = lib.ones(2, 3)
        normal = lib.full((2, 3), 2.0, requires_grad=True)
        found.append(refused(lambda a=action, i=inference, n=normal: a(i, n)))
        with lib.inference_mode():
            inference = lib.ones(2, 3)
        with lib.no_grad():
            found.append(refused(lambda a=action, i=inference, n=normal: a(i, n))[:2])
    return found


@program
def both_kinds_inside(lib: Any) -> Any:
    x = lib.ones(2, 3, requires_grad=True)
    computed, plain = x * 1, lib.ones(2, 3)
    view = computed.view(-1)
    with lib.inference_mode():
        inference = lib.ones(2, 3)
        found = [
            refused(action)
            for action in (
                lambda: x * inference,
                lambda: inference.add_(x),
                lambda: computed.add_(inference),
                lambda: plain.add_(inference),
                lambda: view.add_(1),
                lambda: x.add_(1),
                lambda: lib.add(plain, plain, out=inference),
                lambda: lib.add(plain, plain, out=plain),
                lambda: (x * 2).sum().backward(),
                lambda: lib.autograd.grad(computed.sum(), x),
                lambda: lib.zeros_like(x, requires_grad=True),
                lambda: lib.nn.Parameter(lib.ones(2)),
                lambda: copy.deepcopy(lib.ones(2, requires_grad=True)),
            )
        ]
    return found, computed._version, plain._version, view._version, x._version, view.grad_fn.name()


@program
def views_made_inside_and_used_outside(lib: Any) -> Any:
    x = lib.ones(2, 3, requires_grad=True)
    computed, plain = x * 1, lib.ones(2, 3)
    with lib.inference_mode():
        views = [x.view(-1), computed.view(-1), plain.view(-1), computed.split(1)[0], computed.detach()]
    found = [described(v) for v in views]
    for view in views:
        for action in (lambda v: v * 2, lambda v: v.view(-1), lambda v: v.add_(1)):
            found.append(refused(lambda a=action, v=view: a(v)))
    found.append(refused(lambda: computed.add_(1)))
    return found, refused(lambda: views[1].grad_fn), refused(lambda: views[1] * 2)


@program
def a_normal_tensor_from_one_made_inside(lib: Any) -> Any:
    with lib.inference_mode():
        made = lib.ones(2)
    copied = made.clone()
    x = lib.ones(2, requires_grad=True)
    (copied * x).sum().backward()
    copied.add_(1)
    return described(copied), x.grad.tolist(), described(copy.deepcopy(made)), described(copied.requires_grad_() * 2)


@program
def functions(lib: Any) -> Any:
    class Product(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.save_for_backward(x, y)
            log.append((ctx.needs_input_grad, lib.is_inference_mode_enabled()))
            return x * y

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x, y = ctx.saved_tensors
            return grad * y, grad * x

    class Written(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x.add_(1)

    class Same(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad

    class MadeInside(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, save: bool) -> Any:
            with lib.inference_mode():
                out = x * 2
            if save:
                ctx.save_for_backward(out)
            return out

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2, None

    log: list[Any] = []
    normal = lib.ones(2, requires_grad=True)
    with lib.inference_mode():
        made, leaf, writable = lib.ones(2), lib.ones(2, requires_grad=True), lib.ones(2)
    actions = [
        lambda: Product.apply(normal, made),
        lambda: Product.apply(made, made),
        lambda: Same.apply(made),
        lambda: Same.apply(leaf),
        lambda: Same.apply(normal),
        lambda: MadeInside.apply(normal, False),
        lambda: MadeInside.apply(normal, True),
    ]
    outside = [refused(action) for action in (*actions, lambda: Written.apply(writable))]
    with lib.inference_mode():
        inside = [refused(action) for action in (*actions, lambda: Written.apply(lib.ones(2)))]
    return log, outside, inside


@program
def modules(lib: Any) -> Any:
    layer = lib.nn.Linear(2, 3)
    with lib.inference_mode():
        out = layer(lib.ones(1, 2))
        found = [(out.is_inference(), out.requires_grad)]
        made = lib.nn.Linear(2, 3)
    found += [(p.is_inference(), p.requires_grad) for p in made.parameters()]
    x = lib.ones(1, 2)
    found.append((made(x).requires_grad, layer(x).requires_grad))
    return found, refused(lambda: made(x.requires_grad_()))


@program
def tangents(lib: Any) -> Any:
    forward_ad = lib.autograd.forward_ad
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(lib.ones(2), lib.ones(2) * 3)
        with lib.inference_mode():
            inside = forward_ad.unpack_dual(dual).tangent, forward_ad.unpack_dual(dual * 2).tangent
        return inside, forward_ad.unpack_dual(dual).tangent.tolist()


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(function: Callable[[Any], Any], backend: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of PyTorch's own, the first time that it has tangents
        expected = function(torch)
    with pb.use_backend(backend):
        found = function(pb)
    assert found == expected

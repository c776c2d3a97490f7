"""Transforms, modes, checkpoints, and passes that do not get to their end, leave nothing to the garbage collector."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.autograd import forward_ad
from pullback.extend import intercept
from pullback.overrides import PullbackFunctionMode
from pullback.utils.checkpoint import (
    CheckpointError,
    GraphExecGroup,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
)

SCENARIOS: list[Callable[[], Any]] = []


def scenario(function: Callable[[], Any]) -> Callable[[], Any]:
    SCENARIOS.append(function)
    return function


def leaf() -> pb.Tensor:
    return pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """As of the cycle that ``create_graph`` makes between a leaf and its gradient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Exp(pb.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any) -> Any:
        return x.exp()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx: Any, tangent: Any) -> Any:
        return tangent * ctx.saved_tensors[0]


class Doubled(pb.autograd.Function):
    """Writes to its input."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * 2


class Same(pb.autograd.Function):
    """Returns its input, and saves it."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.saved_tensors[0]


class Failing(pb.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        ctx.kept = x
        raise ValueError("in forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        raise AssertionError("never runs")


# -- writes through views that save their results ---------------------------------------------------------------------


@scenario
def writes_through_views() -> None:
    for change in (pb.Tensor.exp_, pb.Tensor.tanh_, pb.Tensor.sqrt_):
        change((leaf() * 2).t())
        base = leaf() * 2
        change(base[0])
        base.sum().backward()


@scenario
def derivatives_of_writes_through_views() -> None:
    x = leaf()
    y = x * 2
    y[0].mul_(y[0].exp())
    y.t()[1].exp_()
    (first,) = pb.autograd.grad(y.sum(), x, create_graph=True)
    pb.autograd.grad(first.sum(), x, create_graph=True)


@scenario
def elements_assigned() -> None:
    y = leaf() * 2
    y[0] = 1
    y[:, 1] = y[:, 0]
    y[y > 2] = 0
    y.sum().backward()


@scenario
def retained_gradients_across_writes() -> None:
    y = leaf() * 2
    y.retain_grad()
    part = y[0]
    part.retain_grad()
    part.mul_(2)
    y.sum().backward(retain_graph=True)
    y.sum().backward()


@scenario
def memory_exchanged() -> None:
    x = leaf()
    y = x * 2
    x.data = pb.ones(2, 2)
    y.detach_()
    y.requires_grad_()
    (y * 3).sum().backward()
    copy.deepcopy(x)
    pickle.loads(pickle.dumps(x))


# -- Functions --------------------------------------------------------------------------------------------------------


@scenario
def functions_that_write_or_return_their_input() -> None:
    Doubled.apply(leaf() * 1).sum().backward()
    y = leaf() * 1
    Doubled.apply(y[0])
    y.sum().backward()
    Same.apply(leaf()).sum().backward()
    Same.apply(leaf() * 2)


@scenario
def functions_that_fail() -> None:
    with pytest.raises(ValueError, match="in forward"):
        Failing.apply(leaf() * 2)


@scenario
def functions_with_tangents() -> None:
    with forward_ad.dual_level():
        forward_ad.unpack_dual(Exp.apply(forward_ad.make_dual(leaf(), pb.ones(2, 2)))).tangent.sum().backward()


# -- passes that do not get to their end ------------------------------------------------------------------------------


@scenario
def hooks_of_every_kind_that_fail() -> None:
    def fails(*args: Any) -> None:
        raise ValueError("in a hook")

    for attach in (
        lambda x, y: x.register_hook(fails),
        lambda x, y: y.register_hook(fails),
        lambda x, y: y.grad_fn.register_hook(fails),
        lambda x, y: y.grad_fn.register_prehook(fails),
        lambda x, y: y.grad_fn.next_functions[0][0].register_hook(fails),
        lambda x, y: x.register_post_accumulate_grad_hook(fails),
        lambda x, y: pb.autograd.graph.register_multi_grad_hook((x, y), fails),
    ):
        x = leaf()
        y = x * x
        attach(x, y)
        z = y.exp().sum()
        with pytest.raises(ValueError, match="in a hook"):
            z.backward(retain_graph=True)
        x.grad = None
        with _without_warnings(), pytest.raises(ValueError, match="in a hook"):
            z.backward(create_graph=True)
        x.grad = None


@scenario
def interrupted_passes() -> None:
    def interrupts(grad: pb.Tensor) -> None:
        raise KeyboardInterrupt

    y = leaf() * 2
    handle = y.register_hook(interrupts)
    z = y.exp().sum()
    with pytest.raises(KeyboardInterrupt):
        z.backward(retain_graph=True)
    handle.remove()
    z.backward()


@scenario
def callbacks_that_fail() -> None:
    def fails() -> None:
        raise ValueError("in a callback")

    y = leaf() * 2
    y.register_hook(lambda g: pb.autograd.Variable._execution_engine.queue_callback(fails))
    with pytest.raises(ValueError, match="in a callback"):
        y.sum().backward()


@scenario
def hooks_that_never_run() -> None:
    x = leaf()
    y = x * x
    y.retain_grad()
    y.register_hook(lambda g: g)
    for mode in ("all", "any"):
        pb.autograd.graph.register_multi_grad_hook((x, y), lambda g: None, mode=mode)
    edge = pb.autograd.graph.get_gradient_edge(y)
    assert edge.node.next_functions[0][0].next_functions == ()


@scenario
def hooks_removed_while_they_run() -> None:
    y = leaf() * 2
    handles: list[Any] = []
    handles.append(y.register_hook(lambda g: handles.pop().remove()))
    y.sum().backward()


@scenario
def hooks_on_recorded_gradients() -> None:
    x = leaf()
    y = (x * x).exp()
    y.register_hook(lambda g: g * g)
    (first,) = pb.autograd.grad(y.sum(), x, create_graph=True)
    first.register_hook(lambda g: g * 2)
    first.sum().backward()


# -- modes ------------------------------------------------------------------------------------------------------------


@scenario
def anomalies() -> None:
    with _without_warnings(), pb.autograd.set_detect_anomaly(True):
        y = (leaf() * 0).log() * 0
        with pytest.raises(RuntimeError, match="returned nan values"):
            y.sum().backward()


@scenario
def inference_tensors_outside() -> None:
    with pb.inference_mode():
        a = pb.ones(2, 2)
        a[0].add_(1)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved"):
        leaf() * a
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        a.add_(1)
    a.clone() * leaf()


@scenario
def saved_tensors_hooks_that_fail() -> None:
    def fails(packed: Any) -> Any:
        raise ValueError("in a hook")

    hooks = pb.autograd.graph.saved_tensors_hooks
    with pytest.raises(ValueError, match="in a hook"), hooks(fails, lambda t: t):
        (leaf() * leaf()).exp()
    with hooks(lambda t: t, fails):
        y = (leaf() * 2).exp()
    with pytest.raises(ValueError, match="in a hook"):
        y.sum().backward()


@scenario
def saved_tensors_hooks_in_recorded_passes() -> None:
    x = leaf()
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        (first,) = pb.autograd.grad((x.exp() * x.tanh()).sum(), x, create_graph=True)
    first.sum().backward()


@scenario
def mutation_of_saved_tensors() -> None:
    with pb.autograd.graph.allow_mutation_on_saved_tensors():
        y = leaf() * 1
        z, w = y.exp(), y * y
        y.add_(1)
        z.add_(1)
        (z.sum() + w.sum()).backward()
    with contextlib.suppress(ZeroDivisionError), pb.autograd.graph.allow_mutation_on_saved_tensors():
        y = leaf() * 1
        w = y * y
        y.add_(1)
        raise ZeroDivisionError


@scenario
def interceptors() -> None:
    with intercept(lambda operation, operands, attributes, proceed: proceed()):
        (leaf() * 2).exp().sum().backward()
    with pytest.raises(ZeroDivisionError), intercept(lambda *args: 1 / 0):
        leaf() * 2


class Passing(PullbackFunctionMode):
    def __pullback_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class Special(pb.Tensor):
    pass


@scenario
def overrides() -> None:
    with Passing():
        (leaf() * 2).exp().sum().backward()
    (leaf().as_subclass(Special) * 2).exp().sum().backward()


@scenario
def tasks_and_threads() -> None:
    async def quiet() -> pb.Tensor:
        with pb.no_grad():
            await asyncio.sleep(0)
            return leaf() * 2

    task = quiet()  # without an event loop, which leaves objects of its own
    task.send(None)
    with pytest.raises(StopIteration):
        task.send(None)
    x = leaf()
    threads = [threading.Thread(target=lambda: (x * x).exp().sum().backward()) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# -- forward mode -----------------------------------------------------------------------------------------------------


@scenario
def derivatives_of_tangents() -> None:
    with forward_ad.dual_level():
        x = leaf()
        tangent = forward_ad.unpack_dual((forward_ad.make_dual(x, pb.ones(2, 2)) * 2).exp()).tangent
        pb.autograd.grad(tangent.sum(), x, create_graph=True)


@scenario
def duals_written_and_kept() -> None:
    with forward_ad.dual_level():
        y = forward_ad.make_dual(leaf(), pb.ones(2, 2)) * 1
        y[0].mul_(3)
        y.exp_()
    y.sum().backward()
    with contextlib.suppress(ZeroDivisionError), forward_ad.dual_level():
        forward_ad.make_dual(leaf(), pb.ones(2, 2)) * 2
        raise ZeroDivisionError


# -- transforms -------------------------------------------------------------------------------------------------------


@scenario
def maps() -> None:
    pb.vmap(lambda t: (t * 2).exp().sum())(leaf())
    pb.vmap(pb.vmap(lambda t: t * 2))(leaf())
    pb.vmap(pb.func.grad(lambda t: (t * t).exp().sum()))(leaf())
    for fails in (lambda t: 1 / 0, lambda t: t.item()):
        with pytest.raises((ZeroDivisionError, RuntimeError)):
            pb.vmap(fails)(leaf())


@scenario
def gradients() -> None:
    pb.func.grad(lambda t: (t * t).exp().sum())(leaf())
    pb.func.grad(pb.func.grad(lambda t: (t * t * t).sum()))(pb.tensor(2.0))
    _, pull = pb.func.vjp(lambda t: (t * t).exp(), leaf())
    pull(pb.ones(2, 2))
    for fails in (lambda t: 1 / 0, lambda t: t * 2):
        with pytest.raises((ZeroDivisionError, RuntimeError)):
            pb.func.grad(fails)(leaf())


@scenario
def tangents() -> None:
    x = pb.ones(2)
    pb.func.jvp(lambda s: pb.func.jvp(lambda t: t.exp() * t, (s,), (s,))[1], (x,), (x,))
    pb.func.jvp(pb.func.grad(lambda t: t.exp().sum()), (x,), (x,))
    _, push = pb.func.linearize(lambda t: t.exp() * t, x)
    push(x)
    with pytest.raises(ZeroDivisionError):
        pb.func.jvp(lambda t: 1 / 0, (x,), (x,))


@scenario
def jacobians() -> None:
    x = pb.ones(2)
    for transform in (pb.func.jacrev, pb.func.jacfwd, pb.func.hessian):
        transform(lambda t: (t * t).sum() * t.exp())(x)
    for options in ({}, {"vectorize": True}, {"create_graph": True}, {"vectorize": True, "strategy": "forward-mode"}):
        pb.autograd.functional.jacobian(lambda t: t.exp() * t, x, **options)
    for product in (pb.autograd.functional.hvp, pb.autograd.functional.vhp):
        product(lambda t: (t.exp() * t).sum(), x, x)
    y = leaf()
    pb.autograd.grad(y * y, y, pb.ones(3, 2, 2), is_grads_batched=True)


@scenario
def gradients_of_modules() -> None:
    module = pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.ReLU(), pb.nn.Linear(3, 1))
    parameters = {name: p.detach() for name, p in module.named_parameters()}
    per_sample = pb.func.grad(lambda p, x: pb.func.functional_call(module, p, (x,)).sum())
    pb.vmap(per_sample, in_dims=(None, 0))(parameters, pb.ones(3, 2))
    optimizer = pb.optim.Adam(module.parameters())
    module(pb.ones(4, 2)).sum().backward()
    optimizer.step()


@scenario
def checks_of_gradients() -> None:
    x = pb.tensor([0.5, 1.5], dtype=pb.float64, requires_grad=True)
    check = pb.autograd.gradcheck
    check(pb.exp, x, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)
    check(pb.exp, x, fast_mode=True)
    pb.autograd.gradgradcheck(pb.exp, x)
    assert not check(lambda t: t.detach() * t, x, raise_exception=False)


# -- checkpoints ------------------------------------------------------------------------------------------------------


def nested(x: pb.Tensor, reentrant: bool) -> pb.Tensor:
    def outer(t: pb.Tensor) -> pb.Tensor:
        return checkpoint(lambda t: t.exp().sin(), t * 2, use_reentrant=reentrant).tanh()

    return checkpoint(outer, x, use_reentrant=reentrant)


@scenario
def nested_checkpoints() -> None:
    with _without_warnings():  # inside of the other one no gradients are recorded
        nested(leaf(), True).sum().backward()
    nested(leaf(), False).sum().backward()
    checkpoint_sequential([pb.exp, pb.sin, pb.tanh], 2, leaf(), use_reentrant=False).sum().backward()


@scenario
def checkpoints_differentiated_twice() -> None:
    x = leaf()
    y = checkpoint(lambda t: t.exp().sin(), x, use_reentrant=False).sum()
    (first,) = pb.autograd.grad(y, x, create_graph=True)
    pb.autograd.grad(first.sum(), x, retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert checkpoint(lambda t: t.exp().sin(), x, use_reentrant=False).grad_fn._saved_self is not None


@scenario
def parts_of_checkpoints() -> None:
    first, second = checkpoint(lambda t: (t.exp().sin(), t.tanh().exp()), leaf(), use_reentrant=False)
    first.sum().backward()
    del first
    with GraphExecGroup():
        second.sum().backward()


@scenario
def checkpoints_that_fail() -> None:
    for reentrant in (False, True):
        steps = iter([pb.exp, lambda t: 1 / 0])
        y = checkpoint(lambda t, steps=steps: next(steps)(t), leaf(), use_reentrant=reentrant)
        with pytest.raises(ZeroDivisionError):
            y.sum().backward()
    steps = iter([lambda t: t.exp().sin(), pb.exp])
    y = checkpoint(lambda t: next(steps)(t), leaf(), use_reentrant=False, debug=True)
    with pytest.raises(CheckpointError):
        y.sum().backward()


@scenario
def selective_checkpoints() -> None:
    for policy in ([pb.mm], lambda *args, **kwargs: True, lambda *args, **kwargs: False):

        def contexts(policy: Any = policy) -> Any:
            return create_selective_checkpoint_contexts(policy)

        y = checkpoint(lambda t: pb.mm(t, t).sin().exp(), leaf(), use_reentrant=False, context_fn=contexts)
        y.sum().backward()
        checkpoint(lambda t: pb.mm(t, t).sin().exp(), leaf(), use_reentrant=False, context_fn=contexts)


#: Where immutable arrays take other paths.
ON_JAX = (writes_through_views, derivatives_of_writes_through_views, elements_assigned, selective_checkpoints, maps)


@pytest.mark.parametrize(
    ("function", "backend"),
    [*((function, "numpy") for function in SCENARIOS), *((function, "jax") for function in ON_JAX)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_nothing_is_left(function: Callable[[], Any], backend: str, growth: Callable[..., Counter[str]]) -> None:
    with pb.use_backend(backend):
        assert growth(function) == Counter()


def test_functions_mapped_by_a_generated_rule_leave_no_tensors(growth: Callable[..., Counter[str]]) -> None:
    """The rule is a class made for the call, which only the collector frees; nodes and tensors do not wait for it."""

    def function() -> None:
        pb.vmap(pb.func.grad(lambda t: Exp.apply(t).sum()))(leaf())

    left = growth(function)
    assert not [name for name in left if name.startswith("pullback.tensor.") or "Backward" in name or "Ctx" in name]


def test_the_count_tells_of_what_is_left(growth: Callable[..., Counter[str]]) -> None:
    def function() -> None:
        y = leaf() * 2
        y.grad_fn.metadata["result"] = y

    left = growth(function)
    assert left["pullback.Tensor"] >= 3
    assert any(name.endswith("MulBackward0") for name in left)

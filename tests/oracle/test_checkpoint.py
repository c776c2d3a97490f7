"""Checkpointing does what PyTorch's does: gradients, how often functions run, random numbers, refusals."""

from __future__ import annotations

import contextlib
import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

pytestmark = pytest.mark.oracle

PROGRAMS: list[Callable[[Any, Any], Any]] = []


def program(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    PROGRAMS.append(function)
    return function


def leaf(lib: Any) -> Any:
    return lib.tensor([0.5, 1.0, 2.0], dtype=lib.float64, requires_grad=True)


class Counted:
    """A function that counts its calls and its steps."""

    def __init__(self, lib: Any) -> None:
        self.lib = lib
        self.calls = 0
        self.steps = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        y = x.exp()
        self.steps += 1
        y = (y * x).sin()
        self.steps += 1
        y = y + 1
        self.steps += 1
        return y


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    try:
        found = action()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    return "nothing refused", repr(found)


def refused_in_full(action: Callable[[], Any]) -> tuple[str, str]:
    """The error's kind and text, but for what PyTorch says of its compiler."""
    try:
        action()
    except Exception as error:
        return type(error).__name__, str(error).partition("If this error occurs under torch.compile")[0].rstrip()
    return "nothing refused", ""


def gradient_or_error(leaf: Any, result: Any) -> Any:
    """The gradient of the leaf after a backward pass from the sum of the result, or what was refused."""
    kind, text = refused_in_full(lambda: result.sum().backward())
    return leaf.grad.tolist() if kind == "nothing refused" else (kind, text)


@program
def both_variants(lib: Any, ck: Any) -> Any:
    found = []
    for reentrant in (False, True):
        x = leaf(lib)
        f = Counted(lib)
        y = ck.checkpoint(f, x, use_reentrant=reentrant)
        name = y.grad_fn.name()
        y.sum().backward()
        found.append((x.grad.tolist(), f.calls, f.steps, name))
    return found


@program
def without_early_stop(lib: Any, ck: Any) -> Any:
    found = []
    for how in ("argument", "context"):
        x = leaf(lib)
        f = Counted(lib)
        if how == "argument":
            y = ck.checkpoint(f, x, use_reentrant=False, early_stop=False)
        else:
            with ck.set_checkpoint_early_stop(False):
                y = ck.checkpoint(f, x, use_reentrant=False)
        y.sum().backward()
        found.append((x.grad.tolist(), f.calls, f.steps))
    return found


@program
def nested(lib: Any, ck: Any) -> Any:
    x = leaf(lib)
    inner, counts = Counted(lib), [0]

    def outer(t: Any) -> Any:
        counts[0] += 1
        t = t * 2
        t = ck.checkpoint(inner, t, use_reentrant=False)
        return (t * t).cos()

    ck.checkpoint(outer, x, use_reentrant=False).sum().backward()
    return x.grad.tolist(), inner.calls, counts


@program
def backward_twice(lib: Any, ck: Any) -> Any:
    x = leaf(lib)
    f = Counted(lib)
    y = ck.checkpoint(f, x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad.tolist(), f.calls, refused(y.backward)[0]


@program
def partial_and_functional_gradients(lib: Any, ck: Any) -> Any:
    x, w = leaf(lib), leaf(lib)
    y = ck.checkpoint(lambda a, b: (a.exp() * b.sin()).sum(), x, w, use_reentrant=False)
    return [lib.autograd.grad(y, t, retain_graph=True)[0].tolist() for t in (x, w)]


@program
def second_order(lib: Any, ck: Any) -> Any:
    x = leaf(lib)
    y = ck.checkpoint(lambda t: (t.exp() * t**3).sum(), x, use_reentrant=False)
    (first,) = lib.autograd.grad(y, x, create_graph=True)
    (second,) = lib.autograd.grad(first.sum(), x)
    return first.tolist(), second.tolist()


@program
def keyword_arguments_and_several_results(lib: Any, ck: Any) -> Any:
    x = leaf(lib)

    def f(t: Any, *, scale: float, other: Any) -> Any:
        return {"a": t * scale, "b": (t * other).exp(), "c": None}

    y = ck.checkpoint(f, x, use_reentrant=False, scale=3.0, other=x.detach())
    (y["a"].sum() + y["b"].sum()).backward()
    return x.grad.tolist(), y["c"]


@program
def random_numbers_again(lib: Any, ck: Any) -> Any:
    found = []
    for reentrant in (False, True):
        x = lib.ones(100, requires_grad=True)
        lib.manual_seed(3)
        y = ck.checkpoint(lambda t: lib.nn.functional.dropout(t * 1, 0.5), x, use_reentrant=reentrant)
        y.sum().backward()
        found.append(x.grad.tolist() == y.tolist())
    return found


@program
def a_function_that_changes(lib: Any, ck: Any) -> Any:
    def differently(steps: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        remaining = iter(steps)
        return lambda t: next(remaining)(t)

    changes = {
        "fewer": [lambda t: t.exp().sin(), lambda t: t.exp()],
        "other shape": [lambda t: t.exp(), lambda t: t[:2].exp()],
    }
    found = []
    for steps in changes.values():
        x = leaf(lib)
        y = ck.checkpoint(differently(steps), x, use_reentrant=False)
        found.append(refused(lambda y=y: y.sum().backward()))
    x = leaf(lib)
    y = ck.checkpoint(differently(changes["fewer"]), x, use_reentrant=False, determinism_check="none", early_stop=False)
    found.append(refused(lambda: y.sum().backward())[0])
    return found


@program
def what_is_refused(lib: Any, ck: Any) -> Any:
    x = leaf(lib)
    y = ck.checkpoint(lambda t: t.exp(), x, use_reentrant=True)
    return (
        refused(lambda: ck.checkpoint(lambda t: t, x, use_reentrant=True, scale=2)),
        refused(lambda: ck.checkpoint(lambda t: t, x, use_reentrant=True, debug=True)),
        refused(lambda: lib.autograd.grad(y.sum(), x)),
        refused(lambda: ck.checkpoint(lambda t: t.exp().detach(), x, use_reentrant=True).sum().backward()),
    )


@program
def warnings_of_the_reentrant_variant(lib: Any, ck: Any) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ck.checkpoint(lambda t: t.exp(), lib.ones(2), use_reentrant=True)
        ck.checkpoint(lambda t: t.exp(), leaf(lib))
        ck.checkpoint_sequential([lib.exp, lib.sin], 1, leaf(lib))
    return [str(w.message) for w in caught]


@program
def sequences(lib: Any, ck: Any) -> Any:
    found = []
    for reentrant in (False, True):
        for segments in (1, 2, 3):
            x = leaf(lib)
            steps = [Counted(lib) for _ in range(4)]
            y = ck.checkpoint_sequential(steps, segments, x, use_reentrant=reentrant)
            y.sum().backward()
            found.append((x.grad.tolist(), [s.calls for s in steps]))
    return found


@program
def inputs_without_gradients(lib: Any, ck: Any) -> Any:
    w = leaf(lib)
    y = ck.checkpoint(lambda t: (t * w).exp(), lib.ones(3), use_reentrant=False)
    y.sum().backward()
    return w.grad.tolist()


@program
def an_error_inside(lib: Any, ck: Any) -> Any:
    def fails(t: Any) -> Any:
        raise ValueError("inside")

    x = leaf(lib)
    first = refused(lambda: ck.checkpoint(fails, x, use_reentrant=False))
    y = (x * x).sum()  # no hook may be left behind
    y.backward()
    return first, x.grad.tolist()


@program
def backward_inside(lib: Any, ck: Any) -> Any:
    def f(t: Any) -> Any:
        y = t.sin()
        (g,) = lib.autograd.grad(y.cos().sum(), t)
        return t.cos() * g

    x = leaf(lib)
    ck.checkpoint(f, x, use_reentrant=False).sum().backward()
    return x.grad.tolist()


@program
def arguments_written_since(lib: Any, ck: Any) -> Any:
    found = []
    for part in (slice(None), slice(2)):
        x = leaf(lib)
        y = x * 2
        out = ck.checkpoint(lib.exp, y[part] if part.stop else y, use_reentrant=False)
        y.add_(1)
        found.append(gradient_or_error(x, out))
    for reentrant in (False, True):
        x, other = leaf(lib), leaf(lib).detach()
        out = ck.checkpoint(lambda a, b: a.sin() * b.exp(), x, other, use_reentrant=reentrant)
        other.add_(1)
        found.append(gradient_or_error(x, out))
        x = leaf(lib)
        out = ck.checkpoint(lib.sin, x, use_reentrant=reentrant)
        with lib.no_grad():
            x.add_(1)
        found.append(gradient_or_error(x, out))
    with lib.inference_mode():
        other = lib.ones(3, dtype=lib.float64)
    found.append(refused(lambda: ck.checkpoint(lambda a, b: a * 2, leaf(lib), other, use_reentrant=False)))
    return found


@program
def writes_inside(lib: Any, ck: Any) -> Any:
    found = []
    for reentrant in (False, True):
        for function in (
            lambda t: (t * 1).add_(1).exp(),
            lambda t: t.sin().mul_(2).sin(),
            lambda t: t.exp().mul_(2).sin(),
        ):
            x = leaf(lib)
            found.append(gradient_or_error(x, ck.checkpoint(function, x * 2, use_reentrant=reentrant)))
    return found


@program
def contexts(lib: Any, ck: Any) -> Any:
    log: list[Any] = []

    @contextlib.contextmanager
    def noting(name: str) -> Any:
        log.append(name)
        try:
            yield
        finally:
            log.append(f"end of {name}")

    def both() -> Any:
        return noting("first"), noting("again")

    def function(t: Any) -> Any:
        log.append("function")
        return t.exp().sin()

    x = leaf(lib)
    y = ck.checkpoint(function, x, use_reentrant=False, context_fn=both).sum()
    y.backward(retain_graph=True)
    twice = refused(y.backward)  # this context can be entered once
    for mode in (lib.no_grad(), lib.inference_mode()):
        with mode:
            ck.checkpoint(function, x, use_reentrant=False, context_fn=both)
    return x.grad.tolist(), twice, log


@program
def contexts_that_fail(lib: Any, ck: Any) -> Any:
    def fails(t: Any) -> Any:
        raise KeyError("inside")

    def check(context_fn: Any) -> Any:
        return refused(lambda: ck.checkpoint(fails, leaf(lib), use_reentrant=False, context_fn=context_fn))

    none = contextlib.nullcontext()
    return (
        check(lambda: (none, none)),
        check(lambda: (contextlib.suppress(KeyError), none)),
        check(lambda: None),
        check(lambda: (None, None)),
        check(3),
    )


@program
def errors_while_computing_again(lib: Any, ck: Any) -> Any:
    found = []
    for reentrant in (False, True):
        calls = []

        def function(t: Any, calls: list[int] = calls) -> Any:
            calls.append(1)
            y = t.exp() * lib.rand(3, dtype=lib.float64)
            if len(calls) == 2:
                raise KeyError("again")
            return y.sin()

        x = leaf(lib)
        lib.manual_seed(0)
        out = ck.checkpoint(function, x, use_reentrant=reentrant).sum()
        state = lib.get_rng_state()
        found.append(refused(lambda out=out: out.backward(retain_graph=True)))
        found.append((lib.is_grad_enabled(), bool((lib.get_rng_state() == state).all())))
        found.append((x * x).grad_fn._saved_self.tolist())  # no hook is left
        out.backward()
        found.append((x.grad is not None, len(calls)))
    return found


@program
def generators_stay_where_they_are(lib: Any, ck: Any) -> Any:
    found = []
    for reentrant in (False, True):
        for preserve in (True, False):
            drawn: list[Any] = []

            def function(t: Any, drawn: list[Any] = drawn) -> Any:
                drawn.append(lib.rand(50))
                return (t * drawn[-1]).sin()

            x = lib.ones(50, requires_grad=True)
            lib.manual_seed(1)
            y = ck.checkpoint(function, x, use_reentrant=reentrant, preserve_rng_state=preserve)
            lib.rand(7)
            state = lib.get_rng_state()
            y.sum().backward()
            same = bool((drawn[0] == drawn[1]).all()), bool((lib.get_rng_state() == state).all())
            found.append(same)
    return found


@program
def everything_that_can_change(lib: Any, ck: Any) -> Any:
    pairs = (
        (lib.exp, lambda t: t.exp().exp()),
        (lambda t: t.exp().exp(), lib.exp),
        (lib.exp, lambda t: t[:2].exp()),
        (lib.exp, lambda t: t.float().exp()),
        (lib.exp, lambda t: t + 1),
        (lambda t: t + 1, lib.exp),
        (lambda t: t.exp() * t, lambda t: t[:2].exp() * t[:2]),
        (lib.exp, lambda t: t.detach().exp()),
        (lib.exp, lambda t: None),
        (lambda t: t.exp().sin(), lambda t: t.sin().exp()),
    )
    found = []
    for pair in pairs:
        for options in ({}, {"early_stop": False}, {"determinism_check": "none"}):
            steps = iter(pair)
            x = leaf(lib)
            y = ck.checkpoint(lambda t, steps=steps: next(steps)(t), x, use_reentrant=False, **options)
            found.append(gradient_or_error(x, y))
    return found


@program
def results_of_every_kind(lib: Any, ck: Any) -> Any:
    functions = (
        lambda t: (t.exp(), t.sin()),
        lambda t: [t.exp(), t.sin()],
        lambda t: (t.exp(), None),
        lambda t: (3, t.exp()),
        lambda t: (t.exp(), t.detach()),
        lambda t: t,
        lambda t: (t, t.exp()),
        lambda t: t.view(3, 1),
        lambda t: (t.exp(), t > 1),
        lambda t: 3,
        lambda t: None,
        lambda t: {"a": t.exp()},
    )
    found = []
    for reentrant in (False, True):
        for function in functions:
            x = leaf(lib)
            out = ck.checkpoint(function, x, use_reentrant=reentrant)
            several = out if isinstance(out, list | tuple) else (out,)
            parts = [part for part in several if getattr(part, "requires_grad", False)]
            found.append((type(out).__name__, [part.grad_fn and part.grad_fn.name() for part in parts]))
            if parts:
                parts[0].sum().backward()
                found.append(x.grad.tolist())
    return found


@program
def every_way_to_nest(lib: Any, ck: Any) -> Any:
    found = []
    for within in (False, True):
        for around in (False, True):
            inner, counts = Counted(lib), [0]

            def outer(t: Any, inner: Any = inner, counts: Any = counts, within: bool = within) -> Any:
                counts[0] += 1
                return ck.checkpoint(inner, t * 2, use_reentrant=within).cos() * t

            x = leaf(lib)
            y = ck.checkpoint(outer, x, use_reentrant=around).sum()
            y.backward(retain_graph=True)
            y.backward()
            found.append((x.grad.tolist(), inner.calls, inner.steps, counts[0]))
    calls = []

    def deep(t: Any, depth: int) -> Any:
        calls.append(depth)
        t = t.sin()
        return ck.checkpoint(deep, t, depth - 1, use_reentrant=False).cos() if depth else t

    x = leaf(lib)
    ck.checkpoint(deep, x, 4, use_reentrant=False).sum().backward()
    return found, x.grad.tolist(), calls


@program
def which_early_stop_counts(lib: Any, ck: Any) -> Any:
    found = []
    for setting in (None, True, False):
        for argument in (True, False):
            f = Counted(lib)
            with contextlib.nullcontext() if setting is None else ck.set_checkpoint_early_stop(setting):
                y = ck.checkpoint(f, leaf(lib), use_reentrant=False, early_stop=argument)
            y.sum().backward()
            found.append(f.steps)
    return found


@program
def third_order(lib: Any, ck: Any) -> Any:
    found = []
    for early_stop in (True, False):
        x, f = leaf(lib), Counted(lib)
        value = ck.checkpoint(f, x, use_reentrant=False, early_stop=early_stop).sum()
        for _ in range(3):
            (value,) = lib.autograd.grad(value.sum(), x, create_graph=True)
            found.append((value.tolist(), f.calls, f.steps))
    return found


@program
def saved_tensors_looked_at(lib: Any, ck: Any) -> Any:
    x, f = leaf(lib), Counted(lib)
    y = ck.checkpoint(lambda t: f(t).exp().sin(), x, use_reentrant=False)
    seen = [y.grad_fn._saved_self.tolist(), f.calls, y.grad_fn._saved_self.tolist(), f.calls]
    y.sum().backward()
    return seen, x.grad.tolist(), f.calls


@program
def saved_tensors_asked_for_twice(lib: Any, ck: Any) -> Any:
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            assert ctx.saved_tensors
            return 2 * ctx.saved_tensors[0] * grad

    x = leaf(lib)
    return gradient_or_error(x, ck.checkpoint(Square.apply, x, use_reentrant=False))


@program
def hooks_of_the_user(lib: Any, ck: Any) -> Any:
    log: list[str] = []

    def noting() -> Any:
        return lib.autograd.graph.saved_tensors_hooks(
            lambda t: (log.append("packed"), t)[1], lambda t: (log.append("unpacked"), t)[1]
        )

    def inside(t: Any) -> Any:
        with noting():
            return t.exp().sin()

    def hooked(t: Any) -> Any:
        y = t.exp()
        if y.requires_grad:
            y.register_hook(lambda g: log.append("hook"))
        return y.sin()

    x = leaf(lib)
    with noting():
        y = ck.checkpoint(lambda t: t.exp().sin(), x, use_reentrant=False)
    y.sum().backward()
    for reentrant in (False, True):
        ck.checkpoint(inside, x, use_reentrant=reentrant).sum().backward()
        ck.checkpoint(hooked, x, use_reentrant=reentrant).sum().backward()
    with lib.autograd.graph.disable_saved_tensors_hooks("none here"):
        log.append(refused(lambda: ck.checkpoint(lib.exp, x, use_reentrant=False))[1])
    return x.grad.tolist(), log


@program
def segments_of_every_number(lib: Any, ck: Any) -> Any:
    steps = [lib.exp, lib.sin, lambda t: t * 2, lib.cos, lib.tanh]
    found = []
    for segments in (1, 2, 4, 5, 6, -1):
        x = leaf(lib)
        kind, text = refused(
            lambda x=x, segments=segments: (
                ck.checkpoint_sequential(steps, segments, x, use_reentrant=False).sum().backward()
            )
        )
        found.append((kind, x.grad.tolist() if kind == "nothing refused" else text))
    x = leaf(lib)
    found.append(refused(lambda: ck.checkpoint_sequential(steps, 0, x, use_reentrant=False)))
    found.append(refused(lambda: ck.checkpoint_sequential(lib.nn.ReLU(), 2, x, use_reentrant=False)))
    found.append(refused(lambda: ck.checkpoint_sequential([], 2, x, use_reentrant=False)))
    return found


@program
def tangents(lib: Any, ck: Any) -> Any:
    forward_ad = lib.autograd.forward_ad
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(leaf(lib), lib.ones(3, dtype=lib.float64))
        tangent = forward_ad.unpack_dual(ck.checkpoint(lib.exp, dual, use_reentrant=False)).tangent
    return tangent.tolist(), refused(lambda: _dual_through_the_reentrant(lib, ck))[0]


def _dual_through_the_reentrant(lib: Any, ck: Any) -> Any:
    forward_ad = lib.autograd.forward_ad
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(leaf(lib), lib.ones(3, dtype=lib.float64))
        ck.checkpoint(lib.exp, dual, use_reentrant=True)


@program
def groups_of_passes(lib: Any, ck: Any) -> Any:
    f = Counted(lib)
    x = leaf(lib)
    first, second = ck.checkpoint(lambda t: (f(t).exp(), t.sin()), x, use_reentrant=False)
    with ck.GraphExecGroup():
        first.sum().backward(retain_graph=True)
        second.sum().backward()
        overlapping = refused(lambda: first.sum().backward())
        nested = refused(lambda: ck.GraphExecGroup().__enter__())
    return f.calls, x.grad.tolist(), overlapping, nested[1].partition("<")[0]


@program
def what_policies_keep(lib: Any, ck: Any) -> Any:
    product, sine = (lib.ops.aten.mm.default, lib.ops.aten.sin.default) if lib is torch else (lib.mm, lib.sin)
    policies = list(ck.CheckpointPolicy)[:4]
    seen: set[Any] = set()

    def asks(ctx: Any, operation: Any, *args: Any, **kwargs: Any) -> Any:
        seen.add((ctx.is_recompute, type(args[0]).__name__, ctx.op_output.requires_grad))
        return operation is product

    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=lib.float64, requires_grad=True)

    def check(policy: Any, function: Any = lambda t: lib.mm(t, t).sin().exp(), **options: Any) -> Any:
        x.grad = None
        keep = functools.partial(ck.create_selective_checkpoint_contexts, policy, **options)
        try:
            y = ck.checkpoint(function, x, use_reentrant=False, context_fn=keep).sum()
            y.backward(retain_graph=True)
        except Exception as error:
            return type(error).__name__, str(error).partition(" but got")[0].replace("an OpOverload", "an operation")
        return x.grad.tolist(), refused(y.backward)

    def writes(t: Any) -> Any:
        y = lib.mm(t, t)
        z = y.sin()
        y.add_(1)
        return z * 1

    answers = [lambda ctx, operation, *args, answer=answer: answer for answer in (*policies, True, False, None)]
    return (
        [check(policy) for policy in ([product], [product, sine], [], asks, *answers)],
        [check(policy) for policy in (3, ["mm"], (product,))],
        check([product], writes),
        check([product], lambda t: lib.mm(t, t).add_(1).sin()),
        check([sine], lambda t: writes(t).exp()),
        sorted(seen),
    )


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(function: Callable[[Any, Any], Any], backend: str) -> None:
    ours = importlib.import_module("pullback.utils.checkpoint")
    theirs = importlib.import_module("torch.utils.checkpoint")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = function(torch, theirs)
        with pb.use_backend(backend):
            found = function(pb, ours)
    assert _rounded(found) == _rounded(expected)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    return [_rounded(v) for v in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_selective_checkpoints_compute_the_kept_results_once(backend: str) -> None:
    from pullback.dispatch.interception import intercept_kernels

    ours = importlib.import_module("pullback.utils.checkpoint")
    names: list[str] = []

    def note(operation: Any, operands: Any, attributes: Any, proceed: Callable[[], Any]) -> Any:
        names.append(operation.name)
        return proceed()

    with pb.use_backend(backend):
        x = pb.ones(2, 2, requires_grad=True)
        keep = functools.partial(ours.create_selective_checkpoint_contexts, [pb.mm])
        with intercept_kernels(note):
            y = ours.checkpoint(lambda t: pb.mm(t, t).sin().exp().sum(), x, use_reentrant=False, context_fn=keep)
            forward = list(names)
            names.clear()
            y.backward()
        assert forward.count("mm") == 1
        assert "mm" not in names
        assert names.count("sin") == 1  # computed again
        gradient = x.grad.tolist()
        x.grad = None
        pb.mm(x, x).sin().exp().sum().backward()
        assert gradient == x.grad.tolist()

"""Checkpointing does what PyTorch's does: gradients, how often functions run, random numbers, refusals."""

from __future__ import annotations

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
    from pullback.kernel_interceptors import intercept_kernels

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

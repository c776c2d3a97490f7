"""Anomaly detection, behaviour by behaviour: the same program as on PyTorch, with its warnings."""

from __future__ import annotations

import gc
import warnings
import weakref
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


def outcome(action: Callable[[], Any]) -> Any:
    """What an action returns or raises, and its warnings: their headings, and which lines of this file they show."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            found = action()
        except Exception as error:
            found = type(error).__name__, str(error)
    shown = []
    for warning in caught:
        lines = str(warning.message).split(" (Triggered internally")[0].split("\n")
        headings = [line for line in lines if line and not line.startswith(" ")]
        marked = [line.strip() for line in lines if "# shown" in line]
        shown.append((warning.category.__name__, headings, marked))
    return found, shown


def leaf(lib: Any, value: float = 1.0) -> Any:
    return lib.full((2,), value, dtype=lib.float64, requires_grad=True)


def make(lib: Any, backward: Any, name: str = "Custom") -> Any:
    body = {"forward": staticmethod(lambda ctx, x: x * 2), "backward": staticmethod(backward)}
    return type(lib.autograd.Function)(name, (lib.autograd.Function,), body)


def fail(*args: Any) -> Any:
    raise ValueError("from within")


@program
def states(lib: Any) -> Any:
    found: list[Any] = []

    def note() -> None:
        found.append((lib.is_anomaly_enabled(), lib.is_anomaly_check_nan_enabled()))

    def action() -> None:
        manager = lib.autograd.detect_anomaly()
        note()
        with manager:
            note()
        with lib.autograd.detect_anomaly(check_nan=False):
            note()
            with lib.autograd.set_detect_anomaly(True):
                note()
            with lib.autograd.set_detect_anomaly(False):
                note()
            note()
        setting = lib.autograd.set_detect_anomaly(True, False)
        note()
        with setting:
            note()
        note()
        lib.set_anomaly_enabled(True)
        note()
        lib.set_anomaly_enabled(False, False)
        note()
        lib.set_anomaly_enabled(False)
        note()
        with lib.autograd.set_detect_anomaly(True):
            fail()

    shown = outcome(action)
    note()
    return found, shown


@program
def a_nan(lib: Any) -> Any:
    def detected() -> None:
        with lib.autograd.detect_anomaly():
            y = leaf(lib, -1.0).sqrt()  # shown
            (y * 2).sum().backward()

    def too_late() -> None:
        y = leaf(lib, -1.0).sqrt()
        with lib.autograd.detect_anomaly():
            (y * 2).sum().backward()

    def no_longer() -> None:
        with lib.autograd.detect_anomaly():
            y = leaf(lib, -1.0).sqrt()
        y.sum().backward()

    def unchecked() -> None:
        with lib.autograd.detect_anomaly(check_nan=False):
            leaf(lib, -1.0).sqrt().sum().backward()

    def from_a_hook() -> None:
        with lib.autograd.detect_anomaly():
            y = leaf(lib) * 2  # shown
            y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * float("nan"), None))
            y.sum().backward()

    def healed_by_a_hook() -> Any:
        x = leaf(lib, -1.0)
        with lib.autograd.detect_anomaly():
            y = x.sqrt()
            y.grad_fn.register_hook(lambda inputs, outputs: (lib.ones(2, dtype=lib.float64),))
            y.sum().backward()
        return x.grad.tolist()

    def infinite() -> Any:
        x = leaf(lib, 0.0)
        with lib.autograd.detect_anomaly():
            x.sqrt().sum().backward()
        return x.grad.tolist()

    def of_the_second_input() -> None:
        x, y = leaf(lib), leaf(lib, 0.0)
        with lib.autograd.detect_anomaly():
            z = x * y / y  # shown
            z.sum().backward()

    def complex_one() -> None:
        z = lib.zeros(2, dtype=lib.complex128, requires_grad=True)
        with lib.autograd.detect_anomaly():
            (z / z).sum().abs().backward()

    def through_grad() -> None:
        x = leaf(lib, 0.0)
        with lib.autograd.detect_anomaly():
            y = x / x  # shown
            lib.autograd.grad(y.sum(), x)

    actions = detected, too_late, no_longer, unchecked, from_a_hook, healed_by_a_hook, infinite
    return [outcome(action) for action in (*actions, of_the_second_input, complex_one, through_grad)]


@program
def errors(lib: Any) -> Any:
    def from_backward() -> None:
        with lib.autograd.detect_anomaly():
            y = make(lib, fail).apply(leaf(lib) * 1)  # shown
            (y * 2).sum().backward()

    def from_a_tensor_hook() -> None:
        with lib.autograd.detect_anomaly():
            y = leaf(lib).exp()  # shown
            y.register_hook(fail)
            y.sum().backward()

    def from_a_node_hook() -> None:
        with lib.autograd.detect_anomaly():
            y = leaf(lib).exp()  # shown
            y.grad_fn.register_hook(fail)
            y.sum().backward()

    def of_shape() -> None:
        with lib.autograd.detect_anomaly():
            y = make(lib, lambda ctx, g: lib.ones(3)).apply(leaf(lib))  # shown
            y.sum().backward()

    def of_versions() -> None:
        with lib.autograd.detect_anomaly():
            y = leaf(lib) * 1
            z = y * y  # shown
            y.add_(1)
            z.sum().backward()

    def of_freed_graphs() -> None:
        with lib.autograd.detect_anomaly():
            y = leaf(lib).exp()  # shown
            y.sum().backward()
            y.sum().backward()

    return [
        outcome(action)
        for action in (from_backward, from_a_tensor_hook, from_a_node_hook, of_shape, of_versions, of_freed_graphs)
    ]


@program
def what_induced_it(lib: Any) -> Any:
    class Inner(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any, first: bool) -> Any:
            ctx.first = first
            return a * 2.0 + b

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            grads = [grad.clone(), grad.clone()]
            grads[0 if ctx.first else 1][0] = float("nan")
            return *grads, None

    class Outer(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, first: bool) -> Any:
            ctx.first = first
            ctx.save_for_backward(x)
            return x.sum(0, keepdim=True)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            grad = grad.expand(2)
            return Inner.apply(grad * x, grad + x, ctx.first), None  # shown

    def action(first: bool) -> None:
        x = leaf(lib)
        with lib.autograd.detect_anomaly():
            y = Outer.apply(x, first)  # shown
            (grad,) = lib.autograd.grad(y, x, create_graph=True)  # shown
            grad.sum().backward()

    def without_forward() -> None:
        x = leaf(lib)
        y = Outer.apply(x, True)
        with lib.autograd.detect_anomaly():
            (grad,) = lib.autograd.grad(y, x, create_graph=True)  # shown
            grad.sum().backward()

    def twice() -> None:
        x = leaf(lib, 0.0)
        with lib.autograd.detect_anomaly():
            y = x.exp()  # shown
            (first,) = lib.autograd.grad((y * y).sum(), x, create_graph=True)  # shown
            (second,) = lib.autograd.grad(first.sqrt().sum(), x, create_graph=True)  # shown
            (second - second).sqrt().sum().backward()  # shown

    return [outcome(lambda: action(True)), outcome(lambda: action(False)), outcome(without_forward), outcome(twice)]


@program
def within_a_backward_pass(lib: Any) -> Any:
    def backward(ctx: Any, grad: Any) -> Any:
        with lib.enable_grad():
            y = leaf(lib, 0.0).sqrt() * 0  # shown
            y.sum().backward()
        return grad

    def action() -> None:
        with lib.autograd.detect_anomaly():
            y = make(lib, backward).apply(leaf(lib))  # shown
            y.sum().backward()

    return outcome(action)


@program
def what_is_kept_with_the_nodes(lib: Any) -> Any:
    class Kept:
        pass

    found: list[Any] = []

    def run() -> Any:
        x = leaf(lib)
        with lib.autograd.set_detect_anomaly(True):
            (grad,) = lib.autograd.grad(x.exp().sum(), x, create_graph=True)
        metadata = grad.grad_fn.metadata
        found.append((sorted(metadata), metadata["parent_"].name(), type(metadata["traceback_"][0]).__name__))
        metadata["kept"] = kept = Kept()
        return weakref.ref(kept)

    gc.disable()
    try:
        found.append(run()() is None)
    finally:
        gc.enable()
    return found


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(function: Callable[[Any], Any]) -> None:
    assert function(pb) == function(torch)

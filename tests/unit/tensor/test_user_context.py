"""A backward pass restores the state that code of the user leaves changed in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any

import pytest

import pullback as pb
import pullback.autograd.forward_ad as fwd
from pullback.autograd.graph import allow_mutation_on_saved_tensors, disable_saved_tensors_hooks, saved_tensors_hooks
from pullback.dispatch.interception import intercept_kernels
from pullback.extend import intercept
from pullback.overrides import PullbackFunctionMode


class _Mode(PullbackFunctionMode):
    def __pullback_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


MANAGERS: dict[str, Callable[[], Any]] = {
    "no_grad": pb.no_grad,
    "enable_grad": pb.enable_grad,
    "set_grad_enabled": lambda: pb.set_grad_enabled(False),
    "inference_mode": pb.inference_mode,
    "anomaly detection": lambda: pb.autograd.detect_anomaly(check_nan=False),
    "saved_tensors_hooks": lambda: saved_tensors_hooks(lambda t: t, lambda t: t),
    "disable_saved_tensors_hooks": lambda: disable_saved_tensors_hooks("none here"),
    "allow_mutation_on_saved_tensors": allow_mutation_on_saved_tensors,
    "dual_level": fwd.dual_level,
    "function mode": _Mode,
    "intercept": lambda: intercept(lambda operation, operands, attributes, proceed: proceed()),
    "intercept_kernels": lambda: intercept_kernels(lambda operation, operands, attributes, proceed: proceed()),
    "use_backend": lambda: pb.use_backend("jax"),
    "set_multithreading_enabled": lambda: pb.autograd.set_multithreading_enabled(False),
    "enforce_grad_layout_policy": lambda: pb.autograd.enforce_grad_layout_policy(False),
}
PLACES = ("tensor hook", "pre-hook", "post-hook", "leaf's hook", "accumulated", "function", "unpack", "callback")


def state() -> dict[str, Any]:
    """Every context variable of the package that is not as it is without any manager."""
    return {
        variable.name: value
        for variable, value in copy_context().items()
        if variable.name.startswith("pullback") and value != Context().run(variable.get)
    }


def program(act: Callable[[str], None]) -> tuple[pb.Tensor, pb.Tensor]:
    """A leaf and a result of it, with code in every place that calls ``act`` with the name of the place."""

    class Double(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            act("function")
            return grad * 2

    def unpack(packed: pb.Tensor) -> pb.Tensor:
        act("unpack")
        return packed

    x = pb.ones(2, requires_grad=True)
    y = x * 3
    y.register_hook(lambda grad: act("tensor hook"))
    node = y.grad_fn
    node.register_prehook(lambda grads: act("pre-hook"))
    node.register_hook(lambda gradients, grads: act("post-hook"))
    x.register_hook(lambda grad: act("leaf's hook"))
    x.register_post_accumulate_grad_hook(lambda leaf: act("accumulated"))
    z = Double.apply(y)
    with saved_tensors_hooks(lambda t: t, unpack):
        z = z * z
    out = z.sum()
    queue = pb.autograd.Variable._execution_engine.queue_callback
    out.register_hook(lambda grad: queue(lambda: act("callback")))
    return x, out


@pytest.mark.filterwarnings("ignore:Anomaly Detection:UserWarning")
@pytest.mark.parametrize("fails", [False, True], ids=["", "and fails"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("manager", MANAGERS)
def test_a_manager_entered_in_a_pass_ends_with_it(manager: str, place: str, fails: bool) -> None:
    entered = []
    before: dict[str, Any] = {}

    def act(here: str) -> None:
        if here == place and not entered:
            entered.append(MANAGERS[manager]())
            entered[0].__enter__()
            if fails:
                raise KeyError(place)

    def run() -> None:
        _, out = program(act)
        before.update(state())
        if fails:
            with pytest.raises(KeyError, match=place):
                out.backward()
        else:
            out.backward()
        assert state() == before
        with suppress(RuntimeError, IndexError):  # some find that they have been ended
            entered.pop().__exit__(None, None, None)

    copy_context().run(run)


@pytest.mark.parametrize("place", PLACES[:-1])
def test_it_lasts_until_the_node_has_run(place: str) -> None:
    """The hooks of a tensor and of its node, and those of a leaf, are of one node each."""
    together = {"tensor hook": 0, "pre-hook": 0, "post-hook": 0, "leaf's hook": 1, "accumulated": 1}
    seen = {}
    unpacked = 0

    def act(here: str) -> None:
        nonlocal unpacked
        if here == "unpack":
            unpacked += 1
        if here not in seen:
            seen[here] = pb.is_grad_enabled()
        if here == place and unpacked < 2:
            pb.set_grad_enabled(True)
        if here == place and place != "unpack":
            pb.set_grad_enabled(True)

    _, out = program(act)
    out.backward()
    order = ["unpack", "function", *together]
    later = {name for name in together if together[name] == together.get(place)}
    expected = {name: name in later and order.index(name) > order.index(place) for name in order}
    assert {name: seen[name] for name in order} == expected
    assert pb.is_grad_enabled()


def test_what_the_user_sets_stays_set() -> None:
    own: ContextVar[str] = ContextVar("somebody's own", default="before")
    _, out = program(lambda here: own.set(here) and None)
    out.backward()
    assert own.get() == "callback"


def test_a_dual_level_left_open_takes_its_tangents_along() -> None:
    x = pb.ones(2)
    duals = []

    def enter(grad: pb.Tensor) -> None:
        fwd.enter_dual_level()
        duals.append(fwd.make_dual(x, pb.ones(2)))

    y = pb.ones(2, requires_grad=True) * 2
    y.register_hook(enter)
    y.sum().backward()
    assert duals
    with fwd.dual_level():
        assert fwd.unpack_dual(duals[0]).tangent is None


def test_a_level_that_a_hook_has_ended_says_so_at_its_end_and_is_gone() -> None:
    y = pb.ones(2, requires_grad=True) * 2
    y.register_hook(lambda grad: fwd.exit_dual_level())
    with pytest.raises(RuntimeError, match="Dual level must be a positive number"), fwd.dual_level():
        y.sum().backward()
    assert fwd._current_level() == -1

"""Backward passes inside backward passes, deeper than the stack of one thread."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

import pullback as pb
from pullback.process.locks import ACCUMULATION, MEMORY
from pullback.tensor.backward_pass import current_pass
from pullback.utils.checkpoint import checkpoint

DEPTH = 600


def nested(depth: int, at_the_bottom: Callable[[], None] = lambda: None) -> pb.Tensor:
    """The gradient of a function whose backward runs backward, and so on."""

    class Nest(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: pb.Tensor, depth: int) -> pb.Tensor:
            ctx.depth = depth
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: pb.Tensor) -> Any:
            if ctx.depth == 0:
                at_the_bottom()
                return grad, None
            with pb.enable_grad():
                x = pb.ones(2, requires_grad=True)
                Nest.apply(x, ctx.depth - 1).sum().backward()
            assert x.grad is not None
            return grad + x.grad, None

    x = pb.ones(2, requires_grad=True)
    Nest.apply(x, depth).sum().backward()
    assert x.grad is not None
    return x.grad


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_any_depth(backend: str) -> None:
    limit, threads = sys.getrecursionlimit(), threading.active_count()
    depth = DEPTH if backend == "numpy" else DEPTH // 2
    with pb.use_backend(backend):
        assert nested(depth).tolist() == [depth + 1.0] * 2
    assert sys.getrecursionlimit() == limit
    assert threading.active_count() <= threads + 1  # the last one may still be ending
    assert pb.is_grad_enabled()
    assert current_pass() is None


def test_hooks_that_call_grad() -> None:
    def gradient(depth: int) -> pb.Tensor:
        x = pb.ones(2, requires_grad=True)
        y = x * 0.5
        if depth:
            y.register_hook(lambda grad: grad + differentiated(depth - 1))
        return pb.autograd.grad(y.sum(), x)[0]

    def differentiated(depth: int) -> pb.Tensor:
        with pb.enable_grad():
            return gradient(depth)

    assert gradient(DEPTH).tolist() == [1.0, 1.0]


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad:UserWarning")
def test_reentrant_checkpoints_in_checkpoints() -> None:
    def inside(x: pb.Tensor, depth: int) -> Any:
        if not depth:
            return x * 3
        return checkpoint(lambda t: inside(t * 1, depth - 1), x, use_reentrant=True)

    x = pb.ones(2, requires_grad=True)
    inside(x, 60).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 3.0]


def test_what_it_raises_comes_through() -> None:
    def fail() -> None:
        raise KeyError("at the bottom")

    with pytest.raises(KeyError, match="at the bottom"):
        nested(DEPTH, fail)
    assert pb.is_grad_enabled()
    assert current_pass() is None


def test_the_state_goes_down_and_comes_back() -> None:
    own: ContextVar[str] = ContextVar("somebody's own", default="nothing")
    found = []

    def look() -> None:
        found.append((own.get(), pb.is_grad_enabled(), threading.current_thread() is threading.main_thread()))
        own.set("from below")

    own.set("from above")
    nested(DEPTH, look)
    assert found == [("from above", False, False)]
    assert own.get() == "from below"


@pytest.mark.parametrize("lock", [ACCUMULATION, MEMORY])
def test_passes_that_hold_a_lock_stay_in_their_thread(lock: Any) -> None:
    """Code that runs while a gradient is added, or a tensor written, may run backward itself."""
    threads = set()

    def nested_under_lock() -> None:
        own = threading.get_ident()
        with lock, pb.enable_grad():
            nested(30, lambda: threads.add(threading.get_ident() == own))

    def deeper(frames: int) -> None:
        if frames:
            deeper(frames - 1)
        else:
            nested(0, nested_under_lock)

    deeper(sys.getrecursionlimit() // 3)
    assert threads == {True}


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill does not interrupt there")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="only there signals arrive")
def test_an_interrupt_reaches_the_pass_at_the_bottom() -> None:
    interrupted = []

    def wait() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(100_000_000):
                pass
        except KeyboardInterrupt:
            interrupted.append(threading.current_thread() is threading.main_thread())
            raise

    with pytest.raises(KeyboardInterrupt):
        nested(DEPTH, wait)
    assert interrupted == [False]
    assert pb.is_grad_enabled()
    assert current_pass() is None


def test_where_no_more_threads_can_be_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pullback.autograd.fresh_stack._MOST_THREADS", 2)
    with pytest.raises(RecursionError):
        nested(100_000)
    assert pb.is_grad_enabled()
    assert current_pass() is None

"""Grad modes as context managers, functions and decorators."""

from __future__ import annotations

import asyncio
import threading

import pytest

import pullback as pb


@pytest.fixture
def x() -> pb.Tensor:
    return pb.ones(2, requires_grad=True)


def test_no_grad_and_enable_grad_nest(x: pb.Tensor) -> None:
    with pb.no_grad():
        assert not (x * 2).requires_grad
        with pb.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_set_grad_enabled_works_as_a_function_and_as_a_block(x: pb.Tensor) -> None:
    pb.set_grad_enabled(False)
    try:
        assert not (x * 2).requires_grad
    finally:
        pb.set_grad_enabled(True)
    with pb.set_grad_enabled(False):
        assert not pb.is_grad_enabled()
    assert pb.is_grad_enabled()


@pytest.mark.parametrize("decorator", [lambda: pb.no_grad, lambda: pb.no_grad(), lambda: pb.set_grad_enabled(False)])
def test_as_decorators(decorator, x: pb.Tensor) -> None:
    @decorator()
    def double(tensor):
        return tensor * 2

    assert not double(x).requires_grad
    assert pb.is_grad_enabled()


def test_a_decorated_generator_is_in_the_mode_only_while_it_runs(x: pb.Tensor) -> None:
    @pb.no_grad()
    def steps():
        for _ in range(2):
            yield (x * 2).requires_grad

    for inside in steps():
        assert inside is False
        assert pb.is_grad_enabled()


def test_an_exception_restores_the_mode() -> None:
    with pytest.raises(ValueError, match="inside"), pb.no_grad():
        raise ValueError("inside")
    assert pb.is_grad_enabled()


def test_each_thread_has_its_own_mode() -> None:
    seen = []
    with pb.no_grad():
        thread = threading.Thread(target=lambda: seen.append(pb.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_the_mode_of_one_task_does_not_leak_into_another() -> None:
    seen = []

    async def without_grad(go, entered):
        with pb.no_grad():
            entered.set()
            await go.wait()
            seen.append(pb.is_grad_enabled())

    async def main():
        go, entered = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(without_grad(go, entered))
        await entered.wait()
        seen.append(pb.is_grad_enabled())
        go.set()
        await task

    asyncio.run(main())
    assert seen == [True, False]

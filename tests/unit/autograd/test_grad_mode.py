"""Grad modes as context managers, functions and decorators."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

import pullback as pb


@pytest.fixture
def x() -> pb.Tensor:
    return pb.ones(2, requires_grad=True)


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


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


MODES = {
    "no_grad": pb.no_grad,
    "inference_mode": pb.inference_mode,
    "set_grad_enabled": lambda: pb.set_grad_enabled(False),
    "set_detect_anomaly": lambda: pb.autograd.set_detect_anomaly(True, False),
    "set_multithreading_enabled": lambda: pb.autograd.set_multithreading_enabled(False),
}


def state() -> tuple[bool, ...]:
    return (
        pb.is_grad_enabled(),
        pb.is_inference_mode_enabled(),
        pb.is_anomaly_enabled(),
        pb.is_anomaly_check_nan_enabled(),
        pb.autograd.is_multithreading_enabled(),
    )


USUAL = (True, False, False, True, True)


@pytest.mark.parametrize("name", MODES)
def test_a_block_may_end_in_another_context_than_it_began_in(name: str) -> None:
    def steps():
        with MODES[name]():
            yield state()
        yield state()

    first, second = contextvars.copy_context(), contextvars.copy_context()
    running = steps()
    inside = first.run(next, running)
    assert inside != USUAL
    assert second.run(next, running) == USUAL
    assert (first.run(state), second.run(state), state()) == (inside, USUAL, USUAL)


@pytest.mark.parametrize("name", MODES)
def test_an_asynchronous_generator_may_be_closed_by_another_task(name: str) -> None:
    async def steps():
        with MODES[name]():
            yield state()

    async def main():
        running = steps()
        assert await running.__anext__() != USUAL
        await asyncio.create_task(running.aclose())

    asyncio.run(main())
    assert state() == USUAL


@pytest.mark.parametrize("name", MODES)
def test_a_generator_may_be_finished_by_another_thread(name: str) -> None:
    def steps():
        with MODES[name]():
            yield
        seen.append(state())

    seen: list[tuple[bool, ...]] = []
    context = contextvars.copy_context()
    running = steps()
    context.run(next, running)
    thread = threading.Thread(target=lambda: next(running, None))
    thread.start()
    thread.join()
    assert seen == [USUAL]
    assert state() == USUAL


def test_decorated_coroutines_run_in_the_mode_and_leave_others_alone() -> None:
    @pb.no_grad()
    async def without():
        await asyncio.sleep(0)
        return pb.is_grad_enabled()

    @pb.enable_grad()
    async def recording():
        before = pb.is_grad_enabled()
        inside = await without()
        task = asyncio.create_task(without())
        return before, inside, pb.is_grad_enabled(), await task, pb.is_grad_enabled()

    with pb.no_grad():
        assert asyncio.run(recording()) == (True, False, True, False, True)
        assert not pb.is_grad_enabled()


def test_decorated_asynchronous_generators_run_in_the_mode_step_by_step() -> None:
    @pb.no_grad()
    async def steps():
        try:
            yield pb.is_grad_enabled()
        except ValueError:
            yield "caught", pb.is_grad_enabled()
        yield pb.is_grad_enabled()

    async def main():
        running = steps()
        yield await running.__anext__(), pb.is_grad_enabled()
        yield await running.athrow(ValueError()), pb.is_grad_enabled()
        async for inside in running:
            yield inside, pb.is_grad_enabled()

    async def collected():
        return [found async for found in main()]

    assert asyncio.run(collected()) == [(False, True), (("caught", False), True), (False, True)]


def test_a_thread_that_copies_the_context_has_its_modes() -> None:
    async def main():
        with pb.no_grad():
            return await asyncio.to_thread(pb.is_grad_enabled)

    assert asyncio.run(main()) is False


def test_an_exception_thrown_into_a_decorated_generator_is_not_kept(collector_off: None) -> None:
    class Thrown(ValueError):
        pass

    @pb.no_grad()
    def steps():
        try:
            yield
        except Thrown:
            yield

    def run():
        running = steps()
        next(running)
        error = Thrown()
        running.throw(error)
        running.close()
        return weakref.ref(error)

    assert run()() is None


def test_set_multithreading_enabled_as_a_decorator_leaves_its_surroundings_alone() -> None:
    enabled = pb.autograd.is_multithreading_enabled
    decorated = pb.autograd.set_multithreading_enabled(False)(enabled)
    assert (enabled(), decorated(), enabled()) == (True, False, True)

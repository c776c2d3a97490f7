"""Backward passes in several threads at once, and modes in threads, tasks and generators."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.dispatch.codegen import make_callable
from pullback.extend import registry

THREADS = 8


def run_in_threads(work: Callable[[int], Any]) -> list[Any]:
    """The results of ``work(0)``, ``work(1)``, ... in threads that begin together; an exception is a result too."""
    results: list[Any] = [None] * THREADS
    barrier = threading.Barrier(THREADS)

    def body(number: int) -> None:
        barrier.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=body, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize(("backend", "passes"), [("numpy", 1000), ("jax", 50)])
def test_leaves_that_threads_share_get_exact_sums(backend: str, passes: int) -> None:
    with pb.use_backend(backend):
        a = pb.tensor([1.0, 2.0], dtype=pb.float64, requires_grad=True)
        b = pb.tensor([3.0, 4.0], dtype=pb.float64, requires_grad=True)

        def work(number: int) -> None:
            for _ in range(passes):
                (a * b + a).sum().backward()

        assert run_in_threads(work) == [None] * THREADS
        total = THREADS * passes
        assert a.grad.tolist() == [4.0 * total, 5.0 * total]
        assert b.grad.tolist() == [1.0 * total, 2.0 * total]


def test_gradients_that_are_recorded_sum_up_too() -> None:
    a = pb.tensor(2.0, dtype=pb.float64, requires_grad=True)
    passes = 20

    def work(number: int) -> None:
        for _ in range(passes):
            pb.autograd.backward(a * 3, retain_graph=True)

    run_in_threads(work)
    assert a.grad.item() == 3.0 * THREADS * passes


def test_a_part_of_the_graph_that_threads_share() -> None:
    a = pb.ones(3, dtype=pb.float64, requires_grad=True)
    shared = (a * 2).exp()

    def work(number: int) -> list[float]:
        (found,) = pb.autograd.grad((shared * number).sum(), a, retain_graph=True)
        return found.tolist()

    expected = [pb.autograd.grad((shared * n).sum(), a, retain_graph=True)[0].tolist() for n in range(THREADS)]
    assert run_in_threads(work) == expected


def test_an_error_in_one_thread_disturbs_no_other() -> None:
    a = pb.ones(2, dtype=pb.float64, requires_grad=True)

    def work(number: int) -> Any:
        def hook(grad: pb.Tensor) -> None:
            if number == 0:
                raise ValueError("in the first thread")

        for _ in range(50):
            x = a * 2
            x.register_hook(hook)
            x.sum().backward()
        return pb.is_grad_enabled()

    first, *others = run_in_threads(work)
    assert isinstance(first, ValueError)
    assert others == [True] * (THREADS - 1)
    assert a.grad.tolist() == [100.0 * (THREADS - 1)] * 2


def test_passes_within_passes_in_threads() -> None:
    a = pb.ones(2, dtype=pb.float64, requires_grad=True)

    def work(number: int) -> None:
        def hook(grad: pb.Tensor) -> None:
            with pb.enable_grad():
                (a * 3).sum().backward()

        for _ in range(20):
            x = a * 2
            x.register_hook(hook)
            x.sum().backward()

    assert run_in_threads(work) == [None] * THREADS
    assert a.grad.tolist() == [5.0 * 20 * THREADS] * 2


def test_an_operation_first_used_in_several_threads_at_once() -> None:
    square = make_callable(registry["square"])  # as it is until its first call

    def work(number: int) -> list[float]:
        x = pb.tensor([float(number)], requires_grad=True)
        square(x).sum().backward()
        return x.grad.tolist()

    assert run_in_threads(work) == [[2.0 * number] for number in range(THREADS)]


def test_each_thread_has_modes_of_its_own() -> None:
    def work(number: int) -> list[bool]:
        found = [pb.is_grad_enabled(), pb.is_inference_mode_enabled()]
        if number % 2:
            with pb.no_grad():
                for _ in range(100):
                    found.append(pb.is_grad_enabled())
        else:
            for _ in range(100):
                found.append((pb.ones(1, requires_grad=True) * 2).requires_grad)
        return found

    with pb.inference_mode():
        results = run_in_threads(work)
    assert results == [[True, False] + [number % 2 == 0] * 100 for number in range(THREADS)]


def test_callbacks_and_passes_are_the_threads_own() -> None:
    queue = pb.autograd.Variable._execution_engine.queue_callback

    def work(number: int) -> list[int]:
        called: list[int] = []
        x = pb.ones(1, requires_grad=True) * 2
        x.register_hook(lambda g: queue(lambda: called.append(number)))
        x.sum().backward()
        return called

    assert run_in_threads(work) == [[number] for number in range(THREADS)]


def test_a_retained_graph_that_threads_share_gives_exact_sums() -> None:
    a = pb.tensor([1.0, 2.0], dtype=pb.float64, requires_grad=True)
    shared = (a * a).sum()
    seen: list[int] = []
    shared.grad_fn.register_hook(lambda inputs, outputs: seen.append(1))
    passes = 200

    def work(number: int) -> None:
        for _ in range(passes):
            shared.backward(retain_graph=True)

    assert run_in_threads(work) == [None] * THREADS
    assert a.grad.tolist() == [2.0 * passes * THREADS, 4.0 * passes * THREADS]
    assert len(seen) == passes * THREADS


def test_a_shared_graph_that_one_pass_frees_is_freed_for_all() -> None:
    """Each thread gets the whole gradient or PyTorch's error for a second pass, and never a part of it."""
    for _ in range(20):
        a = pb.tensor([1.0, 2.0], dtype=pb.float64, requires_grad=True)
        shared = (a * a).exp().sum()

        def work(number: int, shared: pb.Tensor = shared, a: pb.Tensor = a) -> list[float]:
            return pb.autograd.grad(shared, a)[0].tolist()

        results = run_in_threads(work)
        whole = [r for r in results if isinstance(r, list)]
        errors = [r for r in results if not isinstance(r, list)]
        assert whole
        assert all(r == pytest.approx([2 * 2.718281828459045, 4 * 54.598150033144236]) for r in whole)
        assert all(isinstance(e, RuntimeError) and "a second time" in str(e) for e in errors)


def test_hooks_on_shared_leaves_run_once_for_each_pass() -> None:
    a = pb.ones(2, dtype=pb.float64, requires_grad=True)
    calls: list[str] = []
    a.register_hook(lambda g: calls.append("hook"))
    a.register_post_accumulate_grad_hook(lambda t: calls.append("accumulated"))
    passes = 100

    def work(number: int) -> list[int]:
        own: list[int] = []
        for _ in range(passes):
            x = a * 2
            pb.autograd.graph.register_multi_grad_hook((x, x * 1), lambda gs: own.append(number))
            (x * 3).sum().backward()
        return own

    assert run_in_threads(work) == [[number] * passes for number in range(THREADS)]
    assert (calls.count("hook"), calls.count("accumulated")) == (passes * THREADS,) * 2
    assert a.grad.tolist() == [6.0 * passes * THREADS] * 2


def test_checkpoints_and_graphs_of_gradients_in_threads() -> None:
    from pullback.utils.checkpoint import checkpoint

    a = pb.tensor([0.5, 1.0], dtype=pb.float64, requires_grad=True)

    def work(number: int) -> list[list[float]]:
        found = []
        for _ in range(10):
            y = checkpoint(lambda t: (t * number).exp() * t, a, use_reentrant=bool(number % 2))
            x = pb.tensor([0.5, 1.0], dtype=pb.float64, requires_grad=True)
            (first,) = pb.autograd.grad((x**3).sum() * number, x, create_graph=True)
            first.sum().backward()
            y.sum().backward()
            found.append(x.grad.tolist())
        return found

    assert run_in_threads(work) == [[[3.0 * number, 6.0 * number]] * 10 for number in range(THREADS)]
    expected = pb.zeros(2, dtype=pb.float64)
    for number in range(THREADS):
        x = a.detach().requires_grad_()
        ((x * number).exp() * x).sum().backward()
        expected += x.grad * 10
    assert a.grad.allclose(expected, rtol=1e-12)


def test_every_mode_is_the_threads_own() -> None:
    def work(number: int) -> list[Any]:
        found: list[Any] = []
        graph = pb.autograd.graph
        for _ in range(20):
            x = pb.ones(1, requires_grad=True)
            kind = number % 4
            if kind == 0:
                with pb.inference_mode():
                    found.append((x * 2).is_inference())
            elif kind == 1:
                with graph.saved_tensors_hooks(lambda t: found.append("packed") or t, lambda t: t):
                    x.exp()
            elif kind == 2:
                with pb.autograd.forward_ad.dual_level():
                    dual = pb.autograd.forward_ad.make_dual(x, x.detach() * 3)
                    found.append(pb.autograd.forward_ad.unpack_dual(dual * 2).tangent.item())
            else:
                found.append(((x * 2).requires_grad, pb.is_inference_mode_enabled()))
        return found

    expected: list[Any] = [[True] * 20, ["packed"] * 20, [6.0] * 20, [(True, False)] * 20]
    assert run_in_threads(work) == expected * 2


# -- tasks, coroutines and generators ---------------------------------------------------------------------------------


def test_a_mode_survives_await() -> None:
    async def quiet() -> list[bool]:
        found = []
        with pb.no_grad():
            found.append(pb.is_grad_enabled())
            await asyncio.sleep(0)
            found.append(pb.is_grad_enabled())
            with pb.enable_grad():
                await asyncio.sleep(0)
                found.append(pb.is_grad_enabled())
        found.append(pb.is_grad_enabled())
        return found

    async def loud() -> list[bool]:
        found = []
        for _ in range(4):
            found.append(pb.is_grad_enabled())
            await asyncio.sleep(0)
        return found

    async def main() -> list[list[bool]]:
        return await asyncio.gather(quiet(), loud(), quiet())

    first = [False, False, True, True]
    assert asyncio.run(main()) == [first, [True] * 4, first]


@pytest.mark.parametrize("mode", [pb.no_grad(), pb.no_grad, pb.inference_mode(), pb.inference_mode])
def test_a_decorated_coroutine_runs_in_the_mode(mode: Any) -> None:
    @mode
    async def inside(x: pb.Tensor) -> list[bool]:
        found = [(x * 2).requires_grad]
        await asyncio.sleep(0)
        found.append((x * 2).requires_grad)
        return found

    async def main() -> Any:
        x = pb.ones(1, requires_grad=True)
        found = await asyncio.gather(inside(x), inside(x))
        return found, pb.is_grad_enabled()

    assert asyncio.run(main()) == ([[False, False]] * 2, True)


@pytest.mark.parametrize("mode", [pb.no_grad(), pb.no_grad, pb.inference_mode()])
def test_a_decorated_asynchronous_generator_is_in_the_mode_only_while_it_runs(mode: Any) -> None:
    log: list[Any] = []

    @mode
    async def steps() -> AsyncIterator[Any]:
        try:
            while True:
                await asyncio.sleep(0)
                try:
                    log.append((yield pb.is_grad_enabled()))
                except ValueError:
                    log.append(("caught", pb.is_grad_enabled()))
        finally:
            log.append(("closed", pb.is_grad_enabled()))

    async def main() -> None:
        run = steps()
        log.append(await run.asend(None))
        log.append(pb.is_grad_enabled())
        log.append(await run.asend("sent"))
        log.append(await run.athrow(ValueError()))
        log.append(pb.is_grad_enabled())
        await run.aclose()
        log.append(pb.is_grad_enabled())

    asyncio.run(main())
    assert log == [False, True, "sent", False, ("caught", False), False, True, ("closed", False), True]


def test_a_decorated_asynchronous_generator_ends() -> None:
    @pb.no_grad()
    async def steps() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> list[int]:
        return [value async for value in steps()]

    assert asyncio.run(main()) == [1, 2]


def test_a_block_may_end_in_another_context_than_it_began_in() -> None:
    def generator() -> Iterator[bool]:
        with pb.no_grad():
            yield pb.is_grad_enabled()
            yield pb.is_grad_enabled()

    run = generator()
    assert contextvars.copy_context().run(next, run) is False
    assert pb.is_grad_enabled()
    assert next(run) is True  # this context has not entered the block
    assert next(run, "end") == "end"
    assert pb.is_grad_enabled()


def test_a_copied_context_begins_in_the_mode_it_was_copied_in() -> None:
    with pb.no_grad():
        context = contextvars.copy_context()

    def inside() -> bool:
        with pb.enable_grad():
            pass
        return pb.is_grad_enabled()

    assert context.run(inside) is False
    assert pb.is_grad_enabled()


def test_blocks_that_do_not_nest_never_record_in_inference_mode() -> None:
    grad, inference = pb.no_grad(), pb.inference_mode()
    grad.__enter__()
    inference.__enter__()
    grad.__exit__(None, None, None)
    found = (pb.ones(1, requires_grad=True) * 2).requires_grad, pb.is_inference_mode_enabled()
    inference.__exit__(None, None, None)
    pb.set_grad_enabled(True)
    assert found == (False, True)


def test_one_manager_serves_nested_blocks_and_several_functions() -> None:
    manager = pb.no_grad()
    with manager:
        with manager:
            assert not pb.is_grad_enabled()
        assert not pb.is_grad_enabled()
    assert pb.is_grad_enabled()
    setting = pb.set_grad_enabled(False)
    first = setting(lambda: pb.is_grad_enabled())
    second = setting(lambda: pb.is_grad_enabled())
    assert pb.is_grad_enabled()
    assert (first(), second(), pb.is_grad_enabled()) == (False, False, True)

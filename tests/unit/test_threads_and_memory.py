"""Threads that share tensors: what is made when first needed is made once, and no write is lost."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.process.locks import made_once
from pullback.tensor.memory import alias_of

THREADS = 6
InThreads = Callable[[Callable[[int], Any]], list[Any]]


@pytest.fixture
def in_threads() -> Iterator[InThreads]:
    """``in_threads(job)``: the results of ``job(0)``, ``job(1)``, ... in threads that change all the time."""
    interval = sys.getswitchinterval()
    barrier = threading.Barrier(THREADS + 1)
    job: Callable[[int], Any] | None = None
    results: list[Any] = []

    def loop(number: int) -> None:
        while True:
            barrier.wait()
            if job is None:
                return
            try:
                results[number] = job(number)
            except Exception as error:
                results[number] = error
            barrier.wait()

    def run(function: Callable[[int], Any]) -> list[Any]:
        nonlocal job
        job, results[:] = function, [None] * THREADS
        barrier.wait()
        barrier.wait()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return list(results)

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    sys.setswitchinterval(1e-6)
    try:
        yield run
    finally:
        sys.setswitchinterval(interval)
        job = None
        barrier.wait()
        for thread in threads:
            thread.join()


def test_first_views_share_one_storage(in_threads: InThreads) -> None:
    for _ in range(300):
        base = pb.ones(4)
        views = in_threads(lambda number, base=base: base[number % 3 :])
        assert {id(view.alias.counter) for view in views} == {id(base.alias.counter)}
        assert {id(member) for member in base.alias.storage.live()} == {id(t) for t in (base, *views)}


def test_a_write_after_first_views_is_noticed(in_threads: InThreads) -> None:
    for _ in range(100):
        base = pb.ones(4)
        views = in_threads(lambda number, base=base: base[number % 3 :])
        products = [(view * pb.ones(len(view), requires_grad=True)).sum() for view in views]
        base.mul_(100)
        for product in products:
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                product.backward()


def test_a_result_that_its_node_saves_is_told_of_writes_once_it_has_an_alias(in_threads: InThreads) -> None:
    for _ in range(200):
        result = pb.ones(3, requires_grad=True).exp()
        in_threads(lambda number, result=result: result.detach())
        result.detach().mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            result.sum().backward()


@pytest.mark.parametrize("kind", ["node", "leaf", "accumulator"])
def test_first_hooks_all_stay(in_threads: InThreads, kind: str) -> None:
    for _ in range(200):
        leaf = pb.ones(2, requires_grad=True)
        result = leaf * 2
        calls: list[int] = []

        def register(number: int, leaf: Any = leaf, result: Any = result, calls: list[int] = calls) -> Any:
            if kind == "accumulator":
                return result.grad_fn.next_functions[0][0].register_hook(lambda *_: calls.append(number))
            return (leaf if kind == "leaf" else result).register_hook(lambda _: calls.append(number))

        in_threads(register)
        result.sum().backward()
        assert sorted(calls) == list(range(THREADS))


def test_a_leaf_has_one_accumulator(in_threads: InThreads) -> None:
    for _ in range(200):
        node = (pb.ones(2, requires_grad=True) * 2).grad_fn
        found = in_threads(lambda number, node=node: node.next_functions[0][0])
        assert len({id(f) for f in found}) == 1


def test_the_history_of_a_view_is_regenerated_for_all_who_ask(in_threads: InThreads) -> None:
    for _ in range(200):
        leaf = pb.ones(4, requires_grad=True)
        base = leaf * 1
        view = base[1:]
        base.mul_(3)
        assert None not in in_threads(lambda number, view=view: view.grad_fn)
        view.sum().backward()
        assert leaf.grad.tolist() == [0.0, 3.0, 3.0, 3.0]


def test_a_retained_gradient_loses_nothing(in_threads: InThreads) -> None:
    for _ in range(50):
        middle = pb.ones(2, requires_grad=True) * 2
        middle.retain_grad()
        total = middle.sum()
        in_threads(lambda number, total=total: total.backward(retain_graph=True))
        assert middle.grad.tolist() == [float(THREADS)] * 2


def test_recorded_writes_of_disjoint_views_all_reach_the_history(in_threads: InThreads) -> None:
    for _ in range(60):
        leaf = pb.ones(THREADS, requires_grad=True)
        base = leaf * 1
        in_threads(lambda number, base=base: base[number].mul_(number + 2))
        base.sum().backward()
        assert leaf.grad.tolist() == [float(number + 2) for number in range(THREADS)]


def test_members_of_a_storage_are_kept_while_dead_ones_are_forgotten(in_threads: InThreads) -> None:
    base = pb.zeros(4)

    def work(number: int) -> list[Any]:
        kept = []
        for count in range(200):
            view = base[1:]
            if count % 20 == 0:
                kept.append(view)
        return kept

    kept = [view for views in in_threads(work) for view in views]
    assert {id(view) for view in kept} <= {id(member) for member in alias_of(base).storage.live()}


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_writes_of_disjoint_views_all_arrive(in_threads: InThreads, backend: str) -> None:
    with pb.use_backend(backend):
        for _ in range(4):
            base = pb.zeros(THREADS, 3)

            def fill(number: int, base: Any = base) -> None:
                for count in range(1, 6):
                    base[number].fill_(count)
                    base.t()[1, number].add_(1)

            in_threads(fill)
            assert base.tolist() == [[5.0, 6.0, 5.0]] * THREADS


def _assign_at_mask(x: Any, number: int, count: float) -> None:
    x[pb.arange(THREADS) == number] = count


def _assign_at_positions(x: Any, number: int, count: float) -> None:
    x[pb.tensor([number])] = count


def _assign_columns_at_positions(x: Any, number: int, count: float) -> None:
    x[pb.tensor([number]), 0] = count
    x[number, pb.tensor([1, 2])] = count


WRITES_OF_ONE_ROW: dict[str, Callable[[Any, int, float], Any]] = {
    "x[positions] = ": _assign_at_positions,
    "x[positions, 0] = ": _assign_columns_at_positions,
    "x[mask] = ": _assign_at_mask,
    "index_add_": lambda x, number, count: x.index_add_(0, pb.tensor([number]), pb.ones(1, 3)),
    "index_copy_": lambda x, number, count: x.index_copy_(0, pb.tensor([number]), pb.full((1, 3), count)),
    "index_fill_": lambda x, number, count: x.index_fill_(0, pb.tensor([number]), count),
    "index_put_": lambda x, number, count: x.index_put_((pb.tensor([number]),), pb.ones(1, 3), accumulate=True),
    "masked_fill_": lambda x, number, count: x.masked_fill_((pb.arange(THREADS) == number)[:, None], count),
    "masked_scatter_": lambda x, number, count: x.masked_scatter_(
        (pb.arange(THREADS) == number)[:, None], pb.full((3,), count)
    ),
    "put_": lambda x, number, count: x.put_(pb.arange(3) + 3 * number, pb.full((3,), count)),
    "scatter_": lambda x, number, count: x.scatter_(0, pb.full((1, 3), number), count),
    "scatter_add_": lambda x, number, count: x.scatter_add_(0, pb.full((1, 3), number), pb.ones(1, 3)),
    "index_add_ of a view": lambda x, number, count: x[:].index_add_(0, pb.tensor([number]), pb.ones(1, 3)),
}


@pytest.mark.parametrize("write", WRITES_OF_ONE_ROW)
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_writes_of_some_elements_of_one_tensor_all_arrive(in_threads: InThreads, backend: str, write: str) -> None:
    def fill(number: int) -> None:
        with pb.use_backend(backend):
            for count in range(1, 7):
                WRITES_OF_ONE_ROW[write](base, number, float(count))

    base = pb.zeros(THREADS, 3, backend=backend)
    in_threads(fill)
    assert base.tolist() == [[6.0] * 3] * THREADS


def test_recorded_writes_of_some_elements_of_one_immutable_tensor_all_reach_the_history(in_threads: InThreads) -> None:
    for _ in range(4):
        leaves = [pb.ones(1, 3, requires_grad=True, backend="jax") for _ in range(THREADS)]
        base = pb.ones(THREADS, 3, requires_grad=True, backend="jax") * 1

        def add(number: int, base: Any = base, leaves: Any = leaves) -> None:
            for count in range(1, 4):
                base.index_add_(0, pb.tensor([number], backend="jax"), leaves[number] * count)

        in_threads(add)
        assert base.tolist() == [[7.0] * 3] * THREADS
        base.sum().backward()
        assert [leaf.grad.tolist() for leaf in leaves] == [[[6.0] * 3]] * THREADS


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_views_made_while_others_write_show_what_was_written(in_threads: InThreads, backend: str) -> None:
    with pb.use_backend(backend):
        for _ in range(6):
            base = pb.zeros(THREADS, 2)

            def work(number: int, base: Any = base) -> list[Any]:
                if number % 2:
                    return [view for _ in range(4) for view in (base[:], base.t(), base.detach())]
                base[number].fill_(1.0)
                return []

            views = [view for made in in_threads(work) for view in made]
            expected = [[1.0, 1.0], [0.0, 0.0]] * (THREADS // 2)
            assert base.tolist() == expected
            for view in views:
                assert (view if view.shape == base.shape else view.t()).tolist() == expected


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_results_first_detached_in_several_threads_keep_one_memory(in_threads: InThreads, backend: str) -> None:
    with pb.use_backend(backend):
        for _ in range(20):
            result = pb.ones(2, requires_grad=True) * 2
            detached = in_threads(lambda number, result=result: result.detach())
            detached[0].fill_(7.0)
            assert [t.tolist() for t in (result, *detached)] == [[7.0, 7.0]] * (THREADS + 1)


def test_classes_are_made_once(in_threads: InThreads) -> None:
    for count in range(50):
        make = made_once(lambda name: type(name, (), {}))
        assert len({id(found) for found in in_threads(lambda number, make=make: make("A"))}) == 1, count

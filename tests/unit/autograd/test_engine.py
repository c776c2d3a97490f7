"""What the engine promises beyond values: who owns memory, what runs, what an error leaves, how deep it may go."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import numpy as np
import pytest

import pullback as pb


def leaf(*values: float) -> pb.Tensor:
    return pb.tensor(list(values or (2.0, 3.0)), requires_grad=True)


# -- whose memory a gradient is ---------------------------------------------------------------------------------------


def test_the_gradient_of_a_chain_becomes_the_leafs_without_a_copy() -> None:
    made: list[int] = []

    class Noting(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            out = grad * 2
            made.append(out.data_ptr())
            return out

    a = leaf()
    Noting.apply(a).sum().backward()
    assert a.grad.data_ptr() == made[0]


def test_a_gradient_on_its_way_to_another_node_is_copied_for_a_leaf() -> None:
    a, b = leaf(), leaf()
    handles = [one.register_post_accumulate_grad_hook(lambda t: setattr(t, "grad", t.grad.zero_())) for one in (a, b)]
    ((a + b * 2) * 3).sum().backward()
    assert [a.grad.tolist(), b.grad.tolist()] == [[0.0, 0.0], [0.0, 0.0]]
    handles[1].remove()
    a.grad = b.grad = None
    ((a + b * 2) * 3).sum().backward()
    assert [a.grad.tolist(), b.grad.tolist()] == [[0.0, 0.0], [6.0, 6.0]]


def test_a_pass_that_wants_some_gradients_computes_no_others() -> None:
    from pullback.extend import intercept

    a, b = leaf(), leaf()
    y = (a / b).sum()
    counts = []
    for wanted in ([a], [a, b]):
        run: list[str] = []

        def note(operation: Any, operands: Any, attributes: Any, proceed: Any, run: list[str] = run) -> Any:
            run.append(operation.name)
            return proceed()

        with intercept(note):
            pb.autograd.grad(y, wanted, retain_graph=True)
        counts.append(len(run))
    assert counts[0] < counts[1]


def test_gradients_in_place_keep_the_tensor_and_its_memory() -> None:
    a = leaf()
    (a * 2).sum().backward()
    held, address = a.grad, a.grad.data_ptr()
    (a * 3).sum().backward()
    assert a.grad is held
    assert a.grad.data_ptr() == address
    assert held.tolist() == [5.0, 5.0]


def test_a_recorded_pass_makes_a_new_gradient(backend: str) -> None:
    a = leaf()
    (a * 2).sum().backward()
    held = a.grad
    with pytest.warns(UserWarning, match="will create a reference cycle between the parameter and its gradient"):
        (a**2).sum().backward(create_graph=True)
    assert a.grad is not held
    assert held.tolist() == [2.0, 2.0]
    assert a.grad.requires_grad
    a.grad = None


@pytest.mark.parametrize("memory", [lambda: pb.zeros(3, 4).t(), lambda: pb.zeros(2, 3, 4).permute(2, 0, 1)])
@pytest.mark.parametrize("expanded", [False, True])
def test_a_gradient_lies_in_memory_as_its_dense_leaf(memory: Any, expanded: bool, backend: str) -> None:
    a = memory().detach().requires_grad_()
    if expanded:
        a.sum().backward()
    else:
        (a * 2).backward(pb.ones(*a.shape))
    assert a.grad.stride() == a.stride()
    held = a.grad
    (a * 2).backward(pb.ones(*a.shape))
    assert a.grad is held
    assert a.grad.stride() == a.stride()


def test_the_gradient_of_a_leaf_with_gaps_is_contiguous(backend: str) -> None:
    a = pb.zeros(6, 4)[::2].detach().requires_grad_()
    (a * 2).sum().backward()
    assert a.grad.is_contiguous()


def test_gradients_that_users_may_see_are_not_written_through(backend: str) -> None:
    a = leaf()
    kept: list[Any] = []
    x = a * 1
    x.register_hook(lambda g: kept.append(g.detach()))
    x.sum().backward()
    before = kept[0].tolist()
    a.grad.mul_(100)
    x = a * 1
    x.sum().backward()
    assert kept[0].tolist() == before


def test_a_gradient_seen_as_a_numpy_array_is_not_written_through() -> None:
    a = leaf()
    kept: list[Any] = []
    a.register_hook(lambda g: kept.append(g.numpy()))
    (a * 2).sum().backward()
    a.grad.add_(1)
    np.testing.assert_array_equal(kept[0], [2.0, 2.0])


# -- what runs --------------------------------------------------------------------------------------------------------


def test_nodes_that_nothing_wanted_lies_behind_do_not_run(backend: str) -> None:
    log: list[str] = []
    a, b = leaf(), leaf()
    x, y = a * 2, b * 3
    for name, tensor in (("x", x), ("y", y)):
        tensor.grad_fn.register_hook(lambda i, o, name=name: log.append(name))
    pb.autograd.grad((x * y).sum(), a)
    assert log == ["x"]


def test_wanted_gradients_of_every_part_of_a_long_chain() -> None:
    a = leaf(1.0)
    places = [a]
    for _ in range(300):
        places.append(places[-1] * 1)
    found = pb.autograd.grad(places[-1].sum(), places)
    assert [g.item() for g in found] == [1.0] * 301


def test_a_view_written_in_place_gets_a_later_node_than_what_leads_to_it(backend: str) -> None:
    a, b = leaf(1.0, 2.0, 3.0), leaf(5.0)
    base = a * 2
    part = base[:1]
    other = base[1:]
    part.mul_(b)
    found = pb.autograd.grad((other.sum() + base.sum() + part.sum()), [a, b, base])
    assert [g.tolist() for g in found] == [[20.0, 4.0, 4.0], [4.0], [2.0, 2.0, 2.0]]


# -- errors -----------------------------------------------------------------------------------------------------------


def test_an_error_leaves_the_graph_that_has_not_run(backend: str) -> None:
    a = leaf()
    x = a.exp()
    y = x * x
    failing = x.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    failing.remove()
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()  # this part had run
    x.sum().backward()
    np.testing.assert_allclose(a.grad.tolist(), np.exp([2.0, 3.0]), rtol=1e-6)


def test_an_error_restores_the_mode_and_ends_the_pass(backend: str) -> None:
    a = leaf()
    x = a * 2
    x.register_hook(lambda g: 1 / 0)
    for record in (False, True):
        for mode in (contextlib.nullcontext, pb.no_grad):
            with mode():
                enabled = pb.is_grad_enabled()
                with pytest.raises(ZeroDivisionError):
                    pb.autograd.grad(x.sum() if enabled else x, a, None if enabled else pb.ones(2), create_graph=record)
                assert pb.is_grad_enabled() is enabled
    with pytest.raises(RuntimeError, match="during backward pass"):
        pb.autograd.Variable._execution_engine.queue_callback(print)


def test_an_interrupt_passes_through() -> None:
    a = leaf()
    x = a * 2

    def hook(grad: pb.Tensor) -> None:
        raise KeyboardInterrupt

    handle = x.register_hook(hook)
    with pytest.raises(KeyboardInterrupt):
        x.sum().backward()
    handle.remove()
    x.sum().backward()
    assert a.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("hook", "error", "message"),
    [
        (lambda g: g[0], TypeError, "expected tuple, but hook returned 'Tensor'"),
        (lambda g: (g[0], g[0]), RuntimeError, r"incorrect number of values \(got 2, but expected 1\)"),
        (lambda g: ("no",), TypeError, "expected Variable, but hook returned 'str'"),
        (lambda g: (g[0].sum(),), RuntimeError, "has changed the size of value"),
        (lambda g: (g[0].double(),), RuntimeError, "has changed the type of value"),
    ],
)
def test_hooks_of_nodes_are_checked(hook: Any, error: type[Exception], message: str) -> None:
    for register in ("register_prehook", "register_hook"):
        a = leaf()
        x = a.exp()
        called = hook if register == "register_prehook" else lambda i, o: hook(i)
        getattr(x.grad_fn, register)(called)
        with pytest.raises(error, match=message):
            x.sum().backward()
        assert a.grad is None


# -- passes within passes ---------------------------------------------------------------------------------------------


class Deeper(pb.autograd.Function):
    """Runs backward in its backward, that many times one within the other."""

    @staticmethod
    def forward(ctx: Any, x: Any, depth: int) -> Any:
        ctx.depth = depth
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        if not ctx.depth:
            return grad, None
        with pb.enable_grad():
            inner = pb.ones(2, requires_grad=True)
            (found,) = pb.autograd.grad(Deeper.apply(inner, ctx.depth - 1).sum(), inner)
        return grad + found, None


def test_passes_nest_two_hundred_deep() -> None:
    a = leaf()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 4000))
    try:
        Deeper.apply(a, 200).sum().backward()
    finally:
        sys.setrecursionlimit(limit)
    assert a.grad.tolist() == [201.0, 201.0]


@pytest.mark.slow  # a thousand threads
def test_passes_nested_without_end_are_an_error_that_leaves_everything_usable() -> None:
    a = leaf()
    with pytest.raises(RecursionError):
        Deeper.apply(a, 10**9).sum().backward()
    assert pb.is_grad_enabled()
    with pytest.raises(RuntimeError, match="during backward pass"):
        pb.autograd.Variable._execution_engine.queue_callback(print)
    (a * 2).sum().backward()
    assert a.grad.tolist() == [2.0, 2.0]


def test_a_pass_into_the_leaf_whose_gradient_has_just_accumulated(backend: str) -> None:
    a = leaf()

    def hook(tensor: pb.Tensor) -> None:
        handle.remove()
        with pb.enable_grad():
            (a * 10).sum().backward()

    handle = a.register_post_accumulate_grad_hook(hook)
    (a * 2).sum().backward()
    assert a.grad.tolist() == [12.0, 12.0]


def test_user_code_that_runs_backward_while_a_gradient_is_added() -> None:
    from pullback.extend import intercept

    a, b = leaf(), leaf()
    (a * 2).sum().backward()
    inside = [False]

    def run_backward(operation: Any, operands: Any, attributes: Any, proceed: Any) -> Any:
        if not inside[0]:
            inside[0] = True
            with pb.enable_grad():
                (b * 3).sum().backward()
                (b * 3).sum().backward()
            inside[0] = False
        return proceed()

    y = (a * 2).sum()
    with intercept(run_backward):
        y.backward()
    assert a.grad.tolist() == [4.0, 4.0]
    assert b.grad is not None

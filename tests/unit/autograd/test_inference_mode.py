"""Inference mode: what is made inside stays outside of every graph."""

from __future__ import annotations

import asyncio
import copy
import threading

import pytest

import pullback as pb
from pullback.extend import intercept

pytestmark = pytest.mark.usefixtures("backend")


def test_results_are_inference_tensors_and_views_of_others_are_not() -> None:
    plain = pb.ones(3)
    with pb.inference_mode():
        made = pb.zeros(3)
        assert made.is_inference()
        assert (plain * 2).is_inference()
        assert pb.cat([plain, plain]).is_inference()
        assert plain.sort().values.is_inference()
        assert made[1:].is_inference()
        assert not plain[1:].is_inference()
    assert not (made + 1).is_inference()


def test_writing_inside_is_allowed_and_shows_in_views() -> None:
    plain = pb.ones(3)
    with pb.inference_mode():
        made = pb.zeros(3)
        part = made[1:]
        part.add_(1)
        plain.mul_(2)
    assert made.tolist() == [0.0, 1.0, 1.0]
    assert (plain.tolist(), plain._version) == ([2.0, 2.0, 2.0], 1)


def test_writing_outside_is_refused_and_changes_nothing() -> None:
    with pb.inference_mode():
        made = pb.zeros(3)
    for write in (lambda: made.add_(1), lambda: made[0].fill_(1), lambda: made.__setitem__(0, 1.0)):
        with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
            write()
    with pb.no_grad(), pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        made.exp_()
    assert made.tolist() == [0.0, 0.0, 0.0]


def test_saving_for_backward_is_refused_also_by_custom_functions() -> None:
    class Scale(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(factor)
            return x * factor

    x = pb.ones(2, requires_grad=True)
    with pb.inference_mode():
        factor = pb.ones(2)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * factor
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        Scale.apply(x, factor)
    (x + factor).sum().backward()  # an addition saves nothing
    assert x.grad is not None


def test_a_leaf_made_inside_may_require_gradients_inside_only() -> None:
    with pb.inference_mode():
        made = pb.ones(2, requires_grad=True)
        assert made.requires_grad
        assert not (made * 2).requires_grad
        later = pb.ones(2)
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor outside"):
        later.requires_grad_()


def test_modes_nest_and_are_restored() -> None:
    with pb.inference_mode():
        with pb.no_grad():
            assert pb.is_inference_mode_enabled()
        with pb.enable_grad():
            assert not (pb.ones(1, requires_grad=True) * 2).requires_grad
        with pb.inference_mode(False):
            assert pb.is_grad_enabled()
            assert (pb.ones(1, requires_grad=True) * 2).requires_grad
        assert pb.is_inference_mode_enabled()
    assert not pb.is_inference_mode_enabled()
    assert pb.is_grad_enabled()


def test_interceptors_see_what_runs_in_inference_mode() -> None:
    names = []

    def note(operation, operands, attributes, proceed):  # type: ignore[no-untyped-def]
        names.append(operation.name)
        return proceed()

    with pb.inference_mode(), intercept(note):
        y = pb.ones(2) * 2
    assert names == ["mul"]
    assert y.is_inference()


def test_other_threads_and_tasks_are_not_concerned() -> None:
    seen = []

    async def task() -> None:
        with pb.inference_mode():
            await asyncio.sleep(0)
            seen.append(pb.is_inference_mode_enabled())

    async def other() -> None:
        seen.append(pb.is_inference_mode_enabled())

    async def both() -> None:
        await asyncio.gather(task(), other())

    asyncio.run(both())
    assert sorted(seen) == [False, True]
    with pb.inference_mode():
        thread = threading.Thread(target=lambda: seen.append(pb.is_inference_mode_enabled()))
        thread.start()
        thread.join()
    assert seen[-1] is False


@pytest.mark.parametrize(
    "write",
    [
        lambda made: pb.add(pb.ones(3), 1, out=made),
        lambda made: pb.add(pb.ones(3), 1, out=made[:]),
        lambda made: pb.sort(pb.ones(3), out=(made, pb.zeros(3, dtype=pb.int64))),
        lambda made: made.resize_(5),
    ],
)
def test_no_result_is_written_into_what_was_made_inside(write) -> None:  # type: ignore[no-untyped-def]
    with pb.inference_mode():
        made = pb.zeros(3)
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        write(made)
    assert made.tolist() == [0.0, 0.0, 0.0]
    with pb.inference_mode():
        write(made)
    assert made.tolist() != [0.0, 0.0, 0.0]


def test_only_what_a_gradient_needs_must_not_be_an_inference_tensor() -> None:
    with pb.inference_mode():
        weight = pb.full((2,), 3.0, requires_grad=True)
    x = pb.ones(2)
    (x * weight).sum().backward()
    (weight * 2).sum().backward()
    assert weight.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x.requires_grad_() * weight


def test_copies_belong_to_the_mode_they_are_made_in() -> None:
    plain = pb.ones(3, requires_grad=True)
    with pb.inference_mode():
        made = pb.ones(3)
        inside = copy.deepcopy(plain), copy.deepcopy(made[1:])
    assert [t.is_inference() for t in (*inside, copy.deepcopy(made))] == [True, True, False]
    assert inside[0].requires_grad


def test_a_parameter_is_of_the_mode_that_its_data_were_made_in() -> None:
    with pb.inference_mode():
        made = pb.nn.Parameter(pb.ones(2))
        data = pb.ones(2)
    assert made.is_inference()
    assert made.requires_grad
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor outside"):
        pb.nn.Parameter(data)
    assert pb.nn.Parameter(data, requires_grad=False).is_inference()

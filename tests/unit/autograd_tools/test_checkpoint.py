"""Checkpointing saves memory, and computes again exactly what is needed."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb
from pullback.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
)

_SIZE = 100_000


def _layer(x: pb.Tensor) -> pb.Tensor:
    return ((x * 1.0001).sin() * x).tanh()


def _peak(run: Callable[[], None]) -> int:
    """The most memory that NumPy's arrays took during the run, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _held(run: Callable[[], None]) -> int:
    """The memory that NumPy's arrays take more after the run than before, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_peak_memory_falls(use_reentrant: bool) -> None:
    def plain() -> None:
        x = pb.ones(_SIZE, requires_grad=True)
        y = x
        for _ in range(12):
            y = _layer(y)
        y.sum().backward()

    def checkpointed() -> None:
        x = pb.ones(_SIZE, requires_grad=True)
        y = x
        for _ in range(12):
            y = checkpoint(_layer, y, use_reentrant=use_reentrant)
        y.sum().backward()

    plain()
    array = 4 * _SIZE
    # A layer saves three arrays of its own (the sine, the product, the result) beside its input; a checkpointed one its
    # input alone, and the others of one layer at a time.
    assert _peak(plain) > 12 * 3 * array  # else nothing has been measured
    assert _peak(checkpointed) < (12 + 12) * array


def test_what_was_computed_again_is_let_go_of_as_it_is_used() -> None:
    x = pb.ones(_SIZE, requires_grad=True)
    y = checkpoint(lambda t: _layer(_layer(_layer(t))), x, use_reentrant=False)
    held = _peak(lambda: y.sum().backward())
    assert held < 22 * 4 * _SIZE


def test_debug_names_the_operations_of_both_runs() -> None:
    steps = iter([lambda t: t.exp().sin(), lambda t: t.exp()])
    x = pb.ones(2, requires_grad=True)
    with set_checkpoint_debug_enabled(True):
        y = checkpoint(lambda t: next(steps)(t), x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="because you passed `debug=True`") as caught:
        y.sum().backward()
    assert "A different number of tensors was saved" in str(caught.value.__cause__)
    text = str(caught.value)
    first, again = text.split("Operations executed during recomputation:")
    assert "forward:\n\n$1: float32[2] = exp($0)\n$2: float32[2] = sin($1)\n\n" in first
    assert again.startswith("\n\n$1: float32[2] = exp($0)\n\n")
    where, *_ = text.split("   (1 of 2 in original)\n\n")[1].splitlines()
    assert where.startswith(f"{__file__}:")


def test_arguments_are_checked() -> None:
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(pb.exp, x, use_reentrant=False, determinism_check="strict")
    with pytest.raises(ValueError, match="incompatible with non-default context_fn"):
        checkpoint(
            pb.exp,
            x,
            use_reentrant=False,
            debug=True,
            context_fn=lambda: create_selective_checkpoint_contexts([pb.exp]),
        )
    with pytest.raises(ValueError, match="Unexpected keyword arguments: scale"):
        checkpoint_sequential([pb.exp], 1, x, use_reentrant=False, scale=2)
    with pytest.raises(TypeError, match="must be either a function or a list"):
        create_selective_checkpoint_contexts(3)


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (lambda t: t.sin().exp(), "sin encountered during backward but not found in storage. This can happen if"),
        (lambda t: t.exp().exp(), "exp invocation index 1 encountered during backward but not found in storage."),
    ],
)
def test_a_kept_result_that_is_not_there_is_an_error(again: Callable[[pb.Tensor], pb.Tensor], said: str) -> None:
    steps = iter([lambda t: t.exp(), again])
    x = pb.ones(2, requires_grad=True)
    y = checkpoint(
        lambda t: next(steps)(t),
        x,
        use_reentrant=False,
        early_stop=False,
        context_fn=lambda: create_selective_checkpoint_contexts([pb.exp]),
    )
    with pytest.raises(RuntimeError, match=said):
        y.sum().backward()


def test_a_list_of_operations_names_those_that_have_a_kernel() -> None:
    for name in (pb.mm, pb.Tensor.mm):
        create_selective_checkpoint_contexts([name])
    with pytest.raises(ValueError, match="made of other operations: name those"):
        create_selective_checkpoint_contexts([pb.einsum])


def test_offloaded_results_come_back() -> None:
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    policy = CheckpointPolicy.MUST_CPU_OFFLOAD
    y = checkpoint(
        lambda t: pb.mm(t, t).sort(0).values.sin(),
        x,
        use_reentrant=False,
        context_fn=lambda: create_selective_checkpoint_contexts(lambda ctx, operation, *args, **kwargs: policy),
    )
    y.sum().backward()
    found, x.grad = x.grad.tolist(), None
    pb.mm(x, x).sort(0).values.sin().sum().backward()
    assert x.grad.tolist() == found


def test_keyword_arguments_may_not_be_written_either() -> None:
    x, other = pb.ones(2, requires_grad=True), pb.ones(2)
    y = checkpoint(lambda t, other: t.sin() * other.exp(), x, use_reentrant=False, other=other)
    other.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_selective_checkpoints_keep_what_they_say_and_no_more() -> None:
    """The peak of a checkpoint that keeps every second result lies between the others."""

    def peak(policy: Any) -> int:
        contexts = {} if policy is None else {"context_fn": lambda: create_selective_checkpoint_contexts(policy)}

        def run() -> None:
            x = pb.ones(_SIZE, requires_grad=True)
            checkpoint(lambda t: _layer(_layer(_layer(t))), x, use_reentrant=False, **contexts)

        run()
        held: list[Any] = []
        return _held(
            lambda: held.append(
                checkpoint(
                    lambda t: _layer(_layer(_layer(t))),
                    pb.ones(_SIZE, requires_grad=True),
                    use_reentrant=False,
                    **contexts,
                )
            )
        )

    # The input and the result, and the results of three sines.
    assert peak(None) < 2.5 * 4 * _SIZE
    assert 4.5 * 4 * _SIZE < peak([pb.sin]) < 5.5 * 4 * _SIZE

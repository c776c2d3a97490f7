"""Checkpointing saves memory, and computes again exactly what is needed."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest

import pullback as pb
from pullback.utils.checkpoint import (
    CheckpointError,
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
    # A layer saves four arrays; a checkpointed one its input, and the others of one layer at a time.
    assert _peak(checkpointed) < 0.6 * _peak(plain)


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
    with pytest.raises(CheckpointError, match=r"exp, sin\n[\s\S]*recomputation:\nexp\n"):
        y.sum().backward()


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


def test_a_kept_result_that_is_not_there_is_an_error() -> None:
    steps = iter([lambda t: t.exp(), lambda t: t.sin().exp()])
    x = pb.ones(2, requires_grad=True)
    y = checkpoint(
        lambda t: next(steps)(t),
        x,
        use_reentrant=False,
        context_fn=lambda: create_selective_checkpoint_contexts([pb.sin]),
    )
    with pytest.raises(RuntimeError, match="sin encountered during backward, but not found in storage"):
        y.sum().backward()

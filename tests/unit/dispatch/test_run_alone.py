"""What an interceptor computes itself: as if nothing went on around it, and without a trace."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.extend import AroundKernels, intercept, run_alone


class Names(AroundKernels):
    """Notes what is computed, and which tensors have the results."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.shapes: list[tuple[int, ...]] = []

    def run(self, operation: Any, operands: Any, attributes: Any, proceed: Any) -> Any:
        self.names.append(operation.name)
        return proceed()

    def wrapped(self, tensors: list[pb.Tensor]) -> None:
        self.shapes += [tuple(tensor.shape) for tensor in tensors]


def test_it_is_neither_seen_nor_recorded():
    x, around = pb.ones(3, requires_grad=True), Names()
    with around:
        alone = run_alone(lambda: x.exp().sum())
        x.sum()
    assert around.names == ["sum"]
    assert not alone.requires_grad
    with intercept(lambda operation, operands, attributes, proceed: 1 / 0):
        assert run_alone(pb.Tensor.exp, pb.zeros(1)).tolist() == [1]


def test_what_it_sets_ends_with_it():
    def leave_recording_on() -> None:
        pb.enable_grad().__enter__()

    with pb.no_grad():
        run_alone(leave_recording_on)
        assert not pb.is_grad_enabled()


def test_it_is_of_no_level():
    def mapped(x: pb.Tensor) -> pb.Tensor:
        assert tuple(run_alone(lambda: pb.ones(2) * 2).shape) == (2,)
        return x * 2

    assert pb.vmap(mapped)(pb.ones(4)).tolist() == [2, 2, 2, 2]


def test_kernels_are_seen_forward_backward_and_beneath_vmap_with_their_results():
    x, seen = pb.ones(2, 3, requires_grad=True), Names()
    with seen:
        pb.vmap(pb.exp)(x).sum().backward()
    assert seen.names[:2] == ["exp", "sum"]
    assert seen.shapes[:2] == [(2, 3), ()]
    assert "mul" in seen.names[2:]

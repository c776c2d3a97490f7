"""An index without elements names none, whatever the rest of its shape, as in PyTorch."""

from __future__ import annotations

import pytest

import pullback as pb


@pytest.mark.parametrize("shape", [(0,), (5, 0), (0, 1, 2)])
def test_gathering_with_it_gives_no_elements(shape: tuple[int, ...]) -> None:
    x = pb.ones(2, 3, requires_grad=True)
    result = pb.gather(x, 1, pb.zeros(*shape, dtype=pb.int64))
    result.sum().backward()
    assert result.shape == shape
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("source", [(5, 0), (0, 0)])
@pytest.mark.parametrize("function", ["scatter", "scatter_add", "scatter_reduce"])
def test_scattering_with_it_has_a_gradient(function: str, source: tuple[int, ...]) -> None:
    x, src = pb.zeros(1, 0, requires_grad=True), pb.zeros(*source, requires_grad=True)
    index = pb.zeros(5, 0, dtype=pb.int64)
    further = ("sum",) if function == "scatter_reduce" else ()
    getattr(pb, function)(x, 1, index, src, *further).sum().backward()
    assert src.grad is not None
    assert src.grad.shape == source

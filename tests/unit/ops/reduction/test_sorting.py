"""Elements in order."""

from __future__ import annotations

import pytest

import pullback as pb

pytestmark = pytest.mark.usefixtures("backend")


def test_sort_says_where_the_elements_were() -> None:
    values, indices = pb.tensor([3.0, 1.0, 2.0]).sort(descending=True)
    assert values.tolist() == [3, 2, 1]
    assert indices.tolist() == [0, 2, 1]
    assert indices.dtype is pb.int64


def test_results_have_names() -> None:
    result = pb.tensor([[3, 1], [2, 4]]).sort(0)
    assert result.values.tolist() == [[2, 1], [3, 4]]
    assert result.indices.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(descending: bool) -> None:
    order = pb.tensor([1, 1, 0, 0]).argsort(descending=descending, stable=True)
    assert order.tolist() == ([0, 1, 2, 3] if descending else [2, 3, 0, 1])


def test_nan_counts_as_greatest() -> None:
    x = pb.tensor([float("nan"), 1.0, float("inf")])
    assert x.argsort().tolist() == [1, 2, 0]
    assert x.topk(1).indices.tolist() == [0]


def test_gradients_go_back_to_where_the_elements_were() -> None:
    x = pb.tensor([3.0, 1.0, 2.0], requires_grad=True)
    (x.sort().values * pb.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100, 1, 10]
    (first,) = pb.autograd.grad((x.topk(2).values ** 3).sum(), x, create_graph=True)
    (second,) = pb.autograd.grad(first.sum(), x)
    assert second.tolist() == [18, 0, 12]


def test_indices_overwritten_before_backward_are_noticed() -> None:
    values, indices = pb.ones(2, requires_grad=True).sort()
    indices.zero_()
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        values.sum().backward()


def test_too_many_asked_for() -> None:
    with pytest.raises(RuntimeError, match="selected index k out of range"):
        pb.zeros(2).topk(3)

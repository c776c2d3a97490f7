"""Writes reach every tensor that shares the memory, on mutable and immutable arrays alike."""

from __future__ import annotations

import pytest

import pullback as pb

pytestmark = pytest.mark.usefixtures("backend")


def test_a_write_to_a_view_shows_in_its_base() -> None:
    x = pb.zeros(2, 2)
    x[0] = 1
    x[0].mul_(2)
    assert x.tolist() == [[2, 2], [0, 0]]


def test_a_write_to_a_base_shows_in_its_views() -> None:
    x = pb.arange(4)
    tail, pairs = x[2:], x.view(2, 2)
    x += 1
    assert tail.tolist() == [3, 4]
    assert pairs.tolist() == [[1, 2], [3, 4]]


def test_a_write_shows_in_the_other_views() -> None:
    x = pb.zeros(2, 3)
    column, row = x[:, 1], x[1]
    row += 5
    assert column.tolist() == [0, 5]


def test_views_of_views_write_through() -> None:
    x = pb.zeros(2, 3, 4)
    part = x.transpose(1, 2)[1].t()[1:, ::2]
    part += 1
    assert x.sum().item() == 4
    assert x[1, 1].tolist() == [1, 0, 1, 0]


def test_the_right_one_of_several_views_is_refreshed() -> None:
    x = pb.arange(6)
    parts = x.chunk(3)
    inner = parts[2][1:]
    x += 10
    assert [p.tolist() for p in parts] == [[10, 11], [12, 13], [14, 15]]
    assert inner.tolist() == [15]
    inner.zero_()
    assert x.tolist() == [10, 11, 12, 13, 14, 0]


@pytest.mark.parametrize("shape", [(2, 3), (3, 3)])
def test_memory_that_overlaps_itself_refuses_a_write(shape: tuple[int, int]) -> None:
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        pb.zeros(3).expand(shape).add_(1)


def test_memory_that_overlaps_itself_can_be_filled() -> None:
    x = pb.zeros(3)
    x.expand(2, 3).fill_(7)
    assert x.tolist() == [7, 7, 7]
    x.expand(2, 3).zero_()
    assert x.tolist() == [0, 0, 0]


def test_leaves_that_require_gradients_refuse_writes() -> None:
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
        x[0] = 1
    with pb.no_grad():
        x[0] = 5
    assert x.tolist() == [5, 1]


def test_a_refused_write_changes_nothing() -> None:
    x = pb.zeros(3)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        x.add_(pb.ones(2, 3))
    assert x.tolist() == [0, 0, 0]
    assert x._version == 0


def test_a_refused_operand_leaves_the_written_tensor_as_it_was() -> None:
    y = pb.ones(2, requires_grad=True) * 1
    part = y.chunk(2)[0]
    y.mul_(2)
    target = pb.zeros(1)
    with pytest.raises(RuntimeError, match="Output 0 of Split is a view and its base or another view of its base"):
        target.add_(part)
    assert target.tolist() == [0]
    assert target._version == 0

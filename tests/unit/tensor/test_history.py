"""Histories of views: kept until their base is written, then made anew when somebody asks."""

from __future__ import annotations

import pytest

import pullback as pb

pytestmark = pytest.mark.usefixtures("backend")


def test_a_plain_base_starts_to_require_gradients() -> None:
    base = pb.zeros(2, 2)
    other = base[1]
    base[0] = pb.ones(2, requires_grad=True)
    assert base.requires_grad
    assert other.requires_grad


def test_a_views_history_is_regenerated_after_its_base_was_written() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    first = y[0]
    y.mul_(3)
    first.backward()
    assert x.grad.tolist() == [3, 0]


def test_one_of_several_views_refuses_a_write_where_a_graph_is_recorded() -> None:
    y = pb.ones(2, requires_grad=True) * 1
    with pytest.raises(RuntimeError, match="Output 0 of Unbind is a view and is being modified inplace"):
        y.unbind()[0].mul_(2)
    with pb.no_grad():
        y.unbind()[0].mul_(2)
    assert y.tolist() == [2, 1]


def test_a_view_made_without_grad_refuses_a_recorded_write() -> None:
    y = pb.ones(2, requires_grad=True) * 1
    with pb.no_grad():
        view = y[0]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
        view.mul_(2)


def test_a_view_made_without_grad_requires_gradients_as_its_base_and_has_no_history() -> None:
    x = pb.ones(3, requires_grad=True)
    with pb.no_grad():
        view = x[1:]
    assert view.requires_grad
    assert view.is_leaf
    assert view.grad_fn is None
    (view * 2).sum().backward()
    assert x.grad is None


def test_views_follow_when_their_base_starts_or_stops_to_require_gradients() -> None:
    base = pb.zeros(3)
    view = base[1:]
    base.requires_grad_()
    assert view.requires_grad
    base.requires_grad_(False)
    assert not view.requires_grad


def test_a_write_without_grad_outdates_the_history_of_views() -> None:
    y = pb.ones(3, requires_grad=True) * 1
    view = y[1:]
    with pb.no_grad():
        y += 1
    assert view.grad_fn.name() == "AsStridedBackward0"


def test_a_view_regenerated_for_both_operands_of_a_product_gets_both_gradients() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    view = y[1:]
    with pb.no_grad():
        y += 1
    (view * view).sum().backward()
    assert x.grad.tolist() == [0, 6]

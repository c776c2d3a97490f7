"""Views share memory, and writes through them reach every tensor that does, on mutable and immutable arrays alike."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.autograd import forward_ad

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


def test_detach_shares_memory_and_version() -> None:
    x = pb.ones(2, requires_grad=True)
    x.detach()[0] = 3
    assert x.tolist() == [3, 1]
    assert x._version == 1


def test_data_shares_memory_but_not_the_version() -> None:
    x = pb.ones(2)
    x.data[0] = 3
    assert x.tolist() == [3, 1]
    assert x._version == 0


def test_reshape_views_where_it_can_and_copies_where_it_must() -> None:
    x = pb.zeros(2, 3)
    x.reshape(6)[0] = 1
    x.t().reshape(6)[1] = 1
    assert x.tolist() == [[1, 0, 0], [0, 0, 0]]


def test_view_refuses_what_memory_does_not_allow() -> None:
    with pytest.raises(RuntimeError, match="view size is not compatible with input tensor's size and stride"):
        pb.zeros(2, 3).t().view(6)


def test_strides_follow_the_chain_of_views() -> None:
    x = pb.zeros(2, 3, 4)
    assert x.stride() == (12, 4, 1)
    assert x.permute(2, 0, 1).stride() == (1, 12, 4)
    assert x[:, ::2, 1:].stride() == (12, 8, 1)
    assert pb.zeros(3).expand(2, 3).stride() == (0, 1)
    assert not x.transpose(0, 1).is_contiguous()
    assert x[1].is_contiguous()


def test_gradients_flow_around_and_through_a_written_part() -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    w = pb.tensor(5.0, requires_grad=True)
    y = x * 1
    y[1] = w
    (y * y).sum().backward()
    assert x.grad.tolist() == [2, 0, 6]
    assert w.grad.item() == 10
    assert y.grad_fn.name() == "torch::autograd::CopySlices"


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


def test_second_order_through_a_written_view() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y[0].exp_()
    (first,) = pb.autograd.grad((y**2).sum(), x, create_graph=True)
    (second,) = pb.autograd.grad(first[0], x)
    assert second[0].item() == pytest.approx(4 * first[0].item() / 2)


def test_forward_mode_through_a_written_view() -> None:
    with forward_ad.dual_level():
        x = forward_ad.make_dual(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 10.0]))
        y = x * 1
        y[0].mul_(3)
        y[1] = 7.0
        assert forward_ad.unpack_dual(y).tangent.tolist() == [3, 0]


def test_one_of_several_views_refuses_a_write_where_a_graph_is_recorded() -> None:
    y = pb.ones(2, requires_grad=True) * 1
    with pytest.raises(RuntimeError, match="Output 0 of Unbind is a view and is being modified inplace"):
        y.unbind()[0].mul_(2)
    with pb.no_grad():
        y.unbind()[0].mul_(2)
    assert y.tolist() == [2, 1]


def test_the_right_one_of_several_views_is_refreshed() -> None:
    x = pb.arange(6)
    parts = x.chunk(3)
    inner = parts[2][1:]
    x += 10
    assert [p.tolist() for p in parts] == [[10, 11], [12, 13], [14, 15]]
    assert inner.tolist() == [15]
    inner.zero_()
    assert x.tolist() == [10, 11, 12, 13, 14, 0]


def test_a_view_made_without_grad_refuses_a_recorded_write() -> None:
    y = pb.ones(2, requires_grad=True) * 1
    with pb.no_grad():
        view = y[0]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
        view.mul_(2)


@pytest.mark.parametrize("shape", [(2, 3), (3, 3)])
def test_memory_that_overlaps_itself_refuses_a_write(shape: tuple[int, int]) -> None:
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        pb.zeros(3).expand(shape).add_(1)


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


def test_dead_views_are_forgotten() -> None:
    x = pb.zeros(4)
    for _ in range(1000):
        x[0]
    assert len(x.alias.storage.members) <= 32


def test_views_keep_their_base_alive() -> None:
    row = pb.zeros(2, 2)[0]
    row += 1
    assert row.tolist() == [1, 1]
    assert row._base.tolist() == [[1, 1], [0, 0]]


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


def test_the_gradient_retained_for_a_tensor_is_that_of_what_it_is_after_a_write() -> None:
    y = pb.ones(2, requires_grad=True) * 2
    view = y[1:]
    y.retain_grad()
    view.retain_grad()
    y.mul_(3)
    (y * 5).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [5, 5]
    view.sum().backward()
    assert view.grad.tolist() == [1]


def test_memory_that_overlaps_itself_can_be_filled() -> None:
    x = pb.zeros(3)
    x.expand(2, 3).fill_(7)
    assert x.tolist() == [7, 7, 7]
    x.expand(2, 3).zero_()
    assert x.tolist() == [0, 0, 0]


def test_a_refused_operand_leaves_the_written_tensor_as_it_was() -> None:
    y = pb.ones(2, requires_grad=True) * 1
    part = y.chunk(2)[0]
    y.mul_(2)
    target = pb.zeros(1)
    with pytest.raises(RuntimeError, match="Output 0 of Split is a view and its base or another view of its base"):
        target.add_(part)
    assert target.tolist() == [0]
    assert target._version == 0

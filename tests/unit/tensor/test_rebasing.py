"""Gradients of tensors that have been written in place, through views too."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.autograd import forward_ad

pytestmark = pytest.mark.usefixtures("backend")


def test_gradients_flow_around_and_through_a_written_part() -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    w = pb.tensor(5.0, requires_grad=True)
    y = x * 1
    y[1] = w
    (y * y).sum().backward()
    assert x.grad.tolist() == [2, 0, 6]
    assert w.grad.item() == 10
    assert y.grad_fn.name() == "torch::autograd::CopySlices"


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

"""Hooks on tensors and nodes."""

from __future__ import annotations

import pytest

import pullback as pb


def test_a_hook_on_a_leaf_replaces_the_gradient_and_can_be_removed() -> None:
    x = pb.ones(2, requires_grad=True)
    handle = x.register_hook(lambda grad: grad * 10)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]
    handle.remove()
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_hook_on_an_intermediate_tensor_runs_before_its_gradient_goes_on() -> None:
    x = pb.ones(2, requires_grad=True)
    y = x * 2
    seen = []
    y.register_hook(lambda grad: seen.append(grad.tolist()))
    y.register_hook(lambda grad: grad * 5)
    (y * 3).sum().backward()
    assert seen == [[3.0, 3.0]]
    assert x.grad.tolist() == [30.0, 30.0]


def test_hooks_run_in_the_order_of_registration() -> None:
    x = pb.ones(1, requires_grad=True)
    order = []
    x.register_hook(lambda grad: order.append("first"))
    x.register_hook(lambda grad: order.append("second"))
    x.sum().backward()
    assert order == ["first", "second"]


def test_a_handle_removes_its_hook_at_the_end_of_a_block() -> None:
    x = pb.ones(1, requires_grad=True)
    with x.register_hook(lambda grad: grad * 2):
        x.sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [3.0]


def test_post_accumulate_hooks_see_the_leaf_with_its_gradient() -> None:
    x = pb.ones(1, requires_grad=True)
    seen = []
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.item()))
    (x * 4).sum().backward()
    assert seen == [4.0]


def test_node_hooks() -> None:
    x = pb.ones(1, requires_grad=True)
    y = x * 3
    seen = []
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 2,))
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs[0].item(), outputs[0].item())))
    y.sum().backward()
    assert seen == [(6.0, 2.0)]
    assert x.grad.tolist() == [6.0]


def test_a_tensor_without_gradient_takes_no_hook() -> None:
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
        pb.ones(1).register_hook(print)


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [(3, TypeError, "must return a Tensor or None"), (pb.ones(7), RuntimeError, "has changed the size of value")],
)
def test_a_hook_with_a_wrong_result_is_named(result, error, message) -> None:
    x = pb.ones(2, requires_grad=True)

    def spoil(grad):
        return result

    x.register_hook(spoil)
    with pytest.raises(error, match=f"hook 'spoil' {message}"):
        x.sum().backward()
    assert x.grad is None

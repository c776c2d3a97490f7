"""``backward`` and ``grad``: what accumulates where, what is freed, what is refused."""

from __future__ import annotations

import pytest

import pullback as pb


def test_gradients_accumulate_over_passes() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_a_leaf_used_twice_gets_the_sum_of_both_paths() -> None:
    x = pb.tensor(3.0, requires_grad=True)
    (x * x + x).backward()
    assert x.grad.item() == 7.0


def test_two_leaves_never_share_the_memory_of_one_gradient() -> None:
    x = pb.ones(2, requires_grad=True)
    y = pb.ones(2, requires_grad=True)
    (x + y).sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() == [1.0, 1.0]


def test_a_leaf_does_not_take_over_the_users_gradient() -> None:
    x = pb.ones(2, requires_grad=True)
    gradient = pb.tensor([1.0, 2.0])
    (x + 0).backward(gradient)
    x.grad.zero_()
    assert gradient.tolist() == [1.0, 2.0]


def test_a_leaf_does_not_take_over_what_a_hook_keeps() -> None:
    x = pb.ones(2, requires_grad=True)
    kept = []
    x.register_hook(kept.append)
    (x * 3).sum().backward()
    x.grad.zero_()
    assert kept[0].tolist() == [3.0, 3.0]


def test_backward_through_a_freed_graph_says_so_in_pytorchs_words() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()
    assert x.grad.item() == 4.0


def test_retain_graph_allows_a_second_pass() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0


def test_a_second_pass_is_fine_where_nothing_was_saved() -> None:
    x = pb.ones(2, requires_grad=True)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_create_graph_gives_gradients_that_can_be_differentiated() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    (first,) = pb.autograd.grad(x**4, x, create_graph=True)
    (second,) = pb.autograd.grad(first, x, create_graph=True)
    (third,) = pb.autograd.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (32.0, 48.0, 48.0)


def test_inputs_restrict_what_accumulates() -> None:
    x = pb.ones(2, requires_grad=True)
    y = pb.ones(2, requires_grad=True)
    (x * y).sum().backward(inputs=[x])
    assert x.grad.tolist() == [1.0, 1.0]
    assert y.grad is None


def test_grad_with_respect_to_an_intermediate_tensor_leaves_grad_alone() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    y = x * x
    z = y * y
    (dy,) = pb.autograd.grad(z, y)
    assert dy.item() == 8.0
    assert x.grad is None


def test_grad_with_respect_to_both_ends_of_a_chain() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    y = x * x
    dy, dx = pb.autograd.grad(y * y, [y, x])
    assert (dy.item(), dx.item()) == (8.0, 32.0)


def test_an_unused_input_is_an_error_unless_allowed() -> None:
    x = pb.ones(2, requires_grad=True)
    unused = pb.ones(2, requires_grad=True)
    y = (x * 2).sum()
    with pytest.raises(RuntimeError, match="at index 0 appears to not have been used in the graph"):
        pb.autograd.grad(y, unused, retain_graph=True)
    assert pb.autograd.grad(y, unused, allow_unused=True, retain_graph=True) == (None,)
    (zeros,) = pb.autograd.grad(y, unused, materialize_grads=True)
    assert zeros.tolist() == [0.0, 0.0]


def test_several_roots_and_the_same_root_twice() -> None:
    x = pb.tensor(3.0, requires_grad=True)
    y = x * 2
    pb.autograd.backward([y, y, x * x])
    assert x.grad.item() == 2 + 2 + 6


def test_a_leaf_as_root_accumulates_its_own_gradient() -> None:
    x = pb.ones(2, requires_grad=True)
    x.backward(pb.tensor([1.0, 2.0]))
    assert x.grad.tolist() == [1.0, 2.0]


def test_retain_grad_fills_grad_of_an_intermediate_tensor() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    y = x * x
    y.retain_grad()
    (y * 3).backward()
    assert y.grad.item() == 3.0


def test_grad_of_an_intermediate_tensor_warns() -> None:
    y = pb.tensor(2.0, requires_grad=True) * 2
    with pytest.warns(UserWarning, match="The .grad attribute of a Tensor that is not a leaf"):
        assert y.grad is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: (x * 1).backward(), "grad can be implicitly created only for scalar outputs"),
        (lambda x: (x * 1).backward(pb.ones(3)), r"grad_output\[0\] has a shape of torch.Size\(\[3\]\)"),
        (lambda x: x.detach().sum().backward(), "does not require grad and does not have a grad_fn"),
        (lambda x: pb.autograd.grad(x.sum(), pb.ones(2)), "One of the differentiated Tensors does not require grad"),
        (lambda x: x.sum().backward(inputs=[]), "cannot be empty"),
    ],
)
def test_refusals(call, message: str) -> None:
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=message):
        call(x)
    assert x.grad is None
    assert pb.is_grad_enabled()


def test_an_exception_in_a_hook_leaves_the_state_as_it_was() -> None:
    x = pb.ones(2, requires_grad=True)

    def fail(grad):
        raise ValueError("from the hook")

    handle = x.register_hook(fail)
    with pytest.raises(ValueError, match="from the hook"):
        (x * 2).sum().backward()
    assert pb.is_grad_enabled()
    assert x.grad is None
    handle.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_gradients_are_reduced_to_the_operands_shape_and_dtype() -> None:
    column = pb.ones(3, 1, requires_grad=True)
    row = pb.ones(4, dtype=pb.float64, requires_grad=True)
    (column * row).sum().backward()
    assert column.grad.shape == (3, 1)
    assert column.grad.dtype is pb.float32
    assert column.grad.flatten().tolist() == [4.0] * 3
    assert row.grad.shape == (4,)
    assert row.grad.dtype is pb.float64


def test_a_real_operand_of_a_complex_product_gets_a_real_gradient() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    z = pb.tensor([1 + 2j, 3 - 1j], dtype=pb.complex64)
    (x * z).abs().sum().backward()
    assert x.grad.dtype is pb.float32
    assert x.grad.tolist() == pytest.approx([abs(1 + 2j), abs(3 - 1j)], rel=1e-6)


def test_a_long_chain_neither_recurses_nor_slows_down() -> None:
    x = pb.ones(1, requires_grad=True)
    y = x
    for _ in range(50_000):
        y = y + 0
    y.backward()
    assert x.grad.item() == 1.0
    del y  # destroying the chain must not recurse either


def test_a_leaf_that_has_stopped_to_require_gradients_gets_none() -> None:
    x = pb.ones(2, requires_grad=True)
    y = (x * 2).sum()
    x.requires_grad_(False)
    y.backward()
    assert x.grad is None


def test_grad_fills_what_tensors_on_the_way_retain() -> None:
    x = pb.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    pb.autograd.grad((y * y).sum(), x)
    assert y.grad.tolist() == [4, 4]


def test_the_positions_of_an_index_are_freed() -> None:
    x = pb.ones(3, requires_grad=True)
    y = x[[0, 2]].sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()

"""What nodes show of what they save: under hooks, once freed, and where an operand was not needed."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb
from pullback.autograd.graph import saved_tensors_hooks

pytestmark = pytest.mark.parametrize("backend", ["numpy", "jax"])


def leaf(*values: float) -> pb.Tensor:
    return pb.tensor([*values], requires_grad=True)


def test_a_value_that_is_derived_can_be_differentiated(backend: str) -> None:
    with pb.use_backend(backend):
        x = leaf(2.0, 3.0, 4.0)
        product = x.prod().grad_fn._saved_result
        (grad,) = pb.autograd.grad(product, x)
    assert grad.tolist() == [12.0, 8.0, 6.0]


def test_a_value_that_is_derived_is_derived_from_what_hooks_unpack(backend: str) -> None:
    unpacked = []

    def unpack(packed: Any) -> Any:
        unpacked.append(packed)
        return pb.tensor(packed)

    with pb.use_backend(backend):
        x = leaf(2.0, 3.0)
        with saved_tensors_hooks(lambda t: t.tolist(), unpack):
            node = x.cumprod(0).grad_fn
        assert unpacked == []
        assert node._saved_result.tolist() == [2.0, 6.0]
    assert unpacked == [[2.0, 3.0]]


def test_once_freed_only_constants_are_shown(backend: str) -> None:
    with pb.use_backend(backend):
        x = leaf(2.0, 3.0)
        y = x.prod()
        z = y - 1
        z.backward()
        assert z.grad_fn._saved_alpha == 1
        with pytest.raises(RuntimeError, match="already been freed"):
            y.grad_fn._saved_result  # noqa: B018


def test_sizes_are_told_by_the_matrices_that_were_saved(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.ones(2, 3)
        weight = pb.ones(3, 4, requires_grad=True)
        node = (x @ weight).grad_fn
        assert node._saved_self is x
        assert (node._saved_self_sym_sizes, node._saved_self_sym_strides) == ((2, 3), (3, 1))
        assert node._saved_mat2 is None
        assert (node._saved_mat2_sym_sizes, node._saved_mat2_sym_strides) == (None, ())


def test_hooks_on_the_weight_of_a_linear_map_pack_what_is_saved(backend: str) -> None:
    with pb.use_backend(backend):
        x = leaf(1.0, 2.0).reshape(1, 2).detach().requires_grad_()
        weight = pb.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
        y = pb.nn.functional.linear(x, weight, pb.zeros(3))
        assert y.grad_fn._saved_mat2.tolist() == weight.T.tolist()
        y.grad_fn._raw_saved_mat2.register_hooks(lambda t: t.tolist(), lambda packed: 10 * pb.tensor(packed))
        assert y.grad_fn._saved_mat2.tolist() == (10 * weight.T).tolist()
        y.sum().backward()
    assert x.grad.tolist() == [[90.0, 120.0]]


def test_looking_does_not_keep_a_result_of_the_node_alive(backend: str) -> None:
    with pb.use_backend(backend):
        node = leaf(1.0).exp().grad_fn
        assert node._saved_result.grad_fn is node
        assert node._saved_result is not node._saved_result

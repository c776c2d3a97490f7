"""Writing in place into the tensor's own array, and what graphs, versions and other tensors see of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import pullback as pb
from pullback.dispatch.declaration import DeclarationError
from pullback.dispatch.overwriting import overwrites
from pullback.tensor.registry import registry

pytestmark = pytest.mark.usefixtures("backend")


def _write_mask(x: pb.Tensor) -> None:
    x[pb.tensor([True, False, True, False])] = 5.0


def _write_masked_values(x: pb.Tensor) -> None:
    x[pb.tensor([True, False, True, False])] = pb.tensor([5.0, 5.0])


def _write_positions(x: pb.Tensor) -> None:
    x[[0, 2]] = 5.0


WRITES: list[Callable[[pb.Tensor], object]] = [
    _write_mask,
    _write_masked_values,
    _write_positions,
    lambda x: x.index_put_((pb.tensor([0, 2]),), pb.full((2,), 5.0)),
    lambda x: x.index_put_((pb.tensor([0, 2]),), pb.full((2,), 4.0), accumulate=True),
    lambda x: x.index_add_(0, pb.tensor([0, 2]), pb.full((2,), 2.0), alpha=2),
    lambda x: x.index_copy_(0, pb.tensor([0, 2]), pb.full((2,), 5.0)),
    lambda x: x.index_fill_(0, pb.tensor([0, -2]), 5.0),
    lambda x: x.scatter_(0, pb.tensor([0, 2]), pb.full((2,), 5.0)),
    lambda x: x.scatter_(0, pb.tensor([0, 2]), 5.0),
    lambda x: x.scatter_add_(0, pb.tensor([0, 2]), pb.full((2,), 4.0)),
    lambda x: x.masked_fill_(pb.tensor([True, False, True, False]), 5.0),
    lambda x: x.masked_fill_(pb.tensor([True, False, True, False]), pb.tensor(5)),
    lambda x: x.masked_scatter_(pb.tensor([True, False, True, False]), pb.full((2,), 5.0)),
    lambda x: x.put_(pb.tensor([0, 2]), pb.full((2,), 5.0)),
    lambda x: x.scatter_reduce_(0, pb.tensor([0, 2]), pb.full((2,), 5.0), "amax"),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_everywhere_and_counts_once(write: Callable[[pb.Tensor], object]) -> None:
    x = pb.ones(4)
    view, detached = x[1:], x.detach()
    array = x.array
    write(x)
    assert x.tolist() == [5, 1, 5, 1]
    assert view.tolist() == [1, 5, 1]
    assert detached.tolist() == [5, 1, 5, 1]
    assert x._version == 1
    assert (x.array is array) == x.backend.mutable


@pytest.mark.parametrize("write", WRITES)
def test_a_write_through_a_strided_view_lands_in_the_base(write: Callable[[pb.Tensor], object]) -> None:
    base = pb.ones(4, 2)
    write(base[:, 1])
    assert base.tolist() == [[1, 5], [1, 1], [1, 5], [1, 1]]


@pytest.mark.parametrize("write", WRITES[:-1])
def test_a_write_into_what_a_graph_needs_is_noticed(write: Callable[[pb.Tensor], object]) -> None:
    leaf = pb.full((4,), 1.0, requires_grad=True)
    x = leaf * 1
    square = x * x
    write(x)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        square.sum().backward()


@pytest.mark.parametrize("write", WRITES)
def test_gradients_pass_by_what_was_overwritten(write: Callable[[pb.Tensor], object]) -> None:
    leaf = pb.full((4,), 1.0, requires_grad=True)
    x = leaf * 3 - 2
    write(x)
    x.sum().backward()
    kept = leaf.grad.tolist()
    assert kept[1] == kept[3] == 3
    assert kept[0] == kept[2]
    assert kept[0] in (0, 3)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.index_put_((pb.tensor([0, 9]),), pb.ones(2)),
        lambda x: x.index_put_((pb.tensor([0, 9]),), pb.ones(2), accumulate=True),
        lambda x: x.index_add_(0, pb.tensor([0, 9]), pb.ones(2)),
        lambda x: x.index_add_(0, pb.tensor([0, -1]), pb.ones(2)),
        lambda x: x.index_copy_(0, pb.tensor([0, 9]), pb.ones(2)),
        lambda x: x.index_fill_(0, pb.tensor([0, 9]), 1.0),
        lambda x: x.scatter_(0, pb.tensor([0, 9]), 1.0),
        lambda x: x.scatter_add_(0, pb.tensor([0, -1]), pb.ones(2)),
        lambda x: x.scatter_reduce_(0, pb.tensor([0, 9]), pb.ones(2), "amax"),
        lambda x: x.put_(pb.tensor([0, 9]), pb.ones(2)),
        lambda x: x.masked_scatter_(pb.tensor([True] * 4), pb.ones(2)),
        lambda x: x.masked_fill_(pb.ones(2, 4, dtype=pb.bool), 1.0),
        lambda x: x.__setitem__(pb.tensor([True, True, True, False]), pb.ones(2)),
    ],
)
def test_a_write_that_fails_changes_nothing(write: Callable[[pb.Tensor], object]) -> None:
    x = pb.zeros(4)
    with pytest.raises((RuntimeError, IndexError)):
        write(x)
    assert x.tolist() == [0, 0, 0, 0]
    assert x._version == 0


def test_elements_of_the_tensor_itself_are_no_values() -> None:
    x = pb.arange(4.0)
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        x[[1, 2]] = x[:2]
    x[[1, 2]] = x[[0, 1]]
    assert x.tolist() == [0, 0, 1, 3]


def test_a_mask_writes_many_elements_as_it_writes_few() -> None:
    values = np.random.default_rng(3).standard_normal((80, 70)).astype(np.float32)
    for mask in (values > 0, values[:, 0] > 0):
        x = pb.tensor(values)
        x[pb.tensor(mask)] = float("nan")
        expected = values.copy()
        expected[mask] = np.nan
        np.testing.assert_array_equal(x.numpy(), expected)
        x.masked_fill_(x.isnan(), -0.0)
        expected[mask] = -0.0
        np.testing.assert_array_equal(np.signbit(x.numpy()), np.signbit(expected))


def test_a_form_that_overwrites_what_formulas_need_is_refused() -> None:
    assert registry["scatter_reduce"].overwriting is None  # its formulas ask for the tensor
    with pytest.raises(DeclarationError, match="need 'input', which the body overwrites"):
        overwrites("scatter_reduce")(lambda backend, input, *_: input)

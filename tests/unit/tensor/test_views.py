"""Views share memory with their base, which they keep alive, and follow the chain of operations that made them."""

from __future__ import annotations

import pytest

import pullback as pb

pytestmark = pytest.mark.usefixtures("backend")


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

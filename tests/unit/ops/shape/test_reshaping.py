"""Shapes, joins, splits and rearrangements."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.meta.strides import view_strides
from pullback.ops.creation.grids import cartesian_prod, meshgrid
from pullback.ops.shape.diagonals import block_diag, diag
from pullback.ops.shape.rearranging import flip, roll, rot90, tile

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize(
    ("shape", "new", "expected"),
    [((2, 3), (3, -1), (3, 2)), ((2, 3), (-1,), (6,)), ((), (1, 1), (1, 1)), ((0, 3), (3, 0), (3, 0))],
)
def test_view_infers_one_size(shape: tuple[int, ...], new: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert pb.zeros(shape).view(new).shape == expected


def test_sizes_come_one_by_one_as_a_sequence_or_by_name() -> None:
    x = pb.zeros(2, 3)
    assert x.permute(1, 0).shape == x.permute([1, 0]).shape == x.permute(dims=(1, 0)).shape == (3, 2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'axes'"):
        x.permute(axes=(1, 0))


@pytest.mark.parametrize(
    ("strides", "new", "expected"),
    [
        ((12, 4, 1), (6, 4), (4, 1)),
        ((1, 2, 6), (2, 3, 2, 2), (1, 2, 12, 6)),
        ((24, 8, 1), (6, 4), (8, 1)),
        ((1, 8, 2), (6, 4), None),
    ],
)
def test_strides_of_a_view(strides: tuple[int, ...], new: tuple[int, ...], expected: tuple[int, ...] | None) -> None:
    assert view_strides((2, 3, 4), strides, new) == expected


def test_a_list_of_sizes_may_change_afterwards() -> None:
    sizes = [1, 0]
    x = pb.zeros(2, 3)
    turned = pb.permute(x, sizes)
    sizes[0] = 7
    x.add_(1)
    assert turned.tolist() == [[1, 1], [1, 1], [1, 1]]


def test_expanded_gradients_are_summed() -> None:
    x = pb.tensor([[1.0], [2.0]], requires_grad=True)
    (x.expand(3, 2, 4) * 2).sum().backward()
    assert x.grad.tolist() == [[24], [24]]


def test_cat_promotes_and_skips_empty_vectors() -> None:
    joined = pb.cat([pb.tensor([1, 2]), pb.tensor([]), pb.tensor([0.5])])
    assert joined.dtype is pb.float32
    assert joined.tolist() == [1, 2, 0.5]


def test_gradients_of_cat_have_each_tensors_dtype() -> None:
    x = pb.ones(2, requires_grad=True)
    y = pb.ones(2, dtype=pb.float64, requires_grad=True)
    (pb.cat([x, y]) * pb.arange(4)).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (pb.float32, [0, 1])
    assert (y.grad.dtype, y.grad.tolist()) == (pb.float64, [2, 3])


def test_pieces_that_get_no_gradient_count_as_zero() -> None:
    x = pb.ones(5, requires_grad=True)
    _, middle, _ = x.split(2)
    (middle * 3).sum().backward()
    assert x.grad.tolist() == [0, 0, 3, 3, 0]


def test_unbinding_nothing_gives_nothing() -> None:
    assert pb.zeros(0, 2, requires_grad=True).unbind() == ()


def test_iteration_unbinds() -> None:
    assert [row.tolist() for row in pb.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]


def test_repeats_do_not_share_memory() -> None:
    x = pb.ones(1, 2)
    x.repeat(1, 1)[0, 0] = 5
    x.repeat(3, 1)[0, 0] = 5
    assert x.tolist() == [[1, 1]]


def test_tile_counts_missing_numbers_as_one() -> None:
    assert tile(pb.zeros(2, 3), (2,)).shape == (2, 6)
    assert tile(pb.zeros(3), (2, 2)).shape == (2, 6)


def test_rearrangements() -> None:
    x = pb.tensor([[1, 2, 3], [4, 5, 6]])
    assert flip(x, (0, 1)).tolist() == [[6, 5, 4], [3, 2, 1]]
    assert roll(x, 1).tolist() == [[6, 1, 2], [3, 4, 5]]
    assert rot90(x).tolist() == [[3, 6], [2, 5], [1, 4]]
    assert rot90(x, 4).tolist() == x.tolist()
    assert diag(x, 1).tolist() == [2, 6]
    assert diag(pb.tensor([1, 2]), -1).tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert block_diag(pb.tensor([[1, 2]]), pb.tensor([3])).tolist() == [[1, 2, 0], [0, 0, 3]]
    assert cartesian_prod(pb.tensor([1, 2]), pb.tensor([3, 4])).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]


def test_diagonal_is_a_view() -> None:
    x = pb.zeros(2, 3, dtype=pb.float16)
    x.diagonal(1).fill_(4)
    assert x.tolist() == [[0, 4, 0], [0, 0, 4]]


def test_wrapped_diagonal() -> None:
    assert pb.zeros(5, 2).fill_diagonal_(1, wrap=True).tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]


def test_meshgrid_asks_for_its_indexing() -> None:
    with pytest.warns(UserWarning, match="it will be required to pass the indexing argument"):
        meshgrid(pb.arange(2), pb.arange(3))
    xy = meshgrid(pb.arange(2), pb.arange(3), indexing="xy")
    assert [g.shape for g in xy] == [(3, 2), (3, 2)]


def test_transposing_other_than_matrices_by_T_is_deprecated() -> None:
    with pytest.warns(UserWarning, match="is deprecated"):
        assert pb.zeros(2, 3, 4).T.shape == (4, 3, 2)


def test_strided_views_have_no_negative_sizes() -> None:
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed with sizes="):
        pb.ones(4).as_strided((2, -3), (2, 1))


def test_expanded_sizes_are_not_negative() -> None:
    with pytest.raises(RuntimeError, match="the size -2 is negative"):
        pb.ones(3, 1).expand(3, -2)

"""Layouts: what a chain of view operations does to strides and offset, held against NumPy's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb
from pullback.backend.geometry import GEOMETRIES, Geometry
from pullback.tensor.geometry import geometry_of, places


def test_equal_geometries_are_equal_and_hash_alike() -> None:
    one, other = Geometry(pb.float32, (2, 3), (3, 1)), Geometry.contiguous(pb.float32, (2, 3))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Geometry(pb.float64, (2, 3), (3, 1))
    assert repr(one) == "Geometry(float32, shape=(2, 3), strides=(3, 1), offset=0)"


@pytest.mark.parametrize(
    ("shape", "strides", "dense", "may_overlap", "repeats"),
    [
        ((2, 3), (3, 1), True, False, False),
        ((3, 2), (1, 3), True, False, False),
        ((2, 2), (4, 1), False, False, False),
        ((2, 3), (0, 1), False, True, True),
        ((3, 2), (1, 1), False, True, False),
        ((1, 3), (0, 1), True, False, False),
        ((), (), True, False, False),
        ((0, 3), (5, 2), True, False, False),
    ],
)
def test_what_a_geometry_says_of_its_elements(
    shape: tuple[int, ...], strides: tuple[int, ...], dense: bool, may_overlap: bool, repeats: bool
) -> None:
    geometry = Geometry(pb.float32, shape, strides)
    assert (geometry.is_dense, geometry.may_overlap, geometry.repeats) == (dense, may_overlap, repeats)


def test_geometries_that_share_a_part_overlap_partly() -> None:
    whole = Geometry.contiguous(pb.float32, (6,))
    assert Geometry(pb.float32, (5,), (1,), 1).overlaps_partly(whole)
    assert Geometry(pb.float32, (2, 3), (1, 2)).overlaps_partly(whole)
    assert not whole.overlaps_partly(Geometry.contiguous(pb.float32, (6,)))
    assert not Geometry(pb.float32, (3,), (1,)).overlaps_partly(Geometry(pb.float32, (3,), (1,), 3))
    assert not Geometry(pb.float32, (3,), (2,), 1).overlaps_partly(whole)  # has gaps: not told


def test_a_geometry_has_no_elements_to_compute_with() -> None:
    with pytest.raises(pb.errors.MissingKernelError, match="geometry"):
        pb.Tensor._wrap(Geometry.contiguous(pb.float32, (2,)), GEOMETRIES) + 1


@st.composite
def _chains(draw: st.DrawFn) -> list[tuple[str, tuple[Any, ...]]]:
    """View operations by name with arguments that fit the shapes they meet."""
    shape = [2, 3, 4]
    chain: list[tuple[str, tuple[Any, ...]]] = []
    for _ in range(draw(st.integers(1, 5))):
        kinds = ["unsqueeze", "permute"]
        if shape:
            kinds += ["narrow", "select", "step", "unfold"]
        if len(shape) > 1:
            kinds += ["diagonal", "transpose"]
        kind = draw(st.sampled_from(kinds))
        dim = draw(st.integers(0, len(shape) - 1)) if shape else 0
        if kind == "unsqueeze":
            chain.append(("unsqueeze", (dim,)))
            shape.insert(dim, 1)
        elif kind == "permute":
            order = draw(st.permutations(range(len(shape))))
            chain.append(("permute", (tuple(order),)))
            shape = [shape[d] for d in order]
        elif kind == "transpose":
            chain.append(("transpose", (dim, 0)))
            shape[dim], shape[0] = shape[0], shape[dim]
        elif kind == "diagonal":
            offset = draw(st.integers(-2, 2))
            rows, columns = shape[0], shape[1]
            chain.append(("diagonal", (offset, 0, 1)))
            length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
            shape = [*shape[2:], length]
        elif kind == "narrow":
            start = draw(st.integers(0, shape[dim]))
            length = draw(st.integers(0, shape[dim] - start))
            chain.append(("narrow", (dim, start, length)))
            shape[dim] = length
        elif kind == "select" and shape[dim]:
            chain.append(("select", (dim, draw(st.integers(0, shape[dim] - 1)))))
            del shape[dim]
        elif kind == "step":
            step = draw(st.integers(1, 3))
            chain.append(("__getitem__", ((slice(None),) * dim + (slice(None, None, step),),)))
            shape[dim] = -(-shape[dim] // step)
        elif kind == "unfold" and len(shape) < 5:
            size = draw(st.integers(0, shape[dim]))
            step = draw(st.integers(1, 2))
            chain.append(("unfold", (dim, size, step)))
            shape[dim] = (shape[dim] - size) // step + 1
            shape.append(size)
    return chain


@given(chain=_chains())
def test_the_geometry_of_a_chain_of_views_is_where_its_elements_lie(chain: list[tuple[str, tuple[Any, ...]]]) -> None:
    base = pb.arange(24, backend="numpy")
    view = base.view(2, 3, 4)
    for name, arguments in chain:
        view = getattr(view, name)(*arguments)
    geometry = geometry_of(view)
    assert geometry.shape == view.array.shape
    assert places(view.backend, geometry).tolist() == view.array.reshape(-1).tolist()
    if view.numel():
        assert view.data_ptr() - base.data_ptr() == 8 * geometry.offset
        native = [s // 8 for n, s in zip(view.array.shape, view.array.strides, strict=True) if n > 1]
        assert native == [s for n, s in zip(geometry.shape, geometry.strides, strict=True) if n > 1]
    assert np.shares_memory(base.array, view.array) == bool(view.numel())

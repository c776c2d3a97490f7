"""Samples in other layouts: every operand, alone and together, and the same on the backend under test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.moving import moved, overlaps_itself, tensors_in, to_numpy
from pullback_conformance.samples import refilled
from pullback_conformance.samples.bases import WHOLE
from pullback_conformance.samples.layouts import LAYOUTS
from pullback_conformance.selftest.loopbacks import loopback_class

import_all()
NUMPY = get_backend("numpy")


def arrays(name: str, dtype: pb.dtype) -> dict[str, list[Any]]:
    return {a.label: [t.array for t in tensors_in((a.args, a.kwargs))] for a in refilled(registry[name], NUMPY, dtype)}


def test_each_operand_comes_in_every_layout() -> None:
    found = arrays("matmul", pb.float32)
    for layout in LAYOUTS:
        for position in (0, 1):
            changed = found[f"operand {position}, {layout}"]
            assert not changed[position].flags.c_contiguous or changed[position].base is not None
            assert changed[1 - position].flags.c_contiguous
    assert all(not a.flags.c_contiguous for a in found["all columnwise"])
    assert all(min(a.strides) < 0 for a in found["all backwards"])


@pytest.mark.parametrize("name", ["put", "scatter", "index_copy"])
def test_positions_written_to_come_once(name: str) -> None:
    found = arrays(name, pb.float32)
    assert "operand 1, columnwise" in found
    for label, (_, positions, *_rest) in found.items():
        assert not overlaps_itself(positions), label
    assert "operand 2, expanded" in found  # the values may repeat


def test_several_samples_are_laid_out_otherwise() -> None:
    labels = list(arrays("sum", pb.float32))
    assert {label.rpartition("#")[2] for label in labels if "columnwise" in label or "backwards" in label} > {"2", "3"}


@pytest.mark.parametrize("name", ["sum", "matmul", "gather", "cat"])
def test_the_dtypes_share_out_the_layouts(name: str) -> None:
    def labels(dtype: pb.dtype) -> set[str]:
        return {label for label in arrays(name, dtype) if any(layout in label for layout in LAYOUTS)}

    some = (pb.float64, pb.float16, pb.bfloat16, pb.complex64)
    assert pb.float32 in WHOLE
    assert set().union(*(labels(dtype) for dtype in some)) == labels(pb.float32)


def test_views_of_memory_are_run_as_they_lie() -> None:
    for name in ("view", "as_strided", "view_as_complex", "reshape_alias", "view_as"):
        assert registry[name].sampled.layouts
        assert not any(layout in label for label in arrays(name, pb.float32) for layout in LAYOUTS)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_])
@pytest.mark.parametrize("shape", [(3, 8), (2, 3, 4), (5,), (), (0, 3), (2, 1, 3, 2, 2), (1, 4)])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_moving_keeps_every_layout(layout: Callable[[Any], Any], shape: tuple[int, ...], dtype: Any) -> None:
    array = layout(np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype))
    tensor = pb.Tensor._wrap(array, NUMPY)
    for mutable in (True, False):
        there = moved(tensor, loopback_class(mutable)())
        assert np.array_equal(to_numpy(there), array)
        assert not np.shares_memory(there.array, array)
    here = moved(tensor, NUMPY).array
    assert overlaps_itself(here) == overlaps_itself(array)
    assert [s for s, n in zip(here.strides, here.shape, strict=True) if n > 1 and array.size] == [
        s for s, n in zip(array.strides, array.shape, strict=True) if n > 1 and array.size
    ]


@pytest.mark.parametrize(
    ("array", "overlaps"),
    [
        (np.zeros((2, 3)), False),
        (np.zeros((2, 3)).T[::-1], False),
        (np.zeros((4, 6))[::2, ::3], False),
        (np.broadcast_to(np.zeros(3), (2, 3)), True),
        (np.lib.stride_tricks.sliding_window_view(np.zeros(4), 2), True),
        (np.broadcast_to(np.zeros(3), (0, 3)), False),
        (np.zeros((1, 3)), False),
    ],
)
def test_arrays_whose_elements_share_places_are_known(array: Any, overlaps: bool) -> None:
    assert overlaps_itself(array) is overlaps

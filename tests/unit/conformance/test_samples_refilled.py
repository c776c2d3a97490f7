"""The first samples of an operation with other values and in other layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.moving import tensors_in
from pullback_conformance.samples import refilled

import_all()


def arrays(name: str, dtype: pb.dtype, most: int | None = None) -> dict[str, list[Any]]:
    found = refilled(registry[name], get_backend("numpy"), dtype, most=most)
    return {a.label: [t.array for t in tensors_in((a.args, a.kwargs))] for a in found}


@pytest.mark.parametrize("name", ["sum", "amax", "sort", "argmax", "cumsum", "logsumexp", "softmax"])
def test_reductions_and_searches_meet_ties_zeros_and_nan(name: str) -> None:
    found = arrays(name, pb.float32)
    (ties,) = found["ties and zeros #1"]
    assert 0 in ties
    assert len(np.unique(ties)) < ties.size
    assert np.isnan(found["NaN first #1"][0].reshape(-1)[0])
    assert np.isnan(found["NaN last #1"][0].reshape(-1)[-1])
    assert np.isinf(found["NaN and infinities #1"][0]).any()


def test_integers_meet_the_ends_of_their_dtype() -> None:
    for name in ("add", "mul", "sum", "prod", "maximum"):
        values = np.concatenate([a.reshape(-1) for a in arrays(name, pb.int8)["ends of the dtype #1"]])
        assert {-128, 127, 0, -1} <= set(values.tolist())
    assert "ends of the dtype #1" not in arrays("mean", pb.int8)
    assert "ends of the dtype #1" not in arrays("pow", pb.int8)


def test_indices_keep_their_values() -> None:
    for label, (_, index) in arrays("take_along_dim", pb.int64).items():
        assert index.max() < 4, label


def test_each_operand_comes_in_another_layout() -> None:
    found = arrays("matmul", pb.float32)
    assert not found["operand 0, columnwise"][0].flags.c_contiguous
    assert found["operand 0, columnwise"][1].flags.c_contiguous
    assert not found["operand 1, step"][1].flags.c_contiguous
    assert all(not a.flags.c_contiguous for a in found["all columnwise"])


def test_other_values_come_first() -> None:
    assert list(arrays("sum", pb.float32, most=2)) == ["ties and zeros #1", "NaN and infinities #1"]


def test_draws_are_left_alone() -> None:
    assert arrays("bernoulli", pb.float32) == {}

"""The limits of dtypes hold of their numbers."""

from __future__ import annotations

import copy
import pickle

import pytest

import pullback as pb

FLOATS = [pb.float16, pb.bfloat16, pb.float32, pb.float64]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_eps_is_the_step_above_one(dtype):
    limits = pb.finfo(dtype)
    one = pb.ones((), dtype=dtype)
    assert (one + limits.eps).item() > 1
    assert (one + limits.eps / 4).item() == 1


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_max_and_tiny_are_numbers_of_the_dtype(dtype):
    limits = pb.finfo(dtype)
    for value in (limits.max, limits.min, limits.tiny):
        assert pb.tensor(value, dtype=dtype).item() == value
    assert (pb.tensor(limits.max, dtype=dtype) * 2).isinf().item()


@pytest.mark.parametrize("name", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", [pb.uint8, pb.int8, pb.int32, pb.int64], ids=str)
def test_integers_wrap_around_behind_max(name, dtype):
    limits = pb.iinfo(dtype)
    greatest = pb.full((1,), limits.max, dtype=dtype, backend=name)
    assert (greatest + 1).item() == limits.min


def test_limits_cannot_be_changed():
    with pytest.raises(AttributeError):
        pb.finfo(pb.float32).eps = 1.0
    with pytest.raises(AttributeError):
        pb.iinfo(pb.int8).max = 1


def test_limits_are_copied_and_pickled():
    for limits in (pb.finfo(pb.float16), pb.iinfo(pb.uint8)):
        assert copy.deepcopy(limits) == limits
        assert pickle.loads(pickle.dumps(limits)) == limits

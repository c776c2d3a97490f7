"""What the contract's probes compare with: exact conversions, and the stream of random words."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import pullback as pb
from pullback.extend import use_backend
from pullback_conformance.contract.exact_conversion import converted, is_defined, rounded, wrapped
from pullback_conformance.contract.portable_random import blocks, generator_at, words

KINDS = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}


@pytest.mark.parametrize(
    ("value", "dtype", "want"),
    [
        (2**24 + 1, pb.float32, 2.0**24),  # a tie goes to the even one
        (2**24 + 3, pb.float32, 2.0**24 + 4),
        (2**53 + 1, pb.float64, 2.0**53),
        (2**63 - 1, pb.float64, 2.0**63),
        (65519, pb.float16, 65504.0),
        (65520, pb.float16, math.inf),
        (-65520.0, pb.float16, -math.inf),
        (1 + 2.0**-8, pb.bfloat16, 1.0),
        (1 + 3 * 2.0**-8, pb.bfloat16, 1 + 2.0**-6),
        (2.0**-25, pb.float16, 0.0),
        (2.0**-25 * 1.5, pb.float16, 2.0**-24),
        (-(2.0**-149), pb.float64, -(2.0**-149)),
    ],
)
def test_numbers_are_rounded_to_the_nearest_and_to_even(value: Any, dtype: pb.dtype, want: float) -> None:
    assert rounded(value, dtype) == want


@pytest.mark.parametrize("name", KINDS)
def test_rounding_is_the_processors(name: str) -> None:
    numbers = np.random.default_rng(3).integers(0, 2**32, 500, np.uint64).astype(np.uint32).view(np.float32)
    numbers = numbers[~np.isnan(numbers)].astype(np.float64)
    with np.errstate(all="ignore"):
        want = numbers.astype(KINDS[name]).astype(np.float64).tolist()
    assert [rounded(x, getattr(pb, name)) for x in numbers.tolist()] == want


def test_integers_wrap() -> None:
    assert [wrapped(n, pb.int8) for n in (127, 128, 255, 256, -129)] == [127, -128, -1, 0, 127]
    assert [wrapped(n, pb.uint8) for n in (-1, 256, 300)] == [255, 0, 44]


def test_kinds_of_numbers() -> None:
    assert converted(0.5, pb.bool) is True
    assert converted(math.nan, pb.bool) is True
    assert converted(complex(0, 1), pb.bool) is True
    assert converted(-0.0, pb.bool) is False
    assert converted(complex(3, 4), pb.float32) == 3.0
    assert converted(-1.9, pb.int32) == -1
    assert converted(True, pb.complex64) == 1 + 0j
    assert math.copysign(1, converted(-0.0, pb.float16)) == -1


def test_what_an_integer_dtype_does_not_hold_is_not_defined() -> None:
    assert not any(is_defined(x, pb.int8) for x in (math.nan, math.inf, 128.0, -129.0, complex(300, 0)))
    assert all(is_defined(x, pb.int8) for x in (127.9, -128.9, 1000))
    assert is_defined(math.nan, pb.float16)


@pytest.mark.parametrize(
    ("counter", "key", "want"),
    [  # from the table that comes with the article's own program
        (0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ],
)
def test_the_words_are_those_of_philox(counter: int, key: int, want: tuple[int, ...]) -> None:
    assert blocks(key, counter, 1)[0].tolist() == list(want)


def test_blocks_follow_each_other_past_32_bits() -> None:
    assert (blocks(5, 2**32 - 2, 4)[2:] == blocks(5, 2**32, 2)).all()
    assert (words(5, 0, 10) == blocks(5, 0, 3).reshape(-1)[:10]).all()


def test_a_generator_begins_at_a_block() -> None:
    with use_backend("numpy"):
        assert generator_at(7, 2**32 + 5).take(1) == (7, 2**32 + 5)

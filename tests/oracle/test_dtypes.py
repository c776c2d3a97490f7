"""Promotion is PyTorch's: every pair of dtypes, in every combination of dimensioned, 0-d and Python operands."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import pullback as pb
from pullback.meta import dtypes

torch = pytest.importorskip("torch", reason="the `oracle` extra installs PyTorch")
pytestmark = pytest.mark.oracle

NAMES = [dtype.name for dtype in dtypes.ALL]
SCALARS = [True, 2, 2.5, 1 + 2j]


def outcome(function: Any, *args: Any) -> str:
    """The name of the dtype that comes out, or the error."""
    try:
        # Half-precision complex numbers are the one dtype of PyTorch's table that pullback does not have.
        return str(function(*args)).replace("complex32", "complex64")
    except RuntimeError as error:
        return f"RuntimeError: {error}"


@pytest.mark.parametrize("first", NAMES)
def test_promote_types(first: str) -> None:
    for second in NAMES:
        ours = outcome(pb.promote_types, dtypes.by_name[first], dtypes.by_name[second])
        theirs = outcome(torch.promote_types, getattr(torch, first), getattr(torch, second))
        assert ours == theirs, (first, second)


@pytest.mark.parametrize("first", NAMES)
def test_can_cast(first: str) -> None:
    for second in NAMES:
        ours = pb.can_cast(dtypes.by_name[first], dtypes.by_name[second])
        assert ours == torch.can_cast(getattr(torch, first), getattr(torch, second)), (first, second)


@pytest.mark.parametrize(("shape", "other_shape"), list(itertools.product([(2,), ()], repeat=2)))
@pytest.mark.parametrize("first", NAMES)
def test_result_type_of_two_tensors(first: str, shape: tuple[int, ...], other_shape: tuple[int, ...]) -> None:
    for second in NAMES:
        ours = outcome(pb.result_type, _ones(pb, shape, first), _ones(pb, other_shape, second))
        theirs = outcome(torch.result_type, _ones(torch, shape, first), _ones(torch, other_shape, second))
        assert ours == theirs, (first, second)


@pytest.mark.parametrize("scalar", SCALARS, ids=str)
@pytest.mark.parametrize("shape", [(2,), ()])
def test_result_type_with_a_number(shape: tuple[int, ...], scalar: Any) -> None:
    for name in NAMES:
        ours = outcome(pb.result_type, _ones(pb, shape, name), scalar)
        theirs = outcome(torch.result_type, _ones(torch, shape, name), scalar)
        assert ours == theirs, name


@pytest.mark.parametrize("operator", ["__add__", "__mul__", "__truediv__", "__lt__"])
def test_operations_give_the_promoted_dtype(operator: str) -> None:
    plain = [n for n in NAMES if n not in ("uint16", "uint32", "uint64")]
    for first, second, shape in itertools.product(plain, plain, [(2,), ()]):
        if operator == "__lt__" and "complex" in first + second:
            continue
        if (first, second[:7], shape) == ("float16", "complex", ()):
            continue  # PyTorch's complex32, which few of its own operations take
        ours = getattr(_ones(pb, (2,), first), operator)(_ones(pb, shape, second)).dtype
        theirs = getattr(_ones(torch, (2,), first), operator)(_ones(torch, shape, second)).dtype
        assert str(ours) == str(theirs), (first, second, shape)


def _ones(library: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return library.ones(shape, dtype=getattr(library, dtype))

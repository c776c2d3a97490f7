"""Where PyTorch's function of the same name is no oracle: it asks something else, or differs by intention.

These are left out of the check ``torch``, which says the reason. What pullback does otherwise by intention is described
in ``docs/differences-from-pytorch.md``.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from pullback import bfloat16, complex64, complex128, float64
from pullback.extend import DType


class Part(Enum):
    """What of a call is not compared."""

    ALL = "all"
    GRADIENTS = "gradients"
    INDICES = "indices"  # whole numbers that are a second result
    NOT_FINITE = "not finite"  # elements whose operand or result is not finite
    NEAR_ZERO = "near zero"  # errors are measured at one at least
    ROUNDING = "rounding"  # four times as much is allowed


class Difference(NamedTuple):
    """A part of what an operation gives that PyTorch does not judge, and why; in every dtype where none is named."""

    operation: str
    part: Part
    reason: str
    dtypes: frozenset[DType] = frozenset()


DIFFERENCES: Final = (
    Difference("nonzero", Part.ALL, "the operation gives a tensor for each dimension, as PyTorch's as_tuple does"),
    Difference(
        "binary_cross_entropy_with_logits", Part.ALL, "PyTorch's function takes the mean; this is the part before it"
    ),
    Difference("gelu", Part.NOT_FINITE, "PyTorch gives NaN for infinities, and not the function's limits"),
    Difference("polar", Part.GRADIENTS, "PyTorch's gradient by `abs` is wrong for negative values"),
    Difference("sinc", Part.NEAR_ZERO, "PyTorch rounds pi times x first, and so is not zero at whole numbers"),
    Difference("celu", Part.GRADIENTS, "PyTorch rounds 1 / alpha to float32", frozenset({float64})),
    Difference("digamma", Part.GRADIENTS, "PyTorch's trigamma is good to ten digits", frozenset({float64})),
    Difference(
        "floor_divide", Part.ALL, "PyTorch takes the floor of another quotient in half precision", frozenset({bfloat16})
    ),
    Difference("abs", Part.ROUNDING, "PyTorch's modulus takes several roundings", frozenset({complex64, complex128})),
    Difference("topk", Part.INDICES, "which of equal elements is named is left open"),
)


def reason_for(operation: str, dtype: DType, part: Part) -> str:
    """Why PyTorch does not judge a part; empty where it does."""
    found = (d for d in DIFFERENCES if d.operation == operation and d.part is part)
    return next((d.reason for d in found if not d.dtypes or dtype in d.dtypes), "")

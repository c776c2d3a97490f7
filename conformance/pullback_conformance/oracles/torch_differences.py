"""Where PyTorch's function of the same name is no oracle: it asks something else, or differs by intention.

These are left out of the check ``torch``, which says the reason. What pullback does otherwise by intention is described
in ``docs/differences-from-pytorch.md``.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Part(Enum):
    """What of a call is not compared."""

    ALL = "all"
    GRADIENTS = "gradients"
    INDICES = "indices"  # whole numbers that are a second result
    NOT_FINITE = "not finite"  # elements whose operand or result is not finite
    NEAR_ZERO = "near zero"  # errors are measured at one at least


class Difference(NamedTuple):
    """A part of what an operation gives that PyTorch does not judge, and why."""

    operation: str
    part: Part
    reason: str


DIFFERENCES: Final = (
    Difference("nonzero", Part.ALL, "the operation gives a tensor for each dimension, as PyTorch's as_tuple does"),
    Difference(
        "binary_cross_entropy_with_logits", Part.ALL, "PyTorch's function takes the mean; this is the part before it"
    ),
    Difference("gelu", Part.NOT_FINITE, "PyTorch gives NaN for infinities, and not the function's limits"),
    Difference("polar", Part.GRADIENTS, "PyTorch's gradient by `abs` is wrong for negative values"),
    Difference("sinc", Part.NEAR_ZERO, "PyTorch rounds pi times x first, and so is not zero at whole numbers"),
    Difference("topk", Part.INDICES, "which of equal elements is named is left open"),
)


def reason_for(operation: str, part: Part) -> str:
    """Why PyTorch does not judge a part; empty where it does."""
    return next((d.reason for d in DIFFERENCES if d.operation == operation and d.part is part), "")

"""Where pullback's gradient differs from PyTorch's by intention, and what it is: rows that PyTorch's table cannot have.

Each is a line of ``docs/differences-from-pytorch.md``. Like the rows of the table they have gradients of the
results' sum, weighted 1, 2, 3, ..., and hold on every backend.
"""

from __future__ import annotations

from functools import cache
from math import inf, nan, pi
from typing import Any, Final

import numpy as np

from pullback_conformance.oracles.pytorch import Row

#: What judges these rows, in reports.
SOURCE: Final = "pullback's documented difference from PyTorch"

#: By operation: operands, attributes, results and gradients.
_ROWS: Final[dict[str, list[tuple[list[Any], dict[str, Any], list[Any], list[Any]]]]] = {
    # Zero at the origin, where the distance has no direction.
    "hypot": [([[0.0, -0.0, 3.0], [0.0, 0.0, 4.0]], {}, [[0.0, 0.0, 5.0]], [[0.0, 0.0, 1.8], [0.0, 0.0, 2.4]])],
    # Their limits, also where the result is NaN, as in PyTorch.
    "atan2": [([[inf, 1.0, 2.0], [1.0, inf, -inf]], {}, [[pi / 2, 0.0, pi]], [[0.0] * 3, [0.0] * 3])],
    "gelu": [([[inf, -inf]], {}, [[inf, nan]], [[1.0, 0.0]])],
    "silu": [([[inf, -inf]], {}, [[inf, nan]], [[1.0, 0.0]])],
    # Nothing where all is minus infinity.
    "logsumexp": [([[[-inf, -inf], [-inf, 1.0]]], {"dim": 1}, [[-inf, 1.0]], [[[0.0, 0.0], [0.0, 2.0]]])],
    # To the NaN that is the result, as where the largest of all is taken; evenly to several.
    "amax": [([[[1.0, nan, 2.0], [nan, 3.0, nan]]], {"dim": 1}, [[nan, nan]], [[[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]])],
    "amin": [([[[1.0, nan, 2.0], [nan, 3.0, nan]]], {"dim": 1}, [[nan, nan]], [[[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]])],
    # For targets that of the loss, whose logarithms are -100 at least; for the input by 1e-12, and not float32's.
    "binary_cross_entropy": [
        (
            [[0.0, 1.0, 0.0, 1.0, 0.0], [0.5, 0.0, 1.0, 1.0, 0.0]],
            {"reduction": "none"},
            [[50.0, 100.0, 100.0, -0.0, 0.0]],
            [[-5e11, 2e12, -3e12, 0.0, 0.0], [100.0, -200.0, 300.0, -400.0, 500.0]],
        )
    ],
    # The products of the other factors, without a division of infinities.
    "cumprod": [
        ([[inf, 2.0, 3.0]], {"dim": 0}, [[inf, inf, inf]], [[23.0, inf, inf]]),
        ([[2.0, inf, 3.0]], {"dim": 0}, [[2.0, inf, inf]], [[inf, 22.0, inf]]),
    ],
}


@cache
def rows_of(operation: str) -> list[Row]:
    """The rows of an operation; none where it differs in no gradient."""
    return [
        Row([np.array(o) for o in operands], attributes, [np.array(r) for r in results], [np.array(g) for g in grads])
        for operands, attributes, results, grads in _ROWS.get(operation, [])
    ]


def operations() -> list[str]:
    """The operations that have rows."""
    return list(_ROWS)

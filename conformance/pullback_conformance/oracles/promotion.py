"""PyTorch's promotion of dtypes, as a stored table: ``tools/pytorch_promotion.py`` writes it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from pullback.extend import DType, dtypes

TABLE = Path(__file__).with_name("pytorch_promotion.json")


def common_dtype(left: str, right: str, rank: str) -> DType | None:
    """The dtype that an operand with dimensions and another one promote to; None for one that pullback does not have.

    Parameters
    ----------
    left : str
        The name of the first operand's dtype.
    right : str
        The name of the other's; of a Python number its type.
    rank : {"dimensions", "0-d", "number"}
        What the other is.
    """
    return dtypes.by_name.get(_table()[rank][left][right])


@cache
def _table() -> Any:
    return json.loads(TABLE.read_text())

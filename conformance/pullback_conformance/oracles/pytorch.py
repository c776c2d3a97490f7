"""PyTorch's results, stored: what ``tools/pytorch_table.py`` wrote, with the version of PyTorch it names."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    """One call with PyTorch's results.

    Attributes
    ----------
    operands : list of numpy.ndarray
        float64, int64 or bool.
    attributes : dict
    results : list of numpy.ndarray
    gradients : list or None
        For each floating operand the gradient of the results' sum, weighted 1, 2, 3, ...; None where there is none.
    """

    operands: list[Any]
    attributes: dict[str, Any]
    results: list[Any]
    gradients: list[Any] | None


@cache
def _table() -> tuple[str, dict[str, list[Row]]]:
    data = json.loads(files(__package__).joinpath("pytorch_table.json").read_text(encoding="utf-8"))
    by_operation: dict[str, list[Row]] = {}
    for row in data["rows"]:
        gradients = row.get("gradients")
        made = Row(
            [_array(o) for o in row["operands"]],
            {k: _decoded(v) for k, v in row.get("attributes", {}).items()},
            [_array(r) for r in row["results"]],
            None if gradients is None else [None if g is None else _array(g) for g in gradients],
        )
        by_operation.setdefault(row["operation"], []).append(made)
    return data["pytorch"], by_operation


def version() -> str:
    """The PyTorch that the table is of."""
    return _table()[0]


def rows_of(operation: str) -> list[Row]:
    """PyTorch's results for an operation; empty where the table has none."""
    return _table()[1].get(operation, [])


def operations() -> list[str]:
    """The operations in the table."""
    return list(_table()[1])


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(v) for v in value]
    return float(value) if value in ("nan", "inf", "-inf") else value


def _array(value: Any) -> Any:
    return np.asarray(_decoded(value))

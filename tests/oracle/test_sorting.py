"""Sorting, held against PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytestmark = pytest.mark.oracle

EXPRESSIONS = """
x.sort()
x.sort(0, True)
x.sort(dim=1, descending=True)
x.sort(dim=2)
x.sort(stable=True, descending=True)
lib.sort(b, 1)
lib.tensor([1.0, float("nan"), -1.0, float("inf"), float("nan")]).sort()
lib.tensor([1.0, float("nan"), -1.0, float("inf"), float("nan")]).sort(descending=True)
lib.tensor([2, 1, 2, 1, 3]).sort(stable=True)
lib.tensor([2, 1, 2, 1, 3]).sort(stable=True, descending=True)
lib.tensor([True, False]).sort()
s.sort()
e.sort(0)
x.argsort()
x.argsort(0, True)
x.argsort(dim=-1, descending=True, stable=True)
x.msort()
x.topk(2)
x.topk(0)
x.topk(5)
x.topk(-1)
x.topk(1, dim=0, largest=False)
x.topk(1, dim=3)
lib.topk(b, 3, -1)
s.topk(1)
s.topk(2)
""".strip().split("\n")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_agrees_with_pytorch(expression: str, agrees: Callable[[str, str], None]) -> None:
    agrees(expression, "numpy")


@pytest.mark.parametrize(
    "expression", ["x.sort(0, True)", "x.topk(2)", "lib.tensor([1.0, float('nan'), -1.0]).sort(descending=True)"]
)
def test_on_immutable_arrays(expression: str, agrees: Callable[[str, str], None]) -> None:
    agrees(expression, "jax")

"""Counting what is alive."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

#: How often a function runs while what it leaves behind is counted.
RUNS = 3


def _living() -> Counter[str]:
    return Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in gc.get_objects())


@pytest.fixture
def growth() -> Callable[[Callable[[], Any]], Counter[str]]:
    """``growth(function)``: of which types each run of the function leaves an object behind, the collector being off.

    Objects of every type count, whatever made them.
    """

    def measure(function: Callable[[], Any]) -> Counter[str]:
        for _ in range(2):
            function()  # caches that last belong to no one run
            _living()
        gc.collect()
        gc.disable()
        try:
            before = _living()
            for _ in range(RUNS):
                function()
            after = _living()
        finally:
            gc.enable()
        return Counter({name: count for name, count in (after - before).items() if count >= RUNS})

    return measure

"""Counting what is alive."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

#: How often a function runs while what it leaves behind is counted.
RUNS = 3


def _living() -> Counter[str]:
    return Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in gc.get_objects())


@pytest.fixture(scope="module")
def rest_of_the_heap_is_frozen() -> Iterator[None]:
    """The collector, and who counts objects, pass over what there was before: a million objects once JAX is there."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def growth(rest_of_the_heap_is_frozen: None) -> Callable[[Callable[[], Any]], Counter[str]]:
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

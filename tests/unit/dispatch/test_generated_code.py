"""The text of the generated callables, so that a change of the generator is read in review.

``python tests/unit/dispatch/test_generated_code.py`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pullback.dispatch.codegen import source_of
from pullback.extend import registry

FOLDER = Path(__file__).parent / "generated"
NAMES = ("mul", "sum", "select", "cat", "sort", "split")


@pytest.mark.parametrize("name", NAMES)
def test_the_generated_callable_is_the_one_that_was_reviewed(name: str) -> None:
    assert source_of(registry[name]) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for written in NAMES:
        (FOLDER / f"{written}.txt").write_text(source_of(registry[written]), encoding="utf-8")

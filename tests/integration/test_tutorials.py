"""The introductory autograd tutorials print on each backend what they print on PyTorch."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import pullback

NOTEBOOK = runpy.run_path(str(Path(__file__).parents[1] / "tutorials" / "notebook.py"))
CASES = [(name, backend) for name in NOTEBOOK["tutorials"]() for backend in NOTEBOOK["backends_of"](name)]


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_tutorial_prints_the_expected_text(name, backend):
    with pullback.use_backend(backend):
        text = NOTEBOOK["run_tutorial"](name, pullback)
    assert text == NOTEBOOK["expected_text"](name)


def test_every_expected_text_belongs_to_a_tutorial():
    texts = sorted(path.stem for path in (NOTEBOOK["TUTORIALS"] / "expected").glob("*.txt"))
    assert texts == NOTEBOOK["tutorials"]()

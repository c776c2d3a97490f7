"""The introductory autograd tutorials run on pullback and on PyTorch, and read the same, character for character."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import pullback

torch = pytest.importorskip("torch", reason="the `oracle` extra is not installed")
NOTEBOOK = runpy.run_path(str(Path(__file__).parents[1] / "tutorials" / "notebook.py"))

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("name", NOTEBOOK["tutorials"]())
def test_tutorial_reads_as_on_pytorch(name):
    on_pytorch = NOTEBOOK["run_tutorial"](name, torch)
    assert on_pytorch == NOTEBOOK["expected_text"](name), "run tests/tutorials/write_expected.py"
    assert NOTEBOOK["run_tutorial"](name, pullback) == on_pytorch

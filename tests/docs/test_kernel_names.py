"""The kernels that "Writing a backend" lists exist on the backends of this repository, and it lists them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pullback
from pullback.backend.array_api import BINARY, UNARY
from pullback.extend import registry
from pullback.ops import import_all

import_all()

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-backend.md"


def listed_kernels() -> set[str]:
    table = PAGE.read_text().partition("| Kind | Names |")[2].partition("\n\n")[0]
    return {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_listed_kernel_exists(backend):
    existing = pullback.get_backend(backend)
    assert {name for name in listed_kernels() if existing.kernel(name) is None} == set()


def test_the_kernels_of_the_operations_are_listed():
    without_body = {
        record.kernel
        for record in registry.values()
        if getattr(record, "body", True) is None and record.module.startswith("pullback.")
    }
    assert {*UNARY, *BINARY, *without_body} - listed_kernels() == set()

"""Modules of the suite load by themselves, in whatever order a process asks for them."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["cells", "script", "checks", "runner", "contract.running", "under_pytest", "worker"]
)
def test_a_module_loads_first(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import pullback_conformance.{module}"], check=True)

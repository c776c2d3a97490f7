"""The demo and the example as a user runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_demo_of_one_epoch(tmp_path):
    picture = tmp_path / "losses.png"
    process = run(
        *("-W", "error", "-m", "pullback.cli", "demo"),
        *("--epochs", "1", "--backend", "numpy", "--plot", str(picture)),
    )
    assert process.returncode == 0, process.stderr
    assert re.search(r"numpy \(cpu\) │ +0\.\d{3} │ +\d+\.\d\d ms │ +reference", process.stdout), process.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_example_learns_to_read():
    process = run("-W", "error", str(EXAMPLE))
    assert process.returncode == 0, process.stderr
    found = re.search(r"test accuracy (0\.\d+)", process.stdout)
    assert found is not None, process.stdout
    assert float(found[1]) >= 0.95

"""No example depends on the last bit of a library's function, which differs between processors and releases."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGES = ("code_blocks", "docstrings")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_examples_print_the_same_with_the_last_bits_moved(direction):
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "last_bits"]
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "NUDGE": direction, "PYTHONPATH": path}
    run = subprocess.run(
        [*command, "-k", "test_examples or python_blocks", *(str(HERE / f"test_{name}.py") for name in PAGES)],
        env=environment, cwd=HERE.parents[1], capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout

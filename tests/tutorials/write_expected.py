"""Writes what PyTorch prints for each tutorial to ``expected/``: ``python tests/tutorials/write_expected.py``."""

from __future__ import annotations

import torch
from notebook import TUTORIALS, run_tutorial, tutorials

if __name__ == "__main__":
    for name in tutorials():
        path = TUTORIALS / "expected" / f"{name}.txt"
        path.write_text(run_tutorial(name, torch))
        print(f"{path.name}: {len(path.read_text().splitlines())} lines, PyTorch {torch.__version__}")

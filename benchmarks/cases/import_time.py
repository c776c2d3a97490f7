"""How long a program waits for ``import pullback``: whole processes, the interpreter's start included."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter

from measuring import Effort, Report, Sampler, compare


def process_running(code: str) -> Sampler:
    def sample() -> float:
        start = perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return perf_counter() - start

    sample()  # the first run writes the bytecode files and fills the disk cache
    return sample


def reports(effort: Effort) -> Iterator[Report]:
    samplers = {
        "import numpy": process_running("import numpy"),
        "import pullback": process_running("import pullback"),
        "import torch": process_running("import torch"),
        "no import": process_running("pass"),
    }
    yield compare(
        "Start of a process",
        samplers,
        effort.processes,
        baseline="import numpy",
        targets={"import pullback": 0.7},
    )

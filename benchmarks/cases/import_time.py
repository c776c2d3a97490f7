"""How long a program waits for ``import pullback``: whole processes, the interpreter's start included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryDirectory
from time import perf_counter

from measuring import Effort, Report, Sampler, compare


def process_running(code: str, bytecode: str) -> Sampler:
    """A sampler of a process that finds the bytecode of what it imports, as from the second start on."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode

    def sample() -> float:
        start = perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return perf_counter() - start

    sample()  # writes the bytecode and fills the disk cache
    return sample


def reports(effort: Effort) -> Iterator[Report]:
    with TemporaryDirectory() as bytecode:
        process = partial(process_running, bytecode=bytecode)
        samplers = {
            "import numpy": process("import numpy"),
            "import pullback": process("import pullback"),
            "import torch": process("import torch"),
            "no import": process("pass"),
        }
        yield compare(
            "Start of a process",
            samplers,
            effort.processes,
            baseline="import numpy",
            targets={"import pullback": 0.7},
        )

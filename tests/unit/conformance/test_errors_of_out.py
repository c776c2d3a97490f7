"""What the check of errors asks of `out=`: the same whatever the process has used before."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pullback as pb
from pullback_conformance.outcome import Outcome
from pullback_conformance.runner import Runner, Selection

PROGRAM = """
import pullback as pb
{use}
from pullback_conformance.runner import Runner, Selection
from pullback.extend import registry
record = Runner("numpy", "numpy", Selection("smoke", ("neg",), ("float32",), ("errors",))).run()
print([c.outcome.value for c in record.cells], registry["neg"].exported is not None)
"""


@pytest.mark.parametrize("use", ["", "pb.neg"], ids=["first-use", "used-before"])
def test_it_is_asked_in_a_fresh_process_too(use: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(use=use)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['passed'] True"


@pytest.mark.parametrize("operation", ["sum", "cumsum", "prod", "nansum", "cat", "stack"])
def test_out_that_decides_the_dtype_and_errors_of_their_own_are_no_failures(operation: str) -> None:
    assert callable(getattr(pb, operation))
    (cell,) = Runner("numpy", "numpy", Selection("smoke", (operation,), ("float32",), ("errors",))).run().cells
    assert cell.outcome is not Outcome.FAILED

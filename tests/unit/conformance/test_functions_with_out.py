"""What checks ask of `out=`: the same whatever the process has used before."""

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
record = Runner("numpy", "numpy", Selection("smoke", ("{operation}",), ("float32",), ("{check}",))).run()
print([c.outcome.value for c in record.cells], registry["{operation}"].exported is not None)
"""


@pytest.mark.parametrize("used", [False, True], ids=["first-use", "used-before"])
@pytest.mark.parametrize(("operation", "check"), [("neg", "errors"), ("diagonal_copy", "spellings")])
def test_it_is_asked_in_a_fresh_process_too(operation: str, check: str, used: bool) -> None:
    program = PROGRAM.format(use=f"pb.{operation}" if used else "", operation=operation, check=check)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['passed'] True"


@pytest.mark.parametrize("operation", ["sum", "cumsum", "prod", "nansum", "cat", "stack"])
def test_out_that_decides_the_dtype_and_errors_of_their_own_are_no_failures(operation: str) -> None:
    assert callable(getattr(pb, operation))
    (cell,) = Runner("numpy", "numpy", Selection("smoke", (operation,), ("float32",), ("errors",))).run().cells
    assert cell.outcome is not Outcome.FAILED

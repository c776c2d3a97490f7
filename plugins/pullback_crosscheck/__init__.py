"""A live cross-check: every operation of a program is run on a second backend too, and compared as the program runs.

Examples
--------
>>> import pullback as pb
>>> from pullback_crosscheck import crosscheck
>>> with crosscheck("numpy", mode="collect") as report:
...     x = pb.tensor([0.5, 1.0], requires_grad=True)
...     x.exp().sum().backward()
>>> report.checked  # none: these tensors are NumPy's themselves
0
"""

from __future__ import annotations

from pullback.extend import SourceLine, leave_out
from pullback_crosscheck.checking import crosscheck
from pullback_crosscheck.divergence import Divergence, DivergenceError, DivergenceWarning
from pullback_crosscheck.operands import OperandSummary
from pullback_crosscheck.report import OperationCounts, Report

leave_out(__file__)

__all__ = [
    "Divergence",
    "DivergenceError",
    "DivergenceWarning",
    "OperandSummary",
    "OperationCounts",
    "Report",
    "SourceLine",
    "crosscheck",
]

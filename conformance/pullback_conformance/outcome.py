"""What became of a cell of the grid."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Outcome(Enum):
    """The outcome of a check; only ``PASSED`` is green.

    Listed from worst to best: a cell of several samples has the worst of theirs.
    """

    FAILED = "failed"
    NOT_RUN = "not run"
    EXPECTED = "expected"
    FALLBACK = "fallback"
    LIMITED = "limited"
    PASSED = "passed"
    NO_ORACLE = "no oracle"
    UNSUPPORTED = "unsupported"

    @property
    def is_bad(self) -> bool:
        """Whether the exit status says so: a failure, or a cell that was claimed and not executed."""
        return self in (Outcome.FAILED, Outcome.NOT_RUN)

    @staticmethod
    def worst(outcomes: Iterable[Outcome]) -> Outcome:
        """The worst of the outcomes; ``NOT_RUN`` of none.

        Examples
        --------
        >>> Outcome.worst([Outcome.PASSED, Outcome.LIMITED])
        <Outcome.LIMITED: 'limited'>
        >>> Outcome.worst([])
        <Outcome.NOT_RUN: 'not run'>
        """
        order = list(Outcome)
        return min(outcomes, key=order.index, default=Outcome.NOT_RUN)


#: What each outcome means, for legends and documentation.
MEANINGS = {
    Outcome.PASSED: "executed on this backend, and right",
    Outcome.FAILED: "wrong, raised an error, or a kernel that is missing without a declared limitation",
    Outcome.LIMITED: "wrong or missing, and the backend declares so",
    Outcome.EXPECTED: "wrong or missing, and a file of expected failures says so",
    Outcome.FALLBACK: "the result came from another backend",
    Outcome.NOT_RUN: "belongs to the grid and was not executed",
    Outcome.NO_ORACLE: "executed, and no independent oracle can tell whether it is right",
    Outcome.UNSUPPORTED: "not part of the grid: the operation itself excludes it",
}

"""The limitations that a backend declares, and whether they show."""

from __future__ import annotations

from typing import Final

from pullback.extend import Backend, Limitation, dtypes
from pullback.extend import registry as operations
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, SampleResult

#: The label of a result that is of no sample.
NO_SAMPLE: Final = "-"


class LimitationJudge:
    """Matches results with the limitations the backend declares."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._seen: dict[tuple[Limitation, str], list[bool]] = {}

    def judge(self, cell: Cell, result: SampleResult) -> None:
        """Make a result ``limited`` where it is bad and a limitation covers it."""
        if result.sample == NO_SAMPLE or result.outcome == Outcome.UNSUPPORTED.value:
            return
        for limitation in self.backend.limitations:
            if not _covers(limitation, cell, result):
                continue
            is_bad = result.outcome in (Outcome.FAILED.value, Outcome.NOT_RUN.value)
            self._seen.setdefault((limitation, cell.operation), []).append(is_bad)
            if is_bad:
                result.outcome = Outcome.LIMITED.value
                result.message = f"{limitation.reason} ({result.message})"

    def cells(self, *, complete: bool) -> list[Cell]:
        """What the results say of the limitations."""
        cells = []
        for (limitation, operation), seen in self._seen.items():
            shows = any(seen)
            if not shows and not complete and limitation.case is None:
                continue  # a sample that this tier leaves out may be the one
            dtype = ", ".join(sorted(d.name for d in limitation.dtypes)) or "every dtype"
            message = (
                limitation.reason
                if shows
                else f"declared as limited, and everything it covers works: {limitation.reason}"
            )
            outcome = Outcome.LIMITED if shows else Outcome.FAILED
            result = SampleResult(case_of(limitation), outcome.value, message=message)
            cells.append(Cell(operation, "limitations", dtype, "limitation", [result]))
        return cells


def names_operation(limitation: Limitation, operation: str) -> bool:
    """Whether a limitation is about an operation: it names it, or its kernel, or all."""
    kernel = getattr(operations.get(operation), "kernel", operation)
    return limitation.operation in ("*", operation, kernel)


def case_of(limitation: Limitation) -> str:
    return limitation.case or "the whole operation"


def _covers(limitation: Limitation, cell: Cell, result: SampleResult) -> bool:
    return (
        names_operation(limitation, cell.operation)
        and (not limitation.dtypes or dtypes.by_name[cell.dtype] in limitation.dtypes)
        and limitation.case in (None, cell.check, result.sample)
    )

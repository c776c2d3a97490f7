"""Judging what a backend declares that it cannot do: each limitation covers what fails, and no more."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pullback.extend import Backend, Limitation, did_you_mean, dtypes
from pullback.extend import registry as operations
from pullback_conformance.checks import CHECKS
from pullback_conformance.contract import METHODS
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult

#: The label of a result that is of no sample.
NO_SAMPLE: Final = "-"

#: The family of the cells that stand for limitations.
LIMITATIONS: Final = "limitations"


class _Seen(NamedTuple):
    """One result that a limitation covers."""

    dtype: str
    check: str
    is_bad: bool


class LimitationJudge:
    """Matches results with the limitations that a backend declares, and then says which of these are not true."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._seen: dict[tuple[Limitation, str], list[_Seen]] = {}
        self._labels: set[str] = set()

    def judge(self, cell: Cell, result: SampleResult) -> None:
        """Make a result ``limited`` where it is bad and a limitation covers it."""
        if self.backend.limitations:
            self._labels.add(result.sample)
        if result.sample == NO_SAMPLE or result.outcome in (Outcome.UNSUPPORTED.value, Outcome.NO_ORACLE.value):
            return
        for limitation in self.backend.limitations:
            if not _covers(limitation, cell, result):
                continue
            is_bad = result.outcome in (Outcome.FAILED.value, Outcome.NOT_RUN.value)
            self._seen.setdefault((limitation, cell.operation), []).append(_Seen(cell.dtype, cell.check, is_bad))
            if is_bad:
                result.outcome = Outcome.LIMITED.value
                result.message = f"{limitation.reason} ({result.message})"

    def cells(self, *, complete: bool, all_operations: bool) -> list[Cell]:
        """What the results say of the limitations.

        Parameters
        ----------
        complete : bool
            Whether every sample, dtype and check was run: only then can a limitation be too wide.
        all_operations : bool
            Whether none was left out: then one of all operations, ``*``, has to show in some.
        """
        shown = {limitation for (limitation, _), seen in self._seen.items() if any(one.is_bad for one in seen)}
        cells = [_cell(limitation, limitation.operation, problem) for limitation, problem in self._named_nothing()]
        blanket: dict[Limitation, list[str]] = {}
        for (limitation, operation), seen in self._seen.items():
            shows = any(one.is_bad for one in seen)
            if limitation.operation == "*" and limitation.case is None and not limitation.dtypes and not shows:
                blanket.setdefault(limitation, []).append(operation)
                continue
            if not shows and not complete and limitation.case is None:
                continue  # a sample that this tier leaves out may be the one
            if not shows and limitation.operation == "*" and (limitation in shown or not all_operations):
                continue
            problem = "" if shows else "declared as limited, and everything it covers works"
            if shows and complete:
                problem = _too_wide(limitation, seen)
            cells.append(_cell(limitation, operation, problem))
        for limitation, working in blanket.items():
            shown = ", ".join(sorted(working)[:3])
            problem = f"declared for every operation without a case, and {len(working)} of them work, as {shown}"
            cells.append(_cell(limitation, "*", problem))
        return cells

    def notes(self, record: Record) -> list[str]:
        """What to say of the declared limitations that no cell of a run judges."""
        judged = {(c.operation, s.sample) for c in record.cells if c.check == "limitation" for s in c.samples}
        return [
            f"not judged in this run: {item.operation} is declared as limited, {item.reason}"
            for item in self.backend.limitations
            if not any(
                (name == item.operation or _names(item, name)) and sample == _case_of(item) for name, sample in judged
            )
        ]

    def _named_nothing(self) -> list[tuple[Limitation, str]]:
        """The limitations whose operation does not exist, or whose case is a misspelt one."""
        known = {*METHODS, *operations, *(getattr(o, "kernel", name) for name, o in operations.items())}
        found = []
        for limitation in self.backend.limitations:
            name, case = limitation.operation, limitation.case
            if name != "*" and name not in known and not callable(getattr(self.backend, name, None)):
                found.append((limitation, f"no operation or kernel is called {name!r}{did_you_mean(name, known)}"))
            elif case is not None and case not in CHECKS and case not in self._labels:
                near = did_you_mean(case, {*CHECKS, *self._labels})
                if near:
                    found.append((limitation, f"no check or sample is called {case!r}{near}"))
        return found


def _too_wide(limitation: Limitation, seen: list[_Seen]) -> str:
    """What of a limitation that shows covers things that work: dtypes, or all checks but one."""
    bad = {one.dtype for one in seen if one.is_bad}
    good = {one.dtype for one in seen} - bad
    if good and limitation.operation != "*":
        listed = ", ".join(sorted(bad))
        return f"declared for dtypes that work: {', '.join(sorted(good))}; what fails is {listed}"
    checks = {one.check for one in seen if one.is_bad}
    if limitation.case is None and len(checks) == 1 and "value" not in checks and {o.check for o in seen} - checks:
        (check,) = checks
        return f"declared for the whole operation, of which the check {check!r} alone fails: say case={check!r}"
    return ""


def _cell(limitation: Limitation, operation: str, problem: str) -> Cell:
    dtype = ", ".join(sorted(d.name for d in limitation.dtypes)) or "every dtype"
    message = f"{problem}: {limitation.reason}" if problem else limitation.reason
    outcome = Outcome.FAILED if problem else Outcome.LIMITED
    result = SampleResult(_case_of(limitation), outcome.value, message=message)
    return Cell(operation, LIMITATIONS, dtype, "limitation", [result])


def _names(limitation: Limitation, operation: str) -> bool:
    """Whether a limitation is about an operation: it names it, or its kernel, or all."""
    kernel: Any = getattr(operations.get(operation), "kernel", operation)
    return limitation.operation in ("*", operation, kernel)


def _case_of(limitation: Limitation) -> str:
    return limitation.case or "the whole operation"


def _covers(limitation: Limitation, cell: Cell, result: SampleResult) -> bool:
    return (
        _names(limitation, cell.operation)
        and (not limitation.dtypes or dtypes.by_name[cell.dtype] in limitation.dtypes)
        and limitation.case in (None, cell.check, result.sample)
    )

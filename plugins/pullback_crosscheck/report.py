"""What a cross-check has seen: counts for each operation, what was left out and why, and what differed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from pullback.extend import SourceLine
from pullback_crosscheck.divergence import Carried, Divergence, json_number

#: Divergences of which all is kept; further ones at other lines are only counted.
KEPT: Final = 100


@dataclass
class OperationCounts:
    """What became of the calls of one operation.

    Attributes
    ----------
    checked, diverged, skipped, unsampled : int
        Calls whose results were compared; those of them that differed; those that could not be compared; those that
        the sampling rate left out.
    carried : int
        Calls that were right by themselves, and passed on a divergence of their operands (``shadow=True``).
    drifted : int
        Calls that were right by themselves, as all before them, and whose roundings have added up to more than one
        call may be off (``shadow=True``).
    worst_ulp : float
        The largest error of results that were not found to differ.
    """

    checked: int = 0
    diverged: int = 0
    skipped: int = 0
    unsampled: int = 0
    carried: int = 0
    drifted: int = 0
    worst_ulp: float = 0.0


@dataclass
class Report:
    """What a cross-check has seen; ``print`` shows it as a table.

    Attributes
    ----------
    backend : str
        The second backend.
    operations : dict of str to OperationCounts
    divergences : list of Divergence
        One for each operation and line of the program, in the order in which they were met.
    carried : list of Carried
        With ``shadow=True``: the operations that passed a divergence on, one for each operation and line.
    skipped : Counter
        How many calls were not compared, by operation and reason.
    """

    backend: str
    operations: dict[str, OperationCounts] = field(default_factory=dict)
    divergences: list[Divergence] = field(default_factory=list)
    carried: list[Carried] = field(default_factory=list)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    _passed_on: dict[tuple[Any, ...], Carried] = field(default_factory=dict, repr=False)
    _found: dict[tuple[str, SourceLine, str], Divergence] = field(default_factory=dict, repr=False)

    @property
    def checked(self) -> int:
        """How many calls were compared."""
        return sum(counts.checked for counts in self.operations.values())

    @property
    def diverged(self) -> int:
        """How many of them differed."""
        return sum(counts.diverged for counts in self.operations.values())

    @property
    def first(self) -> Divergence | None:
        """The first operation that diverged."""
        return self.divergences[0] if self.divergences else None

    def of(self, operation: str) -> OperationCounts:
        """The counts of an operation, which begin at 0."""
        return self.operations.setdefault(operation, OperationCounts())

    def skip(self, operation: str, reason: str) -> None:
        """Count a call that was not compared."""
        self.of(operation).skipped += 1
        self.skipped[operation, reason] += 1

    def add(self, divergence: Divergence) -> bool:
        """Count a divergence; whether it is the first of its operation at its line."""
        self.of(divergence.operation).diverged += 1
        key = (divergence.operation, divergence.line, divergence.node)
        known = self._found.get(key)
        if known is None:
            self._found[key] = divergence
            if len(self.divergences) < KEPT:
                self.divergences.append(divergence)
            return True
        known.count += 1
        known.ulp = max(known.ulp, divergence.ulp)
        divergence.number = known.number
        return False

    def pass_on(self, carried: Carried) -> None:
        """Count a call that passed divergences on."""
        self.of(carried.operation).carried += 1
        key = (carried.operation, carried.line, carried.node, carried.origins)
        known = self._passed_on.get(key)
        if known is None:
            self._passed_on[key] = carried
            if len(self.carried) < KEPT:
                self.carried.append(carried)
        else:
            known.count += 1
            known.ulp = max(known.ulp, carried.ulp)

    def __str__(self) -> str:
        calls, differ = self.checked, self.diverged
        skipped = sum(self.skipped.values())
        unsampled = sum(counts.unsampled for counts in self.operations.values())
        left_out = f", {unsampled} left out by the sampling rate" if unsampled else ""
        lines = [f"{calls} calls compared with {self.backend}: {differ} differ; {skipped} skipped{left_out}"]
        if self.operations:
            width = max(map(len, ("operation", *self.operations)))
            followed = any(counts.carried or counts.drifted for counts in self.operations.values())
            heading = f"  {'operation':{width}}  checked  differ  skipped  worst ulp"
            lines.append(heading + ("  carried  drifted" if followed else ""))
            for name, counts in sorted(self.operations.items()):
                row = f"  {name:{width}}  {counts.checked:7}  {counts.diverged:6}  {counts.skipped:7}"
                row += f"  {counts.worst_ulp:9.3g}"
                lines.append(row + (f"  {counts.carried:7}  {counts.drifted:7}" if followed else ""))
        if self.skipped:
            lines.append("skipped, since:")
            reasons: Counter[str] = Counter()
            for (_, reason), count in self.skipped.items():
                reasons[reason] += count
            lines += [f"  {count} times: {reason}" for reason, count in reasons.most_common()]
        for divergence in self.divergences:
            lines.append(f"[{divergence.number}] {divergence}")
            passed_on = [carried for carried in self.carried if divergence.number in carried.origins]
            if passed_on:
                lines.append("  passed on by:")
                lines += [f"    {carried}" for carried in passed_on]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The report in types that JSON has."""
        return {
            "backend": self.backend,
            "checked": self.checked,
            "diverged": self.diverged,
            "operations": {
                name: vars(counts) | {"worst_ulp": json_number(counts.worst_ulp)}
                for name, counts in sorted(self.operations.items())
            },
            "skipped": [
                {"operation": name, "reason": reason, "count": count}
                for (name, reason), count in sorted(self.skipped.items())
            ],
            "divergences": [divergence.as_dict() for divergence in self.divergences],
            "carried": [carried.as_dict() for carried in self.carried],
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False)

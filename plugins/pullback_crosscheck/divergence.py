"""What is said of results that differ: a record, an error and a warning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pullback.extend import SourceLine
from pullback_crosscheck.operands import OperandSummary


@dataclass
class Divergence:
    """An operation whose result on the program's backend is another one than on the second backend.

    Attributes
    ----------
    operation : str
    backends : tuple of str
        The program's backend, and the second one.
    problem : str
        What is wrong: which result, its value and the one expected.
    ulp : float
        The error in units in the last place; infinite where there is no such number.
    allowed : float
    where : tuple of int
        The element that is furthest off.
    line : SourceLine
        The innermost line outside of pullback.
    node : str
        The graph node whose derivative was being computed; empty in a forward pass.
    made_at : SourceLine or None
        Where that node was made.
    operands : list of OperandSummary
    repro : str
        A script that fails as the program did.
    number : int
        How many operations had been run before.
    count : int
        How many times this operation has diverged at this line.
    origins : list of int
        Numbers of the divergences whose errors the operands carry; filled in with ``shadow=True``.
    """

    operation: str
    backends: tuple[str, str]
    problem: str
    ulp: float
    allowed: float
    where: tuple[int, ...]
    line: SourceLine
    node: str
    made_at: SourceLine | None
    operands: list[OperandSummary]
    repro: str
    number: int
    count: int = 1
    origins: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        place = f" at {list(self.where)}" if self.where else ""
        lines = [f"{self.operation} on {self.backends[0]} and on {self.backends[1]} differ{place}: {self.problem}"]
        lines.append(f"  at {self.line}" + (f": {self.line.text}" if self.line.text else ""))
        if self.node:
            lines.append(f"  in the backward pass of {self.node}" + (", made" if self.made_at else ""))
        if self.made_at is not None:
            lines.append(f"  at {self.made_at}" + (f": {self.made_at.text}" if self.made_at.text else ""))
        lines += [f"  {operand}" for operand in self.operands]
        if self.count > 1:
            lines.append(f"  {self.count} times at this line")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The record in types that JSON has."""
        return {
            "operation": self.operation,
            "backends": list(self.backends),
            "problem": self.problem,
            "ulp": json_number(self.ulp),
            "allowed": self.allowed,
            "where": list(self.where),
            "line": str(self.line),
            "source": self.line.text,
            "node": self.node,
            "made_at": None if self.made_at is None else str(self.made_at),
            "operands": [str(operand) for operand in self.operands],
            "repro": self.repro,
            "number": self.number,
            "count": self.count,
            "origins": self.origins,
        }


@dataclass
class Carried:
    """An operation that was right by itself, and whose result differs because its operands did.

    Attributes
    ----------
    operation : str
    line : SourceLine
    node : str
        The graph node whose derivative was being computed; empty in a forward pass.
    origins : tuple of int
        The numbers of the divergences that its operands carry.
    ulp : float
        The largest distance from what the second backend makes of its own results.
    count : int
        How many calls at this line.
    """

    operation: str
    line: SourceLine
    node: str
    origins: tuple[int, ...]
    ulp: float
    count: int = 1

    def __str__(self) -> str:
        times = f", {self.count} times" if self.count > 1 else ""
        return f"{self.operation}{f' of {self.node}' if self.node else ''}: {self.ulp:.3g} ulp, at {self.line}{times}"

    def as_dict(self) -> dict[str, Any]:
        """The record in types that JSON has."""
        return vars(self) | {"line": str(self.line), "origins": list(self.origins), "ulp": json_number(self.ulp)}


def json_number(value: float) -> float | str:
    """A number as JSON can hold it: infinity as text."""
    return value if value - value == 0 else str(value)


class DivergenceError(RuntimeError):
    """Results of two backends differ by more than rounding explains; raised by ``mode="raise"``.

    Attributes
    ----------
    divergence : Divergence
    """

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(str(divergence))
        self.divergence = divergence


class DivergenceWarning(UserWarning):
    """The same as a warning, for ``mode="warn"``; it is attributed to the line of the program."""

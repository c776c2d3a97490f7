"""What a check found out about one case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.extend import DType
from pullback_conformance.numbers_as_text import literal, number_of, place_of, plain
from pullback_conformance.spread import Spread
from pullback_conformance.ulp import errors_in_ulp, ulp_at


@dataclass
class Finding:
    """The answer to a check's question for one case.

    Attributes
    ----------
    problem : str or None
        What is wrong; None where nothing is.
    ulp : float or None
        The largest error.
    bound : float or None
        The largest error allowed.
    program : list of str
        Statements that show the problem, after those that make the operands; see :mod:`pullback_conformance.script`.
    oracle : str
        What was compared with.
    case : Case or None
        The case to write the script for, where it is another one than the check was given.
    spread : Spread or None
        How the errors are spread.
    """

    problem: str | None = None
    ulp: float | None = None
    bound: float | None = None
    program: list[str] = field(default_factory=list)
    oracle: str = ""
    case: Any = None
    spread: Spread | None = None

    def merged(self, other: Finding) -> Finding:
        """Both findings in one: the first problem, the largest error."""
        first = self if self.problem is not None or other.problem is None else other
        ulps = [u for u in (self.ulp, other.ulp) if u is not None]
        bound = other.bound if self.bound is None else self.bound
        spread = other.spread if self.spread is None else self.spread.merged(other.spread)
        oracle = self.oracle or other.oracle
        worst = max(ulps, default=None)
        return Finding(first.problem, worst, bound, first.program, oracle, spread=spread, case=first.case)


class Unsupported(Exception):
    """The question does not arise for this case, with the reason."""


class NoIndependentOracle(Unsupported):
    """Nothing but the backend under test itself could answer, and nothing was found to be wrong."""


def compared(
    what: str,
    expression: str,
    actual: Any,
    exact: Any,
    dtype: DType,
    scale: Any,
    bound: float,
    *,
    by_differences: Any = None,
    slack: Any = None,
    oracle: str = "",
    zero_signs: bool = False,
    operand: Any = None,
) -> Finding:
    """Compare an array with the exact one, and with the one by differences where there is one.

    Parameters
    ----------
    what : str
        What is compared, for the message.
    expression : str
        The Python expression of the script that has the actual values.
    slack : numpy.ndarray
        What the differences may be off by.
    operand : numpy.ndarray
        The value of the operand that each element comes from, where there is one.
    """
    exact = np.asarray(exact)
    if actual.shape != exact.shape:
        return Finding(
            f"{what} has shape {actual.shape}, expected {exact.shape}", program=[f"print({expression}.shape)"]
        )
    if dtype.category < 2:
        return _compared_exactly(what, expression, actual, exact, oracle)
    errors = errors_in_ulp(actual, exact, dtype, scale)
    if zero_signs and actual.dtype.kind == "f":
        errors = np.where((actual == 0) & (exact == 0) & (np.signbit(actual) != np.signbit(exact)), np.inf, errors)
    worst = float(np.max(errors, initial=0.0))
    spread = Spread.of(errors, operand)
    unit = ulp_at(np.abs(exact) if scale is None else scale, dtype)
    if not worst <= bound:
        index = np.unravel_index(int(np.argmax(errors)), errors.shape)
        problem = (
            f"{what}{place_of(index)} is {number_of(actual[index])}, expected {number_of(exact[index])}:"
            f" {worst:.3g} ulp off, {bound:g} allowed (against {oracle})"
        )
        program = _assertion(expression, exact, np.broadcast_to(bound * unit, exact.shape), zero_signs)
        return Finding(problem, worst, bound, program, oracle, spread=spread)
    if by_differences is not None:
        allowed = slack + bound * unit
        with np.errstate(invalid="ignore"):
            off = np.abs(actual - by_differences) - allowed
        off = np.where(np.isnan(actual) & np.isnan(by_differences), -1.0, off)
        # Differences have no value where the function has none nearby; the formula may be right all the same.
        off = np.where(np.isfinite(by_differences), off, -1.0)
        if np.any(~(off <= 0)):
            index = np.unravel_index(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape)
            problem = (
                f"{what}{place_of(index)} is {number_of(actual[index])}, but differences of values give"
                f" {number_of(by_differences[index])}: the formula is wrong"
            )
            program = _assertion(expression, by_differences, np.broadcast_to(allowed, exact.shape), False)
            return Finding(problem, worst, bound, program, oracle, spread=spread)
    return Finding(None, worst, bound, [], oracle, spread=spread)


def _compared_exactly(what: str, expression: str, actual: Any, exact: Any, oracle: str) -> Finding:
    wrong = actual != exact
    if not np.any(wrong):
        return Finding(oracle=oracle)
    index = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    problem = (
        f"{what}{place_of(index)} is {number_of(actual[index])}, expected {number_of(exact[index])} (against {oracle})"
    )
    expected = [plain(v) for v in np.asarray(exact).reshape(-1)]
    return Finding(
        problem,
        program=[
            f"actual = {expression}.reshape(-1).tolist()",
            f"expected = {expected!r}",
            "assert actual == expected, actual",
        ],
    )


def _assertion(expression: str, expected: Any, allowed: Any, zero_signs: bool) -> list[str]:
    wanted = [literal(v) for v in np.asarray(expected).reshape(-1)]
    most = [float(v) for v in np.asarray(allowed).reshape(-1)]
    lines = [
        f"actual = {expression}.reshape(-1).tolist()",
        f"expected = [{', '.join(wanted)}]",
        f"allowed = {most!r}",
        "for got, want, most in zip(actual, expected, allowed, strict=True):",
        "    same = got == want or (got != got and want != want)",
        '    assert same or abs(got - want) <= most, f"got {got!r}, expected {want!r}, at most {most!r} off"',
    ]
    if zero_signs:
        lines.append('    assert not same or str(got) == str(want) or got, f"got {got!r}, expected {want!r}"')
    return lines

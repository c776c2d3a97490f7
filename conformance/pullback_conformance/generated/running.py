"""Putting drawn calls through the checks: one result for each check, the smallest call that fails where one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pullback.extend import Composite, DType, Operation, Tensor, get_backend
from pullback_conformance.attempt import Attempt
from pullback_conformance.case import Case
from pullback_conformance.checks import Check
from pullback_conformance.generated.calls import Drawing
from pullback_conformance.generated.searching import smallest, visit
from pullback_conformance.moving import to_numpy
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import SampleResult
from pullback_conformance.samples import Arguments, seed_of
from pullback_conformance.samples.arguments import described
from pullback_conformance.spread import Spread

#: What the labels of such samples begin with.
GENERATED: Final = "generated"
#: How many calls in any shapes are drawn to find one that fails as another one did.
_MOST_FREE: Final = 60
#: The most elements of a result.
_MOST_RESULTS: Final = 3000


def judges_one_call(check: Check) -> bool:
    """Whether a check is about one call that it is given; others bring calls of their own, or many."""
    return not check.once


@dataclass
class _Judged:
    """What one check said of the calls so far."""

    count: int = 0
    ulp: float | None = None
    bound: float | None = None
    oracles: dict[str, None] = field(default_factory=dict)
    spread: Spread | None = None
    reasons: dict[tuple[str, str], None] = field(default_factory=dict)
    bad: SampleResult | None = None

    def add(self, result: SampleResult) -> None:
        if Outcome(result.outcome).is_bad:
            self.bad = result
        elif result.outcome != Outcome.PASSED.value:
            self.reasons[result.outcome, result.message] = None
        else:
            self.count += 1
            self.oracles[result.oracle] = None
            if result.ulp is not None:
                self.ulp = max(result.ulp, self.ulp or 0.0)
                self.bound = max(result.bound or 0.0, self.bound or 0.0)
            if result.spread is not None:
                self.spread = result.spread if self.spread is None else self.spread.merged(result.spread)

    def summary(self) -> SampleResult | None:
        """One result for all calls that passed; None where there was no call."""
        label = f"{GENERATED}, calls: {self.count}"
        if self.count:
            oracle = " or ".join(name for name in self.oracles if name)
            return SampleResult(label, Outcome.PASSED.value, self.ulp, self.bound, oracle=oracle, spread=self.spread)
        if not self.reasons:
            return None
        outcome, message = next(iter(self.reasons))
        return SampleResult(label, outcome, message=message)


class Generated:
    """The drawn calls of one operation in one dtype.

    Parameters
    ----------
    case_of : callable
        Makes a case of arguments.
    forward : callable
        ``forward(case, attempt)`` gives what to record where the operation itself fails, else None.
    run_check : callable
        ``run_check(case, check, attempt)`` gives what a check says.
    """

    def __init__(
        self,
        operation: Operation | Composite,
        dtype: DType,
        case_of: Callable[[Arguments], Case],
        forward: Callable[[Case, Attempt], SampleResult | None],
        run_check: Callable[[Case, Check, Attempt], SampleResult],
        *,
        seed: int,
        count: int,
    ) -> None:
        self._drawing = Drawing(operation, get_backend("numpy"), dtype)
        self._case_of = case_of
        self._forward = forward
        self._run_check = run_check
        self._seed = seed_of(f"{operation.name}/generated", 0, dtype, seed)
        self._count = count
        self._number = 0

    def results(self, checks: Sequence[Check], attempt: Attempt) -> dict[str, SampleResult]:
        """What becomes of each check, those that no call is for left out."""
        checks = [check for check in checks if judges_one_call(check)]
        if not checks or not self._drawing.is_possible:
            return {}
        judged = {check.name: _Judged() for check in checks}
        forward_failure: list[SampleResult] = []

        def look(arguments: Arguments) -> bool:
            if attempt.over:
                return True
            case = self._possible(arguments, f"{GENERATED} {self._next()}")
            if case is None:
                return False
            failure = self._forward(case, attempt)
            if failure is not None:
                if Outcome(failure.outcome).is_bad:
                    forward_failure.append(failure)
                else:
                    for check in self._asked(case, checks):
                        judged[check.name].add(failure)
                return True
            for check in self._asked(case, checks):
                if judged[check.name].bad is None:
                    judged[check.name].add(self._run_check(case, check, attempt))
            return True

        visit(self._drawing.call, look, seed=self._seed, count=self._count)
        found: dict[str, SampleResult] = {}
        for check in checks:
            bad = judged[check.name].bad
            result = judged[check.name].summary() if bad is None else self._shrunk(check, bad, attempt)
            if result is not None:
                found[check.name] = result
        if forward_failure:
            found[checks[0].name] = self._shrunk(None, forward_failure[0], attempt)
        return found

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _asked(self, case: Case, checks: Sequence[Check]) -> list[Check]:
        only = case.arguments.only
        is_special = "special" in only
        return [
            check
            for check in checks
            if (check.name in only if only else check.name != "special" or is_special)
            and (not check.differentiates or case.has_gradients)
        ]

    def _possible(self, arguments: Arguments, label: str) -> Case | None:
        """The case of a call, not differentiated where results are infinite; None where the reference refuses it."""
        case = self._case_of(arguments._replace(label=label))
        try:
            results = case.on(case.reference).run()
        except Exception:  # whether bad calls are refused is another question
            return None
        arrays = [to_numpy(r) for r in results if isinstance(r, Tensor)]
        if any(a.size > _MOST_RESULTS for a in arrays):
            return None
        if not arguments.values_only and not all(_is_finite(a) for a in arrays):
            return self._case_of(arguments._replace(label=label, values_only=True))
        return case

    def _shrunk(self, check: Check | None, bad: SampleResult, attempt: Attempt) -> SampleResult:
        """The failure of the smallest call that fails; the one that was found, where it hung or cannot be repeated."""
        if bad.outcome != Outcome.FAILED.value or attempt.is_lost(bad.sample):
            return bad
        tries = 0

        def judge(case: Case) -> SampleResult | None:
            failure = self._forward(case, attempt)
            if check is None or failure is not None:
                return failure if check is None else None
            if check not in self._asked(case, [check]):
                return None
            return self._run_check(case, check, attempt)

        def fails(arguments: Arguments) -> bool | None:
            nonlocal tries
            tries += 1
            case = self._possible(arguments, f"{GENERATED}, smaller {tries}")
            if case is None:
                return None
            if attempt.is_lost(case.label):
                return False
            result = judge(case)
            return result is not None and result.outcome == Outcome.FAILED.value

        self._drawing.is_free = True
        least = smallest(self._drawing.call, fails, seed=self._seed, count=max(self._count, _MOST_FREE))
        self._drawing.is_free = False
        if least is None:
            least = smallest(self._drawing.call, fails, seed=self._seed, count=self._count)
        if least is None:
            return bad
        case = self._possible(least, f"{GENERATED}: {described(least.args, least.kwargs)}")
        again = None if case is None else judge(case)
        return again if again is not None and again.outcome == Outcome.FAILED.value else bad


def _is_finite(array: Any) -> bool:
    return array.dtype.kind not in "fcV" or bool(np.all(np.isfinite(array.astype(np.clongdouble))))

"""Declared limitations are held to what they say: they name something, show, and cover no more than fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.extend import Limitation
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, SampleResult
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.selftest.loopbacks import loopback_class

EVERY: frozenset[Any] = frozenset()


def judged(*limitations: Limitation, tier: str = "standard", operations: tuple[str, ...] = ("tanh",)) -> list[str]:
    """What is wrong with the limitations of a backend whose ``tanh`` is a hundredth too large in float16."""
    backend = loopback_class(True)()
    right = backend.tanh
    backend.tanh = lambda x, **o: right(x, **o) * 1.01 if x.dtype == np.float16 else right(x, **o)
    backend.limitations = limitations
    record = Runner(backend, "numpy", Selection(tier, operations)).run()
    return [m for c in record.cells if c.check == "limitation" for m in _problems(c)]


def _problems(cell: Cell) -> list[str]:
    return [s.message for s in cell.samples if s.outcome == Outcome.FAILED.value]


def test_one_that_covers_what_fails_is_right() -> None:
    assert judged(Limitation("tanh", frozenset({pb.float16}), "not precise")) == []


def test_one_for_dtypes_that_work_is_too_wide() -> None:
    (problem,) = judged(Limitation("tanh", EVERY, "not precise"))
    assert problem.startswith("declared for dtypes that work: bfloat16, ")
    assert "what fails is float16" in problem


def test_one_whose_dtypes_all_work_does_not_show() -> None:
    (problem,) = judged(
        Limitation("tanh", frozenset({pb.float32}), "not precise"),
        Limitation("tanh", frozenset({pb.float16}), "not precise"),
    )
    assert problem == "declared as limited, and everything it covers works: not precise"


@pytest.mark.parametrize("tier", ["smoke", "standard"])
def test_one_of_no_operation_names_what_is_like_it(tier: str) -> None:
    problems = judged(Limitation("exponetial", EVERY, "not precise"), tier=tier, operations=("exp",))
    assert problems == ["no operation or kernel is called 'exponetial'; did you mean 'exponential'?: not precise"]


@pytest.mark.parametrize("tier", ["smoke", "standard"])
def test_one_of_a_misspelt_case_names_what_is_like_it(tier: str) -> None:
    problems = judged(Limitation("exp", EVERY, "no NaN", case="speical"), tier=tier, operations=("exp",))
    assert len(problems) == 1
    assert "no check or sample is called 'speical'; did you mean 'special'?" in problems[0]


def test_one_of_a_case_that_is_like_none_is_told_as_not_judged() -> None:
    backend = loopback_class(True)()
    backend.limitations = (Limitation("exp", EVERY, "on some devices", case="the weather"),)
    record = Runner(backend, "numpy", Selection("smoke", ("exp",), ("float32",), ("value",))).run()
    assert not [c for c in record.cells if c.check == "limitation"]
    assert "not judged in this run: exp is declared as limited, on some devices" in record.notes


@pytest.mark.parametrize("tier", ["smoke", "standard"])
def test_one_for_every_operation_covers_what_works(tier: str) -> None:
    (problem,) = judged(Limitation("*", EVERY, "a young library"), tier=tier, operations=("floor", "ceil"))
    assert problem == "declared for every operation without a case, and 2 of them work, as ceil, floor: a young library"


def test_one_for_the_whole_operation_where_one_check_fails_is_too_wide() -> None:
    backend = loopback_class(True)()
    backend.limitations = (Limitation("exp", EVERY, "not always the same"),)
    runner = Runner(backend, "numpy", Selection("standard", ("exp",)))
    for dtype in ("float32", "float64"):
        for check in ("value", "dtype", "deterministic"):
            outcome = Outcome.FAILED if check == "deterministic" else Outcome.PASSED
            runner.judged([Cell("exp", "pointwise", dtype, check, [SampleResult("(3,)", outcome.value)])])
    (problem,) = [m for c in runner.judge_limitations() for m in _problems(c)]
    assert problem.startswith("declared for the whole operation, of which the check 'deterministic' alone fails")


def test_a_selection_of_dtypes_does_not_judge_how_wide_it_is() -> None:
    backend = loopback_class(True)()
    right = backend.tanh
    backend.tanh = lambda x, **o: right(x, **o) * 1.01 if x.dtype == np.float16 else right(x, **o)
    backend.limitations = (Limitation("tanh", EVERY, "not precise"),)
    selection = Selection("standard", ("tanh",), ("float16", "float32"), ("value",))
    record = Runner(backend, "numpy", selection).run()
    assert {c.outcome for c in record.cells if c.check == "limitation"} == {Outcome.LIMITED}

"""Derivatives of what moves elements: an infinite element goes where it belongs, and makes nothing else NaN."""

from __future__ import annotations

import pytest

from pullback.extend import import_all
from pullback_conformance.outcome import Outcome
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.selftest.breaking import formula

import_all()


def outcome_and_message(name: str, check: str) -> tuple[Outcome, str]:
    (cell,) = Runner("numpy", "numpy", Selection("smoke", (name,), ("float32",), (check,))).run().cells
    return cell.outcome, next((s.message for s in cell.samples if s.message), "")


@pytest.mark.parametrize("name", ["where", "tril", "cat", "gather", "flip", "diagonal"])
@pytest.mark.parametrize("check", ["vjp", "jvp"])
def test_right_formulas_pass(name: str, check: str) -> None:
    assert outcome_and_message(name, check) == (Outcome.PASSED, "")


def test_a_mask_that_is_multiplied_with_is_found() -> None:
    undo = formula("where", "input", lambda true, saved: saved.grad * saved.condition)(None)
    try:
        outcome, message = outcome_and_message("where", "vjp")
    finally:
        undo()
    assert outcome is Outcome.FAILED
    assert "it does not depend on one" in message

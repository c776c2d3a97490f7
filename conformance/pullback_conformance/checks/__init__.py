"""What is checked of each operation: the checks by name, in the order they run and are shown in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pullback.extend import DType
from pullback_conformance.checks import (
    aliases,
    batching,
    behaviour,
    derivatives,
    errors,
    promotion,
    reference,
    spellings,
    state,
    threads,
    values,
    warned,
)
from pullback_conformance.checks.finding import Finding, Unsupported
from pullback_conformance.contract.probe import Method

__all__ = ["CHECKS", "Check", "Finding"]


class Check(NamedTuple):
    """One question about an operation.

    Attributes
    ----------
    name : str
    run : callable
        ``run(case)`` gives a :class:`~pullback_conformance.checks.finding.Finding`.
    differentiates : bool
        Whether it asks about derivatives: of differentiable operations and inexact dtypes only.
    question : str
        What it asks, for people.
    is_of : callable, optional
        ``is_of(operation, dtype)`` tells whether the question arises; by default it always does.
    once : bool
        Whether it brings its own arguments, and so is asked with the first sample only.
    tiers : frozenset of str, optional
        The tiers that ask it; all by default.
    """

    name: str
    run: Callable[[Any], Finding]
    differentiates: bool
    question: str
    is_of: Callable[[Any, DType], bool] = lambda operation, dtype: True
    once: bool = False
    tiers: frozenset[str] | None = None


#: The tiers that have time.
_THOROUGH: Final = frozenset({"standard", "full"})


def _by_its_probes(case: Any) -> Finding:
    raise Unsupported("what is asked of the backend itself stands in pullback_conformance.contract")


CHECKS: Final = {
    check.name: check
    for check in (
        Check("value", values.value, False, "Are the values right?"),
        Check("dtype", values.dtype_and_shape, False, "Do dtype, shape and device agree with the reference?"),
        Check("special", values.special, False, "Are NaN, infinities and signed zeros treated as by the reference?"),
        Check(
            "reference",
            reference.reference,
            False,
            "Are results PyTorch's, and gradients, at kinks and ties too?",
            reference.has_rows,
            once=True,
        ),
        Check("unchanged", behaviour.unchanged, False, "Do the operands stay as they were?"),
        Check("deterministic", behaviour.deterministic, False, "Does the same call give the same bits again?"),
        Check("aliases", aliases.aliases, False, "Is a view one, and does any other result have memory of its own?"),
        Check("state", state.state, False, "Is a call independent of calls before it?", once=True),
        Check(
            "promotion",
            promotion.promotion,
            False,
            "Do operands of two dtypes give what both converted give?",
            promotion.promotes,
            once=True,
            tiers=_THOROUGH,
        ),
        Check("errors", errors.errors, False, "Does bad input raise, and change nothing?", errors.is_asked, once=True),
        Check(
            "repeated",
            state.worn,
            False,
            "Is a call the same after hundreds of calls?",
            state.is_worn,
            once=True,
            tiers=_THOROUGH,
        ),
        Check(
            "threads",
            threads.threads,
            False,
            "Does a call give the same in many threads at once?",
            state.is_worn,
            once=True,
            tiers=_THOROUGH,
        ),
        Check("warnings", warned.silent, False, "Is a call silent, with special values too?", once=True),
        Check("spellings", spellings.spellings, False, "Do the method, the one in place and out= give the same?"),
        Check("vjp", derivatives.vjp, True, "Are reverse-mode gradients right?"),
        Check("jvp", derivatives.jvp, True, "Are forward-mode tangents right?"),
        Check("adjoint", derivatives.adjoint, True, "Is <J t, v> the same number as <t, J^T v>?"),
        Check("second", derivatives.second, True, "Are gradients of gradients right?"),
        Check(
            "batching",
            batching.batching,
            False,
            "Does vmap give what a loop gives, with its gradients?",
            state.is_worn,
            once=True,
            tiers=_THOROUGH,
        ),
        Check(
            "contract",
            _by_its_probes,
            False,
            "Is the backend's method what its contract says?",
            lambda operation, dtype: isinstance(operation, Method),
        ),
    )
}

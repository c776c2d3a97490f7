"""What is checked of each operation: the checks by name, in the order they run and are shown in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from pullback.extend import DType
from pullback_conformance.checks import (
    aliases,
    batching,
    behaviour,
    by_jax,
    by_others,
    by_torch,
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
from pullback_conformance.contract.probe import JUDGE, Method
from pullback_conformance.oracles import jax_differentiation, torch_runner

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
    judge : str
        What judges, where a finding names no oracle: other results of the backend under test itself, by default. May
        have ``{reference}`` in it, for the name of the backend that it is held against.
    oracle : str
        The oracle that has to be asked for by ``--oracles``, unless the check itself is; empty where none has.
    """

    name: str
    run: Callable[[Any], Finding]
    differentiates: bool
    question: str
    is_of: Callable[[Any, DType], bool] = lambda operation, dtype: True
    once: bool = False
    judge: str = "other results of the backend itself"
    oracle: str = ""
    tiers: frozenset[str] | None = None


#: The tiers that have time.
_THOROUGH: Final = frozenset({"standard", "full"})


def _by_its_probes(case: Any) -> Finding:
    raise Unsupported("what is asked of the backend itself stands in pullback_conformance.contract")


#: What judges besides the reference where ``--against`` names several backends; it is named by nothing else.
OTHERS: Final = "others"

CHECKS: Final = {
    check.name: check
    for check in (
        Check("value", values.value, False, "Are the values right?"),
        Check(
            "dtype",
            values.dtype_and_shape,
            False,
            "Do dtype, shape and device agree with the reference?",
            judge="dtype, shape and device of {reference}",
        ),
        Check("special", values.special, False, "Are NaN, infinities and signed zeros treated as by the reference?"),
        Check(
            "reference",
            reference.reference,
            False,
            "Are results PyTorch's, and gradients, at kinks and ties too?",
            reference.has_rows,
            once=True,
        ),
        Check(
            "unchanged",
            behaviour.unchanged,
            False,
            "Do the operands stay as they were?",
            judge="the bits before the call",
        ),
        Check(
            "deterministic",
            behaviour.deterministic,
            False,
            "Does the same call give the same bits again?",
            judge="the same call again",
        ),
        Check(
            "aliases",
            aliases.aliases,
            False,
            "Is a view one, and does any other result have memory of its own?",
            judge="what is seen of a write",
        ),
        Check(
            "state",
            state.state,
            False,
            "Is a call independent of calls before it?",
            once=True,
            judge="the same call before and after others",
        ),
        Check(
            "promotion",
            promotion.promotion,
            False,
            "Do operands of two dtypes give what both converted give?",
            promotion.promotes,
            once=True,
            judge="the same call with both operands converted",
            tiers=_THOROUGH,
        ),
        Check(
            "errors",
            errors.errors,
            False,
            "Does bad input raise, and change nothing?",
            errors.is_asked,
            once=True,
            judge="what the declaration refuses",
        ),
        Check(
            "repeated",
            state.worn,
            False,
            "Is a call the same after hundreds of calls?",
            state.is_in_its_dtype,
            once=True,
            judge="the first of the calls",
            tiers=_THOROUGH,
        ),
        Check(
            "threads",
            threads.threads,
            False,
            "Does a call give the same in many threads at once?",
            state.is_in_its_dtype,
            once=True,
            judge="the same calls one after another",
            tiers=_THOROUGH,
        ),
        Check(
            "warnings",
            warned.silent,
            False,
            "Is a call silent, with special values too?",
            once=True,
            judge="the warnings that are heard",
        ),
        Check(
            "spellings",
            spellings.spellings,
            False,
            "Do the method, the one in place and out= give the same?",
            judge="the function's own result",
        ),
        Check("vjp", derivatives.vjp, True, "Are reverse-mode gradients right?"),
        Check("jvp", derivatives.jvp, True, "Are forward-mode tangents right?"),
        Check("adjoint", derivatives.adjoint, True, "Is <J t, v> the same number as <t, J^T v>?"),
        Check("second", derivatives.second, True, "Are gradients of gradients right?"),
        Check(
            "batching",
            batching.batching,
            False,
            "Does vmap give what a loop gives, with its gradients?",
            state.is_in_its_dtype,
            once=True,
            judge="the same calls in a loop",
            tiers=_THOROUGH,
        ),
        Check(
            "contract",
            _by_its_probes,
            False,
            "Is the backend's method what its contract says?",
            lambda operation, dtype: isinstance(operation, Method),
            judge=JUDGE,
        ),
        Check(
            "others",
            by_others.by_others,
            False,
            "Do further backends, named by --against, give the same results and gradients?",
            judge="further backends",
            oracle=OTHERS,
        ),
        Check("jax", by_jax.by_jax, True, "Are gradients and tangents those that JAX finds by itself?", oracle="jax"),
        Check(
            "torch",
            by_torch.by_torch,
            False,
            "Are results, dtypes and gradients those of PyTorch's function of the same name?",
            by_torch.has_function,
            oracle="torch",
        ),
    )
}

#: What ``--oracles`` may name: oracles that take too long to be asked each time, with what they need.
OPTIONAL_ORACLES: Final = {"jax": "pip install 'pullback[jax]'", "torch": "pip install 'pullback[oracle]'"}
_IS_INSTALLED: Final = {"jax": jax_differentiation.is_installed, "torch": torch_runner.is_installed}


def default_checks(oracles: Sequence[str]) -> list[str]:
    """The names of the checks that are run where none is named."""
    return [check.name for check in CHECKS.values() if check.oracle in ("", *oracles)]


def missing_for(checks: Iterable[Check]) -> list[str]:
    """What some of these checks need and is not installed here, in words."""
    return [
        f"the oracle {check.oracle!r} is not installed: {OPTIONAL_ORACLES[check.oracle]}"
        for check in checks
        if check.oracle in OPTIONAL_ORACLES and not _IS_INSTALLED[check.oracle]()
    ]

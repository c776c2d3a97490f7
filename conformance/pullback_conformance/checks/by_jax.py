"""Whether gradients and tangents are those that JAX finds by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Tensor
from pullback_conformance.case import Case, wide_array
from pullback_conformance.checks.derivatives import program_of
from pullback_conformance.checks.finding import Finding, Unsupported, compared
from pullback_conformance.checks.operand import operand_at
from pullback_conformance.moving import widened
from pullback_conformance.oracles.exact import Derivative
from pullback_conformance.oracles.jax_differentiation import SOURCE, ByJax, NotDifferentiated
from pullback_conformance.tolerances import bound


def by_jax(case: Case) -> Finding:
    """Compare gradients and tangents with JAX's, where the function has a derivative."""
    oracle = case.oracle
    try:
        jax = ByJax(case)
        pulled, pushed = jax.vjp(oracle.cotangents), jax.jvp(oracle.tangents)
    except NotDifferentiated as reason:
        raise Unsupported(f"JAX does not differentiate this: {reason}") from None
    call = case.on(case.subject)
    _, grads = call.vjp(oracle.cotangents)
    tangents = case.on(case.subject).jvp(oracle.tangents)
    found = _compare(case, "vjp", "gradient", "grads[{}]", list(grads), call.inputs, pulled, oracle.vjp)
    other = _compare(case, "jvp", "tangent", "results[{}]", tangents, [None] * len(tangents), pushed, oracle.jvp)
    if found is None and other is None:
        raise Unsupported("the function has a kink or a jump at every element, or JAX no finite derivative")
    if found is None or other is None:
        return found or other or Finding()
    return found.merged(other)


def _compare(
    case: Case,
    check: str,
    what: str,
    expression: str,
    actual: list[Any],
    operands: list[Any],
    wanted: list[Any],
    truth: Derivative,
) -> Finding | None:
    """None where nothing can be compared."""
    allowed, _ = bound(case.operation, case.dtype, check, case.subject.name, case.arguments)
    if case.dtype.to_real().itemsize >= 8:
        allowed *= 2  # JAX computes in the same precision, and is off by as much
    total: Finding | None = None
    parts = zip(actual, operands, wanted, truth.by_differences, truth.scales, strict=True)
    for number, (result, operand, by_jax, by_differences, scale) in enumerate(parts):
        array = np.zeros_like(by_differences) if result is None else wide_array(result)
        # At kinks and jumps JAX and PyTorch choose differently; the check `reference` asks about those.
        known = np.isfinite(by_jax) & np.isfinite(by_differences)
        if array.shape == known.shape and known.size and not np.any(known):
            continue
        exact = np.where(known, widened(by_jax), array) if array.shape == known.shape else by_jax
        dtype = result.dtype if isinstance(result, Tensor) else case.dtype
        name = what if len(actual) == 1 else f"{what} {number}"
        found = compared(
            name, expression.format(number), array, exact, dtype, scale, allowed,
            oracle=SOURCE, operand=operand_at(case, array.shape, operand),
        )  # fmt: skip
        if found.problem is not None:
            found.program = [*program_of(check, case), *found.program]
        total = found if total is None else total.merged(found)
    return total

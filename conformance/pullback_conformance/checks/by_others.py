"""Whether further backends, each named by another ``--against``, give the same results and gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback.extend import Backend, Tensor
from pullback_conformance.case import Call, Case, wide_array
from pullback_conformance.checks.derivatives import program_of
from pullback_conformance.checks.finding import Finding, Unsupported, compared
from pullback_conformance.checks.operand import operand_at
from pullback_conformance.checks.scales import scales_of
from pullback_conformance.checks.values import difference
from pullback_conformance.moving import to_numpy, widened
from pullback_conformance.oracles.exact import NoOracle, OracleError
from pullback_conformance.tolerances import bound

#: What is allowed, in bounds: the other backend's result may be off by as much.
_BOTH = 2.0
#: How a further backend says that it does not have an operation, or not for such operands.
_REFUSALS = (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, ZeroDivisionError)


def by_others(case: Case) -> Finding:
    """Compare with each further backend that has the operation and the dtype; all that differ are named."""
    call = case.on(case.subject)
    results = call.run()
    total: Finding | None = None
    problems = []
    for other, theirs, wanted in _answers(case):
        found = _of_results(case, call, results, wanted, other)
        if found.problem is None and case.has_gradients:
            found = found.merged(_of_gradients(case, call, theirs, other))
        if found.problem is not None:
            problems.append(f"{other.name}: {found.problem}")
        total = found if total is None else total.merged(found)
    if total is None:
        raise Unsupported("no further backend that is named computes this")
    if len(problems) > 1:
        total.problem = "; ".join(problems)
    return total


def _answers(case: Case) -> Iterator[tuple[Backend, Call, list[Any]]]:
    """What each further backend gives; those that refuse say nothing."""
    for other in case.others:
        if case.dtype not in other.native_dtypes:
            continue
        theirs = case.on(other)
        try:
            wanted = theirs.run()
        except _REFUSALS:
            continue
        yield other, theirs, wanted


def _of_results(case: Case, call: Call, results: list[Any], wanted: list[Any], other: Backend) -> Finding:
    total = Finding(oracle=_name(other))
    if len(results) != len(wanted):
        problem = f"{len(results)} results, {other.name} gives {len(wanted)}"
        return Finding(problem, program=["print(result)"], oracle=_name(other))
    scales = scales_of(case, len(results))
    for number, (result, want, scale) in enumerate(zip(results, wanted, scales, strict=True)):
        what = "result" if len(results) == 1 else f"result {number}"
        expression = "result" if len(results) == 1 else f"flat(result)[{number}]"
        problem, program = difference(case, call.tensors, result, want, expression, is_wide=False)
        if problem is not None:
            return Finding(problem, program=program, oracle=_name(other))
        if not isinstance(result, Tensor):
            continue
        actual, expected = to_numpy(result), to_numpy(want)
        if result.dtype.category >= 2:
            actual, expected = widened(actual), widened(expected)
        dtype = case.dtype if case.dtype.is_complex else result.dtype
        allowed, _ = bound(case.operation, dtype, "value", case.subject.name, case.arguments)
        found = compared(
            what, expression, actual, expected, result.dtype, scale, _BOTH * allowed,
            oracle=_name(other), operand=operand_at(case, actual.shape),
        )  # fmt: skip
        total = total.merged(found)
    return total


def _of_gradients(case: Case, call: Call, theirs: Call, other: Backend) -> Finding:
    total = Finding(oracle=_name(other))
    try:
        scales = case.oracle.vjp.scales
    except (NoOracle, OracleError):  # nobody says how exact they are
        return total
    try:
        _, wanted = theirs.vjp(case.oracle.cotangents)
    except _REFUSALS:
        return total
    _, grads = case.on(case.subject).vjp(case.oracle.cotangents)
    allowed, _ = bound(case.operation, case.dtype, "vjp", case.subject.name, case.arguments)
    for number, (grad, want, scale, operand) in enumerate(zip(grads, wanted, scales, call.inputs, strict=True)):
        if grad is None or want is None:
            continue
        found = compared(
            "gradient" if len(grads) == 1 else f"gradient {number}", f"grads[{number}]", wide_array(grad),
            wide_array(want), operand.dtype, scale, _BOTH * allowed,
            oracle=_name(other), operand=operand_at(case, tuple(operand.shape), operand),
        )  # fmt: skip
        if found.problem is not None:
            found.program = [*program_of("vjp", case), *found.program]
        total = total.merged(found)
    return total


def _name(other: Backend) -> str:
    return f"{other.name} (the same dtype)"

"""Checks of derivatives: against formulas in higher precision, differences of values, and each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback import float64
from pullback.extend import Operation, Tensor
from pullback_conformance.case import Case, wide_array
from pullback_conformance.checks.finding import Finding, Unsupported, compared
from pullback_conformance.checks.operand import operand_at
from pullback_conformance.numbers_as_text import number_of, place_of
from pullback_conformance.oracles.differences import FLOOR, as_real_vector
from pullback_conformance.oracles.exact import Derivative
from pullback_conformance.tolerances import DIFFERENCES, Kind, bound, kind_of
from pullback_conformance.ulp import ulp_at


def vjp(case: Case) -> Finding:
    """Gradients for every operand, for one cotangent."""
    call = case.on(case.subject)
    _, grads = call.vjp(case.oracle.cotangents)
    _refuse_constants(case, grads)
    program = program_of("vjp", case)
    found = _compare(case, "vjp", "gradient", "grads[{}]", grads, call.inputs, case.oracle.vjp, program)
    return found if found.problem is not None or not _moves_elements(case) else found.merged(_spread_in_reverse(case))


def jvp(case: Case) -> Finding:
    """Tangents of every result, for one tangent of each operand."""
    call = case.on(case.subject)
    tangents = call.jvp(case.oracle.tangents)
    _refuse_constants(case, tangents)
    program = program_of("jvp", case)
    found = _compare(case, "jvp", "tangent", "results[{}]", tangents, tangents, case.oracle.jvp, program)
    return found if found.problem is not None or not _moves_elements(case) else found.merged(_spread_forward(case))


def _moves_elements(case: Case) -> bool:
    """Whether derivatives move what they are given: an infinite element goes where it belongs, and nowhere else."""
    operation = case.operation
    is_linear = isinstance(operation, Operation) and operation.linear is True
    if not is_linear or kind_of(operation, case.arguments) is not Kind.EXACT:
        return False
    is_complex = any(np.iscomplexobj(a) for a in (*case.oracle.inputs, *case.oracle.inexact_outputs))
    return not is_complex and not np.any(case.oracle.roughness)


def _spread_in_reverse(case: Case) -> Finding:
    """Every other element of the cotangents infinite: so are the gradients of operands that those depend on, alone."""
    given = [_with_infinities(c) for c in case.oracle.cotangents]
    _, grads = case.on(case.subject).vjp(given)
    matrix = case.oracle.jacobian.T
    program = [f"grads = gradients(operands, [{_lists(given)}])"]
    return _spread(case, "gradient", "grads[{}]", grads, case.oracle.inputs, matrix, given, program)


def _spread_forward(case: Case) -> Finding:
    """The same of tangents."""
    given = [_with_infinities(t) for t in case.oracle.tangents]
    tangents = case.on(case.subject).jvp(given)
    matrix = case.oracle.jacobian
    program = [f"results = pushed(operands, [{_lists(given)}])"]
    return _spread(case, "tangent", "results[{}]", tangents, case.oracle.inexact_outputs, matrix, given, program)


def _with_infinities(array: Any) -> Any:
    values = np.array(array)
    values.reshape(-1)[::2] = np.inf
    return values


def _spread(
    case: Case,
    what: str,
    expression: str,
    actual: list[Any],
    like: list[Any],
    matrix: Any,
    given: list[Any],
    program: list[str],
) -> Finding:
    reached = (matrix != 0) @ np.isinf(as_real_vector(given)) > 0
    start = 0
    for number, (result, shaped) in enumerate(zip(actual, like, strict=True)):
        expected = reached[start : start + shaped.size].reshape(shaped.shape)
        start += shaped.size
        array = np.zeros(shaped.shape) if result is None else wide_array(result)
        if np.array_equal(~np.isfinite(array), expected):
            continue
        index = np.unravel_index(int(np.argmax(np.isfinite(array) == expected)), expected.shape)
        place = expression.format(number)
        return Finding(
            f"{what}{place_of(index)} is {number_of(array[index])} where every other element of what is propagated is"
            f" infinite, and it {'depends' if expected[index] else 'does not depend'} on one",
            program=[
                *program,
                f"finite = [v - v == 0 for v in {place}.reshape(-1).tolist()]",
                f"assert finite == {(~expected).reshape(-1).tolist()!r}, {place}",
            ],
        )
    return Finding(oracle="differences of values")


def second(case: Case) -> Finding:
    """Gradients of the gradients, for the operands and for the cotangents."""
    call = case.on(case.subject)
    by_input, by_cotangent = call.second(case.oracle.cotangents, case.oracle.second_directions)
    if not case.oracle.is_constant:
        _refuse_constants(case, [*by_input, *by_cotangent])
    elif all(g is None for g in (*by_input, *by_cotangent)):
        raise Unsupported("the result does not depend on the operands")
    program = program_of("second", case)
    grads: list[Any] = [*by_input, *by_cotangent]
    like: list[Any] = [*call.inputs, *([None] * len(by_cotangent))]
    return _compare(case, "second", "second gradient", "grads[{}]", grads, like, case.oracle.second, program)


def adjoint(case: Case) -> Finding:
    """``<J t, v>`` from forward mode and ``<t, J^T v>`` from reverse mode are one number."""
    oracle = case.oracle
    tangents = case.on(case.subject).jvp(oracle.tangents)
    _, grads = case.on(case.subject).vjp(oracle.cotangents)
    _refuse_constants(case, [*tangents, *grads])
    pushed = [
        np.zeros_like(o) if t is None else wide_array(t) for t, o in zip(tangents, oracle.inexact_outputs, strict=True)
    ]
    pulled = [np.zeros_like(i) if g is None else wide_array(g) for g, i in zip(grads, oracle.inputs, strict=True)]
    t, v = as_real_vector(oracle.tangents), as_real_vector(oracle.cotangents)
    left = float(as_real_vector(pushed) @ v)
    right = float(t @ as_real_vector(pulled))
    scale = float(np.abs(v) @ np.abs(oracle.jacobian) @ np.abs(t))
    allowed, _ = bound(case.operation, case.dtype, "adjoint", case.subject.name, case.arguments)
    error = 0.0 if left == right else abs(left - right) / float(ulp_at(scale, case.dtype))
    if error <= allowed:
        return Finding(None, error, allowed, oracle="the adjoint identity")
    program = [
        *program_of("adjoint", case),
        f"assert abs(left - right) <= {allowed * float(ulp_at(scale, case.dtype))!r}, (left, right)",
    ]
    problem = f"<J t, v> is {left:.17g} and <t, J^T v> is {right:.17g}: {error:.3g} ulp apart, {allowed:g} allowed"
    return Finding(problem, error, allowed, program, "the adjoint identity")


def _refuse_constants(case: Case, derivatives: list[Any]) -> None:
    """No derivative at all is right exactly where the results don't depend on the operands."""
    if all(d is None for d in derivatives) and case.oracle.is_constant:
        raise Unsupported("the result does not depend on the operands")


def _compare(
    case: Case,
    check: str,
    what: str,
    expression: str,
    actual: list[Any],
    like: list[Any],
    truth: Derivative,
    program: list[str],
) -> Finding:
    allowed, _ = bound(case.operation, case.dtype, check, case.subject.name, case.arguments)
    source = case.oracle.wide_name
    total = Finding(oracle=source)
    parts = zip(actual, like, truth.by_formula, truth.by_differences, truth.scales, strict=True)
    for number, (result, operand, exact, by_differences, scale) in enumerate(parts):
        name = what if len(actual) == 1 else f"{what} {number}"
        dtype = case.dtype if exact.dtype.kind == "c" else case.dtype.to_real()
        if isinstance(result, Tensor):
            dtype = result.dtype
            if isinstance(operand, Tensor) and dtype is not operand.dtype:
                total = total.merged(
                    Finding(f"{name} has dtype {dtype.name}, the operand {operand.dtype.name}", program=program)
                )
                continue
        array = np.zeros_like(exact) if result is None else wide_array(result)
        place = expression.format(number)
        if truth.by_mpmath is not None:
            by_mpmath, is_unknown = truth.by_mpmath[number]
            wrong = _formula_problem(name, exact, by_mpmath, is_unknown, scale, allowed)
            if wrong is not None:
                total = total.merged(Finding(wrong, program=[*program, f"print({place})"], oracle="mpmath"))
                continue
            exact = np.where(is_unknown, exact, by_mpmath)
            source = source if np.all(is_unknown) else "mpmath"
            total.oracle = source
        found = compared(
            name, place, array, exact, dtype, scale, allowed,
            by_differences=by_differences, slack=DIFFERENCES * scale + FLOOR, oracle=source,
            operand=operand_at(case, array.shape, operand if check != "jvp" else None),
        )  # fmt: skip
        if found.problem is not None:
            found.program = [*program, *found.program]
        total = total.merged(found)
    return total


def _formula_problem(
    what: str, by_formula: Any, by_mpmath: Any, is_unknown: Any, scale: Any, allowed: float
) -> str | None:
    """What is wrong with the formula itself, run in higher precision: it is to be as good as float64 at least."""
    off = np.abs(by_formula - by_mpmath) / ulp_at(scale, float64)
    off = np.where(is_unknown | (by_formula == by_mpmath), 0.0, off)
    worst = float(np.max(off, initial=0.0))
    if worst <= allowed:
        return None
    index = np.unravel_index(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape)
    return (
        f"{what}{place_of(index)} in higher precision is {number_of(by_formula[index])}, but mpmath gives"
        f" {number_of(by_mpmath[index])}: the formula is wrong"
    )


def program_of(check: str, case: Case) -> list[str]:
    """The statements of a script that compute what a check compares."""
    if check not in ("vjp", "jvp", "second", "adjoint"):
        return ["run()"]
    oracle = case.oracle
    cotangents = f"cotangents = [{_lists(oracle.cotangents)}]"
    tangents = f"tangents = [{_lists(oracle.tangents)}]"
    if check == "vjp":
        return [cotangents, "grads = gradients(operands, cotangents)"]
    if check == "jvp":
        return [tangents, "results = pushed(operands, tangents)"]
    if check == "second":
        directions = f"directions = [{_lists(oracle.second_directions)}]"
        return [cotangents, directions, "grads = second_gradients(operands, cotangents, directions)"]
    return [
        cotangents,
        tangents,
        "left = inner(pushed(operands, tangents), cotangents)",
        "right = inner(tangents, gradients(operands, cotangents))",
    ]


def _lists(arrays: list[Any]) -> str:
    from pullback_conformance.script import nested_literal

    return ", ".join(nested_literal(a) for a in arrays)

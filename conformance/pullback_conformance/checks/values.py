"""Checks of results: their values, dtype, shape and device, and what becomes of NaN, infinities and signed zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Tensor
from pullback_conformance.case import Case
from pullback_conformance.checks.finding import Finding, NoIndependentOracle, compared
from pullback_conformance.checks.operand import operand_at
from pullback_conformance.moving import to_numpy, widened
from pullback_conformance.oracles.exact import NoOracle
from pullback_conformance.tolerances import accuracy_of, bound


def value(case: Case) -> Finding:
    """Compare each result with the most precise oracle there is."""
    results = case.on(case.subject).run()
    try:
        truth = case.oracle.values
    except NoOracle as reason:
        raise NoIndependentOracle(str(reason)) from None
    found = _compare(case, results, truth.values, truth.scales, truth.source, "value")
    scales = None if found.problem is None else case.oracle.conditioned_scales(truth.values)
    return found if scales is None else _compare(case, results, truth.values, scales, truth.source, "value")


def _compare(
    case: Case,
    results: list[Any],
    values: list[Any],
    scales: list[Any],
    source: str,
    check: str,
    *,
    signs: bool = False,
) -> Finding:
    if len(results) != len(values):
        return Finding(f"{len(results)} results, expected {len(values)}", program=["print(result)"])
    total = Finding(oracle=source)
    for number, (result, exact, scale) in enumerate(zip(results, values, scales, strict=True)):
        what = "result" if len(results) == 1 else f"result {number}"
        expression = "result" if len(results) == 1 else f"flat(result)[{number}]"
        if not isinstance(result, Tensor):
            if not np.array_equal(np.asarray(result), exact, equal_nan=np.asarray(result).dtype.kind in "fc"):
                found = Finding(
                    f"{what} is {result!r}, expected {exact!r}",
                    program=[f"assert {expression} == {exact.tolist()!r}, {expression}"],
                )
                total = total.merged(found)
            continue
        dtype = case.dtype if case.dtype.is_complex else result.dtype  # even a real result takes complex arithmetic
        allowed, _ = bound(case.operation, dtype, check, case.subject.name, case.arguments)
        actual = to_numpy(result)
        if result.dtype.category >= 2:
            actual = widened(actual)
        found = compared(
            what, expression, actual, exact, result.dtype, scale, allowed,
            oracle=source, zero_signs=signs, operand=operand_at(case, actual.shape),
        )  # fmt: skip
        total = total.merged(found)
    return total


def dtype_and_shape(case: Case) -> Finding:
    """Compare what can be known of each result without its values."""
    call = case.on(case.subject)
    results = call.run()
    is_its_own = False
    is_wide = case.is_self_comparison and case.oracle.wide is not None and case.dtype.category >= 2
    if is_wide:
        expected = case.oracle.wide.run()
    else:
        expected = case.oracle.in_same_dtype
        is_its_own = case.is_self_comparison
    for number, (result, want) in enumerate(zip(results, expected, strict=True)):
        expression = "result" if len(results) == 1 else f"flat(result)[{number}]"
        problem, program = difference(case, call.tensors, result, want, expression, is_wide=is_wide)
        if problem is not None:
            return Finding(problem, program=program)
    if is_its_own:
        raise NoIndependentOracle(f"no other backend says what {case.dtype.name} gives: name one with --against")
    return Finding()


def difference(
    case: Case, operands: list[Tensor], result: Any, want: Any, expression: str, *, is_wide: bool
) -> tuple[str | None, list[str]]:
    """What differs in a result's class, shape, dtype or device, and the line of a script that shows it.

    Parameters
    ----------
    is_wide : bool
        Whether what is expected comes from a run in higher precision, where float32 became float64.
    """
    subject = case.subject
    if not isinstance(result, Tensor) or not isinstance(want, Tensor):
        same = type(result) is type(want)
        return (None if same else f"{expression} is {result!r}, expected {want!r}"), [f"print({expression})"]
    if not subject.is_array(result.array) or result.array.dtype not in subject.dtypes:
        array = result.array
        return (
            f"{expression}.array is a {type(array).__name__} of {getattr(array, 'dtype', 'no dtype')}, which is no"
            f" array of backend {subject.name!r}",
            [f"print(type({expression}.array))"],
        )
    if tuple(result.array.shape) != tuple(want.array.shape):
        shape = tuple(want.array.shape)
        return (
            f"{expression} has shape {tuple(result.array.shape)}, expected {shape}",
            [f"assert tuple({expression}.shape) == {shape}, {expression}.shape"],
        )
    allowed = {want.dtype}
    if is_wide and want.dtype.category >= 2:
        allowed = (
            {case.dtype, case.dtype.to_real(), want.dtype} if want.dtype.category == 2 else {case.dtype, want.dtype}
        )
        allowed |= {case.dtype.to_complex()} if want.dtype.category == 3 else set()
    if result.dtype not in allowed:
        names = " or ".join(sorted(d.name for d in allowed))
        return (
            f"{expression} has dtype {result.dtype.name}, expected {names}",
            [f"assert {expression}.dtype is pb.{want.dtype.name}, {expression}.dtype"],
        )
    if operands and result.device != operands[0].device:
        return (
            f"{expression} is on device {result.device}, the operands on {operands[0].device}",
            [f"print({expression}.device)"],
        )
    return None, []


def special(case: Case) -> Finding:
    """Compare results for NaN, infinities and signed zeros, down to the signs of zeros."""
    results = case.on(case.subject).run()
    if case.is_self_comparison:
        wide = case.oracle.wide
        if wide is None:
            raise NoIndependentOracle("no other implementation to compare with on the reference backend itself")
        expected, source = wide.run(), case.oracle.wide_name
    else:
        expected, source = case.oracle.in_same_dtype, case.reference.name
    values = [widened(to_numpy(e)) if isinstance(e, Tensor) else np.asarray(e) for e in expected]
    signs = not accuracy_of(case.operation, case.arguments).any_zero
    return _compare(case, results, values, [None] * len(values), source, "special", signs=signs)

"""Whether results, their dtypes and gradients are those of PyTorch itself, where it has a function of the same name."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback import float32, float64
from pullback.extend import DType, Tensor
from pullback_conformance.case import Case, wide_array
from pullback_conformance.checks.derivatives import program_of
from pullback_conformance.checks.finding import Finding, Unsupported, compared
from pullback_conformance.checks.operand import operand_at
from pullback_conformance.checks.scales import scales_of
from pullback_conformance.moving import to_numpy, widened
from pullback_conformance.oracles.torch_differences import Part, reason_for
from pullback_conformance.oracles.torch_runner import (
    SOURCE,
    ByTorch,
    NotInPyTorch,
    as_array,
    dtype_of,
    function_of,
    is_installed,
)
from pullback_conformance.tolerances import bound

#: What is allowed, in bounds: PyTorch's result may be off by as much as the backend's.
_RESULTS = 2.0

#: Half precision is held to higher precision by other checks: PyTorch rounds at other steps there.
_WITH_GRADIENTS = (float32, float64)


def has_function(operation: Any, dtype: DType) -> bool:
    """Whether PyTorch has the operation under its name."""
    return is_installed() and function_of(operation) is not None


def by_torch(case: Case) -> Finding:
    """Compare what PyTorch gives for the same call."""
    reason = _reason(case, Part.ALL)
    if reason:
        raise Unsupported(reason)
    function = function_of(case.operation)
    call = case.on(case.subject)
    differentiates = (
        case.has_gradients and case.dtype.to_real() in _WITH_GRADIENTS and not _reason(case, Part.GRADIENTS)
    )
    try:
        torch = ByTorch(case, function, call.chosen if differentiates else [])  # type: ignore[arg-type]
    except NotInPyTorch as reason:
        raise Unsupported(f"PyTorch does not take this: {reason}") from None
    results = call.run()
    found = _of_results(case, results, torch.results)
    if differentiates and found.problem is None:
        try:
            wanted = torch.gradients(case.oracle.cotangents)
        except NotInPyTorch:  # it has no derivative: the values were compared
            return found
        _, grads = call.vjp(case.oracle.cotangents)
        found = found.merged(_of_gradients(case, call.inputs, grads, wanted))
    return found


def _reason(case: Case, part: Part) -> str:
    """Why PyTorch does not judge a part of this case; empty where it does."""
    return reason_for(case.operation.name, case.dtype, part)


def _of_results(case: Case, results: list[Any], wanted: list[Any]) -> Finding:
    if len(results) != len(wanted):
        return Finding(f"{len(results)} results, PyTorch gives {len(wanted)}", program=["print(result)"], oracle=SOURCE)
    scales = scales_of(case, len(results))
    total = Finding(oracle=SOURCE)
    for number, (result, want, scale) in enumerate(zip(results, wanted, scales, strict=True)):
        what = "result" if len(results) == 1 else f"result {number}"
        expression = "result" if len(results) == 1 else f"flat(result)[{number}]"
        if not isinstance(result, Tensor):
            continue
        if hasattr(want, "dtype") and dtype_of(want) is None:
            raise Unsupported(f"PyTorch's result is of {want.dtype}, which there is none of here")
        if not hasattr(want, "dtype") or dtype_of(want) is not result.dtype:
            name = str(getattr(want, "dtype", type(want).__name__)).removeprefix("torch.")
            problem = f"{what} has dtype {result.dtype.name}, PyTorch's {name}"
            return Finding(
                problem, program=[f"assert {expression}.dtype is pb.{name}, {expression}.dtype"], oracle=SOURCE
            )
        if number and result.dtype.category == 1 and _reason(case, Part.INDICES):
            continue
        exact = as_array(want)
        actual = to_numpy(result)
        if result.dtype.category >= 2:
            actual, exact = widened(actual), widened(exact)
        allowed, _ = bound(case.operation, result.dtype, "value", case.subject.name, case.arguments)
        if _reason(case, Part.ROUNDING):
            allowed *= 4
        if scale is not None and np.shape(scale) != np.shape(exact):
            scale = None
        if _reason(case, Part.NEAR_ZERO):
            scale = np.maximum(np.abs(exact), 1.0)
        if _reason(case, Part.NOT_FINITE) and actual.shape == exact.shape:
            exact = np.where(np.isfinite(exact), exact, actual)
        found = compared(
            what, expression, actual, exact, result.dtype, scale, _RESULTS * allowed,
            oracle=SOURCE, operand=operand_at(case, actual.shape),
        )  # fmt: skip
        total = total.merged(found)
    return total


def _of_gradients(case: Case, inputs: list[Tensor], grads: list[Any], wanted: list[Any]) -> Finding:
    allowed, _ = bound(case.operation, case.dtype, "vjp", case.subject.name, case.arguments)
    program = program_of("vjp", case)
    total = Finding(oracle=SOURCE)
    parts = zip(grads, wanted, case.oracle.vjp.scales, inputs, strict=True)
    for number, (grad, want, scale, operand) in enumerate(parts):
        shape = tuple(operand.shape)
        array = np.zeros(shape) if grad is None else wide_array(grad)
        exact = np.zeros(shape) if want is None else widened(as_array(want))
        known = np.isfinite(scale) if np.shape(scale) == shape else np.ones(shape, bool)
        found = compared(
            "gradient" if len(grads) == 1 else f"gradient {number}", f"grads[{number}]", array,
            np.where(known, exact, array), operand.dtype, scale, _RESULTS * allowed,
            oracle=SOURCE, operand=operand_at(case, shape, operand),
        )  # fmt: skip
        if found.problem is not None:
            found.program = [*program, *found.program]
        total = total.merged(found)
    return total

"""Whether a view is one, and whether any other result has memory of its own that can be written."""

from __future__ import annotations

from typing import Final

import numpy as np

from pullback.extend import Operation, Tensor
from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import Finding, Unsupported
from pullback_conformance.moving import bits_of, to_numpy
from pullback_conformance.samples.trivial import trivial_arguments

#: What is written, values that every dtype has: one after the other, for elements may be either already.
_FILL: Final = 1
_OTHER: Final = 0

#: So many of an operation's samples are also asked with operands of which it may give one back.
_MOST_TRIVIAL: Final = 2


def aliases(case: Case) -> Finding:
    """Write into the result, and look at the operands: changed throughout for a view, and not at all otherwise."""
    operation = case.operation
    if not isinstance(operation, Operation):
        raise Unsupported("a composite may give a view or a copy")
    if operation.may_share:
        raise Unsupported("it is part of other operations, which give the result memory of its own or write it at once")
    finding = _of_view(case) if operation.view else _of_result(case)
    if finding.problem is not None or operation.view or not case.subject.mutable:
        return finding
    if case.arguments.number >= _MOST_TRIVIAL:
        return finding
    for arguments in trivial_arguments(case.arguments, case.dtype):
        other = Case(operation, case.dtype, arguments, case.subject, case.reference, case.seed, differentiate=False)
        if not _is_accepted(other):
            continue
        found = _of_result(other)
        if found.problem is not None:
            found.case = other
            found.problem = f"{found.problem}, of {arguments.label}"
            return found
    return finding


def _is_accepted(case: Case) -> bool:
    """Whether the operation takes these arguments: on the reference, with the dtype under test in its results."""
    try:
        results = case.on(case.reference).run()
    except Exception:
        return False
    return any(isinstance(result, Tensor) for result in results)


def _of_result(case: Case) -> Finding:
    """Whether results can be written, and operands stay as they are then."""
    call = case.on(case.subject)
    before = [bits_of(t) for t in call.tensors]
    results = [r for r in call.run() if isinstance(r, Tensor)]
    for value in (_OTHER, _FILL):
        for number, result in enumerate(results):
            finding = _written(result, value, _expression(number, results), "a result of its own")
            if finding is not None:
                return finding
        for number, (tensor, bits) in enumerate(zip(call.tensors, before, strict=True)):
            if bits_of(tensor) != bits:
                return Finding(
                    f"writing into the result changed operand {number}",
                    program=[
                        f"before = operands[{number}].tolist()",
                        f"for r in {'[result]' if len(results) == 1 else 'flat(result)'}:",
                        f"    r.fill_({value})",
                        f"assert str(operands[{number}].tolist()) == str(before), operands[{number}]",
                    ],
                )
    return Finding()


def _of_view(case: Case) -> Finding:
    """Whether what is written into a view is seen in its base, and the other way round."""
    call = case.on(case.subject)
    results = [r for r in call.run() if isinstance(r, Tensor)]
    for number, result in enumerate(results):
        expression = _expression(number, results)
        try:
            finding = _written(result, _FILL, expression, "a view")
        except RuntimeError as error:  # elements that share a place, or one of several views
            raise Unsupported(f"the view cannot be written: {error}") from error
        if finding is not None:
            return finding
        if not np.all(to_numpy(call.run()[number]) == _FILL):
            return Finding(
                "what was written into the view is not seen in its base",
                program=[
                    f"{expression}.fill_({_FILL})",
                    "result = run()",
                    f"assert ({expression} == {_FILL}).all()",
                ],
            )
        if not _is_written(call):
            continue
        if not np.array_equal(to_numpy(result), to_numpy(call.run()[number])):
            return Finding(
                "what was written into its base is not seen in the view",
                program=[
                    f"operands[0].fill_({_OTHER})",
                    f"view, result = {expression}, run()",
                    f"assert (view == {expression}).all(), view",
                ],
            )
    return Finding()


def _is_written(call: Call) -> bool:
    """Write into what a view is of; not where its elements share a place."""
    try:
        call.tensors[0].fill_(_OTHER)
    except RuntimeError:
        return False
    return True


def _written(result: Tensor, value: int, expression: str, what: str) -> Finding | None:
    """Write into a result: what is wrong with that; for a view, an error is its caller's to judge."""
    try:
        result.fill_(value)
    except RuntimeError as error:
        if what == "a view":
            raise
        return Finding(f"{what} cannot be written: {error}", program=[f"{expression}.fill_({value})"])
    if not np.all(to_numpy(result) == value):
        return Finding(
            f"{expression} is not what was written into it",
            program=[f"{expression}.fill_({value})", f"assert ({expression} == {value}).all(), {expression}"],
        )
    return None


def _expression(number: int, results: list[Tensor]) -> str:
    return "result" if len(results) == 1 else f"flat(result)[{number}]"

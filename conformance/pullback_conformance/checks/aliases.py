"""Whether a view is one, and whether any other result has memory of its own that can be written."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pullback.extend import Operation, Tensor
from pullback_conformance.case import Case
from pullback_conformance.checks.finding import Finding, Unsupported
from pullback_conformance.moving import to_numpy

#: What is written: a value that every dtype has.
_FILL: Final = 1

#: What other operations are made of, and nobody calls: those give the result memory of its own, or write it at once.
_MAY_SHARE: Final = frozenset({"copy", "unsafe_view"})


def aliases(case: Case) -> Finding:
    """Write into the result, and look at the operands: changed throughout for a view, and not at all otherwise."""
    operation = case.operation
    if not isinstance(operation, Operation):
        raise Unsupported("a composite may give a view or a copy")
    if operation.name in _MAY_SHARE:
        raise Unsupported("its result may share memory")
    call = case.on(case.subject)
    before = [to_numpy(t) for t in call.tensors]
    results = [r for r in call.run() if isinstance(r, Tensor)]
    what = "a view" if operation.view else "a result of its own"
    for number, result in enumerate(results):
        expression = "result" if len(results) == 1 else f"flat(result)[{number}]"
        try:
            result.fill_(_FILL)
        except RuntimeError as error:
            if operation.view:  # elements that share a place, or one of several views
                raise Unsupported(f"the view cannot be written: {error}") from error
            return Finding(f"{what} cannot be written: {error}", program=[f"{expression}.fill_({_FILL})"])
        if not np.all(to_numpy(result) == _FILL):
            return Finding(
                f"{expression} is not what was written into it",
                program=[f"{expression}.fill_({_FILL})", f"assert ({expression} == {_FILL}).all(), {expression}"],
            )
        if operation.view:
            again = call.run()[number]
            if not np.all(to_numpy(again) == _FILL):
                return Finding(
                    "what was written into the view is not seen in its base",
                    program=[
                        f"{expression}.fill_({_FILL})",
                        "result = run()",
                        f"assert ({expression} == {_FILL}).all()",
                    ],
                )
    if not operation.view:
        for number, (tensor, values) in enumerate(zip(call.tensors, before, strict=True)):
            if _bits(to_numpy(tensor)) != _bits(values):
                return Finding(
                    f"writing into the result changed operand {number}",
                    program=[
                        f"before = operands[{number}].tolist()",
                        f"for r in {'[result]' if len(results) == 1 else 'flat(result)'}:",
                        f"    r.fill_({_FILL})",
                        f"assert str(operands[{number}].tolist()) == str(before), operands[{number}]",
                    ],
                )
    return Finding()


def _bits(array: Any) -> bytes:
    return bytes(np.ascontiguousarray(array).tobytes())

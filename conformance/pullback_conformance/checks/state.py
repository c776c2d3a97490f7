"""Whether a kernel remembers anything: a call must not depend on calls before it, nor change what they gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Tensor
from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import Finding
from pullback_conformance.moving import to_numpy

#: How often the same call is made.
_CALLS = 20


def state(case: Case) -> Finding:
    """Call with some operands, then with others of the same shapes, then with the first again."""
    call = case.on(case.subject)
    first = call.run()
    bits = _bits(first)
    _other(case, call).run()
    if _bits(first) != bits:
        return Finding(
            "a result changed when the operation was called again",
            program=[
                "before = str([r.tolist() for r in flat(result)])",
                "others = [o.flip(tuple(range(o.ndim))) for o in operands]",
                "run(others)",
                "assert str([r.tolist() for r in flat(result)]) == before, result",
            ],
        )
    for number in range(_CALLS):
        if _bits(call.run()) != bits:
            return Finding(
                f"the same call gives something else the {number + 2}. time",
                program=[
                    "before = str([r.tolist() for r in flat(result)])",
                    "others = [o.flip(tuple(range(o.ndim))) for o in operands]",
                    "run(others)",
                    f"for _ in range({_CALLS}):",
                    "    assert str([r.tolist() for r in flat(run())]) == before",
                ],
            )
    return Finding()


def _other(case: Case, call: Call) -> Call:
    """The call with each floating operand in reverse: other values, of the same domain."""
    other = case.on(case.subject)
    for i in call.chosen:
        array = to_numpy(call.tensors[i])
        other.tensors[i].array = other.like(np.flip(array).copy(), other.tensors[i]).array
    return other


def _bits(results: list[Any]) -> list[Any]:
    return [np.ascontiguousarray(to_numpy(r)).tobytes() if isinstance(r, Tensor) else r for r in results]

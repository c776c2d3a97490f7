"""Whether a call is silent: NaN, infinity and overflow are values, of which no library is to warn."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np

from pullback import autograd
from pullback.extend import Tensor, use_backend
from pullback_conformance.case import Call, Case, is_inexact
from pullback_conformance.checks.finding import Finding
from pullback_conformance.moving import mapped
from pullback_conformance.script import operand_source

#: Python's filters belong to the whole process: one call at a time is listened to.
_LISTENING: Final = threading.Lock()

#: Special values, overflow of most functions, and ordinary numbers. Every floating dtype has them.
_VALUES: Final = (1000.0, np.nan, -np.inf, -1.0, 0.0, np.inf, 0.5, -0.0, -1000.0, 2.0)


def silent(case: Case) -> Finding:
    """Run with ordinary operands and with special ones, and differentiate both."""
    for special in (False, True):
        call = _refilled(case) if special else case.on(case.subject)
        found = _first_warning(case, call)
        if found is not None:
            kind = "special" if special else "ordinary"
            return Finding(f"warns of {kind} values: {found}", program=_program(case, call))
    return Finding()


def _first_warning(case: Case, call: Call) -> str | None:
    """The first warning that is not one of the operation's own, as its declaration says."""
    with heard() as messages, suppress(Exception), use_backend(case.subject):  # other checks ask what raises
        call.run()
        if _is_differentiated(case):
            _differentiate(call)
    own = case.operation.warns
    for message in messages:
        if own is None or not re.search(own, str(message.message)):
            return f"{message.category.__name__}: {message.message}"
    return None


def _is_differentiated(case: Case) -> bool:
    return case.has_gradients and case.dtype.category >= 2


def _differentiate(call: Call) -> None:
    call.require_gradients()
    outputs = [o for o in call.run() if is_inexact(o) and o.requires_grad]
    if outputs:
        ones = [call.like(np.ones(tuple(o.shape)), o) for o in outputs]
        autograd.grad(outputs, call.inputs, ones, allow_unused=True)


@contextmanager
def heard() -> Iterator[list[warnings.WarningMessage]]:
    """Every warning of this thread, whatever the filters are; those of others are dropped meanwhile."""
    messages: list[warnings.WarningMessage] = []
    own = threading.get_ident()

    def show(*given: Any, **_: Any) -> None:
        if threading.get_ident() == own:
            messages.append(warnings.WarningMessage(*given[:4]))

    with _LISTENING, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield messages


def _refilled(case: Case) -> Call:
    """The call with special values in the operands of the dtype under test."""

    def replace(tensor: Tensor) -> Tensor:
        if tensor.dtype is not case.dtype or case.dtype.category == 0 or not tensor.array.size:
            return tensor
        return Tensor._wrap(_filled(tensor.array), tensor.backend)

    given = case.arguments
    other = given._replace(args=mapped(given.args, replace), kwargs=mapped(given.kwargs, replace))
    return Case(case.operation, case.dtype, other, case.subject, case.reference, case.seed).on(case.subject)


def _filled(array: Any) -> Any:
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        values: Any = [limits.max, 1, limits.min, 2, 0]
    else:
        values = np.array(_VALUES)
        if array.dtype.kind == "c":
            values = values + 1j * values[::-1]
    return np.resize(np.array(values), array.shape).astype(array.dtype)


def _program(case: Case, call: Call) -> list[str]:
    return [
        "import warnings",
        f"operands = [{', '.join(operand_source(t, case.subject) for t in call.tensors)}]",
        *([f"for i in {call.chosen}:", "    operands[i].requires_grad_()"] if _is_differentiated(case) else []),
        "with warnings.catch_warnings(record=True) as heard:",
        '    warnings.simplefilter("always")',
        "    for output in flat(run(operands)):",
        "        if isinstance(output, pb.Tensor) and output.requires_grad:",
        "            output.backward(pb.ones_like(output), retain_graph=True)",
        "assert not heard, heard[0]",
    ]

"""Telling what a signal handler raised from what failed: the one ends the program's step, whatever class it has."""

from __future__ import annotations

from inspect import CO_VARARGS
from types import FrameType


class Abandoned(SystemExit):
    """Ends a thread that nobody waits for any longer: raised in it by another one."""


def raised_by_handler(error: BaseException) -> bool:
    """Whether a signal handler written in Python raised it, as for a time limit.

    CPython gives a handler the frame that it interrupts, which no other function gets from its caller.
    """
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_back is not None and _is_given(frame, frame.f_back):
            return True
        trace = trace.tb_next
    return False


def _is_given(frame: FrameType, value: object) -> bool:
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    variables = frame.f_locals
    if any(variables.get(name) is value for name in code.co_varnames[:count]):
        return True
    if not code.co_flags & CO_VARARGS:
        return False
    rest = variables.get(code.co_varnames[count])
    return isinstance(rest, tuple) and any(item is value for item in rest)

"""Telling what a signal handler raised from what failed: the one ends the program's step, whatever class it has."""

from __future__ import annotations

from types import FrameType, TracebackType
from typing import Any

#: Bits of a code's flags; `inspect` has them too, and ten modules that it needs.
CO_OPTIMIZED, CO_VARARGS = 0x01, 0x04


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
    return any(
        argument is value or (isinstance(argument, tuple) and any(item is value for item in argument))
        for argument in arguments_of(frame)
    )


def arguments_of(frame: FrameType) -> list[Any]:
    """What a function was called with, in order, as far as it still has it; its ``*args`` as a tuple."""
    code = frame.f_code
    if not code.co_flags & CO_OPTIMIZED:
        return []  # of a module or class, whose variables are no arguments
    variables = frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & CO_VARARGS)
    try:
        return [variables[name] for name in code.co_varnames[:count] if name in variables]
    finally:
        if isinstance(variables, dict):  # before Python 3.13 the frame keeps this copy, and by it what is being handled
            for name in [name for name, value in variables.items() if isinstance(value, _KEEPS_FRAMES)]:
                del variables[name]


_KEEPS_FRAMES = BaseException | TracebackType | FrameType

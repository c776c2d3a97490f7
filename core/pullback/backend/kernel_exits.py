"""What a kernel raises to end the program, such as ``SystemExit``: a failure of its backend, no wish of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from pullback.errors import BackendError
from pullback.process.interrupts import Abandoned, arguments_of, raised_by_handler

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


def refuse_exit(operation: Operation, backend: Any, error: BaseException) -> NoReturn:
    """Raise a BackendError for what a kernel raised that is no ``Exception``; raise again what came from elsewhere.

    Raises
    ------
    BackendError
        With the backend, the kernel and the cause.
    BaseException
        ``error`` itself: Ctrl-C, what a signal handler raised, or what another thread has sent to this one.
    """
    trace = error.__traceback__
    sent = trace is None or trace.tb_next is None  # not raised in anything that the caller called
    if sent or isinstance(error, KeyboardInterrupt | GeneratorExit | Abandoned) or raised_by_handler(error):
        raise error
    from pullback.plugin.isolation import described

    raise BackendError(
        f"{operation.name}(): {_kernel_of(operation, backend, error)} of backend {backend.name!r} raised"
        f" {described(error)}; a kernel that fails raises an Exception"
    ) from error


def _kernel_of(operation: Operation, backend: Any, error: BaseException) -> str:
    if operation.body is None:
        return f"the kernel {operation.kernel!r}"
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_name
        if any(first is backend for first in arguments_of(trace.tb_frame)[:1]) and name in dir(type(backend)):
            return f"the kernel {name!r}"
        trace = trace.tb_next
    return "a kernel"

"""Reentrant backward, to any depth: a pass that runs inside another, from a hook or a Function's backward.

Each one takes several Python frames of the one that it runs within, and CPython limits how many there may be. Where
much of the stack has been used, a pass runs in a thread of its own, which begins with an empty one; its caller waits.
PyTorch's engine does the same. (A higher limit would hold for the whole process, and take the protection of the C stack
away.)
"""

from __future__ import annotations

import sys
from _thread import allocate_lock
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

#: Threads that wait for one another at most: endless recursion must end as an error, not with the machine's memory.
_MOST_THREADS = 1000


def stack_is_deep() -> bool:
    """Whether a third of the frames that there may be are in use; code of the user may need the others."""
    try:
        sys._getframe(sys.getrecursionlimit() // 3)
    except ValueError:
        return False
    return True


def on_fresh_stack(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function in a thread of its own, in the state of this one, and wait for it.

    Context variables that it sets are set here too. An exception that reaches this thread while it waits, as that of
    Ctrl-C, is raised in the one that works.
    """
    call = _Call(function, args, kwargs, _calls.get())
    if call.depth <= _MOST_THREADS:
        try:
            return call.result()
        except RuntimeError:  # there can be no more threads
            if call.has_begun:
                raise
    return function(*args, **kwargs)


class _Call:
    """A call in another thread."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], outer: _Call | None
    ) -> None:
        import threading

        self.function, self.args, self.kwargs = function, args, kwargs
        self.outer = outer
        self.depth: int = 1 if outer is None else outer.depth + 1
        self.inner: _Call | None = None  # which this one waits for
        self.thread = threading.Thread(target=self.run, name="pullback nested backward", daemon=True)
        self.abandoned = False
        self.context = copy_context()
        self.context.run(_calls.set, self)
        self.returned: Any = None
        self.error: BaseException | None = None
        self.ended = allocate_lock()
        self.ended.acquire()

    def run(self) -> None:
        """What the thread does."""
        try:
            if not self.abandoned:
                self.returned = self.context.run(self.function, *self.args, **self.kwargs)
        except BaseException as error:
            self.error = error
        finally:
            self.ended.release()

    def result(self) -> Any:
        """Start the thread and wait for it: what the call returns, or raises."""
        interruption: BaseException | None = None
        if self.outer is not None:
            self.outer.inner = self
        while True:
            try:
                if not self.has_begun:
                    self.thread.start()
                # An exception raised inside as the call ends may keep it from saying so.
                while not self.ended.acquire(timeout=1) and self.thread.is_alive():
                    pass
                break
            except BaseException as error:  # Ctrl-C, or what another signal's handler raises
                if not self.has_begun:
                    self.abandoned = True
                    self._leave()
                    raise
                interruption = error
                self._raise_inside(type(error))
        self._leave()
        for variable, value in self.context.items():
            if variable is not _calls and variable.get(_UNSET) is not value:
                variable.set(value)
        try:
            if interruption is not None:
                raise interruption
            if self.error is not None:
                raise self.error
            return self.returned
        finally:
            self.error = interruption = None  # its traceback has this frame

    @property
    def has_begun(self) -> bool:
        """Whether there is a thread."""
        return self.thread.ident is not None

    def _leave(self) -> None:
        if self.outer is not None:
            self.outer.inner = None

    def _raise_inside(self, kind: type[BaseException]) -> None:
        """Raise an exception in the thread that works: the last one of those that wait for one another."""
        import ctypes

        working = self
        while working.inner is not None and working.inner.has_begun:
            working = working.inner
        ident = working.thread.ident
        if ident is not None and working.ended.locked():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(kind))


_UNSET: Any = object()
#: The call that this thread runs, if it is one of these.
_calls: ContextVar[_Call | None] = ContextVar("pullback calls on fresh stacks", default=None)

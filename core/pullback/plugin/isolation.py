"""Running a plugin's code so that whatever it does costs the plugin, and not the program.

It runs in a thread of its own that is waited for a bounded time: Python code can be stopped from outside, a call into
C cannot, and both must not hold up a program that may not even need the plugin.
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Final, Generic, NamedTuple, TypeVar

import pluggy

from pullback.process.interrupts import Abandoned

_R = TypeVar("_R")

#: The environment variable that says how many seconds a plugin's code may take.
TIMEOUT_VARIABLE: Final = "PULLBACK_PLUGIN_TIMEOUT"
#: Without it: for importing a plugin and for its hooks, which describe and compute nothing.
PLUGIN_SECONDS: Final = 10.0
#: And for code that may load an array library and look for devices.
LIBRARY_SECONDS: Final = 60.0
#: After so many, whoever waits is told for what.
SILENT_SECONDS: Final = 2.0

_LONGEST: Final = 500


class PluginFailure(Exception):
    """A plugin's code did not come to its end; the text is one line, that says what it did and where."""


class TimedOut(PluginFailure):
    """It was not done in time."""


class Outcome(NamedTuple, Generic[_R]):
    """What a plugin's code gave, and what it did to the process, one line each."""

    result: _R
    remarks: list[str]


def plugin_seconds(default: float = PLUGIN_SECONDS) -> float:
    """How long a plugin's code may take: what ``PULLBACK_PLUGIN_TIMEOUT`` says, else the default."""
    text = os.environ.get(TIMEOUT_VARIABLE, "").strip()
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise ValueError(f"{TIMEOUT_VARIABLE} must be a positive number of seconds, or inf; got {text!r}")
    return seconds


# -- saying what happened ---------------------------------------------------------------------------------------------


def one_line(text: object) -> str:
    """A text of a plugin's as one line that can be shown."""
    line = " ".join(str(text).split())
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def represented(value: object) -> str:
    """``repr(value)`` as one short line, or the value's type where it has none."""
    try:
        line = one_line(repr(value))
    except Exception:
        return f"an object of type {type(value).__name__}"
    return line if len(line) <= 200 else f"{line[:200]}..."


def described(error: BaseException) -> str:
    """``"ValueError: text (file:line)"``, whatever the error's own methods do."""
    try:
        text = one_line(error)
    except Exception as second:
        text = f"(its text cannot be had: {type(second).__name__})"
    place = f"{error.filename}:{error.lineno}" if isinstance(error, SyntaxError) else _place_of(error.__traceback__)
    return f"{type(error).__name__}{': ' if text else ''}{text}{f' ({place})' if place else ''}"


def _place_of(trace: TracebackType | None) -> str:
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if _is_theirs(file):
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _place_in(frame: FrameType | None) -> str:
    while frame is not None:
        if _is_theirs(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown place"


def _is_theirs(file: str) -> bool:
    """Whether code is in a file, and in none of pullback's, pluggy's or Python's own."""
    if file.startswith(("<", *_OWN)):
        return False
    return not file.startswith(_PYTHON) or any(part in file for part in ("site-packages", "dist-packages"))


_OWN: Final = tuple(os.path.dirname(file) + os.sep for file in (os.path.dirname(__file__), pluggy.__file__))
_PYTHON: Final = os.path.dirname(os.__file__) + os.sep


# -- running ----------------------------------------------------------------------------------------------------------


class _Worker(threading.Thread):
    """The thread that runs a plugin's code for another thread, which waits for it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(name="pullback: code of a plugin", daemon=True)
        self.function = function
        self.waiter = threading.get_ident()
        self.awaited = True
        self.printed: list[str] = []
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        thread = threading.get_ident()
        try:
            if self.awaited and thread != self.waiter:
                _workers[thread] = self
            self.result = self.function()
        except BaseException as error:  # also SystemExit, and a KeyboardInterrupt that nobody's keyboard sent
            self.error = error
        finally:
            _workers.pop(thread, None)
            self.done.release()

    def abandon(self) -> None:
        """Wait no longer, and end it as soon as it runs Python code: it would compete with the program for ever."""
        import ctypes

        self.awaited = False
        if self.ident is not None and self.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(Abandoned))


_workers: Final[dict[int, _Worker]] = {}  # by their threads, as long as they run


def working_thread() -> int:
    """This thread, or the one that waits for what this one does."""
    thread = threading.get_ident()
    while (worker := _workers.get(thread)) is not None and worker.awaited:
        thread = worker.waiter
    return thread


def run_isolated(function: Callable[[], _R], *, seconds: float, watch: bool = False, named: str = "") -> Outcome[_R]:
    """What the function gives, run in a thread of its own for a limited time.

    Parameters
    ----------
    function : callable
        It runs a plugin's code.
    seconds : float
        How long to wait.
    watch : bool
        Whether to look for what it does to the process beside: builtins and standard streams that it replaces are put
        back; what it prints is not shown, for it would stand in the output of a program that called none of it.
    named : str
        What is waited for, as it is told on standard error when the wait becomes long; nothing is told by default.

    Raises
    ------
    PluginFailure
        Where it raised (``SystemExit`` and the like too) or was not done in time.
    """
    worker = _Worker(function)
    errors = sys.stderr
    with _watched(worker) if watch else _nothing_watched() as remarks:
        try:
            try:
                worker.start()
            except RuntimeError:  # there are no threads to be had: the interpreter is ending, or the platform has none
                worker.run()
            silent = SILENT_SECONDS if named and seconds > SILENT_SECONDS else 0.0
            in_time = silent > 0 and worker.done.acquire(timeout=silent)
            if silent and not in_time:
                _tell_of_wait(errors, f"pullback waits for {named}, for up to {seconds:g} s ({TIMEOUT_VARIABLE})")
            in_time = in_time or worker.done.acquire(timeout=min(seconds - silent, threading.TIMEOUT_MAX))
        except BaseException:  # from the keyboard, most of all
            worker.abandon()
            raise
        if not in_time:
            place = _place_in(sys._current_frames().get(worker.ident or 0))
            worker.abandon()
            raise TimedOut(
                f"it was not done within {seconds:g} s, and stood at {place} "
                f"(where that is too short, {TIMEOUT_VARIABLE} sets the seconds)"
            )
        worker.awaited = False
    if worker.error is not None:
        if "main thread" in str(worker.error.args):  # as of a library that sets a signal handler
            return run_here(function)
        raise PluginFailure(f"raised {described(worker.error)}") from worker.error
    return Outcome(worker.result, remarks)


def _tell_of_wait(errors: Any, text: str) -> None:
    if errors is not None:  # as in a program without a console
        with suppress(OSError, ValueError):  # it is closed
            print(text, file=errors, flush=True)


def run_here(function: Callable[[], _R]) -> Outcome[_R]:
    """The same in this thread, for as long as it takes."""
    try:
        return Outcome(function(), [])
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginFailure(f"raised {described(error)}") from error


@contextmanager
def _nothing_watched() -> Iterator[list[str]]:
    yield []


# -- what it does beside ----------------------------------------------------------------------------------------------


class _Output:
    """Standard output while plugins' code runs: what their threads print is kept apart."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        worker = _workers.get(threading.get_ident())
        if worker is not None and worker.awaited:
            worker.printed.append(text)
            return len(text)
        return int(self.stream.write(text) or 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


_watching = threading.Lock()
_watchers = 0


@contextmanager
def _watched(worker: _Worker) -> Iterator[list[str]]:
    """Yields a list that holds, at the end, what the worker did to the process."""
    global _watchers
    remarks: list[str] = []
    names = dict(vars(builtins))
    with _watching:
        _watchers += 1
        if _watchers == 1 and sys.stdout is not None:
            sys.stdout = _Output(sys.stdout)
    output, errors = sys.stdout, sys.stderr
    try:
        yield remarks
    finally:
        if sys.stdout is not output:
            remarks.append("it replaces sys.stdout, which is put back")
            sys.stdout = output
        if sys.stderr is not errors:
            remarks.append("it replaces sys.stderr, which is put back")
            sys.stderr = errors
        with _watching:
            _watchers -= 1
            if not _watchers and isinstance(sys.stdout, _Output):
                sys.stdout = sys.stdout.stream
        for name, value in names.items():
            if name != "_" and vars(builtins).get(name) is not value:
                remarks.append(f"it replaces the builtin {name!r}, which is put back")
                setattr(builtins, name, value)
        if worker.printed:
            remarks.append(f"it prints {represented(''.join(worker.printed))}")


def threads_of(folder: str, before: set[threading.Thread]) -> list[str]:
    """The names of new threads that run code of a folder (or file) and keep the program from ending."""
    frames = sys._current_frames()
    found = []
    for thread in threading.enumerate():
        if thread.daemon or thread in before:
            continue
        # It may be at its beginning still, and on its way to a function of theirs.
        target = getattr(thread, "_target", None) or type(thread).run
        files = [getattr(getattr(target, "__code__", None), "co_filename", "")]
        frame = frames.get(thread.ident or 0)
        while frame is not None:
            files.append(frame.f_code.co_filename)
            frame = frame.f_back
        if any(file.startswith(folder) for file in files):
            found.append(thread.name)
    return found


# -- locks ------------------------------------------------------------------------------------------------------------


class Turn:
    """A lock for what runs others' code, which may need the same again.

    Entering gives True where this thread has the turn now, and False where it has it already, or where the thread has
    it that waits for this one. After a fork nobody has it.
    """

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._process = os.getpid()

    @contextmanager
    def taken(self) -> Iterator[bool]:
        if self._process != os.getpid():
            self._renew()
        thread = working_thread()
        if self._owner == thread:
            yield False
            return
        with self._lock:
            self._owner = thread
            try:
                yield True
            finally:
                self._owner = None

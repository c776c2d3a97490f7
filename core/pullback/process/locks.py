"""Locks, and what is made once for all threads.

A lock that a thread holds while the process forks would be held for ever in the child, where that thread is not: the
locks made here are free there. What they protect is whole or not in use: nothing in the child waits for the thread.

Without a lock CPython changes threads where it looks for signals (see :mod:`pullback.process.blocks`), so between two
of those places nothing of another thread's comes in between. The checks "is it still None? then set it" in this package
have neither a call nor a loop between the two, and what is set is made before.
"""

from __future__ import annotations

import functools
import os
from _thread import RLock  # `threading` itself takes a millisecond to import
from collections.abc import Callable
from contextlib import suppress
from importlib import _bootstrap, import_module
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
R = TypeVar("R")

_made: WeakSet[Any] = WeakSet()


def new_lock() -> RLock:
    """A reentrant lock, which a process forked meanwhile finds free."""
    lock = RLock()
    _made.add(lock)
    return lock


def _free_all() -> None:
    lock: Any
    for lock in tuple(_made):
        lock._at_fork_reinit()


#: Of these alone: what others' modules wait for as they are imported, nobody knows.
_OWN = frozenset({"pullback", "pullback_numpy", "pullback_jax", "pullback_cupy"})


def _finish_imports() -> None:
    """Wait for other threads that import a module of this package: in the child it would stay locked for ever.

    Modules are imported when they are first needed, so any thread that computes may be one.
    """
    # The lock exists before the module does. Without this private table the children hang as those of any program do.
    locked: dict[str, Any] = getattr(_bootstrap, "_module_locks", {})
    for _ in range(8):  # those that this very thread is importing stay
        names = [name for name in tuple(locked) if name.partition(".")[0] in _OWN]
        if not names:
            return
        for name in names:
            with suppress(Exception):  # its importer is told
                import_module(name)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_finish_imports, after_in_child=_free_all)


def made_once(function: Callable[P, R]) -> Callable[P, R]:
    """Cache the results of a function that makes classes: all threads get the same one, unlike from `functools.cache`.

    Examples
    --------
    >>> make = made_once(lambda name: type(name, (), {}))
    >>> make("A") is make("A")
    True
    """
    found: dict[Any, R] = {}

    @functools.wraps(function)
    def call(*arguments: Any) -> R:
        try:
            return found[arguments]
        except KeyError:
            return found.setdefault(arguments, function(*arguments))  # type: ignore[call-arg]

    return call  # type: ignore[return-value]


#: Held while a gradient is added to what a tensor has. Reentrant, as that may run code of the user (a subclass, an
#: interceptor) which runs backward itself.
ACCUMULATION = new_lock()
#: Held while tensors that share memory change how they do, or, where arrays are immutable, are written.
MEMORY = new_lock()


def holds_lock() -> bool:
    """Whether this thread holds one of these, which others would wait for."""
    return bool(ACCUMULATION._is_owned() or MEMORY._is_owned())  # type: ignore[attr-defined]

"""The state that user code finds in a backward pass, restored when that code leaves another one behind.

Hooks, unpack hooks and a Function's backward may enter a context manager and not leave it. As in PyTorch, what they
change lasts until the node that they belong to has run. A pass keeps what it found when it first comes to such code, so
that one without any pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final

from pullback.tensor.backward_pass import PASSES, BackwardPass

#: What the names of this package's context variables begin with. Those of others are left as user code has set them.
_OURS = "pullback"


def enter_user_code() -> None:
    """Say that code of the user is about to run for a node."""
    running = PASSES.get()
    if running is not None and running.found is None:
        running.found = copy_context()


def leave_user_code() -> None:
    """Say that a node has run for which code of the user did: what it has changed is as it was again."""
    running = PASSES.get()
    if running is not None and running.found is not None:
        _restore_all(running.found)


def end_user_code(running: BackwardPass) -> None:
    """Say that no more code of the user will run in a pass in which some has."""
    if running.found is not None:
        _restore_all(running.found)
        running.found = None  # it has the pass in it


#: What ends, of the value a variable has, that which the value it shall have again does not hold.
END_LEFT_OPEN: Final[dict[ContextVar[Any], Callable[[Any, Any], None]]] = {}


def _restore_all(found: Context) -> None:
    """Give each context variable of this package the value that it had in ``found``."""
    now = copy_context()
    for variable in {*now, *found}:
        if variable.name.startswith(_OURS):
            _restore(variable, found)


def _restore(variable: ContextVar[Any], found: Context) -> None:
    value, then = variable.get(), found.run(variable.get)
    if value is then:
        return
    variable.set(then)
    if variable in END_LEFT_OPEN:
        END_LEFT_OPEN[variable](value, then)

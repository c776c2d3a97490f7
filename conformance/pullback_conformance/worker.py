"""The process in which operations run, so that one that hangs or ends it costs its own cell: ``python -m`` this module.

It gets a :class:`Task` after another on its standard input, and answers with :class:`Begun` and :class:`Done`, pickled.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import sys
import threading
import warnings
from queue import SimpleQueue
from typing import Any, NamedTuple

from pullback.extend import dtypes
from pullback_conformance.attempt import Attempt, Loss, Step
from pullback_conformance.record import Cell
from pullback_conformance.runner import Runner, Selection, Unit, known_rows


class Settings(NamedTuple):
    """What a worker is started with."""

    path: list[str]
    subject: str
    reference: str
    selection: Selection


class Task(NamedTuple):
    """An operation or a method of the backend in a dtype, by their names, and the steps to leave out."""

    operation: str
    dtype: str
    losses: tuple[Loss, ...]


class Ready(NamedTuple):
    """The worker has loaded the backends."""


class Begun(NamedTuple):
    """A step begins."""

    step: Step


class Done(NamedTuple):
    """A task is done."""

    cells: list[Cell]


def main() -> None:
    """Work until the standard input ends."""
    # What kernels print or read is no part of the conversation.
    given, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    faulthandler.enable()

    def answer(message: Any) -> None:
        pickle.dump(message, answers)
        answers.flush()

    settings: Settings = pickle.load(given)
    sys.path[:] = settings.path
    tasks: SimpleQueue[Task] = SimpleQueue()
    threading.Thread(target=_receive, args=(given, tasks), daemon=True).start()
    warnings.simplefilter("ignore")
    runner = Runner(settings.subject, settings.reference, settings.selection)
    rows = known_rows()  # imports what declares them
    answer(Ready())
    while True:
        task = tasks.get()
        unit = Unit(rows[task.operation], dtypes.by_name[task.dtype])
        attempt = Attempt(task.losses, lambda step: answer(Begun(step)))
        answer(Done(runner.execute(unit, attempt)))


def _receive(given: Any, tasks: SimpleQueue[Task]) -> None:
    """Take tasks from the standard input; once it ends, whoever gave them is gone, and so is this process."""
    while True:
        try:
            tasks.put(pickle.load(given))
        except (EOFError, OSError):
            os._exit(0)


if __name__ == "__main__":
    # The classes are pickled by the module's name, which is another one here.
    from pullback_conformance.worker import main as work

    work()

"""Ctrl-C while a run goes on: the run ends at once, and its record is written all the same."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """Notes that the user, or the system, wants an end, instead of raising KeyboardInterrupt wherever the program is.

    Attributes
    ----------
    wanted : bool
        Whether an end is wanted.
    can_wait : bool
        Whether somebody looks at ``wanted`` all the time. While it is False, as backends are loaded, a second Ctrl-C
        raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.wanted = False
        self.can_wait = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.wanted and not self.can_wait:
            raise KeyboardInterrupt
        self.wanted = True

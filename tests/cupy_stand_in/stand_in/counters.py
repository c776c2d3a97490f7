"""How often the host has waited for the device, copied from or to it, and started a kernel."""

from __future__ import annotations

import threading
from collections import Counter


class _Counters(threading.local):
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()


_here = _Counters()


def count(what: str) -> None:
    _here.counts[what] += 1


def counted(what: str) -> int:
    """How often something has happened in this thread: "synchronizations", "kernels", "to host" or "to device"."""
    return _here.counts[what]

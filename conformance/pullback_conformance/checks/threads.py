"""Whether a call gives the same in many threads at once as it gives alone."""

from __future__ import annotations

import threading
from typing import Any, Final

from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import Finding
from pullback_conformance.checks.state import other_values
from pullback_conformance.moving import bits_of

#: How many threads call at once, and how often each.
_THREADS: Final = 8
_CALLS: Final = 6


def threads(case: Case) -> Finding:
    """Call from eight threads at once, in half of them with other values, and compare with what each gives alone."""
    calls = [case.on(case.subject) if number % 2 else other_values(case) for number in range(_THREADS)]
    alone = [bits_of(call.run()) for call in calls]
    found = _at_once(calls)
    for number, (expected, results) in enumerate(zip(alone, found, strict=True)):
        if isinstance(results, BaseException):
            return Finding(f"raised in a thread: {type(results).__name__}: {results}", program=_PROGRAM)
        if any(result != expected for result in results):
            return Finding(
                f"gives something else in thread {number} of {_THREADS} at once than alone", program=_PROGRAM
            )
    return Finding()


def _at_once(calls: list[Call]) -> list[Any]:
    """The bits of each thread's results, or what it raised."""
    start = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def work(number: int) -> None:
        try:
            start.wait()
            found[number] = [bits_of(calls[number].run()) for _ in range(_CALLS)]
        except BaseException as error:  # it is told by the thread that waits
            found[number] = error

    workers = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found


_PROGRAM: Final = [
    "from concurrent.futures import ThreadPoolExecutor",
    "want = str([r.tolist() for r in flat(run())])",
    f"with ThreadPoolExecutor({_THREADS}) as pool:",
    "    for results in pool.map(lambda _: flat(run()), range(1000)):",
    "        assert str([r.tolist() for r in results]) == want, results",
]

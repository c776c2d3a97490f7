"""How many of the planted defects the suite finds: it is run on each, in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from pullback.extend import Backend, import_all, registry
from pullback_conformance.isolation import Isolated
from pullback_conformance.record import Cell
from pullback_conformance.runner import Runner, Selection, backend_named
from pullback_conformance.selftest import planted
from pullback_conformance.selftest.catalogue import catalogue
from pullback_conformance.selftest.defect import CONTRACT, Defect

#: The backends without a defect.
CLEAN = ("Loopback", "ImmutableLoopback")

#: Seconds after which a cell of a defect that ends the process is given up.
_CELL_LIMIT = 5.0

#: What became of a defect, from best to worst.
BY_ITS_CHECK, BY_ANOTHER_CHECK, ELSEWHERE, MISSED, NO_RECORD = (
    "by the check meant for it", "by another check", "in another operation", "missed", "missed: the run left no record",
)  # fmt: skip


class Settings(NamedTuple):
    """What is run.

    Attributes
    ----------
    tiers : tuple of str
    kinds : tuple of str
        Only defects of these; empty for all.
    all_operations : bool
        Run everything on every defect, not only what it can strike and its neighbours.
    jobs : int
        How many processes at a time.
    limit : float
        The seconds after which a run is ended.
    """

    tiers: tuple[str, ...] = ("smoke", "standard")
    kinds: tuple[str, ...] = ()
    all_operations: bool = False
    seed: int = 0
    jobs: int = 2
    limit: float = 120.0
    examples: int = 0


class Run(NamedTuple):
    """One run of the suite: a backend of :mod:`.planted` by its name, a tier, and the operations; none for all.

    Attributes
    ----------
    in_workers : bool
        Whether cells run in processes of their own, as they do for users: where the defect ends the process.
    further : tuple of str
        What is run if nothing else is bad.
    check : str
        The check with which the run may end, once it is bad in one of the ``operations``.
    examples : int
        How many calls are drawn for each operation and dtype.
    """

    backend: str
    tier: str
    operations: tuple[str, ...]
    seed: int
    in_workers: bool = False
    further: tuple[str, ...] = ()
    check: str = ""
    examples: int = 0


@dataclass
class Result:
    """What the suite said of one backend in one tier.

    Attributes
    ----------
    bad : list of (operation, dtype, check)
        The cells that failed or were not run.
    problem : str
        Why there is no record; empty where there is one.
    """

    backend: str
    tier: str
    bad: list[tuple[str, str, str]] = field(default_factory=list)
    cells: int = 0
    seconds: float = 0.0
    problem: str = ""


@dataclass
class Measured:
    """The whole measurement."""

    settings: dict[str, Any]
    clean: list[Result]
    defects: dict[str, dict[str, str]]  # by name and tier: what became of it
    found: dict[str, dict[str, list[str]]]  # by name and tier: the cells that found it
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether the loopbacks without a defect pass."""
        return not any(result.bad or result.problem for result in self.clean)

    def as_dict(self) -> dict[str, Any]:
        """The measurement for JSON."""
        return {"format": 1, **asdict(self)}


def neighbours(operations: Sequence[str], count: int = 2) -> list[str]:
    """Operations of the files of some others: those that follow them there, by name."""
    found: list[str] = []
    for name in operations:
        if name not in registry:
            continue
        family = sorted(n for n in registry if registry[n].module == registry[name].module)
        place = family.index(name)
        found += [n for n in (family[place + 1 :] + family[:place])[:count] if n not in operations]
    return found


def operations_for(defect: Defect, known: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is run on a defect: what it can strike, and if that shows nothing some neighbours and the backend itself."""
    of_the_backend = [name for name in known if name not in registry]
    struck = [name for name in defect.operations if name in known]
    if set(CONTRACT) & set(defect.operations):
        struck += of_the_backend
    near = [name for name in neighbours(struck or ["add"])[:3] if name in known]
    return tuple(struck), tuple(name for name in [*near, *of_the_backend] if name not in struck)


def judged(defect: Defect, result: Result, clean: Result) -> tuple[str, list[str]]:
    """What became of a defect, and the cells that found it: bad ones that are not bad without the defect."""
    if result.problem:
        return NO_RECORD, []
    before = {tuple(cell) for cell in clean.bad}
    bad = [cell for cell in result.bad if tuple(cell) not in before]
    cells = ["-".join(cell) for cell in bad]
    if not bad:
        return MISSED, []
    struck = {*defect.operations, *(cell[0] for cell in bad if cell[0] not in registry)}
    in_its_operations = [check for operation, _, check in bad if operation in struck]
    if defect.check in in_its_operations:
        return BY_ITS_CHECK, cells
    return (BY_ANOTHER_CHECK if in_its_operations else ELSEWHERE), cells


def measure(settings: Settings, progress: Callable[[int, int], None] | None = None) -> Measured:
    """Run the suite on the clean loopbacks and on every defect of the kinds selected."""
    start = time.perf_counter()
    import_all()
    known = [row.name for row in Runner("numpy", "numpy").rows()]
    chosen = [d for d in catalogue().values() if not settings.kinds or d.kind in settings.kinds]
    runs = [Run(name, tier, (), settings.seed, examples=settings.examples) for tier in settings.tiers for name in CLEAN]
    for tier in settings.tiers:
        for defect in chosen:
            struck, further = ((), ()) if settings.all_operations else operations_for(defect, known)
            check = "" if settings.all_operations else defect.check
            ends = defect.ends_the_process
            runs.append(Run(defect.name, tier, struck, settings.seed, ends, further, check, settings.examples))
    results = {}
    for number, result in enumerate(_run_all(runs, settings), 1):
        results[result.backend, result.tier] = result
        if progress is not None:
            progress(number, len(runs))
    measured = Measured(settings._asdict(), [results[n, t] for t in settings.tiers for n in CLEAN], {}, {})
    for defect in chosen:
        for tier in settings.tiers:
            clean = results[CLEAN[0] if defect.mutable else CLEAN[1], tier]
            what, cells = judged(defect, results[defect.name, tier], clean)
            measured.defects.setdefault(defect.name, {})[tier] = what
            measured.found.setdefault(defect.name, {})[tier] = cells
    measured.seconds = time.perf_counter() - start
    return measured


def suite_on(run: Run) -> Result:
    """Run the suite in this process, or in its workers. What a defect breaks in the core stays broken in this one."""
    start = time.perf_counter()
    cells: list[Cell] = []
    name = f"{planted.__name__}:{run.backend}"
    # Made once: what a defect breaks in the core cannot be broken twice. Workers make their own.
    subject = name if run.in_workers else backend_named(name)
    for operations in (run.operations, run.further):
        if operations or not run.further:
            cells += _cells(run, operations, subject)
        if any(cell.outcome.is_bad for cell in cells) or not run.further:
            break
    bad = [(c.operation, c.dtype, c.check) for c in cells if c.outcome.is_bad]
    return Result(run.backend, run.tier, bad, len(cells), time.perf_counter() - start)


def _cells(run: Run, operations: tuple[str, ...], subject: Backend | str) -> list[Cell]:
    """What becomes of some operations, until the check that is meant to be bad is."""
    selection = Selection(run.tier, operations, seed=run.seed, examples=run.examples)
    runner = Runner(subject, "numpy", selection)
    if run.in_workers:
        return Isolated(runner, timeout=_CELL_LIMIT).run().cells
    cells: list[Cell] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for unit in runner.units():
            done = runner.run_unit(unit)
            cells += done
            if run.check and any(cell.check == run.check and cell.outcome.is_bad for cell in done):
                return cells
    return [*cells, *runner.judge_limitations()]


def _child(run: Run, connection: Connection) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # so that its own processes end with it
    try:
        result = suite_on(run)
    except Exception as error:
        result = Result(run.backend, run.tier, problem=f"{type(error).__name__}: {error}")
    connection.send(result)


class _Running(NamedTuple):
    run: Run
    process: Any
    connection: Connection
    until: float


def _run_all(runs: list[Run], settings: Settings) -> Iterator[Result]:
    # Forked processes need not import everything again; beside other threads, and XLA has some of its own, a fork may
    # find a lock taken for ever.
    alone = threading.active_count() == 1 and "jax" not in sys.modules
    may_fork = alone and "fork" in multiprocessing.get_all_start_methods()
    method = "fork" if may_fork else "spawn"
    context: Any = multiprocessing.get_context(method)
    waiting, running = list(reversed(runs)), []
    while waiting or running:
        while waiting and len(running) < settings.jobs:
            run = waiting.pop()
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(run, sender))
            process.start()
            sender.close()
            patience = 30 if run.in_workers or not run.operations else 1
            running.append(_Running(run, process, receiver, time.monotonic() + settings.limit * patience))
        handles = [h for one in running for h in (one.connection, one.process.sentinel)]
        wait(handles, timeout=max(0.0, min(one.until for one in running) - time.monotonic()))
        left = []
        for one in running:
            result = _result_of(one, settings.limit)
            if result is None:
                left.append(one)
            else:
                yield result
        running = left


def _result_of(one: _Running, limit: float) -> Result | None:
    """What a process said, or why it says nothing; None while it is at it."""
    name, tier = one.run.backend, one.run.tier
    if one.connection.poll():
        try:
            result: Result = one.connection.recv()
        except EOFError:
            one.process.join()
            return Result(name, tier, problem=f"the process ended with status {one.process.exitcode}")
        one.process.join(5)
        _end(one.process)
        return result
    if not one.process.is_alive() and not one.connection.poll():
        return Result(name, tier, problem=f"the process ended with status {one.process.exitcode}")
    if time.monotonic() > one.until:
        _end(one.process)
        return Result(name, tier, problem=f"it took more than {limit:g} seconds")
    return None


def _end(process: Any) -> None:
    """End a process, and those that it started."""
    if process.is_alive():
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()

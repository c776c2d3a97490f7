"""Running the grid in worker processes: one that hangs or ends costs its cell, and the run goes on in a fresh one."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from queue import Empty, Queue
from typing import Any, Final

from pullback_conformance.attempt import SAMPLES, Loss, Step
from pullback_conformance.interrupts import Interrupts
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult
from pullback_conformance.runner import INTERRUPTED, STOPPED, Runner, Unit
from pullback_conformance.worker import Begun, Done, Ready, Settings, Task

#: Seconds that a worker may take to load its backends.
_LOADING: Final = 300.0
#: Seconds between two looks at the clock and at whether an end is wanted.
_TICK: Final = 0.1

#: The functions of this suite that call what may hang: the thread that is in one of them is the one to be told of.
_FRAMES: Final = ("_run_check", "_forward_failure", "run_probe")

Progress = Callable[[Unit, list[Cell]], None]


class WorkerError(RuntimeError):
    """A worker process does not start."""


class Worker:
    """A process that runs one unit after another.

    Attributes
    ----------
    unit : Unit or None
        What it is at.
    step : Step
        Where in the unit it is.
    since : float
        When that step began.
    """

    def __init__(self, settings: Settings, inbox: Queue[tuple[Worker, Any]]) -> None:
        self.unit: Unit | None = None
        self.step = Step(SAMPLES)
        self.since = time.monotonic()
        self.is_ready = False
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  the process writes to it as long as it lives
        self._said_before = 0
        self._last_words = ""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, settings.path))}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pullback_conformance.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            start_new_session=True,  # a terminal's Ctrl-C is for the process that keeps the record
        )
        self._send(settings)
        self._listener = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self._listener.start()

    def _send(self, message: Any) -> None:
        given = self._process.stdin
        assert given is not None
        try:
            pickle.dump(message, given)
            given.flush()
        except OSError:  # it has ended: the one who listens to it says so
            pass

    def _listen(self, inbox: Queue[tuple[Worker, Any]]) -> None:
        answers = self._process.stdout
        assert answers is not None
        while True:
            try:
                message = pickle.load(answers)
            except Exception:  # its end, whatever half of a message it leaves
                inbox.put((self, None))
                return
            inbox.put((self, message))

    def start(self, unit: Unit, losses: list[Loss]) -> None:
        """Give the worker something to do."""
        self.unit, self.step, self.since = unit, Step(SAMPLES), time.monotonic()
        self._said_before = os.fstat(self._said.fileno()).st_size
        self._send(Task(unit.operation.name, unit.dtype.name, tuple(losses)))

    def begin(self, step: Step) -> None:
        """Note where it is."""
        self.step, self.since = step, time.monotonic()

    def end(self, *, abort: bool = False) -> None:
        """End the process; with ``abort`` it says first where it is."""
        if self._process.poll() is None and abort and os.name == "posix":
            self._process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2.0)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._listener.join(1.0)
        self._last_words = self.said()
        streams = [self._process.stdin, self._said, None if self._listener.is_alive() else self._process.stdout]
        for stream in streams:
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def ending(self) -> str:
        """How the process ended by itself."""
        try:
            status = self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            return "closed its streams"
        if status >= 0:
            return f"ended the process with status {status}{self.place()}"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"ended the process with {name}{self.place()}"

    def place(self) -> str:
        """Where the process was when it was ended, if it has said so."""
        found = re.findall(r"\(most recent call first\):\n((?:  File .*\n?)+)", self.said())
        frames = next((f for f in found if any(f"in {name}" in f for name in _FRAMES)), found[0] if found else "")
        match = re.match(r'  File "(.*)", line (\d+) in (.*)', frames)
        if match is not None:
            return f", in {match[3]} ({match[1]}, line {match[2]})"
        said = self.said().strip()
        return f": {said.splitlines()[-1]}" if said.startswith("Traceback") else ""

    def said(self) -> str:
        """What the process has written to its standard streams since it got its unit."""
        if self._said.closed:
            return self._last_words
        self._said.seek(self._said_before)
        return self._said.read().decode(errors="replace")


class Isolated:
    """A run in worker processes.

    Parameters
    ----------
    runner : Runner
        What to run; made with names of backends, which a worker can find.
    jobs : int
        How many workers.
    timeout : float
        Seconds that one sample of a cell may take.
    fail_fast : bool
        Whether to stop at the first cell that is bad.
    first : collection of tuple
        Names of operation and dtype to begin with.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        jobs: int = 1,
        timeout: float = 60.0,
        fail_fast: bool = False,
        first: Collection[tuple[str, str]] = (),
        interrupts: Interrupts | None = None,
    ) -> None:
        if runner.names is None:
            raise ValueError("a backend that is given as an object cannot be run in another process")
        self.runner = runner
        self.timeout = timeout
        self.fail_fast = fail_fast
        self._interrupts = interrupts or Interrupts()
        self._settings = Settings(list(sys.path), *runner.names, runner.selection)
        self._inbox: Queue[tuple[Worker, Any]] = Queue()
        self._units = runner.units()
        self._waiting = deque(sorted(self._units, key=lambda u: (u.operation.name, u.dtype.name) not in first))
        self._losses: dict[Unit, list[Loss]] = {}
        self._done: dict[Unit, list[Cell]] = {}
        self._workers: list[Worker] = []
        self._jobs = max(1, min(jobs, len(self._units)))
        self._has_failed = False

    def run(self, progress: Progress | None = None) -> Record:
        """Run everything; ended by Ctrl-C, give what was run, and list what was not."""
        record = self.runner.record()
        start = time.perf_counter()
        missing = INTERRUPTED
        self._interrupts.can_wait = True
        try:
            self._workers = [self._worker() for _ in range(self._jobs)]
            while len(self._done) < len(self._units):
                if self._interrupts.wanted:
                    break
                if self.fail_fast and self._has_failed:
                    missing = STOPPED
                    break
                self._hear(progress)
                self._watch(progress)
        finally:
            for worker in self._workers:
                worker.end()
        self.runner.complete_record(record, self._units, self._done, missing)
        record.seconds = time.perf_counter() - start
        return record

    def _worker(self) -> Worker:
        return Worker(self._settings, self._inbox)

    def _hear(self, progress: Progress | None) -> None:
        """Take what workers have to say, all that is there or comes within a moment."""
        try:
            worker, message = self._inbox.get(timeout=_TICK)
        except Empty:
            return
        while True:
            if worker in self._workers:
                self._take(worker, message, progress)
            try:
                worker, message = self._inbox.get_nowait()
            except Empty:
                return

    def _take(self, worker: Worker, message: Any, progress: Progress | None) -> None:
        if isinstance(message, Begun):
            worker.begin(message.step)
        elif isinstance(message, Ready):
            worker.is_ready = True
            self._give(worker)
        elif isinstance(message, Done):
            assert worker.unit is not None
            self._finish(worker.unit, self.runner.judged(message.cells), progress)
            self._give(worker)
        else:
            self._lose(worker, worker.ending(), progress)

    def _give(self, worker: Worker) -> None:
        if self._waiting:
            unit = self._waiting.popleft()
            worker.start(unit, self._losses.get(unit, []))
        else:
            worker.unit = None

    def _finish(self, unit: Unit, cells: list[Cell], progress: Progress | None) -> None:
        self._done[unit] = cells
        self._has_failed = self._has_failed or any(cell.outcome.is_bad for cell in cells)
        if progress is not None:
            progress(unit, cells)

    def _watch(self, progress: Progress | None) -> None:
        """End the workers that take too long."""
        now = time.monotonic()
        for worker in tuple(self._workers):
            if worker.is_ready and worker.unit is None:
                continue
            limit = self.timeout if worker.is_ready else _LOADING
            if now - worker.since > limit:
                worker.end(abort=True)
                self._lose(worker, f"gave no answer within {limit:g} s{worker.place()}", progress)

    def _lose(self, worker: Worker, reason: str, progress: Progress | None) -> None:
        """Go on with a fresh worker after one has ended, without the step that ended it."""
        worker.end()
        unit = worker.unit
        if not worker.is_ready:
            raise WorkerError(f"a worker process does not start, it {reason}\n{worker.said().strip()}")
        if unit is not None:
            losses = self._losses.setdefault(unit, [])
            if worker.step.check == SAMPLES:
                reason = f"while samples were made, it {reason}"
                self._finish(unit, self.runner.judged(self.runner.cells_not_run(unit, reason)), progress)
            elif any(loss.step == worker.step for loss in losses):
                self._finish(unit, self.runner.judged(self._lost_cells(unit, losses)), progress)
            else:
                losses.append(Loss(worker.step, reason))
                self._waiting.appendleft(unit)
        self._workers.remove(worker)
        if self._waiting:
            self._workers.append(self._worker())

    def _lost_cells(self, unit: Unit, losses: list[Loss]) -> list[Cell]:
        """The cells of a unit that could not be finished, because even to tell of a loss loses the worker."""
        cells = self.runner.cells_not_run(unit, f"sample {losses[-1].step.label} {losses[-1].reason}")
        reasons = {loss.step.check: loss for loss in losses}
        for cell in cells:
            loss = reasons.get(cell.check)
            if loss is not None:
                cell.samples = [SampleResult(loss.step.label, Outcome.FAILED.value, message=loss.reason)]
        return cells

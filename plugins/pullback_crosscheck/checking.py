"""The block inside which every operation is run on a second backend too."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ContextDecorator
from threading import RLock
from typing import Any, Final, Literal

import numpy as np

from pullback.extend import (
    AroundKernels,
    Backend,
    MissingKernelError,
    Operation,
    SourceLine,
    Tensor,
    did_you_mean,
    get_backend,
    node_in_backward,
    run_alone,
    users_line,
)
from pullback.random import default_generator
from pullback_crosscheck.comparison import Comparison, Verdict, limitation
from pullback_crosscheck.divergence import Carried, Divergence, DivergenceError, DivergenceWarning
from pullback_crosscheck.operands import Call, Held, held_array
from pullback_crosscheck.report import Report
from pullback_crosscheck.script import script_for
from pullback_crosscheck.shadows import Shadow, Shadows

MODES: Final = ("raise", "warn", "collect")
#: Nodes whose lines are remembered.
_REMEMBERED: Final = 100_000


class crosscheck(AroundKernels, ContextDecorator):
    """Run every operation inside the block on a second backend too, forward and backward, and compare the results.

    The program's own results are those that it has without: bit for bit, on its own backend. Each operation is judged
    by itself, on the operands that it had, so the operation that is named is the one that went wrong, not one that
    passed on what it got.

    Parameters
    ----------
    backend : str or Backend
        The second backend.
    mode : {"raise", "warn", "collect"}
        Raise :class:`DivergenceError` at the first operation whose results differ, warn of each with a
        :class:`DivergenceWarning`, or only note them in the report.
    rate : float, default 1.0
        The share of operations that are checked. Which ones follows from ``seed`` and their order.
    seed : int, default 0
    shadow : bool, default False
        Keep beside each array what the second backend makes of its *own* results, so that the report tells which
        operations passed a divergence on, and how large it became. It needs ``rate=1``.

    Returns
    -------
    Report
        What ``with ... as`` gives; it is filled in as the program runs.

    Raises
    ------
    UnknownBackendError
        Where there is no such backend: it lists those there are.
    ValueError
        For an unknown mode or a rate outside of 0 to 1.

    Notes
    -----
    What cannot be compared is counted as skipped, with the reason, and never said to differ: operations on the second
    backend itself, dtypes and kernels it lacks, declared limitations, random draws from a generator that another thread
    used meanwhile, subnormal numbers where a backend takes them for zero. A block holds in its thread or asyncio task;
    ``PULLBACK_CROSSCHECK`` holds in all of them.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback_crosscheck import crosscheck
    >>> with crosscheck("numpy", mode="collect") as report:
    ...     y = pb.arange(3.0).exp()
    >>> print(report)
    0 calls compared with numpy: 0 differ; 1 skipped
      operation  checked  differ  skipped  worst ulp
      exp              0       0        1          0
    skipped, since:
      1 times: the operation runs on numpy itself
    """

    def __init__(
        self,
        backend: str | Backend,
        *,
        mode: Literal["raise", "warn", "collect"] = "raise",
        rate: float = 1.0,
        seed: int = 0,
        shadow: bool = False,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}{did_you_mean(str(mode), MODES)}")
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be between 0 and 1, not {rate!r}")
        if shadow and rate != 1:
            raise ValueError("shadow=True follows every operation: it needs rate=1")
        self.second = get_backend(backend)
        self.mode = mode
        self.rate, self.seed = rate, seed
        self.report = Report(self.second.name)
        self._shadows = Shadows() if shadow else None
        self._number = 0
        self._lines: OrderedDict[int, SourceLine] = OrderedDict()
        self._lock = RLock()

    def _value_inside(self) -> Report:
        return self.report

    def run(
        self, operation: Operation, operands: list[Any], attributes: dict[str, Any], proceed: Callable[[], Any]
    ) -> Any:
        with self._lock:
            number, self._number = self._number, self._number + 1
            sampled = self.rate == 1 or _share(self.seed, number) < self.rate
            if not sampled:
                self.report.of(operation.name).unsampled += 1
        if not sampled:
            return proceed()
        backend = next(value.backend for value in operands if isinstance(value, Tensor))
        call = self._attempt(operation, lambda: self._taken(operation, operands, attributes, backend))
        result = proceed()
        if call is None:
            return result
        results = list(result) if operation.outputs is not None else [result]
        found = self._attempt(
            operation, lambda: _Checked(self, call, backend, operands, results, number).outcome(attributes)
        )
        if found is not None:
            self._tell(found)
        return result

    def wrapped(self, tensors: list[Tensor]) -> None:
        """Remember the line that made a node, for what is found in its backward pass."""
        edge: Any = tensors[0].edge if tensors else None
        if getattr(edge, "number", None) is not None:  # one of several results
            edge = edge.edges[0]
        sequence = getattr(edge, "sequence", None)
        if sequence is None:
            return
        line = users_line()
        with self._lock:
            self._lines[sequence] = line
            if len(self._lines) > _REMEMBERED:
                self._lines.popitem(last=False)

    def _attempt(self, operation: Operation, function: Callable[[], Any]) -> Any:
        """What a function returns that must not disturb the program; None, and a reason noted, where it fails."""
        try:
            return run_alone(function)
        except _Skipped as skipped:
            reason = str(skipped)
        except MissingKernelError as error:
            reason = f"{self.second.name} has no kernel {error.kernel!r}"
        except Exception as error:
            message = str(error).partition("\n")[0]
            reason = f"{type(error).__name__} in the check: {message}"
        with self._lock:
            self.report.skip(operation.name, reason)
        return None

    def _taken(self, operation: Operation, operands: list[Any], attributes: dict[str, Any], backend: Backend) -> Call:
        """A copy of the call, or the reason why it cannot be compared."""
        second = self.second
        if backend is second:
            raise _Skipped(f"the operation runs on {second.name} itself")
        call = Call.taken(operation, operands, attributes)
        for dtype in {held.dtype: None for held in call.tensors}:
            if dtype not in second.native_dtypes:
                raise _Skipped(f"{second.name} has no {dtype.name}")
            declared = limitation((backend, second), operation, dtype, case=False)
            if declared:
                raise _Skipped(declared)
        return call

    def _tell(self, divergence: Divergence) -> None:
        """Raise or warn of a divergence that has been noted."""
        if self.mode == "raise":
            raise DivergenceError(divergence)
        if self.mode == "warn" and divergence.count == 1:
            line = divergence.line
            warnings.warn_explicit(DivergenceWarning(str(divergence)), None, line.file, line.line)


class _Skipped(Exception):
    """A call that is not compared, with the reason."""


class _Checked:
    """One call that the program has made, compared."""

    def __init__(
        self, check: crosscheck, call: Call, backend: Backend, operands: list[Any], results: list[Any], number: int
    ) -> None:
        self.check = check
        self.call = call
        self.backends = (backend, check.second)
        self.operands = operands
        self.results = results
        self.number = number

    def outcome(self, attributes: dict[str, Any]) -> Divergence | None:
        """Note what the comparison finds; the divergence where that is to be told."""
        check, call = self.check, self.call
        got = [held_array(self.backends[0], native) for native in self.results]
        written = self._written_operand()
        native = call.run_on(check.second)
        expected = [held_array(check.second, part) for part in native]
        if call.drawn_to is not None:
            generator = attributes.get("generator") or default_generator
            if copy.copy(generator).__reduce__() != call.drawn_to.__reduce__():
                raise _Skipped("another thread drew from the generator meanwhile")
        verdict = Comparison(call, self.backends).verdict(got, expected)
        if written:
            verdict = Verdict(np.inf, problem=written)
        elif verdict.excuse:
            raise _Skipped(verdict.excuse)
        divergence = self._divergence(verdict, expected) if verdict.problem else None
        with check._lock:
            counts = check.report.of(call.operation.name)
            counts.checked += 1
            told = None
            if divergence is None:
                counts.worst_ulp = max(counts.worst_ulp, verdict.ulp)
            else:
                told = divergence if check.report.add(divergence) else None
            if check._shadows is not None:
                self._follow(check._shadows, got, expected, divergence)
        return divergence if check.mode == "raise" else told

    def _divergence(self, verdict: Verdict, expected: list[Held]) -> Divergence:
        call, names = self.call, (self.backends[0].name, self.backends[1].name)
        node = node_in_backward()
        title = f"{call.operation.name} on {names[0]}, compared with {names[1]}: {verdict.problem}"
        return Divergence(
            operation=call.operation.name,
            backends=names,
            problem=verdict.problem,
            ulp=verdict.ulp,
            allowed=verdict.allowed,
            where=verdict.where,
            line=users_line(),
            node="" if node is None else node.name(),
            made_at=None if node is None else self.check._lines.get(node.sequence),
            operands=call.summaries(),
            repro=script_for(call, title, self.backends, verdict, expected[verdict.output]),
            number=self.number,
        )

    # -- operands that are other ones after the call

    def _written_operand(self) -> str:
        """Which operand the kernel has written into; a skip where somebody else may have."""
        if self.call.overwrites or not self.backends[0].mutable:
            return ""
        tensors = [value for value in self.operands if isinstance(value, Tensor)]
        for position, tensor in enumerate(tensors):
            if not _same_bits(held_array(self.backends[0], tensor.array), self.call.tensors[position]):
                if not self._writes_again(position):
                    raise _Skipped("another thread wrote into an operand meanwhile")
                return f"the kernel wrote into operand {position} ({self.call.summaries()[position].name})"
        return ""

    def _writes_again(self, position: int) -> bool:
        """Whether the program's backend writes into copies of the operands as well."""
        made: list[Tensor] = []

        def copied(held: Held) -> Tensor:
            native = self.backends[0].from_data(np.array(held.array, order="C"), held.dtype, None)
            made.append(Tensor._wrap(native, self.backends[0]))
            return made[-1]

        self.call.run_with(copied)
        return not _same_bits(held_array(self.backends[0], made[position].array), self.call.tensors[position])

    # -- what the second backend makes of its own results

    def _follow(self, shadows: Shadows, got: list[Held], expected: list[Held], divergence: Divergence | None) -> None:
        """Run the call on the shadows of its operands, compare, and keep the shadows of the results."""
        call, operation = self.call, self.call.operation
        found = [shadows.of(held.array) for held in call.tensors]
        origins = frozenset().union(*(shadow.origins for shadow in found if shadow is not None))
        own = expected
        if any(shadow is not None for shadow in found):
            own = self._on_shadows(found) or got
        ulp = 0.0
        comparable = [mine.array.shape for mine in got] == [other.array.shape for other in own]
        if not comparable:
            own = got
        elif divergence is None and own is not expected:
            verdict = Comparison(call, self.backends).verdict(got, own)
            if verdict.problem:
                ulp = verdict.ulp
        if divergence is not None:
            divergence.origins = sorted(origins - {divergence.number})
            origins = origins | {divergence.number}
        elif ulp and origins:
            node = node_in_backward()
            name = "" if node is None else node.name()
            self.check.report.pass_on(Carried(operation.name, users_line(), name, tuple(sorted(origins)), ulp))
        elif ulp:
            self.check.report.of(operation.name).drifted += 1
        for mine, other in zip(got, own, strict=True):
            same = other is mine or _same_bits(mine, other)
            shadows.keep(mine.array, Shadow(other.array, frozenset() if same else origins))

    def _on_shadows(self, found: list[Shadow | None]) -> list[Held] | None:
        def shadow_of(number: int, held: Held) -> Any:
            shadow = found[number]
            return held.array if shadow is None else shadow.array

        try:
            native = self.call.run_on(self.check.second, shadow_of)
        except Exception:  # other elements may be none that the operation takes: begin anew
            return None
        return [held_array(self.check.second, part) for part in native]


def _same_bits(one: Held, other: Held) -> bool:
    return bool(one.array.tobytes() == other.array.tobytes())


def _share(seed: int, number: int) -> float:
    """A number between 0 and 1 for each operation, the same for a seed in each run (SplitMix64)."""
    mask = (1 << 64) - 1
    word = (seed * 0xD1342543DE82EF95 + (number + 1) * 0x9E3779B97F4A7C15) & mask
    word = ((word ^ word >> 30) * 0xBF58476D1CE4E5B9) & mask
    word = ((word ^ word >> 27) * 0x94D049BB133111EB) & mask
    return float((word ^ word >> 31) / (1 << 64))

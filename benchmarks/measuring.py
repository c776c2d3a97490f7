"""Timing several subjects side by side, and what a benchmark reports.

Absolute times change with the machine and with whatever else runs on it. Ratios of two times taken within
the same fraction of a second hold much better, so every subject is timed once in each round, the rounds
rotate the order, and what is reported is the median over the rounds of the ratio to the baseline.
The garbage collector stays on, as it is in users' programs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from time import perf_counter
from typing import Any

import numpy as np

Run = Callable[[], Any]
Sampler = Callable[[], float]


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int
    block_seconds: float
    processes: int  # rounds where each sample is a process of its own

    @classmethod
    def full(cls) -> Effort:
        return cls(rounds=31, block_seconds=0.02, processes=15)

    @classmethod
    def quick(cls) -> Effort:
        return cls(rounds=7, block_seconds=0.01, processes=3)


@dataclass
class Report:
    """One table of results, for the terminal and for Markdown."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|" + "|".join([" --- "] + [" ---: "] * (len(self.columns) - 1)) + "|")
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines) + "\n"


def timed_block(run: Run, seconds: float) -> Sampler:
    """A sampler that gives the time of one ``run()``, averaged over a block of about ``seconds``."""
    run()  # the first calls may compile or fill caches
    run()
    number = 1
    while True:
        elapsed = _elapsed(run, number)
        if elapsed >= seconds:
            break
        number = max(number + 1, int(number * min(10.0, 1.1 * seconds / max(elapsed, 1e-9))))

    def sample() -> float:
        run()  # the previous subject's data is still in the processor's caches
        return _elapsed(run, number) / number

    return sample


def _elapsed(run: Run, number: int) -> float:
    start = perf_counter()
    for _ in repeat(None, number):
        run()
    return perf_counter() - start


def require_equal_results(runs: Mapping[str, Run], rtol: float = 1e-4) -> None:
    """Run each subject once: a benchmark of programs that compute different things says nothing."""
    expected = None
    for label, run in runs.items():
        value = _array(run())
        if expected is None:
            first, expected = label, value
        np.testing.assert_allclose(value, expected, rtol=rtol, atol=1e-6, err_msg=f"{label} against {first}")


def _array(result: Any) -> Any:
    if hasattr(result, "detach"):  # a tensor
        result = result.detach()
    return np.asarray(getattr(result, "_value", result), dtype=np.float64)  # `_value`: in a box of autograd's


def interleaved(samplers: Mapping[str, Sampler], rounds: int) -> dict[str, list[float]]:
    """The samples of each subject; the n-th samples of all of them were taken one after another."""
    labels = list(samplers)
    samples: dict[str, list[float]] = {label: [] for label in labels}
    for turn in range(rounds):
        shift = turn % len(labels)
        for label in labels[shift:] + labels[:shift]:
            samples[label].append(samplers[label]())
    return samples


def ratios(samples: list[float], baseline: list[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of the ratio within each round."""
    each = [sample / base for sample, base in zip(samples, baseline, strict=True)]
    if len(each) == 1:
        return each[0], each[0], each[0]
    low, median, high = statistics.quantiles(each, n=4, method="inclusive")
    return low, median, high


def duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def compare(
    title: str,
    samplers: Mapping[str, Sampler],
    rounds: int,
    baseline: str,
    targets: Mapping[str, float] | None = None,
) -> Report:
    """Measure the subjects in rounds, and report each one's time and its ratio to the baseline's."""
    samples = interleaved(samplers, rounds)
    targets = targets or {}
    rows = []
    for label, times in samples.items():
        low, ratio, high = ratios(times, samples[baseline])
        target = targets.get(label)
        verdict = "" if target is None else f"{target:g}: " + ("met" if ratio <= target else "missed")
        spread = "1" if label == baseline else f"{ratio:.2f} ({low:.2f} to {high:.2f})"
        best = f"{min(times) / min(samples[baseline]):.2f}"
        rows.append([label, duration(statistics.median(times)), spread, best, verdict])
    columns = ["", "median", f"ratio to {baseline}", "best ratio", "target"]
    return Report(title, columns, rows)


def compare_runs(
    title: str,
    runs: Mapping[str, Run],
    effort: Effort,
    baseline: str = "PyTorch",
    targets: Mapping[str, float] | None = None,
) -> Report:
    """Check that the subjects compute the same, then ``compare`` the time of a call of each."""
    require_equal_results(runs)
    samplers = {label: timed_block(run, effort.block_seconds) for label, run in runs.items()}
    return compare(title, samplers, effort.rounds, baseline, targets)

"""What reports call runs, outcomes and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record

#: The outcomes in the order that reports show them in: what was right first.
SHOWN: Final = (Outcome.PASSED, *(o for o in Outcome if o is not Outcome.PASSED))

#: A sign for each outcome, so that colours are not all there is to tell them by.
SYMBOLS: Final = {
    Outcome.PASSED: "",
    Outcome.FAILED: "✕",
    Outcome.NOT_RUN: "?",
    Outcome.EXPECTED: "e",
    Outcome.FALLBACK: "↷",
    Outcome.LIMITED: "!",
    Outcome.NO_ORACLE: "–",
    Outcome.UNSUPPORTED: "·",
}


def slug(outcome: Outcome) -> str:
    """An outcome as the name of a class in HTML."""
    return outcome.value.replace(" ", "-")


def run_labels(records: Sequence[Record]) -> list[str]:
    """A name for each run: its backend, with tier, seed or time where several have the same.

    Examples
    --------
    >>> def run(backend, tier="smoke", started="2026-01-01"):
    ...     return Record(backend, "numpy", tier, 0, started, {}, "", [])
    >>> run_labels([run("jax"), run("numpy"), run("numpy", "standard")])
    ['jax', 'numpy, smoke', 'numpy, standard']
    """
    names = [r.backend for r in records]
    for more in (
        lambda r: f"{r.backend}, {r.tier}",
        lambda r: f"{r.backend}, {r.tier}, seed {r.seed}",
        lambda r: f"{r.backend}, {r.tier}, {r.started}",
    ):
        count = Counter(names)
        if max(count.values(), default=1) == 1:
            break
        backends = {r.backend for r, name in zip(records, names, strict=True) if count[name] > 1}
        names = [more(r) if r.backend in backends else n for r, n in zip(records, names, strict=True)]
    count = Counter(names)
    if max(count.values(), default=1) > 1:
        names = [f"{number}. {name}" for number, name in enumerate(names, 1)]
    return names


def number(value: float) -> str:
    """An error or a bound, to three digits."""
    return f"{value:.3g}"

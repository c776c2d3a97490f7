"""One test for each cell of the grid; see :mod:`pullback_conformance.pytest_plugin`."""

from __future__ import annotations

import pytest

from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell


def test_cell(conformance_cell: Cell | None) -> None:
    """What became of the cell."""
    if conformance_cell is None:
        pytest.skip("the question arises for none of the operation's samples")
    outcome = conformance_cell.outcome
    samples = [s for s in conformance_cell.samples if s.outcome == outcome.value]
    reasons = [f"{outcome.value}: {s.sample}: {s.message}" for s in samples]
    if outcome.is_bad:
        pytest.fail("\n".join([*reasons, samples[0].script]), pytrace=False)
    if outcome in (Outcome.LIMITED, Outcome.FALLBACK):
        pytest.xfail(reasons[0])
    if outcome is Outcome.UNSUPPORTED:
        pytest.skip(reasons[0])

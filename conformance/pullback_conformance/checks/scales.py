"""How large the parts are that results are put together from, as far as the oracle knows."""

from __future__ import annotations

from typing import Any

from pullback_conformance.case import Case
from pullback_conformance.oracles.exact import NoOracle, OracleError


def scales_of(case: Case, count: int) -> list[Any]:
    """The scale of each of ``count`` results; None where nobody knows."""
    try:
        scales = case.oracle.values.scales
    except (NoOracle, OracleError):
        return [None] * count
    return scales if len(scales) == count else [None] * count

"""What ``--against`` names: one backend, and libraries that are no backends and so judge as oracles."""

from __future__ import annotations

from collections.abc import Sequence

from pullback_conformance.checks import OPTIONAL_ORACLES
from pullback_conformance.runner import SelectionError

#: Those of the optional oracles that are references rather than backends.
_LIBRARIES = frozenset({"torch"} & set(OPTIONAL_ORACLES))


def split_references(names: Sequence[str], default: str = "numpy") -> tuple[str, tuple[str, ...]]:
    """The backend to compare with, and the oracles to ask.

    Raises
    ------
    SelectionError
        If several backends are named: cells have one reference.

    Examples
    --------
    >>> split_references(["torch"])
    ('numpy', ('torch',))
    >>> split_references(["jax", "torch"])
    ('jax', ('torch',))
    """
    asked = tuple(name for name in dict.fromkeys(names) if name in _LIBRARIES)
    backends = [name for name in dict.fromkeys(names) if name not in _LIBRARIES]
    if len(backends) > 1:
        raise SelectionError(
            f"a run has one backend to compare with, not {' and '.join(backends)}: run it once for each, and put the"
            " records side by side with `pullback conformance report`"
        )
    return (backends[0] if backends else default), asked

"""What ``--against`` names: backends, and libraries that are no backends and so judge as oracles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pullback_conformance.checks import OPTIONAL_ORACLES

#: Those of the optional oracles that are references rather than backends.
_LIBRARIES = frozenset({"torch"} & set(OPTIONAL_ORACLES))


class References(NamedTuple):
    """What a backend is compared with.

    Attributes
    ----------
    first : str
        The backend whose results and refusals every check asks for.
    others : tuple of str
        Further backends, which the check ``others`` asks.
    oracles : tuple of str
        Libraries that are no backends.
    """

    first: str
    others: tuple[str, ...]
    oracles: tuple[str, ...]


def split_references(names: Sequence[str], default: str = "numpy") -> References:
    """The backends to compare with, and the oracles to ask.

    Examples
    --------
    >>> split_references(["torch"])
    References(first='numpy', others=(), oracles=('torch',))
    >>> split_references(["numpy", "jax", "torch"])
    References(first='numpy', others=('jax',), oracles=('torch',))
    """
    asked = tuple(name for name in dict.fromkeys(names) if name in _LIBRARIES)
    backends = [name for name in dict.fromkeys(names) if name not in _LIBRARIES]
    first, *others = backends or [default]
    return References(first, tuple(others), asked)

"""What the second backend makes of its own results: a shadow for each array of the program that differs from it.

A shadow is found by the elements of the array that it belongs to. So it is found again wherever these have gone: into
a tensor that was written in place, a detached one, a gradient. An array whose elements no operation gave, such as one
that was written in part, has none: there the second backend goes on from the program's own elements.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any, Final, NamedTuple

import numpy as np

#: The bytes of all shadows; beyond them the oldest are given up.
LARGEST: Final = 256 << 20


class Shadow(NamedTuple):
    """The elements that the second backend has in the place of an array's.

    Attributes
    ----------
    array : numpy.ndarray
    origins : frozenset of int
        The numbers of the divergences that made the difference; empty where roundings did.
    """

    array: Any
    origins: frozenset[int]


class Shadows:
    """The shadows of the arrays that a program has computed.

    Examples
    --------
    >>> shadows = Shadows()
    >>> result, other = np.array([1.0, 2.0]), np.array([1.0, 2.5])
    >>> shadows.keep(result, Shadow(other, frozenset({7})))
    >>> shadows.of(result.copy()).origins
    frozenset({7})
    >>> shadows.of(other) is None
    True
    """

    def __init__(self) -> None:
        self._by_elements: OrderedDict[Any, Shadow] = OrderedDict()
        self._bytes = 0

    def of(self, array: Any) -> Shadow | None:
        """The shadow of an array; None where the second backend has the same elements, or no others."""
        return self._by_elements.get(_elements(array)) if self._by_elements else None

    def keep(self, array: Any, shadow: Shadow) -> None:
        """Note what the second backend has for the array that an operation gave."""
        key = _elements(array)
        before = self._by_elements.pop(key, None)
        if before is not None:
            self._bytes -= before.array.nbytes
        if not shadow.origins and _elements(shadow.array) == key:
            return
        self._by_elements[key] = shadow
        self._bytes += shadow.array.nbytes
        while self._bytes > LARGEST:
            _, oldest = self._by_elements.popitem(last=False)
            self._bytes -= oldest.array.nbytes


def _elements(array: Any) -> Any:
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).digest(), array.shape, array.dtype

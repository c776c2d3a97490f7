"""Environment variables that switch something on."""

from __future__ import annotations

import os
from typing import Final

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


def is_switched_on(variable: str) -> bool:
    """Whether an environment variable is true; one that is not set is false.

    Raises
    ------
    ValueError
        For a value that is neither.

    Examples
    --------
    >>> from pullback.extend import is_switched_on
    >>> is_switched_on("PULLBACK_NOT_SET")
    False
    """
    value = os.environ.get(variable, "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueError(f"{variable} must be one of 1, true, yes, on, 0, false, no, off; got {value!r}")

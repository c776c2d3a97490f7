"""Which names a backend may have: such as can be typed, shown, and be a part of a file's name."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*")


def name_problem(name: object) -> str:
    """What is wrong with a backend's name; the empty string where nothing is.

    Examples
    --------
    >>> name_problem("cupy-13")
    ''
    >>> name_problem("*")
    "a backend's name is made of letters, digits and '_', with single '.' or '-' between them, not '*'"
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        return ""
    shown = repr(name) if isinstance(name, str) else f"an object of type {type(name).__name__}"
    return (
        f"a backend's name is made of letters, digits and '_', with single '.' or '-' between them, not {shown[:100]}"
    )

"""Which of NumPy's functions have a counterpart for Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

#: The counterparts by NumPy's name, with its module: ``numpy.sum``, ``numpy.linalg.norm``.
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {}


def implements(*names: str) -> Callable[[F], F]:
    """Declare the counterpart of NumPy's functions of those names; it takes what they take."""

    def declare(function: F) -> F:
        for name in names:
            FUNCTIONS[f"numpy.{name}"] = function
        return function

    return declare

"""Families of operations that are imported when one of their names is first used: those few programs need.

``ops/_index.py`` says which functions and methods they have.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from pullback.ops._index import LATE_METHODS
from pullback.tensor import Tensor

LATE_FAMILIES: Final = frozenset({
    "creation.grids",
    "creation.windows",
    "pointwise.divisors",
    "pointwise.next_number",
    "pointwise.special_functions",
    "reduction.membership",
    "shape.queries",
})  # fmt: skip


class DeclaredLater:
    """Stands for a Tensor method until it is first asked for: then the module that declares it is imported."""

    __slots__ = ("home", "name")

    def __init__(self, home: str, name: str) -> None:
        self.home = home
        self.name = name

    def __get__(self, tensor: Tensor | None, kind: type[Tensor]) -> Any:
        importlib.import_module(self.home)  # the declaration takes this one's place
        return getattr(kind if tensor is None else tensor, self.name)


for _family, _methods in LATE_METHODS.items():
    for _method in _methods.split():
        setattr(Tensor, _method, DeclaredLater(f"pullback.ops.{_family}", _method))

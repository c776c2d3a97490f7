"""The further names that arguments have: NumPy's, which PyTorch takes as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final


class Unset:
    """Stands for an argument that a call does not give."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<not given>"


UNSET: Final = Unset()

#: NumPy's names, and the parameters they stand for.
NUMPY_NAMES: Final = {
    "axis": "dim",
    "keepdims": "keepdim",
    "x": "input",
    "a": "input",
    "x1": "input",
    "x2": "other",
}


def further_names(parameters: Iterable[str]) -> dict[str, str]:
    """NumPy's names for those of the parameters that have one, where no parameter has that name already."""
    names = tuple(parameters)
    return {other: name for other, name in NUMPY_NAMES.items() if name in names and other not in names}

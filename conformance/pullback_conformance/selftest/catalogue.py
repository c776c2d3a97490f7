"""All planted defects, by name."""

from __future__ import annotations

import functools
from importlib import import_module

from pullback_conformance.selftest.defect import Defect

#: The modules of ``plants``, in the order of the table.
MODULES = (
    "elementwise", "integers", "sizes", "shapes", "strides", "memory", "sharing", "errors", "state", "limitations",
    "process", "fused", "immutable", "formulas", "core_values",
)  # fmt: skip


@functools.cache
def catalogue() -> dict[str, Defect]:
    """The planted defects, in the order of ``MODULES``.

    Raises
    ------
    ValueError
        Where two have one name.
    """
    found: dict[str, Defect] = {}
    for module in MODULES:
        for defect in import_module(f"pullback_conformance.selftest.plants.{module}").DEFECTS:
            if defect.name in found:
                raise ValueError(f"two planted defects are called {defect.name!r}")
            found[defect.name] = defect
    return found


def kinds() -> list[str]:
    """The kinds of defects, in order."""
    return list(dict.fromkeys(defect.kind for defect in catalogue().values()))

"""The operations, grouped as PyTorch's documentation groups them; a file a family.

Formulas call operations of any family as ``ops.where(...)``: a name is looked up in the index when it is first used, so
no family imports another for its derivatives. ``import pullback`` imports the families of its own namespace,
``pullback.nn.functional`` its own.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from pullback.ops._homes import HOMES


def __getattr__(name: str) -> Any:
    home = HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pullback.ops' has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"pullback.ops.{home}"), name)
    return found


@cache
def import_all() -> None:
    """Import every family, so that ``pullback.extend.registry`` holds each operation there is."""
    import pkgutil

    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)

"""The stand-in beside the real CuPy, in one process: ``import cupy`` goes on to mean the real one."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
_SHADOWED = ("cupy", "cupyx", "pullback_cupy")


class Loaded(NamedTuple):
    """The stand-in's modules, and the backend's, which were imported over them."""

    cupy: Any
    cupyx: Any
    backend: Any


def load() -> Loaded:
    """Import the stand-in and the backend over it, then let the modules of those names be what they were."""
    if hasattr(sys.modules.get("stand_in"), "loaded"):
        found: Loaded = sys.modules["stand_in"].loaded
        return found
    before = _take_out()
    sys.path.insert(0, str(HERE))
    try:
        loaded = Loaded(import_module("cupy"), import_module("cupyx"), import_module("pullback_cupy.backend"))
    finally:
        sys.path.remove(str(HERE))
        _take_out()
        sys.modules.update(before)
    sys.modules["stand_in"].loaded = loaded  # type: ignore[attr-defined]
    return loaded


def _take_out() -> dict[str, Any]:
    """Remove from the imported modules those that the stand-in has too, and give them back."""
    names = [name for name in sys.modules if name.partition(".")[0] in _SHADOWED]
    return {name: sys.modules.pop(name) for name in names}

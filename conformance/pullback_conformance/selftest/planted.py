"""Every defective backend as a class of this module, so that a runner's workers and scripts find it by its name.

``pullback_conformance.selftest.planted:exp_wrong_beyond_5`` is a backend as ``--backend`` takes it. What a defect
breaks in the core stays broken in the process that made its backend.
"""

from __future__ import annotations

from typing import Any

from pullback_conformance.selftest.catalogue import catalogue
from pullback_conformance.selftest.loopbacks import loopback_class


def __getattr__(name: str) -> Any:
    if name in ("Loopback", "ImmutableLoopback"):
        made = type(name, (loopback_class(name == "Loopback"),), {"__module__": __name__})
    elif name in catalogue():
        made = _defective(name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = made
    return made


def _defective(name: str) -> Any:
    defect = catalogue()[name]
    base: Any = loopback_class(defect.mutable)

    def initialize(self: Any) -> None:
        base.__init__(self)
        self.name = name
        defect.plant(self)

    return type(name, (base,), {"__init__": initialize, "__module__": __name__, "__doc__": defect.program})

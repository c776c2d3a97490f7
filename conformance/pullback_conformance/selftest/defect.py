"""What a planted defect is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from pullback_conformance.selftest.loopbacks import loopback_class

#: Breaks something, of the backend it is given or of the core, and gives what undoes it: None where the backend alone
#: is broken, which nobody else uses.
Plant: TypeAlias = Callable[[Any], Callable[[], None] | None]

#: What tells a defect that no operation's results show: the suite asks the backend itself.
CONTRACT = ("the backend",)


@dataclass(frozen=True)
class Defect:
    """One defect, and what is expected of the suite.

    Attributes
    ----------
    name : str
        An identifier: the class of the defective backend is called so.
    kind : str
        The line of the table it counts in.
    tier, check : str
        The cheapest tier, and the check, that are meant to find it.
    operations : tuple of str
        Those whose results it can strike.
    plant : Plant
        How to break a clean loopback.
    program : str
        An expression whose value differs between the clean loopback and the defective one.
    mutable : bool
        Whether the loopback's arrays can be written.
    ends_the_process : bool
        Whether the program does not come back: it hangs, aborts or exits.
    """

    name: str
    kind: str
    tier: str
    check: str
    operations: tuple[str, ...]
    plant: Plant
    program: str
    mutable: bool = True
    ends_the_process: bool = False

    @contextmanager
    def planted(self) -> Iterator[Any]:
        """A backend with the defect; what of the core was broken for it is mended afterwards."""
        backend = loopback_class(self.mutable)()
        backend.name = self.name
        undo = self.plant(backend)
        try:
            yield backend
        finally:
            if undo is not None:
                undo()

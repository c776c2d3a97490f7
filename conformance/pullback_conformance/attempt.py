"""One attempt at an operation in a dtype, step by step, so that a step which ends the process is known by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

#: What a step is called that is no check: making the next sample, and running the operation for the first time.
SAMPLES: Final = "samples"
FORWARD: Final = "run"


class Step(NamedTuple):
    """A part of the work after which the runner says where it is.

    Attributes
    ----------
    check : str
        A check's name, :data:`SAMPLES` or :data:`FORWARD`.
    label : str
        The sample's; empty while samples are made.
    """

    check: str
    label: str = ""


class Loss(NamedTuple):
    """A step in which an earlier attempt hung or ended its process."""

    step: Step
    reason: str


def _unheard(step: Step) -> None:
    """Nobody listens where the work is done in this process."""


class Attempt:
    """What an attempt is to leave out, and who hears of its steps.

    Parameters
    ----------
    losses : iterable of Loss
        What became of earlier attempts: those steps are not tried again.
    begin : callable
        Called with each step before it.
    """

    def __init__(self, losses: Iterable[Loss] = (), begin: Callable[[Step], None] = _unheard) -> None:
        self._losses = {loss.step: loss.reason for loss in losses}
        self.begin = begin
        self.over = ""  # the sample with which the operation itself was lost
        self._over_for: dict[str, str] = {}

    def loss_at(self, step: Step) -> str | None:
        """Why a step was lost in an earlier attempt; None where it is to be tried."""
        reason = self._losses.get(step)
        if reason is not None and step.check == FORWARD:
            self.over = step.label
        elif reason is not None:
            self._over_for[step.check] = step.label
        return reason

    def is_lost(self, label: str) -> bool:
        """Whether an earlier attempt was lost with that sample, in any of its steps."""
        return any(step.label == label for step in self._losses)

    def is_over_for(self, check: str) -> str:
        """The sample with which the operation, or a check, was lost: further ones are not tried. Empty for none."""
        return self.over or self._over_for.get(check, "")

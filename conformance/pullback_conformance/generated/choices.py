"""Choices of which a call is made: small numbers of which the smaller one is the simpler one.

A choice takes as many draws whatever is chosen: a call of fewer draws is the simpler one for hypothesis, however large.

All of them are made of hypothesis's booleans. Its other strategies take some of their values from the source of
whatever modules happen to be imported, so that they would give another call in another process, and keep those values
in a folder of the current directory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Option = TypeVar("Option")


class Choices:
    """The choices that make one call.

    Parameters
    ----------
    flip : callable
        Draws a truth value, of which False is the simpler one.
    """

    def __init__(self, flip: Callable[[], bool]) -> None:
        self._flip = flip

    def whether(self) -> bool:
        """One way or the other; False is the simpler one."""
        return self._flip()

    def seldom(self) -> bool:
        """True in one case of eight."""
        return self.below(8) == 7

    def below(self, count: int) -> int:
        """A number from zero up to ``count``, which is excluded."""
        number = 0
        for _ in range((count - 1).bit_length()):
            number = 2 * number + self._flip()
        return number % count

    def one_of(self, options: Sequence[Option]) -> Option:
        """One of the options, the simplest of which come first."""
        return options[self.below(len(options))]

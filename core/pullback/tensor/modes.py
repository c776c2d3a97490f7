"""The one state check that every operation makes: what is special now.

``mode()`` is a number: 0 records gradients, 1 does not, and each higher bit stands for something that operations must
take care of in their general path, so that one comparison, ``mode() > 1``, tells them that nothing special goes on. It
lives in a context variable: each thread and each asyncio task has its own.

Inference mode by itself is special only in what it makes, not in how: it is a negative number, which the comparison
lets pass. Its low bits are as those of other modes (Python's integers are two's complement), so ``&`` asks it like any
other, while ``mode() < 0`` means: inference mode, and nothing else. Bits beyond ``NO_GRAD`` are set by :func:`entered`,
which makes the number positive again, and taken away by :func:`left`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from pullback.process.blocks import Block, Setting, put

NO_GRAD: Final = 1
FORWARD: Final = 2
INTERCEPTED: Final = 4
OVERRIDDEN: Final = 8
SAVING: Final = 16  # hooks pack what is saved for backward
INFERENCE: Final = 32
ANOMALY: Final = 64  # nodes remember where they were made
MUTATION: Final = 128  # saved tensors are cloned before they are written
KERNELS: Final = 256  # something stands around each computation
_BITS: Final = 1023

#: Inference mode and nothing else that would need the general path: negative, with these two bits in its low ones.
PLAIN_INFERENCE: Final = (NO_GRAD | INFERENCE) - _BITS - 1

#: The modes in which nothing is recorded and nothing special goes on.
QUIET: Final = frozenset({NO_GRAD, PLAIN_INFERENCE})

#: Environment variables that have something stand around each computation of the whole program, in every thread: each
#: with the plugin's tool that makes it, see :mod:`pullback.dispatch.whole_program`.
WHOLE_PROGRAM: Final = {"PULLBACK_CROSSCHECK": "crosscheck.program"}

#: What of them is set as pullback is imported.
ASKED_FOR: Final = tuple(name for name in WHOLE_PROGRAM if os.environ.get(name, "").strip())

MODE: Final[ContextVar[int]] = ContextVar("pullback mode", default=KERNELS if ASKED_FOR else 0)
mode = MODE.get


def entered(now: int, bits: int) -> int:
    """The mode ``now`` with more bits set."""
    together = (now & _BITS) | bits
    return PLAIN_INFERENCE if together == NO_GRAD | INFERENCE else together


def left(now: int, bits: int) -> int:
    """The mode ``now`` without these bits."""
    return entered(now & ~bits, 0)


class ModeBlock(Block):
    """A block with more bits of the mode set, and perhaps other variables; only these are put back at its end."""

    _bits = 0

    def _other_settings(self) -> Sequence[Setting]:
        """The other variables, and their values inside."""
        return ()

    def _settings_inside(self) -> Sequence[Setting]:
        return (*self._other_settings(), (MODE, entered(mode(), self._bits)))

    def _put_back(self, before: Sequence[Setting]) -> None:
        *others, (_, then) = before
        put(others)
        MODE.set(entered(mode() & ~self._bits, then & self._bits))

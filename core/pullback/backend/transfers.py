"""Elements that leave a backend or a device, and whether they may.

Nothing in pullback moves a tensor by itself, but much reads elements: ``item()``, ``numpy()``, printing, an index whose
bounds are checked. On a GPU each waits for all that has been asked of it. :class:`transfer_guard` finds them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal

from pullback.errors import TransferError, did_you_mean
from pullback.process.blocks import Block, Setting
from pullback.process.source_lines import users_line

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray

LEVELS: Final = ("allow", "log", "disallow")
#: The backend whose arrays are in the computer's memory as everybody's: to read them moves nothing.
HOST: Final = "numpy"

_logger = logging.getLogger("pullback.transfers")
_level: ContextVar[str] = ContextVar("pullback transfers", default="allow")


class transfer_guard(Block, ContextDecorator):
    """Say what happens where elements leave a backend or a device inside the block; also a decorator.

    A transfer is ``to(backend or device)``, ``cpu()``, ``cuda()`` where they change something, their way back in a
    backward pass, an array of NumPy's that becomes a tensor of another backend, and whatever reads elements of another
    backend than NumPy's: ``item()``, ``tolist()``, ``numpy()``, ``bool()``, printing, and operations that must look at
    their operands, as JAX's do at positions and ``nonzero`` at how many there are. Guards nest: the innermost decides.

    Parameters
    ----------
    level : {"allow", "log", "disallow"}
        Let transfers happen; log each with the line of the program, in the logger ``pullback.transfers``; or raise
        before anything has moved.

    Raises
    ------
    TransferError
        Inside a block that disallows them, a ``RuntimeError`` that names the line.
    ValueError
        For another level.

    Notes
    -----
    The levels are those of `jax.transfer_guard <https://docs.jax.dev/en/latest/transfer_guard.html>`_, which tells
    explicit transfers from others. Here all of them count: nothing but the program asks for one.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2, backend="jax")
    >>> with pb.transfer_guard("disallow"):
    ...     y = x * 2  # stays where it is
    ...     y.sum().item()
    Traceback (most recent call last):
    ...
    pullback.errors.TransferError: item() reads float32[] of backend 'jax', ...
    """

    def __init__(self, level: Literal["allow", "log", "disallow"]) -> None:
        if level not in LEVELS:
            hint = did_you_mean(level, LEVELS) if isinstance(level, str) else ""
            raise ValueError(f"transfer_guard(): level must be one of {', '.join(LEVELS)}, got {level!r}{hint}")
        self.level = level

    def _settings_inside(self) -> Sequence[Setting]:
        return ((_level, self.level),)


def _note(action: str, what: str) -> None:
    """Log a transfer that is about to happen, or refuse it; ``action`` does ``what``."""
    line = users_line()
    if _level.get() == "log":
        _logger.warning("%s %s at %s", action, what, line)
        return
    raise TransferError(
        f"{action} {what}, which transfer_guard('disallow') does not let happen, at {line}; move it out of the block,"
        " or put transfer_guard('allow') around it"
    )


def note_move(action: str, backend: Backend, native: NativeArray, target: str) -> None:
    """Log or refuse that elements of ``backend`` go to ``target``."""
    if _level.get() != "allow":
        _note(action, f"moves {_described(backend, native)} to {target}")


def note_reading(action: str, backend: Backend, native: NativeArray) -> None:
    """Log or refuse that elements are read, where they are not in NumPy's arrays."""
    if _level.get() != "allow" and backend.plain.name != HOST:
        _note(action, f"reads {_described(backend, native)}")


def elements_read(action: str, backend: Backend, native: NativeArray) -> Any:
    """A NumPy array of elements that a kernel or an operation has to look at; :class:`transfer_guard` is told.

    Parameters
    ----------
    action : str
        What reads them, as a message names it.
    backend : Backend
    native : NativeArray

    Raises
    ------
    TransferError
        Inside a block that disallows it.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.extend import elements_read
    >>> x = pb.tensor([1, 2])
    >>> elements_read("a sum", x.backend, x.array).sum().item()
    3
    """
    note_reading(action, backend, native)
    return backend.to_numpy(native)


def _described(backend: Backend, native: NativeArray) -> str:
    device = backend.device_of(native)
    there = "" if device.type == "cpu" else f" on {device}"
    return f"{backend.dtypes[native.dtype].name}{list(native.shape)} of backend {backend.name!r}{there}"

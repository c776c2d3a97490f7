"""Sizes that no memory holds: refused before any work, in PyTorch's words.

Libraries do other things with such sizes: NumPy raises ValueError or MemoryError, XLA ends the process.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pullback.errors import OutOfMemoryError

if TYPE_CHECKING:
    from pullback.backend.geometry import Geometry

_LARGEST: Final = 2**63 - 1


def element_count(shape: Sequence[int]) -> int:
    """The number of elements of a shape.

    Raises
    ------
    RuntimeError
        For more than 63 bits tell.
    """
    count = math.prod(shape)
    if count > _LARGEST:
        raise RuntimeError("numel: integer multiplication overflow")
    return count


def check_size(shape: Sequence[int], itemsize: int, held: bool = True) -> None:
    """Refuse a shape whose elements no memory of this machine holds; where not ``held``, no library can count.

    Raises
    ------
    RuntimeError
        For more bytes than 63 bits tell.
    OutOfMemoryError
        For more bytes than the machine has.
    """
    needed = math.prod(shape) * itemsize
    if not needed:
        needed = math.prod(size or 1 for size in shape) * itemsize  # libraries multiply the others all the same
        if needed <= _LARGEST:
            return
    if needed > _LEAST:
        if needed > _LARGEST:
            raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
        if held and needed > memory_of_machine():
            raise _no_memory(needed)


def check_extent(geometry: Geometry) -> None:
    """Refuse a geometry whose elements lie further apart than any memory reaches.

    Raises
    ------
    RuntimeError
        For more elements, or more bytes from the first to the last, than 63 bits tell.
    OutOfMemoryError
        For more bytes than the machine has.
    """
    element_count(geometry.shape)
    if geometry.extent * geometry.dtype.itemsize > _LARGEST:
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(geometry.shape)} and"
            f" strides={list(geometry.strides)}"
        )
    check_size((geometry.extent,), geometry.dtype.itemsize)


_LEAST: Final = 1 << 28  # what every machine has


def memory_error(error: MemoryError) -> OutOfMemoryError:
    """The error for one of an array library's that says it has no memory."""
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)
    if shape is None or dtype is None:
        return OutOfMemoryError(f"DefaultCPUAllocator: can't allocate memory: {error}")
    return _no_memory(math.prod(shape) * dtype.itemsize)


def _no_memory(count: int) -> OutOfMemoryError:
    return OutOfMemoryError(f"DefaultCPUAllocator: can't allocate memory: you tried to allocate {count} bytes.")


def check_count(count: int) -> None:
    """Refuse a number of results that no list holds."""
    if count * 64 > memory_of_machine():  # a tensor and its array are larger
        raise OutOfMemoryError(f"cannot make a list of {count} tensors")


@functools.cache
def memory_of_machine() -> int:
    """The bytes of memory this machine has, with what it can swap out; no bound where it does not say."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _LARGEST
    try:
        with open("/proc/meminfo", encoding="ascii") as told:
            swap = next((line for line in told if line.startswith("SwapTotal:")), "0 0")
        total += 1024 * int(swap.split()[1])
    except (OSError, ValueError):
        pass
    return total

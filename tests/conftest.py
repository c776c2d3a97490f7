"""Keeps the memory of a test process bounded: JAX keeps each program it has compiled, and tests have many shapes."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from mmap import PAGESIZE
from pathlib import Path

import pytest

#: How many bytes a process may grow by before what is compiled is given up.
GROWTH = 600 * 2**20
_resident = Path("/proc/self/statm")  # Linux; elsewhere nothing is given up
_floor = [0]


def resident_bytes() -> int:
    """How much memory the process holds."""
    return int(_resident.read_text().split()[1]) * PAGESIZE if _resident.exists() else 0


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    yield
    jax = sys.modules.get("jax")
    if jax is None or resident_bytes() < _floor[0] + GROWTH:
        return
    jax.clear_caches()
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # glibc keeps what is freed
    _floor[0] = resident_bytes()

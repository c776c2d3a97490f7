"""Device memory, which NumPy's bytes stand for, and the pool that it comes from (cupy/cuda/memory.pyx)."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

import numpy as np

from stand_in.devices import TOTAL_MEMORY, Device, getDevice

#: The pool hands out multiples of this (``ALLOCATION_UNIT_SIZE``).
UNIT = 512
#: What fresh memory holds: NaN in every floating dtype, -1 in every signed one. Nobody may count on zeros.
GARBAGE = 0xFF


class OutOfMemoryError(MemoryError):
    """The device, or the limit of the pool, has no room for an allocation."""

    def __init__(self, size: int, total: int, limit: int = 0) -> None:
        self._size, self._total, self._limit = size, total, limit
        message = f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes"
        super().__init__(f"{message}, limit set to: {limit:,} bytes)." if limit else f"{message}).")

    def __reduce__(self) -> Any:
        return type(self), (self._size, self._total, self._limit)


class BaseMemory:
    """An allocation on a device."""

    def __init__(self, size: int = 0, device_id: int = 0, content: Any = None) -> None:
        self.size = size
        self.device_id = device_id
        self.content = content if content is not None or not size else np.full(size, GARBAGE, np.uint8)
        self.ptr = self.content.__array_interface__["data"][0] if size else 0

    @property
    def device(self) -> Device:
        return Device(self.device_id)


class Memory(BaseMemory):
    """An allocation that belongs to no pool."""

    def __init__(self, size: int) -> None:
        super().__init__(size, getDevice())


class PooledMemory(BaseMemory):
    """An allocation that goes back to its pool."""

    def __init__(self, pool: MemoryPool, size: int, device_id: int, content: Any) -> None:
        super().__init__(size, device_id, content)
        self._pool = pool

    def __del__(self) -> None:
        self._pool._give_back(self.device_id, self.content)


class MemoryPointer:
    """A place in an allocation."""

    __slots__ = ("mem", "ptr")

    def __init__(self, mem: BaseMemory, offset: int) -> None:
        assert mem.ptr > 0 or offset == 0
        self.mem = mem
        self.ptr = mem.ptr + offset

    def __int__(self) -> int:
        return self.ptr

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.mem, self.ptr - self.mem.ptr + offset)

    @property
    def device_id(self) -> int:
        return self.mem.device_id

    @property
    def device(self) -> Device:
        return Device(self.mem.device_id)


class MemoryPool:
    """Keeps what has been freed, for allocations of the same size to come, on each device by itself.

    What is handed out a second time holds what it held before, as on a GPU.
    """

    def __init__(self, allocator: Any = None) -> None:
        self._lock = threading.RLock()
        self._free: dict[int, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
        self._used: dict[int, int] = defaultdict(int)
        self._total: dict[int, int] = defaultdict(int)
        self._limit: dict[int, int] = defaultdict(int)

    def malloc(self, size: int) -> MemoryPointer:
        device = getDevice()
        if not size:
            return MemoryPointer(BaseMemory(0, device), 0)
        size = -(-size // UNIT) * UNIT
        with self._lock:
            kept = self._free[device][size]
            if kept:
                content = kept.pop()
            else:
                limit = self._limit[device]
                if self._total[device] + size > (limit or TOTAL_MEMORY):
                    self.free_all_blocks()
                    if self._total[device] + size > (limit or TOTAL_MEMORY):
                        raise OutOfMemoryError(size, self._total[device], limit)
                content = np.full(size, GARBAGE, np.uint8)
                self._total[device] += size
            self._used[device] += size
        return MemoryPointer(PooledMemory(self, size, device, content), 0)

    def _give_back(self, device: int, content: Any) -> None:
        with self._lock:
            self._used[device] -= content.size
            self._free[device][content.size].append(content)

    def free_all_blocks(self, stream: Any = None) -> None:
        device = getDevice()
        with self._lock:
            self._total[device] = self._used[device]
            self._free[device].clear()

    def n_free_blocks(self) -> int:
        return sum(map(len, self._free[getDevice()].values()))

    def used_bytes(self) -> int:
        return self._used[getDevice()]

    def free_bytes(self) -> int:
        return self.total_bytes() - self.used_bytes()

    def total_bytes(self) -> int:
        return self._total[getDevice()]

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        if size is None:
            if fraction is None:
                raise ValueError("size and fraction cannot be None at the same time")
            if not 0 <= fraction <= 1:
                raise ValueError(f"memory limit fraction out of range: {fraction}")
            size = int(fraction * TOTAL_MEMORY)
        elif fraction is not None:
            raise ValueError("size and fraction cannot be specified at one time")
        elif size < 0:
            raise ValueError(f"memory limit size out of range: {size}")
        self._limit[getDevice()] = size

    def get_limit(self) -> int:
        return self._limit[getDevice()]


class PinnedMemoryPool:
    """Host memory that no page moves away from; here, host memory as any."""

    def __init__(self, allocator: Any = None) -> None:
        self._blocks = 0

    def malloc(self, size: int) -> Any:
        return alloc_pinned_memory(size)

    def n_free_blocks(self) -> int:
        return self._blocks

    def free_all_blocks(self) -> None:
        self._blocks = 0


def alloc_pinned_memory(size: int) -> Any:
    """A buffer of pinned host memory."""
    return memoryview(np.full(size, GARBAGE, np.uint8))


_pool, _pinned_pool = MemoryPool(), PinnedMemoryPool()
_allocator = [_pool.malloc]


def get_default_memory_pool() -> MemoryPool:
    return _pool


def get_default_pinned_memory_pool() -> PinnedMemoryPool:
    return _pinned_pool


def set_allocator(allocator: Any = None) -> None:
    _allocator[0] = (lambda size: MemoryPointer(Memory(size), 0)) if allocator is None else allocator


def get_allocator() -> Any:
    return _allocator[0]


def alloc(size: int) -> MemoryPointer:
    return _allocator[0](size)


def held(device: int) -> int:
    """How many bytes of a device the pool holds."""
    return _pool._total[device]

"""Devices, streams and memory."""

from stand_in.devices import Device, Event, Stream, get_current_stream
from stand_in.devices import getDevice as get_device_id
from stand_in.devices import getDeviceCount as _count
from stand_in.memory import (
    BaseMemory,
    Memory,
    MemoryPointer,
    MemoryPool,
    PinnedMemoryPool,
    alloc,
    alloc_pinned_memory,
    get_allocator,
    set_allocator,
)

from cupy.cuda import memory, runtime


def is_available():
    """Whether there is a device."""
    try:
        return _count() > 0
    except runtime.CUDARuntimeError:
        return False

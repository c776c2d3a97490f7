"""Memory of the devices, as CuPy's default pool counts it."""

from __future__ import annotations

from typing import Any

import cupy
import cupyx

from pullback.extend import Device
from pullback_cupy.devices import Devices


class Memory(Devices):
    """How much memory arrays have, and what the pool keeps for further ones. PyTorch's names, where it has them."""

    def memory_allocated(self, device: Device | None = None) -> int:
        """The bytes that arrays have now, rounded up to blocks of the pool."""
        return self._of_pool("used_bytes", device)

    def memory_reserved(self, device: Device | None = None) -> int:
        """The bytes that the pool has taken from the device, in arrays or kept for them."""
        return self._of_pool("total_bytes", device)

    def free_blocks(self, device: Device | None = None) -> int:
        """How many blocks the pool keeps that no array has."""
        return self._of_pool("n_free_blocks", device)

    def _of_pool(self, statistic: str, device: Device | None) -> int:
        with self.on(device):
            count: int = getattr(cupy.get_default_memory_pool(), statistic)()
        return count

    def mem_get_info(self, device: Device | None = None) -> tuple[int, int]:
        """The bytes of a device that are free, and those that it has."""
        free, total = self.native_device(device).mem_info
        return int(free), int(total)

    def empty_cache(self) -> None:
        """Give back to the devices, and to the host, what the pools keep."""
        for device in self.devices():
            with self.on(device):
                cupy.get_default_memory_pool().free_all_blocks()
        cupy.get_default_pinned_memory_pool().free_all_blocks()

    def set_memory_limit(self, size: int, device: Device | None = None) -> None:
        """Let the pool take at most ``size`` bytes of a device; 0 for as much as there is.

        An array that does not fit raises CuPy's ``OutOfMemoryError``, which is a ``MemoryError``.
        """
        with self.on(device):
            cupy.get_default_memory_pool().set_limit(size=size)

    def empty_pinned(self, shape: Any, dtype: Any) -> Any:
        """A NumPy array in pinned memory, from and to which copies need not be staged."""
        return cupyx.empty_pinned(shape, self.native_dtype(dtype))

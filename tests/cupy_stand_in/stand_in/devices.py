"""Devices, streams and events that are only numbers, and which of them are current in a thread."""

from __future__ import annotations

import os
import threading
from typing import Any

from stand_in import NO_GPU
from stand_in.counters import count


class CUDARuntimeError(RuntimeError):
    """An error of the CUDA runtime (cupy_backends/cuda/api/runtime.pyx)."""

    def __init__(self, status: int) -> None:
        self.status = status
        name, text = {100: ("cudaErrorNoDevice", "no CUDA-capable device is detected")}.get(
            status, ("cudaErrorInvalidDevice", "invalid device ordinal")
        )
        super().__init__(f"{name}: {text}")


class _Current(threading.local):
    """CUDA has one current device for each thread, and CuPy one current stream for each thread and device."""

    def __init__(self) -> None:
        self.device = 0
        self.streams: dict[int, Stream] = {}


current = _Current()


def getDeviceCount() -> int:
    """How many devices there are: two, or as many as the environment says."""
    count = int(os.environ.get("CUPY_STAND_IN_DEVICES", "2"))
    if not count:
        raise CUDARuntimeError(100)
    return count


def getDevice() -> int:
    return current.device


def setDevice(device: int) -> None:
    if not 0 <= device < getDeviceCount():
        raise CUDARuntimeError(101)
    current.device = device


def getDeviceProperties(device: int) -> dict[str, Any]:
    if not 0 <= device < getDeviceCount():
        raise CUDARuntimeError(101)
    return {"name": NO_GPU.encode(), "totalGlobalMem": TOTAL_MEMORY, "major": 8, "minor": 0, "multiProcessorCount": 1}


def deviceCanAccessPeer(device: int, peer: int) -> int:
    """Whether one device's kernels can read another one's memory: where the environment does not say otherwise."""
    return int(os.environ.get("CUPY_STAND_IN_PEER_ACCESS", "1"))


def runtimeGetVersion() -> int:
    return 13000


def driverGetVersion() -> int:
    return 13000


def deviceSynchronize() -> None:
    count("synchronizations")


#: How much memory a device has.
TOTAL_MEMORY = 8 * 2**30


class Device:
    """A CUDA device (cupy/cuda/device.pyx): the number of one."""

    def __init__(self, device: Any = None) -> None:
        self.id = getDevice() if device is None else int(device)
        self._device_stack: list[int] = []

    def __int__(self) -> int:
        return self.id

    def __enter__(self) -> Device:
        self._device_stack.append(getDevice())
        setDevice(self.id)
        return self

    def __exit__(self, *args: object) -> None:
        setDevice(self._device_stack.pop())

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(("cupy.cuda.Device", self.id))

    def use(self) -> None:
        setDevice(self.id)

    def synchronize(self) -> None:
        count("synchronizations")

    @property
    def compute_capability(self) -> str:
        return "80"

    @property
    def mem_info(self) -> tuple[int, int]:
        from stand_in.memory import held

        return TOTAL_MEMORY - held(self.id), TOTAL_MEMORY


class Event:
    """A point in a stream; all before it has happened, since nothing here runs beside the caller."""

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.ptr = id(self)

    @property
    def done(self) -> bool:
        return True

    def record(self, stream: Stream | None = None) -> None:
        pass

    def synchronize(self) -> None:
        count("synchronizations")


class Stream:
    """A stream (cupy/cuda/stream.pyx), in which kernels run at once: what a GPU does later is not simulated."""

    null: Stream

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None
    ) -> None:
        self.ptr = 0 if null else id(self)
        self.device_id = -1 if null else getDevice()
        self._previous: list[tuple[int, Stream]] = []

    def __enter__(self) -> Stream:
        # Made the current one of the device that is current now, which has to be its own.
        device = getDevice()
        self._check(device)
        self._previous.append((device, get_current_stream()))
        current.streams[device] = self
        return self

    def __exit__(self, *args: object) -> None:
        device, previous = self._previous.pop()
        current.streams[device] = previous

    def _check(self, device: int) -> None:
        if self.device_id not in (-1, device):
            raise RuntimeError(f"This stream was not created on the current device {device}, but on {self.device_id}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.ptr == self.ptr

    def __hash__(self) -> int:
        return hash(self.ptr)

    def __repr__(self) -> str:
        return f"<Stream {self.ptr} (device {self.device_id})>"

    def use(self) -> Stream:
        device = getDevice()
        self._check(device)
        current.streams[device] = self
        return self

    @property
    def done(self) -> bool:
        return True

    def synchronize(self) -> None:
        count("synchronizations")

    def record(self, event: Event | None = None) -> Event:
        return Event() if event is None else event

    def wait_event(self, event: Event) -> None:
        pass


Stream.null = Stream(null=True)


def get_current_stream(device_id: int = -1) -> Stream:
    """The stream in which a device's kernels run in this thread."""
    return current.streams.get(getDevice() if device_id == -1 else device_id, Stream.null)

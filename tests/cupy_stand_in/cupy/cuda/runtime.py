"""Functions of the CUDA runtime."""

from stand_in.devices import (
    CUDARuntimeError,
    deviceCanAccessPeer,
    deviceSynchronize,
    driverGetVersion,
    getDevice,
    getDeviceCount,
    getDeviceProperties,
    runtimeGetVersion,
    setDevice,
)

"""``devices``, ``device_of``, ``has_device``, ``to_device`` and devices that a backend does not have."""

from __future__ import annotations

from pullback.extend import Backend, BackendError, Device, DType
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy, other_elements, refusal
from pullback_conformance.contract.probe import one_dtype, probe


def absent(backend: Backend) -> list[Device]:
    """Devices of kinds, and with indices, that the backend does not say it has."""
    have = backend.devices()
    kinds = {device.type for device in have}
    others = [Device(kind, index) for kind in ("cpu", "cuda", "nowhere") if kind not in kinds for index in (None, 0)]
    beyond = [Device(kind, 1 + max(d.index or 0 for d in have if d.type == kind)) for kind in kinds]
    return others + beyond


@probe("devices", "the default one", dtypes=one_dtype)
def lists_the_default(backend: Backend, dtype: DType) -> str | None:
    """Are there devices, and is the default one of them?"""
    have = backend.devices()
    if not have:
        return "there are none"
    if backend.default_device not in have:
        return f"{backend.default_device}, the default one, is not among {have}"
    return None


@probe("has_device", "its own and others", dtypes=one_dtype)
def knows_its_devices(backend: Backend, dtype: DType) -> str | None:
    """Does it have those it lists, each kind without an index too, and no others?"""
    for device in backend.devices():
        if not backend.has_device(device) or not backend.has_device(Device(device.type)):
            return f"{device} is listed, and said not to be there"
    for device in absent(backend):
        if backend.has_device(device):
            return f"{device} is said to be there, and not listed"
    return None


@probe("device_of", "where arrays are made")
def arrays_are_where_they_are_made(backend: Backend, dtype: DType) -> str | None:
    """Is an array on the device that it was made on?"""
    kind = backend.native_dtype(dtype)
    for device in backend.devices():
        made = {
            "zeros": backend.zeros((2,), dtype=kind, device=device),
            "full": backend.full((2,), 1, dtype=kind, device=device),
            "empty": backend.empty((2,), dtype=kind, device=device),
            "from_data": backend.from_data([1, 0], dtype, device),
        }
        for how, array in made.items():
            if backend.device_of(array) != device:
                return f"an array of {how} on {device} is said to be on {backend.device_of(array)}"
    array = backend.from_data([1, 0], dtype, None)
    if backend.device_of(array) != backend.default_device:
        return f"an array on no device in particular is on {backend.device_of(array)}, not {backend.default_device}"
    return None


@probe("to_device", "elements and memory")
def moves(backend: Backend, dtype: DType) -> str | None:
    """Does an array keep its elements, and is it the same array where it is there already?"""
    want = elements(dtype, 2, 3)
    for source in backend.devices():
        for target in backend.devices():
            x = backend.from_data(want.copy(), dtype, source)
            moved = backend.to_device(x, target)
            if backend.device_of(moved) != target:
                return f"an array that is moved to {target} is said to be on {backend.device_of(moved)}"
            problem = difference(f"an array moved to {target}", numpy_copy(backend, moved), want)
            if problem is not None:
                return problem
            if backend.mutable and source == target:
                backend.assign(x, native(backend, other_elements(want), dtype))
                if difference("", numpy_copy(backend, moved), other_elements(want)) is not None:
                    return f"an array that is on {target} is copied"
    return None


@probe("to_device", "devices that the backend lacks", dtypes=one_dtype)
def refuses_to_move(backend: Backend, dtype: DType) -> str | None:
    """Is a device refused that the backend does not have, by a BackendError?"""
    x = backend.from_data([1.0], dtype, None)
    for device in absent(backend):
        problem = refusal(BackendError, lambda device=device: backend.to_device(x, device))
        if problem is not None:
            return f"to_device(x, {device}) {problem}"
    return None


@probe("devices", "arrays on one that the backend lacks", dtypes=one_dtype)
def refuses_to_make(backend: Backend, dtype: DType) -> str | None:
    """Does whatever makes arrays refuse a device that the backend does not have, by a BackendError?"""
    kind = backend.native_dtype(dtype)
    calls = {
        "zeros": lambda device: backend.zeros((1,), dtype=kind, device=device),
        "ones": lambda device: backend.ones((1,), dtype=kind, device=device),
        "full": lambda device: backend.full((1,), 1.0, dtype=kind, device=device),
        "empty": lambda device: backend.empty((1,), dtype=kind, device=device),
        "eye": lambda device: backend.eye(2, dtype=kind, device=device),
        "arange": lambda device: backend.arange(0, 3, 1, dtype=kind, device=device),
        "linspace": lambda device: backend.linspace(0.0, 1.0, 3, dtype=kind, device=device),
        "from_data": lambda device: backend.from_data([1.0], dtype, device),
    }
    for device in absent(backend):
        for name, call in calls.items():
            problem = refusal(BackendError, lambda call=call, device=device: call(device))
            if problem is not None:
                return f"{name} on {device} {problem}"
    return None

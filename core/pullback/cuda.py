"""Whether there are CUDA devices: those of any backend that has them."""

from __future__ import annotations

from pullback.backend.registry import known_backends, unavailable_reason
from pullback.backend.selection import get_backend
from pullback.errors import BackendError


def device_count() -> int:
    """The number of CUDA devices that some backend can use on this machine."""
    found = 0
    for name, spec in known_backends().items():
        if "cuda" not in spec.device_types or unavailable_reason(name) is not None:
            continue
        try:
            found = max(found, sum(device.type == "cuda" for device in get_backend(name).devices()))
        except BackendError:  # it cannot be made, whatever it says; `pullback doctor` shows why
            continue
    return found


def is_available() -> bool:
    """Whether some backend can use a CUDA device on this machine.

    Examples
    --------
    >>> import pullback as pb
    >>> device = "cuda" if pb.cuda.is_available() else "cpu"
    """
    return device_count() > 0

"""Which backend a program uses where no array says so.

In this order: ``backend=`` or ``device=`` on creation, ``with use_backend(...)``,
:func:`set_default_backend`, the environment variable ``PULLBACK_BACKEND``, NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import Any

from pullback.backend import registry
from pullback.backend.base import Backend, NativeArray
from pullback.errors import BackendError, BackendUnavailableError, UnknownBackendError
from pullback.meta.devices import Device
from pullback.process.blocks import Block, Setting

_selected: ContextVar[Backend | None] = ContextVar("pullback_backend", default=None)
_default: Backend | None = None
_initial: Backend | None = None


def get_backend(name: str | Backend) -> Backend:
    """The backend of that name, loaded if this is its first use.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.get_backend("numpy")
    <backend 'numpy'>
    """
    if isinstance(name, Backend):
        return name
    try:
        backend = registry._backends.get(name)
    except TypeError:  # it is not even hashable: the registry says what a backend is given by
        backend = None
    return registry.create_backend(name) if backend is None else backend


def current_backend() -> Backend:
    """The backend that creation functions use here and now.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.current_backend().name
    'numpy'
    """
    return _selected.get() or _default or _initial or _initial_backend()


def _initial_backend() -> Backend:
    """What the environment asks for, read when a backend is first needed."""
    global _initial
    wanted = os.environ.get("PULLBACK_BACKEND", "").strip()
    name = wanted or "numpy"
    try:
        initial = get_backend(name)
    except UnknownBackendError:
        raise registry.unknown(name, source="PULLBACK_BACKEND") from None
    except BackendUnavailableError as error:
        if not wanted:
            raise
        raise BackendUnavailableError(name, f"{error.reason} (from PULLBACK_BACKEND)") from error
    _initial = initial
    return initial


def set_default_backend(name: str | Backend | None) -> None:
    """Choose the backend outside ``with use_backend(...)``; None goes back to what the environment says.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.set_default_backend("numpy")
    >>> pb.set_default_backend(None)
    """
    global _default, _initial
    _default = None if name is None else get_backend(name)
    _initial = None


class use_backend(Block, ContextDecorator):
    """Use a backend for what is created inside the block, in this thread or task; also a decorator.

    Parameters
    ----------
    name : str or Backend

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.use_backend("numpy"):
    ...     pb.zeros(2)
    tensor([0., 0.])
    """

    def __init__(self, name: str | Backend) -> None:
        self.backend = get_backend(name)

    def _settings_inside(self) -> Sequence[Setting]:
        return ((_selected, self.backend),)

    def _value_inside(self) -> Backend:
        return self.backend


def available_backends() -> list[str]:
    """The names of the backends that work on this machine; imports the library of each.

    Examples
    --------
    >>> import pullback as pb
    >>> "numpy" in pb.available_backends()
    True
    """
    return [name for name in registry.known_backends() if registry.unavailable_reason(name) is None]


def backend_of_array(array: NativeArray) -> Backend | None:
    """The backend that owns a native array, loaded if this is its first use; None where no backend does."""
    for backend in registry.loaded_backends():
        if backend.is_array(array):
            return backend
    package = type(array).__module__.partition(".")[0]
    for name, spec in registry.known_backends().items():
        if package in spec.array_modules:
            backend = get_backend(name)
            if backend.is_array(array):
                return backend
    return None


def backend_for_device(device: Device | str | int) -> Backend:
    """The backend that ``device=`` selects: the current one if it has that device, else the first that has.

    Raises
    ------
    BackendError
        Naming, for each backend that could have such a device, why it does not.
    """
    wanted = device if isinstance(device, Device) else Device(device)
    current = current_backend()
    if current.has_device(wanted):
        return current
    reasons = [f"{current.name}: no such device"]
    kinds: dict[str, Any] = dict.fromkeys(d.type for d in current.devices())
    for name, spec in registry.known_backends().items():
        kinds.update(dict.fromkeys(spec.device_types))
        if name == current.name or wanted.type not in spec.device_types:
            continue
        reason = registry.unavailable_reason(name)
        if reason is None:
            backend = get_backend(name)
            if backend.has_device(wanted):
                return backend
            reason = "no such device"
        reasons.append(f"{name}: {reason}")
    if wanted.type not in kinds:
        raise BackendError(
            f"Expected one of {', '.join(sorted(kinds))} device type at start of device string: {wanted.type}"
        )
    raise BackendError(f"no backend has device {str(wanted)!r} ({'; '.join(reasons)})")

"""Which backends exist, and their one instance each, created when first used."""

from __future__ import annotations

from _thread import RLock  # `threading` itself takes a millisecond to import
from typing import TYPE_CHECKING

from pullback.backend.base import Backend
from pullback.errors import BackendError, BackendUnavailableError, UnknownBackendError

if TYPE_CHECKING:
    from pullback.backend.records import BackendSpec

_lock = RLock()
_specs: dict[str, BackendSpec] = {}
_backends: dict[str, Backend] = {}
_discovered = False


def discover() -> None:
    """Read the plugins' backends once; later calls cost nothing."""
    global _discovered
    if _discovered:
        return
    with _lock:
        if _discovered:
            return
        from pullback.plugin.manager import backend_specs

        for spec in backend_specs():
            _specs.setdefault(spec.name, spec)
        _discovered = True


def register_backend(backend: Backend | BackendSpec, *, replace: bool = False) -> None:
    """Make a backend known to this process without a plugin: an instance, or the description of one to load.

    Parameters
    ----------
    backend : Backend or BackendSpec
    replace : bool, default False
        Whether it may take the place of another backend of its name. Tensors made before keep the old one.
    """
    from pullback.backend.records import BackendSpec

    discover()
    with _lock:
        if backend.name in _specs and not replace:
            raise BackendError(
                f"a backend named {backend.name!r} is registered already; pass replace=True to replace it"
            )
        if isinstance(backend, BackendSpec):
            _specs[backend.name] = backend
            _backends.pop(backend.name, None)
        else:
            loader = f"{type(backend).__module__}:{type(backend).__qualname__}"
            _specs[backend.name] = BackendSpec(
                backend.name, loader, device_types=tuple({d.type for d in backend.devices()})
            )
            _backends[backend.name] = backend


def unregister_backend(name: str) -> None:
    """Forget a backend that :func:`register_backend` made known."""
    discover()
    with _lock:
        if name not in _specs:
            raise UnknownBackendError(name, _specs)
        del _specs[name]
        _backends.pop(name, None)


def known_backends() -> dict[str, BackendSpec]:
    """Every registered backend's description by name, usable here or not; imports no array library."""
    discover()
    return dict(_specs)


def loaded_backends() -> list[Backend]:
    """The backends that exist as objects by now."""
    return list(_backends.values())


def _load_class(spec: BackendSpec) -> type[Backend]:
    from importlib import import_module

    module_name, _, class_name = spec.loader.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in spec.array_modules:
            raise
        command = f": {spec.install}" if spec.install else ""
        raise BackendUnavailableError(spec.name, f"{missing} is not installed{command}") from None
    found: object = module
    for part in class_name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, Backend)):
        raise BackendError(f"{spec.loader} is not a subclass of pullback.extend.Backend")
    return found


def unavailable_reason(name: str) -> str | None:
    """None where the backend ``name`` works on this machine, else one line that says why not."""
    discover()
    if name in _backends:
        return None
    if name not in _specs:
        raise UnknownBackendError(name, _specs)
    spec = _specs[name]
    try:
        return _load_class(spec).unavailable_reason()
    except BackendUnavailableError as error:
        return error.reason
    except Exception as error:
        return f"{spec.loader} does not load: {type(error).__name__}: {error}"


def create_backend(name: str) -> Backend:
    """The backend of that name, created if this is its first use."""
    discover()
    with _lock:
        existing = _backends.get(name)
        if existing is not None:
            return existing
        spec = _specs.get(name)
        if spec is None:
            raise UnknownBackendError(name, _specs)
        try:
            backend_class = _load_class(spec)
            reason = backend_class.unavailable_reason()
            if reason is not None:
                raise BackendUnavailableError(name, reason)
            backend = backend_class()
        except BackendError:
            raise
        except Exception as error:
            cause = f"{spec.loader} does not load: {type(error).__name__}: {error}"
            raise BackendUnavailableError(name, cause) from error
        backend.name = name
        from pullback.plugin.manager import extra_kernels

        for kernels in extra_kernels(backend):
            backend.add_kernels(kernels)
        _backends[name] = backend
        return backend

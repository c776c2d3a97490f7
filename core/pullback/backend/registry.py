"""Which backends exist, and their one instance each, created when first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pullback.backend.base import Backend
from pullback.backend.names import name_problem
from pullback.backend.records import BackendSpec, spec_clash, spec_problem
from pullback.backend.view_kernels import require_views
from pullback.errors import BackendError, BackendUnavailableError, UnknownBackendError
from pullback.process.locks import new_lock

if TYPE_CHECKING:
    from pullback.plugin.isolation import Turn

_lock = new_lock()  # of these tables; never held while others' code runs
_specs: dict[str, BackendSpec] = {}
_backends: dict[str, Backend] = {}
_turns: dict[str, Turn] = {}  # of creating each backend
_silent: dict[str, str] = {}  # what backends that did not answer in time were doing
_discovered = False
#: What to call when a backend is forgotten: whoever keeps something for each backend adds a function.
let_go_of: Final[list[Callable[[Backend], None]]] = []


def discover() -> None:
    """Read the plugins' backends once; later calls cost nothing."""
    global _discovered
    if _discovered:
        return
    from pullback.plugin.manager import backend_specs, extra_kernels, import_operations

    with _turn("").taken() as is_first:
        if _discovered:
            return
        for spec in backend_specs():
            _specs.setdefault(spec.name, spec)
        if not is_first:
            return  # a plugin asks while it is loaded itself, and has to do with what came before it
        import_operations()
        for backend in list(_backends.values()):  # those that such a plugin needed
            for kernels in extra_kernels(backend):
                backend.add_kernels(kernels)
        _discovered = True


def _turn(name: str) -> Turn:
    found = _turns.get(name)
    if found is None:
        from pullback.plugin.isolation import Turn

        found = _turns.setdefault(name, Turn())
    return found


def register_backend(backend: Backend | BackendSpec, *, replace: bool = False) -> None:
    """Make a backend known to this process without a plugin: an instance, or the description of one to load.

    Parameters
    ----------
    backend : Backend or BackendSpec
    replace : bool, default False
        Whether it may take the place of another backend of its name. Tensors made before keep the old one.

    Raises
    ------
    BackendError
        Where the name is taken, or none that a backend may have, or the description makes no sense.
    """
    if isinstance(backend, BackendSpec):
        problem = spec_problem(backend)
    elif isinstance(backend, Backend):
        problem = instance_problem(backend)
    else:
        hint = ""
        if isinstance(backend, type) and issubclass(backend, (Backend, BackendSpec)):
            hint = f"; did you mean {backend.__name__}()?"
        raise TypeError(
            f"register_backend(): argument 'backend' must be Backend or BackendSpec, not {type(backend).__name__}{hint}"
        )
    if problem:
        raise BackendError(f"register_backend(): {problem}")
    spec = backend if isinstance(backend, BackendSpec) else _spec_of(backend)
    discover()
    with _lock:
        if spec.name in _specs and not replace:
            raise BackendError(f"a backend named {spec.name!r} is registered already; pass replace=True to replace it")
        problem = spec_clash(spec, [other for other in _specs.values() if other.name != spec.name])
        if problem:
            raise BackendError(f"register_backend(): {problem}")
        if isinstance(backend, Backend):
            require_views(backend)
            backend.forgotten = False
        before = _backends.get(spec.name)
        if before is not backend:
            _forget(before)
        _specs[spec.name] = spec
        _silent.pop(spec.name, None)
        if isinstance(backend, Backend):
            _backends[spec.name] = backend
        else:
            _backends.pop(spec.name, None)


def instance_problem(backend: Backend) -> str:
    """What a backend lacks that every backend has to have; the empty string where it lacks nothing."""
    lacking = [a for a in ("name", "array_type", "dtypes", "native_dtypes") if not hasattr(backend, a)]
    if lacking:
        return f"{type(backend).__name__} does not define {', '.join(lacking)}: is super().__init__() called?"
    return name_problem(backend.name)


def _spec_of(backend: Backend) -> BackendSpec:
    loader = f"{type(backend).__module__}:{type(backend).__qualname__}"
    return BackendSpec(backend.name, loader, device_types=tuple({d.type for d in backend.devices()}))


def unregister_backend(name: str) -> None:
    """Forget a backend that :func:`register_backend` made known."""
    discover()
    with _lock:
        if name not in _specs:
            raise unknown(name)
        del _specs[name]
        _forget(_backends.pop(name, None))
        _silent.pop(name, None)


def _forget(backend: Backend | None) -> None:
    """Have all let go of a backend; tensors that are left keep it, and operate more slowly."""
    if backend is None:
        return
    backend.forgotten = True  # first: another thread may fill in an entry
    for let_go in let_go_of:
        let_go(backend)


def unknown(name: str, source: str | None = None) -> UnknownBackendError:
    """The error for a name that no backend has: it says which plugins were left out, one of which may have it."""
    from pullback.plugin.manager import left_out

    return UnknownBackendError(name, _specs, source, left_out())


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


def _stated_reason(spec: BackendSpec, backend_class: type[Backend]) -> str | None:
    """What the class says of why it does not work here, as one line."""
    from pullback.plugin.isolation import one_line, represented

    reason: Any = backend_class.unavailable_reason()
    if reason is None:
        return None
    if not isinstance(reason, str) or not reason.strip():
        return f"{spec.loader}.unavailable_reason() returned {represented(reason)}, not None or one line"
    return one_line(reason)


def unavailable_reason(name: str) -> str | None:
    """None where the backend ``name`` works on this machine, else one line that says why not.

    Its library is loaded to find that out. A backend that does not answer within a minute (or the seconds that the
    environment variable ``PULLBACK_PLUGIN_TIMEOUT`` sets) is not available either.
    """
    discover()
    spec = _spec_named(name)
    if name in _backends:
        return None
    if name in _silent:
        return _silent[name]
    from pullback.plugin.isolation import LIBRARY_SECONDS, PluginFailure, TimedOut, plugin_seconds, run_isolated

    try:
        return run_isolated(
            lambda: _stated_reason(spec, _load_class(spec)), seconds=plugin_seconds(LIBRARY_SECONDS)
        ).result
    except TimedOut as failure:
        reason = _silent[name] = f"it did not answer whether it works here: {failure}"
        return reason
    except PluginFailure as failure:
        return _cause_of(spec, failure.__cause__)


def _spec_named(name: str) -> BackendSpec:
    if not isinstance(name, str):
        _refuse(name)
    spec = _specs.get(name)
    if spec is None:
        raise unknown(name)
    return spec


def _refuse(name: Any) -> NoReturn:
    """Refuse what is neither a backend nor its name; a library's module is what one has at hand."""
    called = getattr(name, "__name__", "")
    hint = f"; did you mean {called!r}?" if called in _specs else ""
    raise TypeError(f"a backend is given by its name or as a Backend, not as {type(name).__name__}{hint}")


def _cause_of(spec: BackendSpec, error: BaseException | None) -> str:
    from pullback.plugin.isolation import described

    if isinstance(error, BackendUnavailableError):
        return error.reason
    return f"{spec.loader} does not load: {described(error)}" if error is not None else ""


def create_backend(name: str) -> Backend:
    """The backend of that name, created if this is its first use."""
    discover()
    existing = _backends.get(name) if isinstance(name, str) else None
    if existing is not None:
        return existing
    spec = _spec_named(name)
    with _turn(name).taken() as is_first:
        existing = _backends.get(name)
        if existing is not None:
            return existing
        if not is_first:
            raise BackendError(f"backend {name!r} needs itself while it is created")
        backend = _created(spec)
        from pullback.plugin.manager import extra_kernels

        for kernels in extra_kernels(backend):
            backend.add_kernels(kernels)
        require_views(backend)
        with _lock:
            return _backends.setdefault(name, backend)


def _created(spec: BackendSpec) -> Backend:
    try:
        backend_class = _load_class(spec)
        reason = _stated_reason(spec, backend_class)
        if reason is not None:
            raise BackendUnavailableError(spec.name, reason)
        backend = backend_class()
    except (BackendError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also SystemExit, of a module that is a script
        raise BackendUnavailableError(spec.name, _cause_of(spec, error)) from error
    backend.name = spec.name
    problem = instance_problem(backend)
    if problem:
        raise BackendUnavailableError(spec.name, f"{spec.loader} cannot be used: {problem}")
    return backend

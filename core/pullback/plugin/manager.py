"""Discovery of plugins: from entry-point metadata alone, each loaded in isolation.

A plugin that is broken in any way costs one warning that names its distribution, the cause and the fixing
command.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import pluggy

from pullback.backend.base import Backend, Kernel
from pullback.backend.records import BackendSpec
from pullback.errors import PluginError, PluginWarning, did_you_mean
from pullback.plugin import hookspecs
from pullback.plugin.hookspecs import EXTENSION_API_VERSION, GROUP

Status: TypeAlias = Literal["loaded", "broken", "duplicate", "unknown hook", "incompatible"]

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


class PluginRecord(NamedTuple):
    """What became of one plugin, for ``pullback doctor``.

    Attributes
    ----------
    name : str
        The entry point's name.
    distribution, version : str
        Where it comes from.
    status : str
        ``"loaded"``, or what is wrong: ``"broken"``, ``"duplicate"``, ``"unknown hook"``, ``"incompatible"``.
    reason : str
        One line; empty where it is loaded.
    fix : str
        The command that puts it right; empty where it is loaded.
    """

    name: str
    distribution: str
    version: str
    status: Status
    reason: str = ""
    fix: str = ""


class _Rejected(Exception):
    """Why a plugin is left out."""

    def __init__(self, status: Status, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.status: Status = status
        self.reason = reason
        self.fix = fix


class _Plugins:
    """The plugins of this process."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.records: dict[str, PluginRecord] = {}
        self.complaints: list[str] = []

    def reject(self, key: str, record: PluginRecord, rejected: _Rejected) -> None:
        reason = " ".join(rejected.reason.split())
        self.records[key] = record._replace(status=rejected.status, reason=reason, fix=rejected.fix)
        self.complaints.append(
            f"plugin {record.name!r} of distribution {record.distribution!r} {record.version} is left out: "
            f"{reason}. To fix it: {rejected.fix}"
        )

    def complain(self) -> None:
        """Report what went wrong since the last time: warnings, or an error where that is asked for."""
        complaints, self.complaints = self.complaints, []
        if complaints and strict_plugins():
            raise PluginError("\n".join(complaints))
        level, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "pullback":
            level, frame = level + 1, frame.f_back
        for complaint in complaints:
            warnings.warn(complaint, PluginWarning, stacklevel=level)


_lock = threading.RLock()
_plugins: _Plugins | None = None


def strict_plugins() -> bool:
    """Whether ``PULLBACK_STRICT_PLUGINS`` asks for an error where a plugin is broken."""
    value = os.environ.get("PULLBACK_STRICT_PLUGINS", "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueError(f"PULLBACK_STRICT_PLUGINS must be one of 1, true, yes, on, 0, false, no, off; got {value!r}")


def _loaded() -> _Plugins:
    global _plugins
    if _plugins is None:
        with _lock:
            if _plugins is None:
                plugins = _Plugins()
                for entry_point in _entry_points():
                    _load(plugins, entry_point)
                if strict_plugins():
                    plugins.complain()  # raises, every time, until the plugin is put right
                _plugins = plugins
    if _plugins.complaints:
        _plugins.complain()
    return _plugins


def _entry_points() -> list[EntryPoint]:
    """The plugins in the order in which they take names: pullback's own first, NumPy before all."""

    def order(entry_point: EntryPoint) -> tuple[bool, str, bool, str]:
        distribution, _ = _origin(entry_point)
        own = distribution == "pullback"
        return not own, distribution, not (own and entry_point.name == "numpy"), entry_point.name

    return sorted(entry_points(group=GROUP), key=order)


def _origin(entry_point: EntryPoint) -> tuple[str, str]:
    found = entry_point.dist
    return (found.name, found.version) if found is not None else ("unknown", "")


def _update(distribution: str) -> str:
    return f"pip install -U {distribution}  (or: pip uninstall {distribution})"


def _load(plugins: _Plugins, entry_point: EntryPoint) -> None:
    distribution, version = _origin(entry_point)
    record = PluginRecord(entry_point.name, distribution, version, "loaded")
    key = f"{distribution}:{entry_point.name}"
    try:
        for other_key, other in plugins.records.items():
            if other.name == entry_point.name and other.status == "loaded":
                raise _Rejected(
                    "duplicate",
                    f"distribution {other.distribution!r} has a plugin of that name"
                    if other_key != key
                    else "the distribution has two plugins of that name",
                    f"pip uninstall {distribution}",
                )
        try:
            plugin = entry_point.load()
        except Exception as error:
            what = f"importing {entry_point.value!r} raised {type(error).__name__}: {error}"
            raise _Rejected("broken", what, _update(distribution)) from error
        _check_version(plugin, distribution)
        _check_hooks(plugins.manager, plugin, distribution)
        try:
            plugins.manager.register(plugin, name=key)
        except Exception as error:
            # pluggy's message for a wrong signature has the hook and the argument on separate lines.
            if plugins.manager.get_plugin(key) is not None:
                plugins.manager.unregister(name=key)
            raise _Rejected("broken", str(error), _update(distribution)) from error
        plugins.records[key] = record
    except _Rejected as rejected:
        plugins.reject(key if key not in plugins.records else f"{key} (again)", record, rejected)


def _check_version(plugin: Any, distribution: str) -> None:
    declared = getattr(plugin, "pullback_extension_api", None)
    if declared is None:
        return
    try:
        lowest, highest = declared
        lowest, highest = int(lowest), int(highest)
    except (TypeError, ValueError):
        reason = f"pullback_extension_api must be (min, max), got {declared!r}"
        raise _Rejected("incompatible", reason, _update(distribution)) from None
    if lowest <= EXTENSION_API_VERSION <= highest:
        return
    wants = f"version {lowest}" if lowest == highest else f"versions {lowest} to {highest}"
    reason = f"it supports {wants} of pullback's extension API, and this pullback has version {EXTENSION_API_VERSION}"
    fix = "pip install -U pullback" if lowest > EXTENSION_API_VERSION else _update(distribution)
    raise _Rejected("incompatible", reason, fix)


def _check_hooks(manager: pluggy.PluginManager, plugin: Any, distribution: str) -> None:
    """Refuse a hook that pullback does not have, and one that was not marked: pluggy would ignore both."""
    known = [name for name in vars(hookspecs) if name.startswith("pullback_")]
    module = plugin.__name__ if isinstance(plugin, ModuleType) else None
    for name in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, name) is not None
        if marked and name not in known:
            reason = f"it implements the hook {name!r}, which does not exist{did_you_mean(name, known)}"
            raise _Rejected("unknown hook", reason, _update(distribution))
        if name in known and not marked and getattr(getattr(plugin, name), "__module__", None) == module:
            reason = f"its {name!r} is not decorated with @pullback.extend.hookimpl"
            raise _Rejected("unknown hook", reason, _update(distribution))


def _call_each(plugins: _Plugins, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
    """What each plugin's ``hook`` returns, by key; one that raises is reported and left out."""
    results = []
    for implementation in getattr(plugins.manager.hook, hook).get_hookimpls():
        key = implementation.plugin_name
        try:
            given = [arguments[name] for name in implementation.argnames]
            results.append((key, implementation.function(*given)))
        except Exception as error:
            _reject_loaded(plugins, key, f"its hook {hook} raised {type(error).__name__}: {error}")
    # pluggy keeps implementations in the reverse order of their registration's precedence.
    order = list(plugins.records)
    return sorted(results, key=lambda pair: order.index(pair[0]))


def _reject_loaded(plugins: _Plugins, key: str, reason: str, status: Status = "broken", fix: str = "") -> None:
    record = plugins.records[key]
    plugins.reject(key, record, _Rejected(status, reason, fix or _update(record.distribution)))


def call_each(hook: str, **arguments: Any) -> list[Any]:
    """What each plugin's ``hook`` returns, pullback's own first; one that raises costs a warning."""
    plugins = _loaded()
    with _lock:
        results = [result for _, result in _call_each(plugins, hook, **arguments)]
    plugins.complain()
    return results


def backend_specs() -> list[BackendSpec]:
    """The backends that the plugins bring, without importing any array library."""
    plugins = _loaded()
    found: dict[str, BackendSpec] = {}
    with _lock:
        for key, specs in _call_each(plugins, "pullback_backends"):
            record = plugins.records[key]
            for spec in [specs] if isinstance(specs, BackendSpec) else _sequence(specs):
                if not isinstance(spec, BackendSpec) or not spec.name or ":" not in spec.loader:
                    _reject_loaded(plugins, key, f"pullback_backends returned {spec!r}, not a BackendSpec")
                elif spec.name in found:
                    owner = found[spec.name].distribution
                    reason = f"distribution {owner!r} has a backend named {spec.name!r}, which stays"
                    _reject_loaded(plugins, key, reason, "duplicate", f"pip uninstall {record.distribution}")
                else:
                    found[spec.name] = spec._replace(distribution=spec.distribution or record.distribution)
    plugins.complain()
    return list(found.values())


def _sequence(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def extra_kernels(backend: Backend) -> list[Mapping[str, Kernel]]:
    """The kernels that plugins add to ``backend``."""
    plugins = _loaded()
    found: list[Mapping[str, Kernel]] = []
    with _lock:
        for key, kernels in _call_each(plugins, "pullback_kernels", backend=backend):
            if isinstance(kernels, Mapping) and all(callable(kernel) for kernel in kernels.values()):
                found.append(kernels)
            else:
                reason = f"pullback_kernels returned {kernels!r}, not a mapping of callables"
                _reject_loaded(plugins, key, reason)
    plugins.complain()
    return found


def plugin_records() -> list[PluginRecord]:
    """What became of each plugin that is installed; discovers them if that has not happened yet."""
    return list(_loaded().records.values())

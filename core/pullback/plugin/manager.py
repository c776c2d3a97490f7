"""Discovery of plugins: from entry-point metadata alone, each loaded in isolation.

A plugin that is broken in any way costs one warning that names its distribution, the cause and the fixing
command. Others' code runs in a thread of its own, for a limited time; pullback's own plugins run where they are called.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from operator import attrgetter
from types import FrameType, ModuleType
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import pluggy

from pullback.backend.base import Backend, Kernel
from pullback.backend.records import BackendSpec, spec_clash
from pullback.errors import PluginError, PluginWarning, did_you_mean
from pullback.plugin import hookspecs
from pullback.plugin.hookspecs import EXTENSION_API_VERSION, GROUP
from pullback.plugin.isolation import (
    Outcome,
    PluginFailure,
    TimedOut,
    Turn,
    described,
    one_line,
    plugin_seconds,
    represented,
    run_here,
    run_isolated,
    threads_of,
    working_thread,
)
from pullback.plugin.results import RESULTS, Nonsense
from pullback.process.environment import is_switched_on

_R = TypeVar("_R")

Status: TypeAlias = Literal["loaded", "broken", "duplicate", "unknown hook", "incompatible"]


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
        One line. Where it is loaded, what it does beside that it should not; empty if nothing.
    fix : str
        The command that puts it right; empty where nothing is wrong.
    """

    name: str
    distribution: str
    version: str
    status: Status
    reason: str = ""
    fix: str = ""


class _Rejected(Exception):
    """Why a plugin is left out."""

    def __init__(self, status: Status, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.status: Status = status
        self.reason = reason
        self.fix = fix


class _Registered(NamedTuple):
    """What a plugin is once it is loaded: its implementation of each hook."""

    is_own: bool
    file: str
    hooks: dict[str, pluggy.HookImpl]


class _Plugins:
    """The plugins of this process."""

    def __init__(self) -> None:
        self.records: dict[str, PluginRecord] = {}
        self.registered: dict[str, _Registered] = {}
        self.complaints: list[str] = []  # that have not been reported
        self.told: list[str] = []
        self.running: set[tuple[int, str]] = set()  # the plugins whose hooks a thread is in
        self.tools: dict[str, tuple[str, str]] | None = None  # the plugin and the place of each, once asked for
        self.wasted = 0.0  # the seconds that were waited for what did not end

    def reject(self, key: str, rejected: _Rejected, part: str = "") -> None:
        """Leave a plugin out from here on, or a part of what it brings, and say so once."""
        record = self.records[key]
        if not part:
            self.registered.pop(key, None)
            if record.status != "loaded":
                return  # that has been said
        fix = rejected.fix or _update(record.distribution)
        reason = one_line(rejected.reason)
        self.records[key] = record._replace(status=rejected.status, reason=reason, fix=fix)
        self.complaints.append(f"{part}{_title(record)} is left out: {reason}. To fix it: {fix}")

    def remark(self, key: str, remarks: list[str]) -> None:
        """Say what a plugin does that it should not, though it works."""
        record = self.records[key]
        reason = one_line("; ".join(remarks))
        if record.status != "loaded" or reason == record.reason:
            return
        self.records[key] = record._replace(reason=reason, fix=_update(record.distribution))
        self.complaints.append(f"{_title(record)}: {reason}. To fix it: {_update(record.distribution)}")

    def complain(self) -> None:
        """Report what went wrong since the last time: warnings, or an error where that is asked for."""
        if working_thread() != threading.get_ident():
            return  # a plugin is asking; whoever asked the plugin is told
        if (self.complaints or self.told) and strict_plugins():  # every time, until the plugins are put right
            self.told += self.complaints
            self.complaints.clear()
            raise PluginError("\n".join(self.told))
        level, frame = 1, sys._getframe()
        # Code that pullback generates is of no module: its name is None.
        while frame.f_back and (frame.f_globals.get("__name__") or "pullback").partition(".")[0] == "pullback":
            level, frame = level + 1, frame.f_back
        while self.complaints:
            self.told.append(self.complaints.pop(0))  # before the warning, which may be an error
            warnings.warn(self.told[-1], PluginWarning, stacklevel=level)


_plugins: _Plugins | None = None
_in_discovery: _Plugins | None = None
_discovery = Turn()


def strict_plugins() -> bool:
    """Whether ``PULLBACK_STRICT_PLUGINS`` asks for an error where a plugin is broken."""
    return is_switched_on("PULLBACK_STRICT_PLUGINS")


def _loaded() -> _Plugins:
    """The plugins; for a plugin that asks while it is loaded itself, those that came before it."""
    global _plugins, _in_discovery
    if _plugins is None:
        with _discovery.taken() as is_first:
            if not is_first and _in_discovery is not None:
                return _in_discovery
            if _plugins is None:
                plugins = _in_discovery = _Plugins()
                try:
                    for entry_point in _entry_points(plugins):
                        _load(plugins, entry_point)
                finally:
                    _in_discovery = None
                _plugins = plugins
    if _plugins.complaints or _plugins.told:
        _plugins.complain()
    return _plugins


def _entry_points(plugins: _Plugins) -> list[EntryPoint]:
    """The plugins in the order in which they take names: pullback's own first, NumPy before all."""

    def order(entry_point: EntryPoint) -> tuple[bool, str, bool, str]:
        distribution, _ = _origin(entry_point)
        own = distribution == "pullback"
        return not own, distribution, not (own and entry_point.name == "numpy"), entry_point.name

    try:
        return sorted(entry_points(group=GROUP), key=order)
    except Exception:  # the metadata of some distribution cannot be read
        return sorted(_entry_points_one_by_one(plugins), key=order)


def _entry_points_one_by_one(plugins: _Plugins) -> Iterator[EntryPoint]:
    seen = set()
    for found in distributions():
        distribution, version = name_and_version(found)
        if distribution in seen and distribution != "unknown":
            continue  # an older one, further down the path
        seen.add(distribution)
        try:
            yield from found.entry_points.select(group=GROUP)
        except Exception as error:
            key = f"{distribution}:(entry points)"
            plugins.records[key] = PluginRecord("(entry points)", distribution, version, "loaded")
            reason = f"entry_points.txt of the distribution cannot be read: {described(error)}"
            plugins.reject(key, _Rejected("broken", reason, f"pip install --force-reinstall {distribution}"))


def _origin(entry_point: EntryPoint) -> tuple[str, str]:
    return name_and_version(entry_point.dist) if entry_point.dist is not None else ("unknown", "")


def name_and_version(distribution: Distribution) -> tuple[str, str]:
    """What a distribution says of itself; ``("unknown", "")`` where it cannot be read."""
    try:
        metadata: Any = distribution.metadata  # read anew each time
        return str(metadata.get("Name") or "unknown"), str(metadata.get("Version") or "")
    except Exception:  # its metadata are missing or cannot be read
        return "unknown", ""


def _title(record: PluginRecord) -> str:
    return f"plugin {record.name!r} of distribution {record.distribution!r} {record.version}".rstrip()


def _update(distribution: str) -> str:
    return f"pip install -U {distribution}  (or: pip uninstall {distribution})"


def _load(plugins: _Plugins, entry_point: EntryPoint) -> None:
    distribution, version = _origin(entry_point)
    key = f"{distribution}:{entry_point.name}"
    while key in plugins.records:
        key = f"{key} (again)"
    same = [other for other in plugins.records.values() if other.name == entry_point.name and other.status == "loaded"]
    plugins.records[key] = PluginRecord(entry_point.name, distribution, version, "loaded")
    for other in same:
        reason = (
            f"distribution {other.distribution!r} has a plugin of that name"
            if other.distribution != distribution
            else "the distribution has two plugins of that name"
        )
        plugins.reject(key, _Rejected("duplicate", reason, f"pip uninstall {distribution}"))
        return
    is_own = distribution == "pullback"
    before = set(threading.enumerate())
    try:
        here = is_own or _is_being_imported(entry_point)
        register = partial(_register, entry_point, key, is_own)
        found = run_here(register) if here else _run_theirs(plugins, key, register)
        plugins.registered[key] = found.result
        lasting = [] if is_own else threads_of(found.result.file.removesuffix("__init__.py"), before)
        threads = [f"its thread {name!r} keeps the program from ending" for name in lasting]
        if found.remarks or threads:
            plugins.remark(key, found.remarks + threads)
    except PluginFailure as failure:
        error = failure.__cause__
        if isinstance(error, _Rejected):
            plugins.reject(key, error)
        else:
            plugins.reject(key, _Rejected("broken", f"importing {entry_point.value!r} {_told(failure)}"))


def _told(failure: PluginFailure) -> str:
    return str(failure) if failure.__cause__ is not None else f"does not end: {failure}"


def _run_theirs(plugins: _Plugins, key: str, function: Callable[[], _R]) -> Outcome[_R]:
    """Run a plugin's code. Once two have taken all of their time in vain, each further one has a tenth of it."""
    seconds = plugin_seconds()
    if plugins.wasted >= 2 * seconds:
        seconds /= 10
    try:
        return run_isolated(function, seconds=seconds, watch=True, named=_title(plugins.records[key]))
    except TimedOut:
        plugins.wasted += seconds
        raise


def _is_being_imported(entry_point: EntryPoint) -> bool:
    """Whether this thread is importing the plugin's package: another one could only wait until that is done."""
    package = entry_point.value.partition(":")[0].partition(".")[0].strip()
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_name == "_find_and_load" and code.co_filename.startswith("<frozen importlib"):
            imported = str(frame.f_locals.get("name", ""))
            if imported.partition(".")[0] == package:
                return True
        frame = frame.f_back
    return False


def _register(entry_point: EntryPoint, key: str, is_own: bool) -> _Registered:
    """Import the plugin and find its hooks; nothing is kept of one in which something is wrong."""
    plugin = entry_point.load()
    module = plugin if isinstance(plugin, ModuleType) else sys.modules.get(getattr(plugin, "__module__", ""))
    file = str(getattr(module, "__file__", None) or "")
    where = f" ({file})" if file else ""
    try:
        hooks = _hooks_of(plugin, key, where)
    except (Exception, SystemExit) as error:
        if isinstance(error, _Rejected):
            raise
        raise _Rejected("broken", f"looking at its attributes raised {described(error)}") from error
    return _Registered(is_own, file, hooks)


def _hooks_of(plugin: Any, key: str, where: str) -> dict[str, pluggy.HookImpl]:
    # Of a module only what it defines: one that imports its parts on demand is not to import them for being looked at.
    attributes = _Attributes(plugin) if isinstance(plugin, ModuleType) else plugin
    _check_version(getattr(attributes, "pullback_extension_api", None), where)
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    _check_hooks(manager, attributes, plugin.__name__ if isinstance(plugin, ModuleType) else None, where)
    try:
        manager.register(attributes, name=key)
    except pluggy.PluginValidationError as error:
        # pluggy's message for a wrong signature has the hook and the argument on separate lines.
        raise _Rejected("broken", f"{one_line(error)}{where}") from error
    hooks = {}
    for caller in manager.get_hookcallers(attributes) or []:
        (hooks[caller.name],) = caller.get_hookimpls()
    if not hooks:
        raise _Rejected("unknown hook", f"it implements none of pullback's hooks, {', '.join(_HOOKS)}{where}")
    return hooks


class _Attributes:
    """What a module defines, without what it makes up when asked."""

    def __init__(self, module: ModuleType) -> None:
        vars(self).update(vars(module))

    def __dir__(self) -> list[str]:
        return [name for name in vars(self) if isinstance(name, str)]


def _check_version(declared: Any, where: str) -> None:
    if declared is None:
        return
    try:
        lowest, highest = declared
        lowest, highest = int(lowest), int(highest)
    except (TypeError, ValueError, OverflowError):
        reason = f"pullback_extension_api must be (min, max), got {represented(declared)}{where}"
        raise _Rejected("incompatible", reason) from None
    if lowest <= EXTENSION_API_VERSION <= highest:
        return
    wants = f"version {lowest}" if lowest == highest else f"versions {lowest} to {highest}"
    reason = f"it supports {wants} of pullback's extension API, and this pullback has version {EXTENSION_API_VERSION}"
    fix = "pip install -U pullback" if lowest > EXTENSION_API_VERSION else ""
    raise _Rejected("incompatible", reason + where, fix)


_HOOKS: Final = tuple(name for name in vars(hookspecs) if name.startswith("pullback_"))


def _check_hooks(manager: pluggy.PluginManager, plugin: Any, module: str | None, where: str) -> None:
    """Refuse a hook that pullback does not have, and one that was not marked: pluggy would ignore both."""
    for name in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, name) is not None
        if marked and name not in _HOOKS:
            reason = f"it implements the hook {name!r}, which does not exist{did_you_mean(name, _HOOKS)}"
            raise _Rejected("unknown hook", reason + where)
        if name in _HOOKS and not marked:
            found = getattr(plugin, name)
            if module is None or getattr(found, "__module__", module) == module:
                reason = f"its {name!r} is not decorated with @pullback.extend.hookimpl"
                raise _Rejected("unknown hook", reason + where)


def _call_each(plugins: _Plugins, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
    """What each plugin's ``hook`` returns, by key, in the order in which plugins take names."""
    results = []
    for key, found in list(plugins.registered.items()):
        implementation = found.hooks.get(hook)
        turn = (working_thread(), key)
        if implementation is None or turn in plugins.running:
            continue  # or a plugin that is asked already, and asks in its turn
        given = [arguments[name] for name in implementation.argnames]

        def ask(function: Callable[..., Any] = implementation.function, given: list[Any] = given) -> Any:
            return RESULTS[hook](hook, function(*given))

        plugins.running.add(turn)
        try:
            outcome = run_here(ask) if found.is_own else _run_theirs(plugins, key, ask)
            results.append((key, outcome.result))
            if outcome.remarks:
                plugins.remark(key, [f"in its hook {hook} {remark}" for remark in outcome.remarks])
        except PluginFailure as failure:
            cause = failure.__cause__
            reason = str(cause) if isinstance(cause, Nonsense) else f"its hook {hook} {_told(failure)}"
            file = found.file if isinstance(cause, Nonsense) else ""
            plugins.reject(key, _Rejected("broken", f"{reason} ({file})" if file else reason))
        finally:
            plugins.running.discard(turn)
    return results


def call_each(hook: str, **arguments: Any) -> list[Any]:
    """What each plugin's ``hook`` returns, pullback's own first; one that fails costs a warning."""
    plugins = _loaded()
    results = [result for _, result in _call_each(plugins, hook, **arguments)]
    plugins.complain()
    return results


def backend_specs() -> list[BackendSpec]:
    """The backends that the plugins bring, without importing any array library."""
    plugins = _loaded()
    found: dict[str, BackendSpec] = {}
    for key, specs in _call_each(plugins, "pullback_backends"):
        record = plugins.records[key]
        for spec in specs:
            reason = spec_clash(spec, found.values())
            if spec.name in found:
                reason = f"distribution {found[spec.name].distribution!r} has a backend of that name, which stays"
            if reason:
                rejected = _Rejected("duplicate", reason, f"pip uninstall {record.distribution}")
                plugins.reject(key, rejected, part=f"backend {spec.name!r} of ")
            else:
                found[spec.name] = spec._replace(distribution=spec.distribution or record.distribution)
    plugins.complain()
    return list(found.values())


def import_operations() -> None:
    """Import the modules that declare the plugins' operations."""
    plugins = _loaded()
    for key, modules in _call_each(plugins, "pullback_operations"):
        for module in modules:
            try:
                outcome = _run_theirs(plugins, key, partial(import_module, module))
                if outcome.remarks:
                    plugins.remark(key, [f"its module {module!r}: {remark}" for remark in outcome.remarks])
            except PluginFailure as failure:
                reason = f"importing {module!r}, which declares its operations, {_told(failure)}"
                plugins.reject(key, _Rejected("broken", reason))
                break
    plugins.complain()


def tools() -> dict[str, str]:
    """The tools that the plugins bring, interceptors and viewers: where each is found, by its name.

    Examples
    --------
    >>> from pullback.extend import tools
    >>> tools()["explain.samples"]
    'pullback_conformance.explaining:samples'
    """
    return {name: place for name, (_, place) in _tools().items()}


def load_tool(name: str) -> Any:
    """A tool of a plugin, imported.

    Raises
    ------
    PluginError
        Where no plugin brings a tool of that name, or it cannot be imported.
    """
    plugins, found = _loaded(), _tools()
    if name not in found:
        raise PluginError(f"no plugin brings a tool {name!r}{did_you_mean(name, found)}")
    key, place = found[name]
    module, _, attribute = place.partition(":")
    try:
        return _run_theirs(plugins, key, lambda: attrgetter(attribute)(import_module(module))).result
    except PluginFailure as failure:
        raise PluginError(
            f"the tool {name!r} of {_title(plugins.records[key])}: {place!r} {_told(failure)}"
        ) from failure


def _tools() -> dict[str, tuple[str, str]]:
    """The plugin and the place of each tool, by its name; of two of one name the first stays."""
    plugins = _loaded()
    if plugins.tools is not None:
        return plugins.tools
    found: dict[str, tuple[str, str]] = {}
    for key, brought in _call_each(plugins, "pullback_tools"):
        for name, place in brought.items():
            if name in found:
                owner = plugins.records[found[name][0]].distribution
                reason = f"distribution {owner!r} has a tool of that name, which stays"
                rejected = _Rejected("duplicate", reason, f"pip uninstall {plugins.records[key].distribution}")
                plugins.reject(key, rejected, part=f"tool {name!r} of ")
            else:
                found[name] = (key, place)
    plugins.tools = found
    plugins.complain()
    return found


def extra_kernels(backend: Backend) -> list[Mapping[str, Kernel]]:
    """The kernels that plugins add to ``backend``."""
    return call_each("pullback_kernels", backend=backend)


def plugin_records() -> list[PluginRecord]:
    """What became of each plugin that is installed; discovers them if that has not happened yet."""
    return list(_loaded().records.values())


def left_out() -> list[str]:
    """What has been said of the plugins found so far, which may be why something is not there."""
    plugins = _plugins or _in_discovery
    return [] if plugins is None else [*plugins.told, *plugins.complaints]

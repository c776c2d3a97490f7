"""What the hooks may return: each checked, and made the one form that callers get.

These functions read values that a plugin made, so they are run as its code is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from pullback.backend.base import Kernel, kernel_problem
from pullback.backend.records import BackendSpec, spec_problem
from pullback.plugin.isolation import represented


class Nonsense(Exception):
    """A hook returned what it must not; the text says what and what it should be."""


_MOST: Final = 10_000  # a sequence of a class of its own may have no end


def _listed(hook: str, value: Any, of: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise Nonsense(f"{hook} returned {represented(value)}, not a list of {of}")
    items = list(islice(value, _MOST + 1))
    if len(items) > _MOST:
        raise Nonsense(f"{hook} returned more than {_MOST} {of}")
    return items


def _backends(hook: str, value: Any) -> list[BackendSpec]:
    specs = [value] if isinstance(value, BackendSpec) else _listed(hook, value, "BackendSpec")
    for spec in specs:
        if not isinstance(spec, BackendSpec):
            raise Nonsense(f"{hook} returned {represented(spec)}, not a BackendSpec")
        problem = spec_problem(spec)
        if problem:
            raise Nonsense(f"{hook} returned {represented(spec)}: {problem}")
    return specs


def _kernels(hook: str, value: Any) -> dict[str, Kernel]:
    if not isinstance(value, Mapping):
        raise Nonsense(f"{hook} returned {represented(value)}, not a mapping of callables")
    kernels = dict(value)
    for name, kernel in kernels.items():
        problem = kernel_problem(name, kernel)
        if problem:
            raise Nonsense(f"{hook} returned {represented(value)}, not a mapping of callables: {problem}")
    return kernels


def _modules(hook: str, value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else _listed(hook, value, "names of modules")
    for name in names:
        if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
            raise Nonsense(f"{hook} returned {represented(name)}, not the name of a module")
    return names


def _tools(hook: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise Nonsense(f"{hook} returned {represented(value)}, not a mapping of names to 'module:attribute'")
    tools = dict(value)
    for name, place in tools.items():
        if not isinstance(name, str) or not isinstance(place, str) or ":" not in place:
            raise Nonsense(f"{hook} returned {represented({name: place})}, not a name and 'module:attribute'")
    return tools


def _anything(hook: str, value: Any) -> list[Any]:
    return _listed(hook, value, "items") if isinstance(value, (list, tuple)) else [value]


RESULTS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "pullback_backends": _backends,
    "pullback_operations": _modules,
    "pullback_kernels": _kernels,
    "pullback_tools": _tools,
    "pullback_conformance": lambda hook, value: _listed(hook, value, "cases and tolerances"),
    "pullback_commands": _anything,  # whoever has click imported looks at them
}

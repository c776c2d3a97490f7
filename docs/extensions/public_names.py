"""``.. public-names:: module``: an entry for each public class and function of a module, under the name people type.

Operations have theirs on a page of their own. A name that stands for the same thing as an earlier one refers to that.
The build warns of a public callable that has no entry.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from operator import attrgetter
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from operations import NAPOLEON, public_name
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import NumpyDocstring
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger

logger = getLogger(__name__)


class PublicNames(SphinxDirective):
    """``.. public-names:: module``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = self.arguments[0]
        shown: dict[str, dict[int, str]] = self.env.metadata[self.env.docname].setdefault("public names", {})
        shown[module] = {}
        known = {key: name for names in shown.values() for key, name in names.items()}
        lines: list[str] = []
        for name, value in public_callables(module).items():
            place = f"{module}.{name}"
            operation = operations().get(id(value))
            if operation == place:
                continue
            original = operation or known.get(id(value))
            if original is not None:
                lines += same_as(module, name, original)
                continue
            known[id(value)] = shown[module][id(value)] = place
            lines += described_class(place, value) if isinstance(value, type) else [f".. autofunction:: {place}", ""]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, module), 0, container, match_titles=True)
        return container.children


def public_callables(module: str) -> dict[str, Any]:
    """The classes and functions that a module offers, by name."""
    found = import_module(module)
    public = getattr(found, "__all__", None) or [
        name for name, value in vars(found).items() if not name.startswith("_") and defined_in(value, found)
    ]
    values = {name: getattr(found, name) for name in sorted(public)}
    return {n: v for n, v in values.items() if callable(v) and not isinstance(v, ModuleType) and hasattr(v, "__name__")}


def defined_in(value: Any, module: ModuleType) -> bool:
    return (getattr(value, "__module__", None) or "").startswith(module.__name__)


@cache
def operations() -> dict[int, str]:
    """What the page of operations describes, and under which name."""
    from pullback.extend import registry
    from pullback.ops import import_all

    import_all()
    places = (public_name(record) for record in registry.values() if record.module.startswith("pullback."))
    return {id(attrgetter(name)(import_module(module))): f"{module}.{name}" for module, name in filter(None, places)}


def same_as(module: str, name: str, original: str) -> list[str]:
    return [f".. py:function:: {name}(...)", f"   :module: {module}", "", f"   The same as :py:obj:`{original}`.", ""]


def described_class(place: str, value: type) -> list[str]:
    """A class with its members, but for those that the page of operations describes."""
    module, _, name = place.rpartition(".")
    if value.__name__ != name:  # autodoc would only say of which internal name it is an alias
        return described_members(module, name, value)
    elsewhere = [n for n in vars(value) if operations().get(id(getattr(value, n))) == f"{place}.{n}"]
    members = [f"   :exclude-members: {', '.join(elsewhere)}"] if elsewhere else []
    return [f".. autoclass:: {place}", "   :members:", *members, ""]


def described_members(module: str, name: str, value: type) -> list[str]:
    """A class under another name than its own, and its methods."""
    lines = [f".. py:class:: {name}", f"   :module: {module}", "", *indented(value.__doc__, 3)]
    for member, function in vars(value).items():
        if not member.startswith("_") and inspect.isfunction(function):
            lines += [f"   .. py:method:: {member}{inspect.signature(function)}", "", *indented(function.__doc__, 6)]
    return lines


def indented(doc: str | None, columns: int) -> list[str]:
    """A docstring as reStructuredText."""
    text = str(NumpyDocstring(inspect.cleandoc(doc or ""), NAPOLEON, what="class"))
    return [*(" " * columns + line for line in text.splitlines()), ""]


def check_entries(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of what a documented module offers without an entry."""
    described = env.domains["py"].data["objects"]
    modules = [module for data in env.metadata.values() for module in data.get("public names", ())]
    for module in modules:
        for name in public_callables(module):
            if f"{module}.{name}" not in described:
                logger.warning("%s.%s is public and has no entry in the reference", module, name)
    for name, value in public_callables("pullback").items():
        for member in vars(value) if isinstance(value, type) else ():
            if not member.startswith("_") and callable(getattr(value, member)) and value.__module__ != "builtins":
                place = f"pullback.{name}.{member}"
                if place not in described and getattr(value, member).__doc__:
                    logger.warning("%s is public and has no entry in the reference", place)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public-names", PublicNames)
    app.connect("env-check-consistency", check_entries)
    return {"parallel_read_safe": False, "parallel_write_safe": True}

"""The hooks a plugin may implement. pluggy serves registration only, never the dispatch of an operation.

A plugin is a module that an entry point of the group ``pullback`` names. It is imported when pullback first
needs a backend, so it must be cheap to import: it describes what it brings, and loads libraries when they are
used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    import click

    from pullback.backend.base import Backend, Kernel
    from pullback.backend.records import BackendSpec

#: The version of what `pullback.extend` offers. A plugin that sets ``pullback_extension_api = (1, 3)`` works
#: with versions 1 to 3; one that sets nothing is taken as it is.
EXTENSION_API_VERSION: Final = 1

#: The entry-point group, and pluggy's project name.
GROUP: Final = "pullback"

hookspec: Final = pluggy.HookspecMarker(GROUP)
hookimpl: Final = pluggy.HookimplMarker(GROUP)


@hookspec
def pullback_backends() -> Sequence[BackendSpec]:  # type: ignore[empty-body]
    """The backends the plugin brings: their names, and how to load them."""


@hookspec
def pullback_operations() -> Sequence[str]:  # type: ignore[empty-body]
    """The modules that declare the plugin's operations; importing one declares them."""


@hookspec
def pullback_kernels(backend: Backend) -> Mapping[str, Kernel]:  # type: ignore[empty-body]
    """Extra or faster kernels for ``backend``, by name; called once for each backend, when it is created."""


@hookspec
def pullback_tools() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Interceptors and viewers by name, each as ``"module:attribute"``."""


@hookspec
def pullback_conformance() -> Sequence[Any]:  # type: ignore[empty-body]
    """Cases and tolerances for the conformance suite."""


@hookspec
def pullback_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Subcommands of ``pullback``; each should import what it needs when it runs."""

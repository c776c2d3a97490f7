"""What the suite adds to pullback: the command ``pullback conformance``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback.extend import hookimpl

if TYPE_CHECKING:
    import click

pullback_extension_api = (1, 1)


@hookimpl
def pullback_commands() -> list[click.Command]:
    from pullback_conformance.command import conformance

    return [conformance]


@hookimpl
def pullback_tools() -> dict[str, str]:
    return {
        "explain.samples": "pullback_conformance.explaining:samples",
        "explain.conformance": "pullback_conformance.explaining:conformance",
    }

"""Commands under ``pullback conformance``, which itself is one that runs the suite."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

#: The name of each command, and where it is.
SUBCOMMANDS = {"selftest": "pullback_conformance.selftest.command:selftest"}


class WithSubcommands(click.Command):
    """A command whose first argument may name another one, which then gets the rest."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command that the arguments are for."""
        if args and args[0] in SUBCOMMANDS:
            name = args[0]
            module, _, attribute = SUBCOMMANDS[name].partition(":")
            chosen: click.Command = getattr(import_module(module), attribute)
            return chosen.make_context(f"{info_name} {name}", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the context is of."""
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Name the other commands after the options."""
        rows = []
        for name, place in SUBCOMMANDS.items():
            module, _, attribute = place.partition(":")
            rows.append((name, getattr(import_module(module), attribute).get_short_help_str()))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

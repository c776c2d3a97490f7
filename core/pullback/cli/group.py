"""A command group whose subcommands are loaded when they are needed, its own and the plugins'."""

from __future__ import annotations

import re
from functools import cached_property
from importlib import import_module
from typing import Any

import click

from pullback.errors import did_you_mean

BUILT_IN = {
    "demo": "pullback.cli.demo:demo",
    "doctor": "pullback.cli.doctor:doctor",
    "explain": "pullback.cli.explain:explain",
}

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class CommandGroup(click.Group):
    """pullback's subcommands and those of the hook ``pullback_commands``.

    A plugin whose commands cannot be had costs one warning; everything else goes on.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *BUILT_IN, *self._from_plugins(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in BUILT_IN:
            module, _, attribute = BUILT_IN[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return super().get_command(ctx, cmd_name) or self._from_plugins(ctx).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}{did_you_mean(name, self.list_commands(ctx)) or '.'}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(ctx, name, width)) for name in names])

    def _short_help(self, ctx: click.Context, name: str, width: int) -> str:
        try:
            command = self.get_command(ctx, name)
            return "" if command is None else str(command.get_short_help_str(width))
        except (Exception, SystemExit) as error:  # a plugin's command that loads itself lazily, and cannot
            return f"(broken: {_described(error)})"

    def _from_plugins(self, ctx: click.Context) -> dict[str, click.Command]:
        commands, complaints = self._provided
        if not ctx.resilient_parsing:  # a shell completes a line, and the user is writing it
            while complaints:
                _warn(complaints.pop(0))
        return commands

    @cached_property
    def _provided(self) -> tuple[dict[str, click.Command], list[str]]:
        from pullback.plugin.isolation import represented

        commands: dict[str, click.Command] = {}
        provided, complaints = provided_commands()
        for command in provided:
            name = getattr(command, "name", None) if isinstance(command, click.Command) else None
            if name is None or not isinstance(name, str) or not _NAME.fullmatch(name):
                complaints.append(
                    f"a plugin provides {represented(command)} as a command, which is no click command with a name"
                )
            elif command.name in BUILT_IN or command.name in commands:
                complaints.append(f"a plugin's command {command.name!r} is left out: there is one of that name already")
            else:
                commands[command.name] = command
        return commands, complaints


def provided_commands() -> tuple[list[Any], list[str]]:
    """What the plugins' ``pullback_commands`` return, and what is to be said of plugins that are broken."""
    import warnings

    complaints = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            from pullback.plugin.manager import call_each

            provided = [
                command
                for commands in call_each("pullback_commands")
                for command in (commands if isinstance(commands, (list, tuple)) else [commands])
            ]
        except Exception as error:  # a plugin is broken and PULLBACK_STRICT_PLUGINS asks for an error
            complaints.append(f"the plugins' commands are left out: {_described(error)}")
            provided = []
    return provided, complaints + [str(warning.message) for warning in caught]


def _described(error: BaseException) -> str:
    from pullback.plugin.isolation import described

    return described(error)


def _warn(message: str) -> None:
    click.secho(f"warning: {message}\n(`pullback doctor` shows all plugins)", fg="yellow", err=True)

"""A command group whose subcommands are loaded when they are needed, its own and the plugins'."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import click

BUILT_IN = {"demo": "pullback.cli.demo:demo", "doctor": "pullback.cli.doctor:doctor"}


class CommandGroup(click.Group):
    """pullback's subcommands and those of the hook ``pullback_commands``.

    A plugin whose commands cannot be had costs one warning; everything else goes on.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *BUILT_IN, *self._from_plugins})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in BUILT_IN:
            module, _, attribute = BUILT_IN[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return super().get_command(ctx, cmd_name) or self._from_plugins.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(ctx, name, width)) for name in names])

    def _short_help(self, ctx: click.Context, name: str, width: int) -> str:
        try:
            command = self.get_command(ctx, name)
            return "" if command is None else command.get_short_help_str(width)
        except Exception as error:  # a plugin's command that loads itself lazily, and cannot
            return f"(broken: {_described(error)})"

    @cached_property
    def _from_plugins(self) -> dict[str, click.Command]:
        commands: dict[str, click.Command] = {}
        for command in provided_commands():
            if not isinstance(command, click.Command) or not command.name:
                _warn(f"a plugin provides {command!r} as a command, which is no click command with a name")
            elif command.name in BUILT_IN or command.name in commands:
                _warn(f"a plugin's command {command.name!r} is left out: there is one of that name already")
            else:
                commands[command.name] = command
        return commands


def provided_commands() -> list[Any]:
    """What the plugins' ``pullback_commands`` return; one that fails costs a warning on standard error."""
    import warnings

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
            _warn(f"the plugins' commands are left out: {_described(error)}")
            provided = []
    for warning in caught:
        _warn(str(warning.message))
    return provided


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _warn(message: str) -> None:
    click.secho(f"warning: {message}\n(`pullback doctor` shows all plugins)", fg="yellow", err=True)

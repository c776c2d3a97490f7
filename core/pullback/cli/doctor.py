"""``pullback doctor``: what is installed, what works, what is broken, and the command that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from pullback.cli.diagnosis import Diagnosis


@click.command(short_help="Show what is installed, what works and what is broken.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of tables.")
def doctor(as_json: bool) -> None:
    """Show versions, plugins, backends and settings, and what is broken.

    Libraries and hardware that are optional and missing are shown, with the command that installs them
    where there is one; they are not broken. The exit status is 0 when nothing is broken, else 1.
    """
    from rich.console import Console

    from pullback.cli.diagnosis import diagnose

    waiting = Console(stderr=True)
    if waiting.is_terminal:  # a backend may take up to a minute to say whether it works
        with waiting.status("Looking at plugins and backends"):
            diagnosis = diagnose()
    else:
        diagnosis = diagnose()
    if as_json:
        import json

        click.echo(json.dumps(diagnosis.as_dict(), indent=2))
    else:
        _show(diagnosis, Console())
    if diagnosis.problems:
        raise SystemExit(1)


def _show(diagnosis: Diagnosis, console: Console) -> None:
    from rich.table import Table

    def table(title: str, *columns: str) -> Table:
        made = Table(title=title, title_justify="left", title_style="bold")
        for position, column in enumerate(columns):
            made.add_column(column, no_wrap=position == 0, overflow="fold")
        return made

    versions = table("Versions", "Package", "Version")
    for package, version in diagnosis.versions.items():
        versions.add_row(package, version or "[dim]not installed[/dim]")
    console.print(versions)

    plugins = table("Plugins", "Plugin", "Distribution", "Version", "Status")
    for plugin in diagnosis.plugins:
        status = "[green]loaded[/green]" if not plugin["broken"] else f"[red]{_plain(plugin['status'])}[/red]"
        plugins.add_row(
            _plain(plugin["name"]),
            _plain(plugin["distribution"] or "-"),
            _plain(plugin["version"] or "-"),
            status,
        )
    console.print(plugins)

    backends = table("Backends", "Backend", "Status", "Devices", "Stands on")
    for backend in diagnosis.backends:
        if backend["available"]:
            status = "[green]available[/green]" + (", [bold]the default[/bold]" if backend["default"] else "")
        else:
            status = ("[red]" if backend["broken"] else "[yellow]") + _plain(backend["reason"]) + "[/]"
        stands_on = ", ".join(f"{library} {version}" for library, version in backend["versions"].items())
        devices = ", ".join(backend["devices"])
        backends.add_row(_plain(backend["name"]), status, _plain(devices or "-"), _plain(stands_on or "-"))
    console.print(backends)

    if diagnosis.environment:
        environment = table("Environment variables in force", "Variable", "Value", "")
        for variable in diagnosis.environment:
            environment.add_row(*map(_plain, (variable["name"], variable["value"], variable["note"])))
        console.print(environment)
    else:
        console.print("No environment variables in force that concern pullback or its backends.")

    if not diagnosis.problems:
        console.print("[green]Nothing is broken.[/green]")
        return
    count = len(diagnosis.problems)
    console.print(f"[red bold]{count} thing{'s are' if count > 1 else ' is'} broken:[/red bold]")
    for problem in diagnosis.problems:
        console.print(f"- {_plain(problem['what'])}", highlight=False, soft_wrap=True)
        if problem["fix"]:  # on a line of its own and never wrapped: it is there to be copied
            console.print(f"  {_plain(problem['fix'])}", style="bold", highlight=False, soft_wrap=True)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)

"""The ``pullback`` command: the demo, the doctor, and the subcommands that plugins bring."""

from __future__ import annotations

import click

from pullback.cli.group import CommandGroup


def _print_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    import pullback

    click.echo(f"pullback {pullback.__version__}")
    context.exit()


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version.",
)
def main() -> None:
    """PyTorch's autograd semantics over any array library."""

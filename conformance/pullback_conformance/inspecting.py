"""The subcommands of ``pullback conformance``: what there is to run, one cell by its name, and two records compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pullback_conformance.statuses import errors_as_statuses

if TYPE_CHECKING:
    from pullback_conformance.record import Record

_RECORD = click.Path(exists=True, dir_okay=False, path_type=Path)


def separated(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Values given by repeating an option, by commas, or both."""
    return tuple(part.strip() for item in value for part in item.split(",") if part.strip())


def _of_a_backend(command: Callable[..., None]) -> Callable[..., None]:
    options = [
        click.option("--backend", default="numpy", show_default=True, metavar="NAME", help="A name, or module:Class."),
        click.option("--against", default="numpy", show_default=True, metavar="NAME"),
        click.option(
            "--tier",
            type=click.Choice(["smoke", "standard", "full"]),
            default="standard",
            show_default=True,
        ),
        click.option("--seed", default=0, show_default=True),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command("list", short_help="List the cells of a run.")
@_of_a_backend
@click.option("--operations", multiple=True, callback=separated, metavar="GLOB", help="Only these.")
@click.option("--dtypes", multiple=True, callback=separated, metavar="NAMES", help="Only these.")
@click.option("--checks", multiple=True, callback=separated, metavar="NAMES", help="Only these.")
def list_cells(backend: str, against: str, tier: str, seed: int, **chosen: tuple[str, ...]) -> None:
    """List the cells that a run would have, one a line."""
    with errors_as_statuses():
        from pullback_conformance.cells import planned
        from pullback_conformance.runner import Runner, Selection

        runner = Runner(backend, against, Selection(tier, **chosen, seed=seed))
        runner.require_cells()
        for cell in planned(runner):
            click.echo(cell.name)


_EXAMPLES = click.option(
    "--examples", default=0, show_default=True, metavar="N", type=click.IntRange(0), help="The run's, with its seed."
)


@click.command(short_help="Run one cell, and show each sample.")
@click.argument("cell")
@_of_a_backend
@_EXAMPLES
def show(cell: str, **where: Any) -> None:
    """Run a cell, named as in exp-float32-value, and show what each of its samples gives."""
    with errors_as_statuses():
        from pullback_conformance.cells import cell_named

        found = cell_named(cell, **where)[2]
    click.echo(f"{found.name}: {found.outcome.value}")
    for sample in found.samples:
        error = "" if sample.ulp is None else f" {sample.ulp:.3g} ulp"
        allowed = "" if sample.bound is None else f" of {sample.bound:g}"
        judge = f", against {sample.oracle}" if sample.oracle else ""
        click.echo(f"  {sample.sample}: {sample.outcome}{error}{allowed}{judge}")
        if sample.message:
            click.echo(f"    {sample.message}")
    if found.outcome.is_bad:
        raise SystemExit(1)


@click.command(short_help="Print a script that makes the call of a cell.")
@click.argument("cell")
@_of_a_backend
@_EXAMPLES
@click.option("--sample", default="", metavar="LABEL", help="Which sample, as `show` names it; the first that fails.")
def repro(cell: str, sample: str, **where: Any) -> None:
    """Print a script of one sample of a cell: where it fails the one that shows the failure."""
    with errors_as_statuses():
        from pullback_conformance.cells import cell_named, script_of

        click.echo(script_of(*cell_named(cell, **where), sample), nl=False)


@click.command(short_help="Compare two records.")
@click.argument("before", type=_RECORD)
@click.argument("after", type=_RECORD)
def compare(before: Path, after: Path) -> None:
    """Say which cells have another outcome in AFTER than in BEFORE, two files that --json wrote.

    The exit status is 1 if a cell is bad that was not.
    """
    with errors_as_statuses():
        from pullback_conformance.comparison import compared

        comparison = compared(record_in(before), record_in(after))
    for line in comparison.lines():
        click.echo(line)
    if comparison.worse:
        raise SystemExit(1)


def record_in(path: Path) -> Record:
    """The record in a file, or a ValueError that names it."""
    from pullback_conformance.record import read_json

    try:
        return read_json(path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no record of a run, as --json writes them: {error}") from error

"""``pullback conformance``: run the suite on a backend and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pullback_conformance.subcommands import WithSubcommands

if TYPE_CHECKING:
    from pullback_conformance.record import Record

_FILE = click.Path(dir_okay=False, path_type=Path)


def _separated(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Values given by repeating an option, by commas, or both."""
    return tuple(part.strip() for item in value for part in item.split(",") if part.strip())


@click.command(cls=WithSubcommands, short_help="Check what a backend computes, with evidence.")
@click.option("--backend", required=True, metavar="NAME", help="The backend to check: a name, or module:Class.")
@click.option("--against", default="numpy", metavar="NAME", show_default=True, help="The backend to compare with.")
@click.option(
    "--tier",
    type=click.Choice(["smoke", "standard", "full"]),
    default="smoke",
    show_default=True,
    help="smoke: about a minute. standard: every sample and dtype. full: several sets of random values.",
)
@click.option("--operations", multiple=True, callback=_separated, metavar="GLOB", help="Only these, as in 'log*,exp'.")
@click.option("--dtypes", multiple=True, callback=_separated, metavar="NAMES", help="Only these dtypes.")
@click.option("--checks", multiple=True, callback=_separated, metavar="NAMES", help="Only these checks.")
@click.option("--seed", default=0, show_default=True, help="Another one gives other random values.")
@click.option(
    "--jobs",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Threads: they pay off where the backend compiles.",
)
@click.option("--json", "json_file", type=_FILE, help="Write the record of every cell.")
@click.option("--html", "html_file", type=_FILE, help="Write the matrix to look at.")
@click.option("--junit", "junit_file", type=_FILE, help="Write a JUnit report.")
@click.option(
    "--repro-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("conformance-failures"),
    show_default=True,
    help="Where to save a script for each failure.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
def conformance(
    backend: str,
    against: str,
    tier: str,
    operations: tuple[str, ...],
    dtypes: tuple[str, ...],
    checks: tuple[str, ...],
    seed: int,
    jobs: int,
    json_file: Path | None,
    html_file: Path | None,
    junit_file: Path | None,
    repro_dir: Path,
    quiet: bool,
) -> None:
    """Run the conformance suite on a backend.

    For each operation, dtype and sample of arguments: are values, dtypes and shapes right, gradients in both modes and
    of second order, are operands left alone, is it deterministic? Errors are measured in units in the last place.

    The exit status is 0 only if everything selected was run and nothing failed.
    """  # fmt: skip
    from rich.console import Console

    console = Console()
    try:
        from pullback_conformance.runner import Selection
        from pullback_conformance.terminal import run_with_progress, show

        selection = Selection(tier, operations, dtypes, checks, seed)
        record = run_with_progress(console, backend, against, selection, jobs=jobs, quiet=quiet)
    except (ValueError, RuntimeError, ImportError, AttributeError) as error:
        raise click.ClickException(str(error)) from error
    from pullback_conformance.report.scripts import save_scripts

    saved = save_scripts(record, repro_dir)
    written = _write_reports(record, json_file, html_file, junit_file)
    show(console, record, saved)
    for path in written:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    if not record.is_good:
        raise SystemExit(1)


def _write_reports(record: Record, *files: Any) -> list[Path]:
    json_file, html_file, junit_file = files
    if json_file is not None:
        record.write_json(json_file)
    if html_file is not None:
        from pullback_conformance.report.html import write_html

        write_html(record, html_file)
    if junit_file is not None:
        from pullback_conformance.report.junit import write_junit

        write_junit(record, junit_file)
    return [path for path in files if path is not None]

"""``pullback conformance``: run the suite on a backend and report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pullback_conformance.record import Record

_FILE = click.Path(dir_okay=False, path_type=Path)


def _separated(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Values given by repeating an option, by commas, or both."""
    return tuple(part.strip() for item in value for part in item.split(",") if part.strip())


@click.command(short_help="Check what a backend computes, with evidence.")
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
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="How many worker processes.")
@click.option(
    "--cell-timeout",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(0.0, min_open=True),
    help="How long a sample of a cell may take: what hangs is a failure.",
)
@click.option("--in-process", is_flag=True, help="Run in this process, for a debugger; jobs are threads then.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first failure.")
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
    cell_timeout: float,
    in_process: bool,
    fail_fast: bool,
    json_file: Path | None,
    html_file: Path | None,
    junit_file: Path | None,
    repro_dir: Path,
    quiet: bool,
) -> None:
    """Run the conformance suite on a backend.

    For each operation, dtype and sample of arguments: are values, dtypes and shapes right, gradients in both modes and
    of second order, are operands left alone, is it deterministic? Errors are measured in units in the last place.

    The exit status is 0 only if everything selected was run and nothing failed; 1 where something did not, 2 where what
    is selected does not exist or is nothing, 3 where the backend does not load.
    """  # fmt: skip
    from rich.console import Console

    from pullback_conformance.report.scripts import save_scripts

    console = Console()
    from pullback_conformance.interrupts import Interrupts
    from pullback_conformance.runner import Runner, Selection
    from pullback_conformance.terminal import How, run_with_progress, show

    # Workers and this process share a GPU, of whose memory XLA would take three quarters for each.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    how = How(jobs, in_process, cell_timeout, fail_fast, quiet=quiet)
    with errors_as_statuses(), ExitStack() as stack:
        # In this process a kernel must be stopped where it is.
        interrupts = None if in_process else stack.enter_context(Interrupts())
        runner = Runner(backend, against, Selection(tier, operations, dtypes, checks, seed))
        runner.require_cells()
        record = run_with_progress(console, runner, how, interrupts)
        saved = save_scripts(record, repro_dir)
        written = _write_reports(record, json_file, html_file, junit_file)
    show(console, record, saved)
    for path in written:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    if not record.is_good:
        raise SystemExit(1)


@contextmanager
def errors_as_statuses() -> Iterator[None]:
    """Errors of the selection end the command with status 2, backends that do not load with 3."""
    from pullback.extend import BackendUnavailableError, UnknownBackendError
    from pullback_conformance.isolation import WorkerError
    from pullback_conformance.runner import BackendNotLoadedError

    try:
        yield
    except UnknownBackendError as error:
        raise _SelectionFailure(str(error)) from error
    except (BackendNotLoadedError, BackendUnavailableError, WorkerError, ImportError) as error:
        raise _LoadingFailure(str(error)) from error
    except (ValueError, RuntimeError) as error:
        raise _SelectionFailure(str(error)) from error


class _SelectionFailure(click.ClickException):
    exit_code = 2


class _LoadingFailure(click.ClickException):
    exit_code = 3


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

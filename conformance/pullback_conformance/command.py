"""``pullback conformance``: run the suite on a backend and report."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pullback_conformance.inspecting import compare, list_cells, record_in, repro, separated, show
from pullback_conformance.report.command import report
from pullback_conformance.selftest.command import selftest
from pullback_conformance.statuses import errors_as_statuses

if TYPE_CHECKING:
    from pullback_conformance.record import Record

_RECORD = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True, short_help="Check what a backend computes, with evidence.")
@click.option("--backend", metavar="NAME", help="The backend to check: a name, or module:Class.")
@click.option(
    "--against",
    multiple=True,
    callback=separated,
    metavar="NAME",
    help="The backend to compare with: numpy. Several, and torch, judge too.",
)
@click.option(
    "--tier",
    type=click.Choice(["smoke", "standard", "full"]),
    default="smoke",
    show_default=True,
    help="smoke: about a minute. standard: every sample and dtype. full: several sets of random values.",
)
@click.option("--operations", multiple=True, callback=separated, metavar="GLOB", help="Only these, as in 'log*,exp'.")
@click.option("--dtypes", multiple=True, callback=separated, metavar="NAMES", help="Only these dtypes.")
@click.option("--checks", multiple=True, callback=separated, metavar="NAMES", help="Only these checks.")
@click.option("--oracles", multiple=True, callback=separated, metavar="NAMES", help="Optional ones, too: jax, torch.")
@click.option("--seed", default=0, show_default=True, help="Another one gives other random values.")
@click.option(
    "--examples",
    default=0,
    show_default=True,
    metavar="N",
    type=click.IntRange(0),
    help="Draw N more calls for each operation and dtype; one that fails is shrunk.",
)
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
@click.option("--since", type=_RECORD, help="A record of --json: say what became of its cells.")
@click.option(
    "--failed-first", is_flag=True, help="Begin with what failed in the record of --since, or else of --json."
)
@click.option("--expected", type=_RECORD, help="A TOML file of expected failures; one that passes is a failure.")
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
@click.pass_context
def conformance(
    context: click.Context,
    backend: str | None,
    against: tuple[str, ...],
    tier: str,
    operations: tuple[str, ...],
    dtypes: tuple[str, ...],
    checks: tuple[str, ...],
    oracles: tuple[str, ...],
    seed: int,
    examples: int,
    jobs: int,
    cell_timeout: float,
    in_process: bool,
    since: Path | None,
    failed_first: bool,
    expected: Path | None,
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
    if context.invoked_subcommand is not None:
        if backend is not None:
            raise click.UsageError("options come after the name of the subcommand")
        return
    if backend is None:
        raise click.UsageError("which backend is to be checked? Give --backend NAME, or one of the subcommands.")
    from rich.console import Console

    from pullback_conformance.report.scripts import save_scripts

    console = Console()
    from pullback_conformance.comparison import compared
    from pullback_conformance.expected import apply_expected, read_expected
    from pullback_conformance.interrupts import Interrupts
    from pullback_conformance.references import split_references
    from pullback_conformance.runner import Runner, Selection
    from pullback_conformance.terminal import How, run_with_progress, show_record

    # Workers and this process share a GPU, of whose memory XLA would take three quarters for each.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    with errors_as_statuses(), ExitStack() as stack:
        before = record_in(since) if since else None
        entries = read_expected(expected) if expected else []
        first = _failed_before(before, json_file) if failed_first else frozenset()
        how = How(jobs, in_process, cell_timeout, fail_fast, first, quiet)
        # In this process a kernel must be stopped where it is.
        interrupts = None if in_process else stack.enter_context(Interrupts())
        references = split_references(against)
        asked = (*oracles, *references.oracles)
        selection = Selection(tier, operations, dtypes, checks, seed, asked, examples, references.others)
        runner = Runner(backend, references.first, selection)
        runner.require_cells()
        record = run_with_progress(console, runner, how, interrupts)
        apply_expected(record, entries, has_all_samples=runner.has_all_samples)
        saved = save_scripts(record, repro_dir)
        written = _write_reports(record, before, json_file, html_file, junit_file)
    show_record(console, record, saved)
    if before is not None:
        console.print(f"since {since}:", highlight=False, soft_wrap=True)
        for line in compared(before, record).lines():
            console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)
    for path in written:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    if not record.is_good:
        raise SystemExit(1)


def _failed_before(before: Record | None, json_file: Path | None) -> frozenset[tuple[str, str]]:
    from pullback_conformance.comparison import failed_units

    if before is None:
        if json_file is None or not json_file.exists():
            raise ValueError("--failed-first needs a record of an earlier run: --since, or a file of --json")
        before = record_in(json_file)
    return failed_units(before)


def _write_reports(record: Record, before: Record | None, *files: Any) -> list[Path]:
    json_file, html_file, junit_file = files
    if json_file is not None:
        record.write_json(json_file)
    if html_file is not None:
        from pullback_conformance.report.html import write_html

        write_html([record], html_file, since=[] if before is None else [before])
    if junit_file is not None:
        from pullback_conformance.report.junit import write_junit

        write_junit(record, junit_file)
    return [path for path in files if path is not None]


for _command in (list_cells, show, repro, compare, report, selftest):
    conformance.add_command(_command)

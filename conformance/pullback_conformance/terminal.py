"""The suite in a terminal: a progress bar while it runs, a summary and the failures after."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pullback_conformance.causes import Cause, bad_sample, causes
from pullback_conformance.checks import CHECKS
from pullback_conformance.interrupts import Interrupts
from pullback_conformance.isolation import Isolated
from pullback_conformance.outcome import MEANINGS, Outcome
from pullback_conformance.record import Cell, Record
from pullback_conformance.runner import TOLERANCES, Runner, Unit

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.LIMITED: "yellow",
    Outcome.FALLBACK: "magenta",
    Outcome.NOT_RUN: "red",
    Outcome.EXPECTED: "yellow",
    Outcome.NO_ORACLE: "dim",
    Outcome.UNSUPPORTED: "dim",
}
#: Causes that are shown in full, with an example; all failures are in the reports and the folder of scripts.
_MOST_SHOWN = 5
#: Lines of a script that are shown.
_MOST_LINES = 40


class How(NamedTuple):
    """How to run what is selected; see :class:`pullback_conformance.isolation.Isolated`.

    Attributes
    ----------
    in_process : bool
        Whether to run everything in this process, for a debugger: with ``jobs`` threads, and without a limit of time.
    first : frozenset of tuple
        Names of operation and dtype to begin with.
    """

    jobs: int = 1
    in_process: bool = False
    timeout: float = 60.0
    fail_fast: bool = False
    first: frozenset[tuple[str, str]] = frozenset()
    quiet: bool = False


def run_with_progress(
    console: Console, runner: Runner, how: How | None = None, interrupts: Interrupts | None = None
) -> Record:
    """Run the suite under a progress bar."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    how = how or How()
    selection, total = runner.selection, len(runner.units())
    columns = (
        TextColumn(f"[bold]{escape(runner.subject.name)}[/bold] {selection.tier}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True, disable=how.quiet or not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        bad = 0

        def advance(unit: Unit, cells: list[Cell]) -> None:
            nonlocal bad
            bad += sum(cell.outcome.is_bad for cell in cells)
            trouble = f"  [red]{bad} bad[/red]" if bad else ""
            progress.update(task, advance=1, description=f"{unit.operation.name} {unit.dtype.name}{trouble}")

        if how.in_process:
            return runner.run(advance, jobs=how.jobs, fail_fast=how.fail_fast)
        isolated = Isolated(
            runner, jobs=how.jobs, timeout=how.timeout, fail_fast=how.fail_fast, first=how.first, interrupts=interrupts
        )
        return isolated.run(advance)


def show_record(console: Console, record: Record, scripts: list[Path]) -> None:
    """Print the summary and what judged, then the failures with their scripts."""
    console.print(_summary(record))
    for line in _judges(record):
        console.print(line, style="dim", highlight=False, soft_wrap=True, markup=False)
    for outcome, count in record.counts().items():
        if count and outcome != Outcome.PASSED.value:
            console.print(f"{outcome}: {MEANINGS[Outcome(outcome)]}", style="dim", highlight=False, soft_wrap=True)
    for note in record.remarks():
        console.print(f"note: {escape(note)}", highlight=False, soft_wrap=True)
    if record.missing_dtypes:
        console.print(f"dtypes the backend does not have: {', '.join(record.missing_dtypes)}")
    for cell in record.cells:
        if cell.family == TOLERANCES:
            text = f"limited: {cell.operation} ({cell.dtype}), {cell.samples[0].sample}: {cell.samples[0].message}"
            console.print(escape(text), highlight=False, soft_wrap=True)
    found = causes(record)
    for cause in found[:_MOST_SHOWN]:
        _show_cause(console, cause)
    if len(found) > _MOST_SHOWN:
        left = found[_MOST_SHOWN:]
        console.print(
            f"\n... and {sum(len(cause.cells) for cause in left)} more cells; --json and --html have all of them:"
        )
        for cause in left:
            text = f"  {_cells(cause)}: {cause.title}"
            console.print(escape(text), highlight=False, soft_wrap=True)
    if scripts:
        console.print(f"scripts that reproduce the failures: {scripts[0].parent}", highlight=False, soft_wrap=True)
    counts = record.counts()
    verdict = (
        f"{record.backend}: {counts['passed']} cells passed"
        if record.is_good
        else f"{record.backend}: {counts['failed']} failed, {counts['not run']} not run, {counts['passed']} passed"
    )
    seconds = f"in {record.seconds:.1f} s" + ("" if record.complete else ", interrupted")
    console.print(f"[{'green' if record.is_good else 'red'} bold]{escape(verdict)}[/] {seconds}", highlight=False)


def _summary(record: Record) -> Table:
    drawn = f", {record.examples} examples, seed {record.seed}" if record.examples else ""
    title = f"{record.backend} against {record.against}, {record.tier} tier{drawn}"
    table = Table(title=title, title_justify="left")
    table.add_column("Check")
    outcomes = [o for o in Outcome if any(c.outcome is o for c in record.cells)]
    outcomes.sort(key=[Outcome.PASSED, *[o for o in Outcome if o is not Outcome.PASSED]].index)
    for outcome in outcomes:
        table.add_column(outcome.value.capitalize(), justify="right", style=_STYLES[outcome])
    table.add_column("Worst ulp", justify="right")
    by_check = Counter((cell.check, cell.outcome) for cell in record.cells)
    for check in [*CHECKS, "limitation", "expected"]:
        if not any(by_check[check, o] for o in outcomes):
            continue
        ulps = [c.ulp for c in record.cells if c.check == check and c.ulp is not None and c.outcome is Outcome.PASSED]
        worst = f"{max(ulps):.2f}" if ulps else ""
        table.add_row(check, *[str(by_check[check, o] or "") for o in outcomes], worst)
    return table


def _judges(record: Record) -> list[str]:
    """Which oracles judged values and derivatives, and how many samples each."""
    count: Counter[str] = Counter()
    for cell in record.cells:
        count.update(s.oracle for s in cell.samples if s.oracle and s.ulp is not None)
    if not count:
        return []
    return [f"errors measured against: {', '.join(f'{name}: {number}' for name, number in count.most_common())}"]


def _cells(cause: Cause) -> str:
    """How many cells a cause has, and of which operations."""
    names = cause.operations
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more operations" if len(names) > 6 else "")
    return f"{len(cause.cells)} cell{'s' if len(cause.cells) > 1 else ''} of {shown}"


def _show_cause(console: Console, cause: Cause) -> None:
    cell, sample = cause.example, bad_sample(cause.example)
    console.print()
    if len(cause.cells) > 1:
        console.print(escape(f"{_cells(cause)}: {cause.title}"), style="bold", highlight=False, soft_wrap=True)
    console.print(
        f"[red bold]{cell.outcome.value.upper()}[/] {escape(cell.operation)} {cell.dtype} {cell.check}, sample"
        f" {escape(sample.sample)}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    console.print(f"  {escape(sample.message)}", highlight=False, soft_wrap=True)
    if sample.script:
        console.print(
            escape("\n".join(f"    {line}" for line in _shortened(sample.script))), highlight=False, soft_wrap=True
        )
    if sample.script_file:
        console.print(f"  {escape(sample.script_file)}", highlight=False, soft_wrap=True)


def _shortened(script: str) -> list[str]:
    """A script without its first line, which repeats the message, and with long lines cut; the file has all.

    Of a long one it is the end that says what is done.
    """
    lines = [line for line in script.rstrip().split("\n")[1:] if line]
    if len(lines) > _MOST_LINES:
        lines = [f"# ... {len(lines) - _MOST_LINES} lines before", *lines[-_MOST_LINES:]]
    return [line if len(line) <= 200 else f"{line[:197]}..." for line in lines]

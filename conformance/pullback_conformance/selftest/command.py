"""``pullback conformance selftest``: how many planted defects the suite finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pullback.extend import did_you_mean

if TYPE_CHECKING:
    from pullback_conformance.selftest.measuring import Measured

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Try the suite on backends with one planted defect each.")
@click.option(
    "--tier", "tiers", multiple=True, type=click.Choice(["smoke", "standard"]), help="Only this; both if none."
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only defects of this kind; may be repeated.")
@click.option("--all-operations", is_flag=True, help="Run every operation on every defect: hours.")
@click.option("--seed", default=0, show_default=True, help="Another one gives other random values.")
@click.option(
    "--examples", default=0, show_default=True, metavar="N", type=click.IntRange(0), help="Draw N calls, too."
)
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), help="How many processes at a time.")
@click.option("--limit", default=120.0, show_default=True, metavar="SECONDS", help="When a run on a defect is ended.")
@click.option("--json", "json_file", type=_FILE, help="Write what became of each defect.")
@click.option("--docs", "page", type=_FILE, help="Put the table between the markers of this page.")
@click.option("--missed", "list_missed", is_flag=True, help="List the defects that no tier found.")
@click.option("--list", "list_kinds", is_flag=True, help="List the kinds, and how many defects each has.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def selftest(
    tiers: tuple[str, ...],
    kinds: tuple[str, ...],
    all_operations: bool,
    seed: int,
    examples: int,
    jobs: int,
    limit: float,
    json_file: Path | None,
    page: Path | None,
    list_missed: bool,
    list_kinds: bool,
    quiet: bool,
) -> None:
    """Try the suite on itself: on backends that are right, and on backends with exactly one planted defect.

    The exit status is 0 only if the backends without a defect pass. How many defects are found is the measure: it is
    printed, by kind.
    """
    from pullback_conformance.selftest.catalogue import catalogue
    from pullback_conformance.selftest.catalogue import kinds as all_kinds
    from pullback_conformance.selftest.measuring import Settings, measure
    from pullback_conformance.selftest.table import write_into

    known = all_kinds()
    for kind in kinds:
        if kind not in known:
            raise click.UsageError(f"no kind {kind!r}{did_you_mean(kind, known) or ';'} there are {', '.join(known)}")
    if list_kinds:
        for kind in known:
            click.echo(f"{sum(d.kind == kind for d in catalogue().values()):4} {kind}")
        return
    settings = Settings(tiers or ("smoke", "standard"), kinds, all_operations, seed, jobs, limit, examples)
    if quiet:
        measured = measure(settings)
    else:
        with click.progressbar(length=1, label="planted defects") as bar:
            done = [0]

            def progress(number: int, total: int) -> None:
                bar.length = total
                bar.update(number - done[0])
                done[0] = number

            measured = measure(settings, progress)
    if json_file is not None:
        json_file.write_text(json.dumps(measured.as_dict(), indent=1), encoding="utf-8")
        click.echo(f"wrote {json_file}")
    if page is not None:
        try:
            write_into(page, measured)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"wrote {page}")
    _show(measured, list_missed)
    if not measured.is_clean:
        raise SystemExit(1)


def _show(measured: Measured, list_missed: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from pullback_conformance.selftest.catalogue import catalogue
    from pullback_conformance.selftest.measuring import MISSED, NO_RECORD
    from pullback_conformance.selftest.table import as_meant, rows, share

    console = Console()
    tiers = measured.settings["tiers"]
    table = Table("kind", "planted", *(head for tier in tiers for head in (tier, "by its check")))
    for row in rows(measured):
        cells = [text for t in tiers for text in (share(row.found[t][0], row.planted), str(row.found[t][1]))]
        table.add_row(row.kind, str(row.planted), *cells, end_section=row.kind == "hang, abort, exit")
    console.print(table)
    found, meant = as_meant(measured)
    console.print(f"by the check and in the tier meant for them: {found} of {meant}", highlight=False)
    if list_missed:
        for name, became in measured.defects.items():
            if set(became.values()) <= {MISSED, NO_RECORD}:
                console.print(f"missed: {name}: {catalogue()[name].program}", highlight=False, markup=False)
    for result in measured.clean:
        if result.bad or result.problem:
            what = result.problem or f"{len(result.bad)} bad cells, {'-'.join(result.bad[0])} the first"
            console.print(f"{result.backend} has no defect and does not pass {result.tier}: {what}", highlight=False)
    console.print(f"{len(measured.defects)} defects in {measured.seconds:.0f} seconds", highlight=False)

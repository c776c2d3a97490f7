"""``pullback conformance report``: the matrix of several runs side by side, from their records."""

from __future__ import annotations

from pathlib import Path

import click

from pullback_conformance.inspecting import record_in
from pullback_conformance.statuses import errors_as_statuses

_RECORD = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Make one HTML file of several records.")
@click.argument("records", nargs=-1, required=True, type=_RECORD)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The HTML file.")
@click.option(
    "--since", multiple=True, type=_RECORD, help="An earlier record: what became of the cells of its backend is shown."
)
def report(records: tuple[Path, ...], output: Path, since: tuple[Path, ...]) -> None:
    """Put RECORDS, files that --json wrote, side by side into one HTML file that needs nothing else.

    Of two records of one backend the later one can be shown with what got worse and better since the other:
    report NOW.json --since BEFORE.json.
    """
    with errors_as_statuses():
        from pullback_conformance.report.html import write_html

        made = [record_in(path) for path in records]
        earlier = [record_in(path) for path in since]
        for path, record in zip(since, earlier, strict=True):
            if record.backend not in {r.backend for r in made}:
                raise ValueError(f"{path} is a record of backend {record.backend!r}, of which there is none to compare")
        write_html(made, output, since=earlier)
    click.echo(f"wrote {output}")

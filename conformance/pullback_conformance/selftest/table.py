"""A measurement as a table: in the terminal's words, and in the documentation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from pullback_conformance.selftest.catalogue import catalogue
from pullback_conformance.selftest.measuring import BY_ITS_CHECK, MISSED, NO_RECORD, Measured

#: The lines of the documentation between which the table is.
BEGIN, END = "<!-- selftest: begin -->", "<!-- selftest: end -->"


class Row(NamedTuple):
    """One kind of defect: how many were planted, and for each tier how many were found, and by the check meant."""

    kind: str
    planted: int
    found: dict[str, tuple[int, int]]


def rows(measured: Measured) -> list[Row]:
    """A row for each kind, and one for all."""
    by_kind: dict[str, list[str]] = {}
    for name in measured.defects:
        by_kind.setdefault(catalogue()[name].kind, []).append(name)
    made = [_row(kind, names, measured) for kind, names in by_kind.items()]
    return [*made, _row("all", list(measured.defects), measured)]


def _row(kind: str, names: list[str], measured: Measured) -> Row:
    found = {}
    for tier in measured.settings["tiers"]:
        count = Counter(measured.defects[name][tier] for name in names)
        caught = len(names) - count[MISSED] - count[NO_RECORD]
        found[tier] = (caught, count[BY_ITS_CHECK])
    return Row(kind, len(names), found)


def as_meant(measured: Measured) -> tuple[int, int]:
    """How many were found by the check and in the tier meant for them, and of how many whose tier was run."""
    tiers = {name: catalogue()[name].tier for name in measured.defects}
    meant = [name for name in measured.defects if tiers[name] in measured.settings["tiers"]]
    return sum(measured.defects[name][tiers[name]] == BY_ITS_CHECK for name in meant), len(meant)


def share(caught: int, planted: int) -> str:
    """A count with its percentage, which is 100 for all alone."""
    if not planted:
        return "-"
    percent = 100 if caught == planted else min(round(100 * caught / planted), 99)
    return f"{caught} ({percent} %)"


def markdown(measured: Measured) -> str:
    """The table of the documentation."""
    tiers = measured.settings["tiers"]
    heads = "".join(f" {tier} | by its check |" for tier in tiers)
    lines = [f"| Kind | Planted |{heads}", "| --- | --- |" + " --- | --- |" * len(tiers)]
    for row in rows(measured):
        cells = "".join(f" {share(row.found[t][0], row.planted)} | {row.found[t][1]} |" for t in tiers)
        kind = "**all**" if row.kind == "all" else row.kind
        lines.append(f"| {kind} | {row.planted} |{cells}")
    found, meant = as_meant(measured)
    lines += ["", f"By the check and in the tier meant for them, {found} of {meant} were found."]
    return "\n".join(lines)


def write_into(page: Path, measured: Measured) -> None:
    """Put the table between the markers of a page.

    Raises
    ------
    ValueError
        Where the page has no such markers.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{markdown(measured)}\n{END}{after}", encoding="utf-8")

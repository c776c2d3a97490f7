"""Saving the scripts that reproduce failures."""

from __future__ import annotations

import re
from pathlib import Path

from pullback_conformance.record import Record


def save_scripts(record: Record, folder: Path) -> list[Path]:
    """Write the script of each failure to a file named after its cell and sample; those of earlier runs are removed.

    Returns
    -------
    list of Path
        In the order of the failures.
    """
    prefix = f"{_part_of_file_name(record.backend)}--"
    if folder.is_dir():
        written_before = re.compile(re.escape(prefix) + r"[A-Za-z0-9_.-]+-\d+\.py")
        for old in folder.iterdir():
            if written_before.fullmatch(old.name) and old.is_file():
                old.unlink()
    saved: list[Path] = []
    for cell in record.cells:
        for number, sample in enumerate(cell.samples):
            if not sample.script or sample.outcome != "failed":
                continue
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{prefix}{_part_of_file_name(cell.name)}-{number}.py"
            path.write_text(sample.script, encoding="utf-8")
            sample.script_file = str(path)
            saved.append(path)
    return saved


def _part_of_file_name(text: str) -> str:
    """A text in which nothing means anything to a file system or a pattern; names of backends stay as they are."""
    return re.sub(r"--+", "-", re.sub(r"[^A-Za-z0-9_.-]+", "_", text)).strip(".-") or "_"

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
    if folder.is_dir():
        for old in folder.glob(f"{record.backend}--*.py"):
            old.unlink()
    saved: list[Path] = []
    for cell in record.cells:
        for number, sample in enumerate(cell.samples):
            if not sample.script or sample.outcome != "failed":
                continue
            folder.mkdir(parents=True, exist_ok=True)
            name = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{record.backend}--{cell.name}-{number}")
            path = folder / f"{name}.py"
            path.write_text(sample.script, encoding="utf-8")
            sample.script_file = str(path)
            saved.append(path)
    return saved

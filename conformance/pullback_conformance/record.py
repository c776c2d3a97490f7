"""The record of a run: every cell of the grid with its outcome, as data. All reports are made from it."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pullback_conformance.outcome import Outcome
from pullback_conformance.spread import Spread

#: Raised when a reader of older records would misread newer ones.
FORMAT = 2
#: The formats that are read: in the first one, samples have no spread and runs don't say which oracles there were.
_READ = (1, FORMAT)


@dataclass
class SampleResult:
    """What became of one sample in a cell.

    Attributes
    ----------
    sample : str
        The sample's label.
    outcome : str
    ulp, bound : float or None
        The largest error, and the largest allowed.
    message : str
        What is wrong, or why it was not judged; empty where it passed.
    script : str
        A script that reproduces a failure.
    oracle : str
        What judged, and how precise it is; empty where nothing did.
    spread : Spread or None
        How the errors of its elements are spread.
    """

    sample: str
    outcome: str
    ulp: float | None = None
    bound: float | None = None
    message: str = ""
    script: str = ""
    script_file: str = ""
    oracle: str = ""
    spread: Spread | None = None


def not_tried(label: str, lost: str) -> SampleResult:
    """A sample that is left out, because an earlier one hung or ended the process."""
    return SampleResult(label, Outcome.NOT_RUN.value, message=f"not tried after what became of sample {lost}")


@dataclass
class Cell:
    """One operation, dtype and check, over all samples."""

    operation: str
    family: str
    dtype: str
    check: str
    samples: list[SampleResult] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """The worst of the samples' outcomes; unsupported ones count only where there are no others."""
        return Outcome.worst(Outcome(s.outcome) for s in self.samples)

    @property
    def ulp(self) -> float | None:
        """The largest error of all samples."""
        return max((s.ulp for s in self.samples if s.ulp is not None), default=None)

    @property
    def bound(self) -> float | None:
        """The largest error allowed."""
        return max((s.bound for s in self.samples if s.bound is not None), default=None)

    @property
    def name(self) -> str:
        """A short name for people and scripts."""
        return f"{self.operation}-{self.dtype}-{self.check}"


@dataclass
class Record:
    """A whole run."""

    backend: str
    against: str
    tier: str
    seed: int
    started: str
    versions: dict[str, str]
    platform: str
    missing_dtypes: list[str]
    seconds: float = 0.0
    complete: bool = False
    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: How many calls were drawn for each operation and dtype.
    examples: int = 0
    #: The oracles of the run, each with what there is of it; ``missing`` begins what there is not.
    oracles: dict[str, str] = field(default_factory=dict)

    @property
    def missing_oracles(self) -> dict[str, str]:
        """The oracles that the run had to do without, and what would bring them."""
        missing = {name: what for name, what in self.oracles.items() if what.startswith("missing")}
        return {name: what.removeprefix("missing").lstrip(":; ") for name, what in missing.items()}

    def remarks(self) -> list[str]:
        """What every report says of the whole run: the oracles that are missing, and the notes."""
        missing = [
            f"missing oracle: {name}; {what}"
            for name, what in self.missing_oracles.items()
            if not any(note.startswith(name) for note in self.notes)
        ]
        return [*missing, *self.notes]

    def judges(self) -> dict[str, int]:
        """How many samples each oracle judged, most first."""
        found = Counter(s.oracle for c in self.cells for s in c.samples if s.oracle)
        return dict(found.most_common())

    def counts(self) -> dict[str, int]:
        """How many cells have each outcome."""
        found = Counter(cell.outcome.value for cell in self.cells)
        return {outcome.value: found.get(outcome.value, 0) for outcome in Outcome}

    @property
    def is_good(self) -> bool:
        """Whether all was run, and nothing failed."""
        return self.complete and bool(self.cells) and not any(cell.outcome.is_bad for cell in self.cells)

    def bad_cells(self) -> list[Cell]:
        """Cells that failed or were not run."""
        return [cell for cell in self.cells if cell.outcome.is_bad]

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "cells"}
        cells = [_cell_as_dict(cell) for cell in self.cells]
        return {"format": FORMAT, "summary": self.counts(), "passed": self.is_good, **data, "cells": cells}

    def write_json(self, path: Path) -> None:
        """Write the record, a cell a line; an infinite error as the string ``"inf"``, for which JSON has no number."""
        path.parent.mkdir(parents=True, exist_ok=True)
        data = _encoded(self.as_dict())
        compact = {"allow_nan": False, "ensure_ascii": False, "separators": (",", ":")}
        cells = [json.dumps(cell, **compact) for cell in data.pop("cells")]
        head = json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False).removesuffix("\n}")
        lines = ",\n  ".join(cells)
        path.write_text(f'{head},\n "cells": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


def read_json(path: Path) -> Record:
    """The record that was written to a file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    found = data.pop("format")
    if found not in _READ:
        known = " and ".join(map(str, _READ))
        raise ValueError(f"{path} is a record of format {found}; this version reads {known}")
    for derived in ("summary", "passed"):
        data.pop(derived)
    cells = [
        Cell(
            c["operation"], c["family"], c["dtype"], c["check"], [_sample(s, c.get("shared", {})) for s in c["samples"]]
        )
        for c in data.pop("cells")
    ]
    return Record(cells=cells, **data)


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _encoded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(v) for v in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def _shared(cell: Cell) -> dict[str, Any]:
    """What all samples of a cell have alike, of what most cells' have."""
    first = cell.samples[0] if cell.samples else None
    found = {}
    for name in ("bound", "oracle"):
        value = getattr(first, name, None)
        if value not in (None, "") and all(getattr(s, name) == value for s in cell.samples):
            found[name] = value
    return found


def _cell_as_dict(cell: Cell) -> dict[str, Any]:
    shared = _shared(cell)
    return {
        "operation": cell.operation,
        "family": cell.family,
        "dtype": cell.dtype,
        "check": cell.check,
        "outcome": cell.outcome.value,
        "ulp": cell.ulp,
        "bound": cell.bound,
        **({"shared": shared} if shared else {}),
        "samples": [_as_dict(sample, shared) for sample in cell.samples],
    }


def _as_dict(sample: SampleResult, shared: dict[str, Any]) -> dict[str, Any]:
    data = {f.name: getattr(sample, f.name) for f in fields(sample) if f.name not in shared}
    if sample.ulp is not None:
        data["ulp"] = float(f"{sample.ulp:.6g}")
    if sample.spread is not None:
        data["spread"] = {k: v for k, v in sample.spread._asdict().items() if v}
    return {k: v for k, v in data.items() if v not in (None, "") or k == "sample"}  # a label may be empty


def _sample(data: dict[str, Any], shared: dict[str, Any]) -> SampleResult:
    data = shared | data
    if "ulp" in data:
        data["ulp"] = float(data["ulp"])
    if "spread" in data:
        spread = data["spread"]
        points = tuple((float(x), float(ulp)) for x, ulp in spread.get("points", ()))
        data["spread"] = Spread(tuple(spread.get("counts", ())), points)
    return SampleResult(**data)

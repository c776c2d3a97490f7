"""The trial of the suite on itself, whole in its cheapest tier: minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pullback_conformance.selftest.catalogue import catalogue
from pullback_conformance.selftest.measuring import MISSED, NO_RECORD

#: The share of all planted defects that the smoke tier finds at least.
LEAST = 0.55


@pytest.mark.slow
def test_the_smoke_tier_finds_no_fewer_defects_than_before(tmp_path: Path) -> None:
    report = tmp_path / "selftest.json"
    program = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "pullback",
        "conformance",
        "selftest",
        "--tier",
        "smoke",
        "--quiet",
    ]
    done = subprocess.run([*program, "--json", str(report)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    became = json.loads(report.read_text(encoding="utf-8"))["defects"]
    assert set(became) == set(catalogue())
    found = [name for name, tiers in became.items() if tiers["smoke"] not in (MISSED, NO_RECORD)]
    assert len(found) >= LEAST * len(became)

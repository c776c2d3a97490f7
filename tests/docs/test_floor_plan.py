"""The floor plan of the architecture page is the contract of layers, and every folder of the core has a README."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "pullback"
FOLDERS = sorted(path.parent for path in CORE.rglob("__init__.py") if path.parent != CORE)


def test_the_plan_is_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    plan = page.partition("```text\n")[2].partition("```")[0]
    assert [line.split() for line in plan.splitlines()] == [layer.split(" : ") for layer in layers]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(CORE)))
def test_a_folder_says_what_lives_in_it_and_names_files_that_exist(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    for part in ("- **May import**", "- **Must not get slower**", "- **Start reading**"):
        assert part in text
    for name in text.split("`"):
        if name.endswith(".py") and "*" not in name:
            assert any((base / name).exists() for base in (folder, CORE, ROOT, ROOT / "backends")), name

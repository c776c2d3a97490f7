"""Prints the lowest release that pyproject.toml admits of each library the package runs on, as pip's constraints."""

from __future__ import annotations

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for requirement in (*project["dependencies"], *project["optional-dependencies"]["jax"]):
    print(requirement.replace(">=", "=="))

"""Plugins that exist for one test: distributions in a temporary folder, seen by a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

PULLBACK = [sys.executable, "-m", "pullback.cli"]


class PluginFolder:
    """A folder of installed distributions, each with one plugin of the group ``pullback``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, source: str) -> None:
        module = f"{name}_plugin"
        (self.folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        metadata = self.folder / f"{name}-1.5.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        (metadata / "entry_points.txt").write_text(f"[pullback]\n{name} = {module}\n")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The pullback command, with these plugins installed."""
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        return subprocess.run(
            [*PULLBACK, *arguments],
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def plugins(tmp_path: Path) -> PluginFolder:
    return PluginFolder(tmp_path)


@pytest.fixture
def python() -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run code in a new interpreter."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=False)

    return run

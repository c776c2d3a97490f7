"""Distributions that exist for one test: a folder on the path of a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        distribution: str,
        source: str,
        *,
        entry_points: str | None = None,
        metadata: str | None = None,
        encoding: str = "utf-8",
    ) -> None:
        """A distribution with one module, ``<name>_plugin``, which its entry point of the group ``pullback`` names."""
        identifier = distribution.replace("-", "_")
        module = f"{identifier}_plugin"
        (self.folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        info = self.folder / f"{identifier}-1.2.dist-info"
        info.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        if entry_points is None:
            entry_points = "{distribution} = {module}"
        text = "[pullback]\n" + entry_points.format(distribution=distribution, module=module) + "\n"
        (info / "entry_points.txt").write_text(text, encoding=encoding)

    def environment(self, **variables: str) -> dict[str, str]:
        path = os.pathsep.join([str(self.folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **variables}

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """An interpreter that has these distributions."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))

"""Type checkers find nothing wrong in the programs of the README and the documents for users."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pullback as pb

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("automatic-differentiation", "functional-transforms", "quickstart")),
]
#: What the programs leave out as programs do that nobody checks; what they call must be right all the same.
OPTIONS = (
    "--allow-untyped-defs",
    "--allow-untyped-calls",
    "--allow-redefinition",
    "--disable-error-code=var-annotated",
    "--disable-error-code=has-type",
)


def program(text: str) -> str:
    """All Python code of a document, each line where it stands there."""
    lines = [""] * (text.count("\n") + 1)
    for block in re.finditer(r"^```(?:python|pycon)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        first = text[: block.start(1)].count("\n")
        code = block[1]
        parts = [(0, code)]
        if ">>> " in code:
            parts = [(example.lineno, example.source) for example in doctest.DocTestParser().get_examples(code)]
        for place, source in parts:
            for number, line in enumerate(source.rstrip("\n").split("\n")):
                lines[first + place + number] = line
    return "\n".join(lines) + "\n"


@pytest.mark.slow  # mypy begins without a cache
def test_programs_of_the_documents_are_well_typed(tmp_path: Path) -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed: pip install 'pullback[lint]'")
    names = []
    for document in DOCUMENTS:
        path = tmp_path / f"{document.stem.replace('-', '_').lower()}.py"
        path.write_text(program(document.read_text(encoding="utf-8")), encoding="utf-8")
        names.append(path.name)
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *OPTIONS, "--no-error-summary", "--follow-imports=silent", *names],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(Path(pb.__file__).parents[1]), "MYPY_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    # What a node has saved depends on its operation: its attributes are found when they are asked for.
    said = [line for line in (result.stdout + result.stderr).splitlines() if '"_saved_' not in line]
    assert said == []


def test_a_wrong_program_is_found_on_its_line() -> None:
    text = "# A title\n\n```python\nx = 1\n```\n\n```pycon\n>>> x\n1\n>>> for i in range(2):\n...     i\n```\n"
    assert program(text).splitlines()[3:11] == ["x = 1", "", "", "", "x", "", "for i in range(2):", "    i"]

"""Runs a tutorial program as a notebook would, and gives the text a reader would see.

A tutorial is a Python file whose cells begin with ``# %%``. The line ``import pullback as torch`` before the first of
them makes it a program for pullback; the same text runs on PyTorch with ``import torch`` instead.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

TUTORIALS = Path(__file__).parent
IMPORT = "import pullback as torch\n"
_CELL = re.compile(r"^# %%.*$", re.MULTILINE)
_BACKENDS = re.compile(r"^# Runs on: ([a-z, ]+)", re.MULTILINE)
_ADDRESS = re.compile(r"0x[0-9a-f]+")
#: Where in PyTorch's own sources a warning or error came from.
_ORIGIN = re.compile(r" \(Triggered internally at .*\)")


def tutorials() -> list[str]:
    """The names of all tutorials."""
    return sorted(path.stem for path in TUTORIALS.glob("*.py") if IMPORT in path.read_text().splitlines(True))


def backends_of(name: str) -> list[str]:
    """The backends a tutorial runs on: NumPy and JAX, unless it says that it depends on one."""
    stated = _BACKENDS.search((TUTORIALS / f"{name}.py").read_text())
    return [b.strip() for b in stated[1].split(",")] if stated else ["numpy", "jax"]


def expected_text(name: str) -> str:
    """What PyTorch printed for the tutorial when ``write_expected.py`` ran."""
    return (TUTORIALS / "expected" / f"{name}.txt").read_text()


def run_tutorial(name: str, torch: ModuleType) -> str:
    """Everything the cells print, show as their last expression, warn of and raise; addresses are left out."""
    imports, *cells = _CELL.split((TUTORIALS / f"{name}.py").read_text())
    namespace: dict[str, Any] = {"torch": torch, "__name__": name}
    exec(imports.replace(IMPORT, ""), namespace)
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        for number, cell in enumerate(cells, start=1):
            print(f"[{number}]")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    _run_cell(cell, f"<{name}, cell {number}>", namespace)
                except Exception as error:
                    print(f"{type(error).__name__}: {_first_paragraph(str(error))}")
            for warning in caught:
                if "torch.jit" in str(warning.message):  # PyTorch about its own sources
                    continue
                print(f"{warning.category.__name__}: {_ORIGIN.sub('', str(warning.message))}")
    return _ADDRESS.sub("0x", shown.getvalue())


def _run_cell(cell: str, file: str, namespace: dict[str, Any]) -> None:
    """Run a cell; its last statement, where that is an expression, is shown."""
    tree = ast.parse(cell, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, file, "exec", dont_inherit=True), namespace)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), file, "eval", dont_inherit=True), namespace)
        if value is not None:
            print(repr(value))


def _first_paragraph(text: str) -> str:
    """An error's text without PyTorch's C++ backtrace, where there is one."""
    return _ORIGIN.sub("", text.partition("\nException raised from")[0]).rstrip()

"""Families of operations know no other family: formulas ask for operations by name, ``ops.where(...)``."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pullback import ops

FOLDER = Path(ops.__file__).parent
FAMILIES = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_imports_no_other(family: str) -> None:
    others = {f"pullback.ops.{other}" for other in FAMILIES if other not in (family, "shared")}
    for path in (FOLDER / family).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in named for other in others if f"{name}.".startswith(f"{other}.")], path


def test_each_name_of_the_index_is_found() -> None:
    for name in ops._homes.HOMES:
        assert callable(getattr(ops, name)), name
    with pytest.raises(AttributeError, match=r"module 'pullback\.ops' has no attribute 'wher'"):
        _ = ops.wher

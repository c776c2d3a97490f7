"""In which file each function of the operations is: what the package needs to be imported, so it is found in sources.

``tools/stubs.py`` refreshes it before it imports the package, whose families may have moved since.
"""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

_specification = find_spec("pullback")
assert _specification is not None
assert _specification.origin is not None
OPS = Path(_specification.origin).parent / "ops"
_HEADER = '''"""The family that has each function: formulas find it by this. Written by `python tools/stubs.py`."""

from __future__ import annotations

from typing import Final

HOMES: Final = {
'''


def operation_homes() -> dict[str, str]:
    """The module of each public function of :mod:`pullback.ops`, found in the sources; none where two have its name."""
    homes: dict[str, str] = {}
    twice: set[str] = set()
    for path in sorted(OPS.rglob("[!_]*.py")):
        module = ".".join(path.relative_to(OPS).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and homes.get(node.name) != module:
                if node.name in homes:
                    twice.add(node.name)
                homes.setdefault(node.name, module)
    return {name: homes[name] for name in sorted(set(homes) - twice)}


def homes_source() -> str:
    """The source of ``ops/_homes.py``."""
    return _HEADER + "".join(f'    "{name}": "{home}",\n' for name, home in operation_homes().items()) + "}\n"


def make_importable() -> None:
    """Write what the import of the package needs: where functions are, and no family in the index that is gone."""
    homes, index = OPS / "_homes.py", OPS / "_index.py"
    homes.write_text(homes_source(), encoding="utf-8")
    lines = index.read_text(encoding="utf-8").splitlines(keepends=True)
    gone = set()
    for number, line in enumerate(lines):
        module = line.partition('"')[2].partition('"')[0]
        if (
            line.startswith('    "ops.')
            and '": ' in line
            and not (OPS.parent / f"{module.replace('.', '/')}.py").exists()
        ):
            closes = number
            while not lines[closes].rstrip().endswith(("),", '",')):
                closes += 1
            gone |= set(range(number, closes + 1))
    if gone:
        index.write_text("".join(line for number, line in enumerate(lines) if number not in gone), encoding="utf-8")

"""A probe as a script of its own: its source with all that it uses of this suite, and one call."""

from __future__ import annotations

import ast
import inspect
import sys
from typing import Any

from pullback.extend import Backend, DType
from pullback_conformance.contract.probe import Call
from pullback_conformance.naming import class_of, dtype_source


class _Sources:
    """The definitions at the top level of modules that a function uses, in an order in which they can stand."""

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self.definitions: dict[tuple[str, str], str] = {}
        self._modules: dict[str, tuple[str, dict[str, ast.stmt]]] = {}
        self._seen: set[tuple[str, str]] = set()

    def add(self, module: str, name: str) -> None:
        """Add what a module calls by that name, and before it all that this uses."""
        if (module, name) in self._seen:
            return
        self._seen.add((module, name))
        source, statements = self._parsed(module)
        statement = statements.get(name)
        if statement is None:
            return  # a builtin, or a local name
        if isinstance(statement, ast.Import):
            self.imports[ast.unparse(statement)] = None
            return
        if isinstance(statement, ast.ImportFrom):
            place = statement.module or ""
            if place.startswith("pullback_conformance."):
                self.add(place, name)
            else:
                self.imports[f"from {place} import {name}"] = None
            return
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                self.add(module, node.id)
        self.definitions[module, name] = _segment(source, statement)

    def _parsed(self, module: str) -> tuple[str, dict[str, ast.stmt]]:
        if module not in self._modules:
            source = inspect.getsource(sys.modules[module])
            self._modules[module] = source, _named(ast.parse(source))
        return self._modules[module]


def _named(tree: ast.Module) -> dict[str, ast.stmt]:
    """The statements of a module by the names that they give."""
    found: dict[str, ast.stmt] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                found[alias.asname or alias.name] = statement
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            statement.decorator_list = []
            found[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found |= {target.id: statement for target in targets if isinstance(target, ast.Name)}
    return found


def _segment(source: str, statement: ast.stmt) -> str:
    """The lines of a statement; a function's from its ``def`` on."""
    return "\n".join(source.splitlines()[statement.lineno - 1 : statement.end_lineno])


def script_of_probe(call: Call, backend: Backend, dtype: DType, title: str) -> str:
    """A script that fails as the probe did, and needs pullback and the backend's library alone."""
    function: Any = call.probe.run
    sources = _Sources()
    sources.add(function.__module__, function.__name__)
    needed, made = _made(backend)
    quoted = title.replace("\\", "\\\\").replace('"', "'")
    lines = ['"""' + quoted + '"""', "", "from __future__ import annotations", ""]
    lines += _imports([*sources.imports, "import pullback as pb", *needed])
    for text in sources.definitions.values():
        lines += ["", "", *text.splitlines()] if text.startswith(("def ", "class ")) else ["", *text.splitlines()]
    given = "".join(f", {name}={value!r}" for name, value in call.arguments.items())
    lines += ["", "", *made, f"problem = {function.__name__}(backend, {dtype_source(dtype)}{given})"]
    lines.append("assert problem is None, problem")
    return "\n".join(lines) + "\n"


def _imports(statements: list[str]) -> list[str]:
    """Import statements, one for each module."""
    plain = sorted({line for line in statements if line.startswith("import ")})
    names: dict[str, set[str]] = {}
    for line in statements:
        if line.startswith("from "):
            module, _, name = line.removeprefix("from ").partition(" import ")
            names.setdefault(module, set()).add(name)
    return [*plain, *(f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items()))]


def _made(backend: Backend) -> tuple[list[str], list[str]]:
    """The imports, and the lines, that make the backend."""
    place = class_of(backend)
    if place is None:
        return ["from pullback.extend import get_backend"], [f"backend = get_backend({backend.name!r})"]
    module, name = place
    if module:
        return [f"from {module} import {name.partition('.')[0]}"], [f"backend = {name}()"]
    remark = f"# Register the backend {backend.name!r} here, as your program does."
    return ["from pullback.extend import get_backend"], [remark, f"backend = get_backend({backend.name!r})"]

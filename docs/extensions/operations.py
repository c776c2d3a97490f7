"""``.. operations::``: the index of operations, read from the registry."""

from __future__ import annotations

import inspect
from collections import defaultdict
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util.docutils import SphinxDirective

NAPOLEON = Config(napoleon_use_param=True, napoleon_use_rtype=False, napoleon_use_ivar=True)


class Operations(SphinxDirective):
    """``.. operations::``: every operation of the registry, a section for each family."""

    def run(self) -> list[nodes.Node]:
        from pullback.extend import registry
        from pullback.ops import import_all

        import_all()

        families: dict[str, list[Any]] = defaultdict(list)
        for record in registry.values():
            if record.module.startswith("pullback.") and public_name(record) is not None:
                families[record.module].append(record)
        return [self.family(module, families[module]) for module in sorted(families)]

    def family(self, module: str, records: list[Any]) -> nodes.Node:
        family = module.rpartition(".")[2]
        section = nodes.section(ids=[f"family-{nodes.make_id(family)}"])
        section += nodes.title(text=family.replace("_", " ").capitalize())
        about = (import_module(module).__doc__ or "").strip()
        lines = [*about.splitlines(), ""]
        for record in sorted(records, key=lambda record: record.name):
            lines += described(record)
        self.state.nested_parse(StringList(lines, module), 0, section, match_titles=True)
        return section


def public_name(record: Any) -> tuple[str, str] | None:
    """Where users find an operation, as module and name; None for a step of another operation."""
    for module in ("pullback", "pullback.nn.functional", "pullback.linalg", "pullback.special"):
        try:
            found = getattr(import_module(module), record.name, None)
        except ModuleNotFoundError:
            continue
        if callable(found):
            return module, record.name
    if record.name in record.method_names and not record.name.startswith("_"):
        return "pullback", f"Tensor.{record.name}"
    return None


def described(record: Any) -> list[str]:
    """One operation as reStructuredText."""
    text = str(NumpyDocstring(inspect.cleandoc(record.doc), NAPOLEON, what="function"))
    body = [*text.splitlines(), "", *facts(record)]
    parameters = inspect.signature(record.call).parameters.values()
    place = public_name(record)
    assert place is not None
    module, name = place
    return [
        f".. py:function:: {name}({', '.join(shown(parameters))})",
        f"   :module: {module}",
        "",
        *(f"   {line}" for line in body),
        "",
    ]


def shown(parameters: Any) -> list[str]:
    """The parameters with their defaults, without annotations."""
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names and not any(n.startswith("*") for n in names):
            names.append("*")
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        names.append(f"{star}{parameter.name}{default}")
    return names


def facts(record: Any) -> list[str]:
    """What the declaration says beside its docstring."""
    lines = []
    if record.method_names:
        lines.append(f"*Methods:* {', '.join(f'``{name}``' for name in record.method_names)}.")
    if record.nondifferentiable:
        lines.append(f"*No derivative:* {record.nondifferentiable}.")
    elif isinstance(getattr(record, "node_name", None), str):
        lines.append(f"*Node:* ``{record.node_name}``.")
    return [" ".join(lines), ""] if lines else []


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("operations", Operations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

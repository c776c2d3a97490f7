"""``pullback explain NAME``: everything that follows from one declaration."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.dispatch.declaration import Composite, Operation


@click.command(short_help="Show where an operation is declared and what follows from that.")
@click.argument("name")
def explain(name: str) -> None:
    """Show an operation: its declaration, the callable and node made of it, its kernels on each backend.

    NAME is a function, a method, an alias or a node: `mul`, `multiply`, `mul_`, `__mul__` or `MulBackward0`.
    Tools of plugins whose names begin with `explain.` add to it, as the conformance suite does.
    """
    from rich.console import Console
    from rich.syntax import Syntax

    record = _found(name)
    console = Console()
    for title, text, language in chain(_sections(record), _from_tools(record)):
        console.rule(f"[bold]{title}", align="left", style="dim")
        if language:
            console.print(Syntax(text.rstrip(), language, word_wrap=True, background_color="default"))
        else:
            console.print(text, markup=False, highlight=False)


def _found(name: str) -> Operation | Composite:
    """The operation that a user means by a name.

    Raises
    ------
    click.ClickException
        Where there is none, with the nearest names.
    """
    from pullback.errors import did_you_mean
    from pullback.ops import import_all
    from pullback.tensor.registry import registry

    import_all()
    names: dict[str, Operation | Composite] = {}
    for record in registry.values():
        node = getattr(record, "node_name", None)
        for known in (*record.method_names, *record.aliases, record.inplace_name, node):
            if isinstance(known, str):
                names.setdefault(known, record)
    names |= registry
    plain = name.removeprefix("Tensor.").rpartition(".")[2].removesuffix("()")
    if plain not in names:
        raise click.ClickException(f"no operation is called {name!r}{did_you_mean(plain, names)}")
    return names[plain]


def _sections(record: Operation | Composite) -> Iterator[tuple[str, str, str]]:
    import inspect
    import textwrap
    from pathlib import Path

    import pullback
    from pullback.dispatch.declaration import Operation

    file, (lines, first) = inspect.getsourcefile(record.function) or "", inspect.getsourcelines(record.function)
    home = Path(pullback.__file__).parents[1]
    shown = Path(file).relative_to(home) if Path(file).is_relative_to(home) else Path(file)
    yield record.name, f"declared in {shown}, line {first}", ""
    signature = str(inspect.signature(record.public)).replace("'", "")
    yield "Signature", f"{record.name}{signature}\n{_names(record)}", ""
    yield "Declaration, with both derivatives", textwrap.dedent("".join(lines)), "python"
    if isinstance(record, Operation):
        from pullback.dispatch.codegen import source_of

        yield "The callable made of it", source_of(record), "python"
        yield "Its node", _node(record), ""
        yield "Batching rule", _rule(record), ""
        yield "Kernels", _kernels(record), ""
    else:
        yield "Composite", "It is built of other operations, which have callables, nodes and kernels.", ""


def _names(record: Operation | Composite) -> str:
    parts = {
        "aliases": ", ".join(record.aliases),
        "methods": ", ".join(record.method_names),
        "in place": record.inplace_name or "",
        "out=": "yes" if record.out is not None else "no",
        "dtypes": ", ".join(sorted(dtype.name for dtype in record.dtypes)),
    }
    return "\n".join(f"{what}: {text}" for what, text in parts.items() if text)


def _node(operation: Operation) -> str:
    if operation.nondifferentiable is not None:
        return f"none: {operation.nondifferentiable}"
    name = operation.node_name if isinstance(operation.node_name, str) else None
    if name is None:
        return "its name depends on the arguments; each is made at the first call"
    saved = getattr(operation.node_type(name, conjugates=False), "saved_names", ())
    return f"{name}\nsaves: {', '.join(saved) or 'nothing'}\ngradients flow to: {', '.join(operation.differentiable)}"


def _rule(operation: Operation) -> str:
    from pullback.batching.rules import rule_of

    rule: Any = rule_of(operation)
    said = operation.batching if isinstance(operation.batching, str) else "follows from the signature"
    return f"{said}: {rule.__module__}.{rule.__qualname__}"


def _kernels(operation: Operation) -> str:
    from pullback.backend.registry import known_backends
    from pullback.backend.selection import get_backend
    from pullback.errors import BackendUnavailableError

    lines = [] if operation.body is None else ["its body calls kernels of the backend; see the declaration"]
    for name in sorted(known_backends()):
        try:
            backend = get_backend(name)
        except BackendUnavailableError as error:
            lines.append(f"{name}: not available here ({str(error).partition('. ')[0]})")
            continue
        if operation.body is None:
            kernel: Any = backend.kernel(operation.kernel)
            lines.append(f"{name}: {_place(kernel)}" if kernel is not None else f"{name}: none")
        for limitation in backend.limitations:
            if limitation.operation == operation.name:
                lines.append(f"{name}: limited: {limitation.reason}")
    return "\n".join(lines)


def _place(kernel: Any) -> str:
    module = getattr(kernel, "__module__", None) or type(kernel).__module__
    return f"{module}.{getattr(kernel, '__qualname__', None) or getattr(kernel, '__name__', repr(kernel))}"


def _from_tools(record: Operation | Composite) -> Iterator[tuple[str, str, str]]:
    from pullback.plugin.isolation import described
    from pullback.plugin.manager import load_tool, tools

    for name in sorted(tools()):
        if not name.startswith("explain."):
            continue
        try:
            text = str(load_tool(name)(record))
        except Exception as error:  # a plugin's: the rest is of use without it
            text = f"cannot be had: {described(error)}"
        yield name.removeprefix("explain.").capitalize(), text, ""

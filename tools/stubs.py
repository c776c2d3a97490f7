"""Type stubs, written from the declarations: ``python tools/stubs.py`` writes them, ``--check`` compares.

Most methods of Tensor and functions of ``pullback`` come from declarations when the package is imported, so a type
checker or an editor cannot see them in the source. The stubs beside it tell them: ``tensor/methods.pyi``, the methods
that declarations attach to Tensor, and for each namespace of functions its ``.pyi``.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import homes

if "--check" not in sys.argv:
    homes.make_importable()

from pullback import _names
from pullback.dispatch.declaration import Operation, exports
from pullback.ops import _index, import_all
from pullback.ops.late_families import LATE_FAMILIES
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

import_all()

_WIDTH = 120
_NUMBER_OR_TENSOR = "Tensor | Number"
_OPERANDS = {"Array": "Tensor", "Arrays": "Sequence[Tensor]", "Array | None": "Tensor | None"}
_NAMESPACES = ("pullback", "pullback.nn.functional")  # modules that only re-export
#: Where the names come from that signatures are given here.
_NAMES = {
    "Any": "typing",
    "Number": "pullback.dispatch.declaration",
    "Self": "typing",
    "Sequence": "collections.abc",
    "Tensor": "pullback.tensor",
    "return_types": "pullback",
}
_HEADER = "# Written by `python tools/stubs.py` from the operations' declarations: change those.\n"


_CORE = Path(_names.__file__).parent
_INDEX = '''"""Where operations are declared and where they are public. Written by `python tools/stubs.py`."""

from __future__ import annotations

from typing import Final
'''


class Parameter(NamedTuple):
    """One parameter of a function, its annotation as source text."""

    name: str
    annotation: str | None
    default: str | None
    kind: Any


class Signature(NamedTuple):
    """A function as a stub tells it; its annotations mean what they mean in ``module``, where it is declared."""

    parameters: tuple[Parameter, ...]
    result: str
    module: str


# -- signatures -------------------------------------------------------------------------------------------------------


def signatures_of(function: Callable[..., Any]) -> list[Signature]:
    """The signatures of a plain function: its overloads, or its own."""
    return [_signature(f) for f in typing.get_overloads(function) or [function]]


def _signature(function: Callable[..., Any]) -> Signature:
    signature = inspect.signature(function)
    empty = inspect.Parameter.empty
    parameters = tuple(
        Parameter(
            p.name,
            None if p.annotation is empty else str(p.annotation),
            None if p.default is empty else _default(p.default),
            p.kind,
        )
        for p in signature.parameters.values()
    )
    result = "Any" if signature.return_annotation is empty else str(signature.return_annotation)
    return Signature(parameters, result, function.__module__)


def _default(value: Any) -> str:
    """A default as a stub writes it: plain values themselves, anything else as dots."""
    if isinstance(value, str):
        return '"' + repr(value)[1:-1].replace('"', '\\"') + '"'
    if isinstance(value, float):
        return repr(value) if value - value == 0 else "..."
    return repr(value) if value is None or isinstance(value, int) or value == () else "..."


def operation_signature(operation: Operation) -> Signature:
    """The signature of a declared operation: numbers where operands promote, its results by name."""
    parameters = []
    for parameter in _signature(operation.function).parameters:
        if parameter.name == "backend" and operation.body is not None:
            continue
        annotation = parameter.annotation
        if parameter.name in operation.operands:
            annotation = _OPERANDS.get(annotation or "Array", "Tensor")
            if operation.broadcasts and parameter.name in operation.numbers:
                annotation = annotation.replace("Tensor", _NUMBER_OR_TENSOR)
        parameters.append(parameter._replace(annotation=annotation))
    if operation.outputs is None:
        result = "Tensor"
    elif operation.outputs == ("*",):
        result = "tuple[Tensor, ...]"
    else:
        result = result_name(operation.outputs)
    return Signature(tuple(parameters), result, operation.module)


def function_signatures(operation: Operation) -> list[Signature]:
    """The signatures of an operation's function: one for each operand that may be the tensor among numbers."""
    signature = operation_signature(operation)
    mixed = [p.name for p in signature.parameters if (p.annotation or "").startswith(_NUMBER_OR_TENSOR)]
    if len(mixed) != len(operation.operands):
        return [signature]
    found = []
    for position, name in enumerate(mixed):
        narrowed = dict.fromkeys(mixed[:position], "Number") | {name: "Tensor"}
        parameters = tuple(p._replace(annotation=narrowed.get(p.name, p.annotation)) for p in signature.parameters)
        found.append(signature._replace(parameters=parameters))
    return found


def takes_out(function: Any) -> bool:
    """Whether a function was given the keyword ``out`` when it was exported."""
    return inspect.isfunction(function) and "out" in inspect.signature(function).parameters


def with_out(signature: Signature) -> Signature:
    """The signature with the keyword ``out``: a tensor, or as many as there are results."""
    if signature.result == "tuple[Tensor, ...]":  # an overload with as many results as there happen to be
        return signature
    annotation = "Tensor | None" if signature.result == "Tensor" else "Sequence[Tensor] | None"
    parameters = [p for p in signature.parameters if p.name != "out"]
    keywords = [p for p in parameters if p.kind is inspect.Parameter.VAR_KEYWORD]
    parameters = [p for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
    parameters.append(Parameter("out", annotation, "None", inspect.Parameter.KEYWORD_ONLY))
    return signature._replace(parameters=(*parameters, *keywords))


def _of_tensor(signature: Signature) -> Signature:
    """A method's signature as that of a function of a tensor."""
    first, *rest = signature.parameters
    result = "Tensor" if signature.result == "Self" else signature.result
    return signature._replace(parameters=(first._replace(name="input", annotation="Tensor"), *rest), result=result)


def result_name(outputs: Iterable[str]) -> str:
    """The class in :mod:`pullback.return_types` with these fields."""
    return "return_types." + "And".join(output.capitalize() for output in outputs)


def as_method(name: str, signature: Signature) -> Signature:
    """A function's signature as that of a method: its first parameter becomes ``self``."""
    first, *rest = signature.parameters
    parameters = [first._replace(name="self", annotation=None, default=None), *rest]
    result = signature.result
    if _is_operator(name):
        # An operator passes operands alone, by position.
        parameters = [
            p._replace(kind=inspect.Parameter.POSITIONAL_ONLY)
            for p in parameters
            if p.kind is not inspect.Parameter.KEYWORD_ONLY
        ]
    in_place = name.startswith("__i") and name != "__invert__" if _is_operator(name) else name.endswith("_")
    if in_place and result == "Tensor":
        result = "Self"
    return Signature(tuple(parameters), result, signature.module)


def _is_operator(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


# -- stub source ------------------------------------------------------------------------------------------------------


@functools.cache
def imports_of(module: str) -> dict[str, tuple[str, str]]:
    """Where a module's source imports each name from, also for type checking only."""
    if module == "pullback":
        tables = [i for t in (_names.NAMES, _names.LATE, _index.FUNCTIONS, _index.LATE) for i in t.items()]
        return _listed(tables) | {name: ("math", name) for name in ("e", "inf", "nan", "pi")}
    if module == "pullback.nn.functional":
        return _listed(_index.FUNCTIONAL.items())
    file = getattr(importlib.import_module(module), "__file__", None)
    tree = ast.parse(Path(file).read_text(encoding="utf-8")) if file else ast.Module([], [])
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


def _listed(tables: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Where tables of names say that each public name is."""
    return {public: (f"pullback.{home}", name) for home, words in tables for public, name in _names.renamed(words)}


class Stub:
    """The source of one stub: definitions, and the imports that their annotations need."""

    def __init__(self, defined: Iterable[str]) -> None:
        #: Names that mean something else in this stub than Python's built-in.
        self.shadowed = frozenset(defined) & frozenset(vars(builtins))
        self.imports: set[tuple[str, str, str | None]] = set()
        self.needs_builtins = False

    def annotation(self, text: str, module: str) -> str:
        """An annotation of ``module`` as it must be written here."""
        names = [n for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)]
        for name in sorted(names, key=lambda n: n.col_offset, reverse=True):
            replacement = self._name(name.id, module)
            text = text[: name.col_offset] + replacement + text[name.col_offset + len(name.id) :]
        return text

    def _name(self, name: str, module: str) -> str:
        if name in _NAMES:
            self.imports.add((_NAMES[name], name, None))
        elif name in imports_of(module):
            source, original = imports_of(module)[name]
            self.imports.add((source, original, None if name == original else name))
        elif hasattr(sys.modules[module], name):
            self.imports.add((module, name, None))
        elif name in self.shadowed:
            self.needs_builtins = True
            return f"builtins.{name}"
        return name

    def definitions(self, name: str, signatures: list[Signature], indent: str = "") -> Iterator[str]:
        """The lines that define a function or method; overloads where it has several signatures."""
        for signature in signatures:
            if len(signatures) > 1:
                self.imports.add(("typing", "overload", None))
                yield f"{indent}@overload"
            yield from self._definition(name, signature, indent)

    def _definition(self, name: str, signature: Signature, indent: str) -> Iterator[str]:
        parameters = list(self._parameters(signature, indent))
        result = self.annotation(signature.result, signature.module)
        # Equality of tensors is elementwise; of other objects it is a bool.
        comment = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
        line = f"{indent}def {name}({', '.join(parameters)}) -> {result}: ..."
        if len(line) <= _WIDTH:
            yield line + comment
            return
        yield f"{indent}def {name}({comment}"
        line = f"{indent}    {', '.join(parameters)}"
        if len(line) <= _WIDTH:
            yield line
        else:
            yield from (f"{indent}    {parameter}," for parameter in parameters)
        yield f"{indent}) -> {result}: ..."

    def _parameters(self, signature: Signature, indent: str) -> Iterator[str]:
        kinds = inspect.Parameter
        before: Any = None
        for parameter in signature.parameters:
            kind = parameter.kind
            if before is kinds.POSITIONAL_ONLY and kind is not kinds.POSITIONAL_ONLY:
                yield "/"
            if kind is kinds.KEYWORD_ONLY and before not in (kinds.KEYWORD_ONLY, kinds.VAR_POSITIONAL):
                yield "*"
            before = kind
            stars = {kinds.VAR_POSITIONAL: "*", kinds.VAR_KEYWORD: "**"}.get(kind, "")
            text = stars + parameter.name
            if parameter.name == "self" and indent:
                yield text
                continue
            text += f": {self.annotation(parameter.annotation or 'Any', signature.module)}"
            yield text + (f" = {parameter.default}" if parameter.default is not None else "")
        if before is kinds.POSITIONAL_ONLY and len(signature.parameters) > 1:
            yield "/"

    def text(self, body: list[str]) -> str:
        """The whole stub."""
        lines = ["import builtins"] if self.needs_builtins else []
        standard = [i for i in self.imports if not _is_own(i[0])]
        own = [i for i in self.imports if _is_own(i[0])]
        blocks = [block for block in ([*lines, *_import_lines(standard)], _import_lines(own)) if block]
        return _HEADER + "\n" + "\n\n".join("\n".join(block) for block in [*blocks, body]) + "\n"


def _import_lines(imports: Iterable[tuple[str, str, str | None]]) -> list[str]:
    """Import statements in ruff's order: plain names of a module in one, each renamed one apart."""
    plain: dict[str, list[str]] = {}
    statements: list[tuple[Any, list[str]]] = []
    for module, name, renamed in imports:
        if renamed is None:
            plain.setdefault(module, []).append(name)
        else:
            order = (module, _import_order(name), 1, _import_order(renamed))
            statements.append((order, [f"from {module} import {name} as {renamed}"]))
    for module, names in plain.items():
        names.sort(key=_import_order)
        line = f"from {module} import {', '.join(names)}"
        wrapped = [f"from {module} import (", *(f"    {name}," for name in names), ")"]
        statements.append(((module, _import_order(names[0]), 0), [line] if len(line) <= _WIDTH else wrapped))
    return [line for _, lines in sorted(statements) for line in lines]


def _import_order(name: str) -> tuple[Any, ...]:
    """Constants, then classes, then the rest; numbers in a name by their value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    parts = re.split(r"(\d+)", name)
    return kind, [int(part) if part.isdigit() else part for part in parts]


# -- the stubs --------------------------------------------------------------------------------------------------------


def operation_of(value: Any) -> Operation | None:
    """The operation that a function or method was made for: as it is, as an operator, or in place."""
    if not isinstance(value, types.FunctionType):
        return None
    for record in registry.values():
        if isinstance(record, Operation) and (
            value.__name__ == record.inplace_name
            if value.__module__ == "pullback.dispatch.inplace_methods"
            else value.__name__ == record.name and value.__code__.co_filename.startswith("<pullback ")
        ):
            return record
    return None


def _is_own(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] == "pullback"


def attached_methods() -> dict[str, Any]:
    """What declarations attached to Tensor: everything it has that its class body does not define."""
    source = ast.parse((_CORE / "tensor" / "tensor.py").read_text(encoding="utf-8"))
    (definition,) = [node for node in source.body if isinstance(node, ast.ClassDef) and node.name == "Tensor"]
    written = {node.name for node in definition.body if isinstance(node, ast.FunctionDef)}
    foreign = {name for r in registry.values() if not _is_own(r.module) for name in (*r.method_names, r.inplace_name)}
    found = {}
    for name in sorted(set(vars(Tensor)) - written - foreign):
        value = vars(Tensor)[name]
        function = value.fget if isinstance(value, property) else value
        if isinstance(function, types.FunctionType) and function.__module__ != Tensor.__module__:
            found[name] = value
    return found


def tensor_methods() -> str:
    """The source of ``tensor/methods.pyi``."""
    methods = attached_methods()
    stub = Stub(methods)
    body = ["class TensorMethods:"]
    for name, value in methods.items():
        if isinstance(value, property):
            assert value.fget is not None
            (getter,) = signatures_of(value.fget)
            body += ["    @property", *stub.definitions(name, [as_method(name, getter)], "    ")]
            if value.fset is not None:
                (setter,) = signatures_of(value.fset)
                body += [f"    @{name}.setter", *stub.definitions(name, [as_method(name, setter)], "    ")]
            continue
        operation = operation_of(value)
        if operation is not None:
            signatures = [operation_signature(operation)]
        else:
            signatures = signatures_of(value)
            if len(signatures) > 1:  # some functions take a number too, a method never does
                signatures = [s for s in signatures if s.parameters[0].annotation in ("Tensor", None)]
        body += stub.definitions(name, [as_method(name, s) for s in signatures], "    ")
    return stub.text(body)


def namespace(module: types.ModuleType) -> str:
    """The source of the stub of a module that only re-exports: operations by signature, the rest by import."""
    names = sorted(getattr(module, "__all__", None) or (n for n in vars(module) if not n.startswith("_")))
    sources = imports_of(module.__name__)
    stub = Stub(names)
    body: list[str] = []
    for name in names:
        value = getattr(module, name)
        operation = operation_of(value)
        if takes_out(value):
            by_hand = operation is None or value.__code__.co_filename.startswith("<pullback function ")
            signatures = signatures_of(value) if by_hand else function_signatures(operation)  # type: ignore[arg-type]
            body += stub.definitions(name, [with_out(s) for s in signatures])
        elif operation is not None:
            signatures = function_signatures(operation)
            # The tensor that is written in place comes first.
            body += stub.definitions(name, signatures[:1] if value.__name__ == operation.inplace_name else signatures)
        elif getattr(value, "__qualname__", "").startswith("Tensor."):  # a method from the class body, as a function
            body += stub.definitions(name, [_of_tensor(s) for s in signatures_of(value)])
        else:
            source, original = _origin(module, name, value, sources)
            stub.imports.add((source, original, None if original == name else name))
    if hasattr(module, "__version__"):
        stub.needs_builtins |= "str" in stub.shadowed
        body.insert(0, "__version__: str\n")
    exported = ["__all__ = [", *(f'    "{name}",' for name in sorted(names, key=_import_order)), "]", ""]
    return stub.text([*exported, *body])


def _origin(module: types.ModuleType, name: str, value: Any, sources: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The module that a re-exported name comes from, and its name there."""
    if isinstance(value, types.ModuleType):
        parent, _, last = value.__name__.rpartition(".")
        return parent, last
    if name in sources:
        return sources[name]
    for other, source in sources.items():  # a second name, given by assignment
        if getattr(module, other, None) is value:
            return source
    return value.__module__, value.__name__


def public_operations(namespace: str) -> Iterator[tuple[str, str, str]]:
    """What a public module has of the operations: the family, the function's name there, its public name."""
    for record in registry.values():
        if namespace in record.namespaces and record.module.startswith("pullback.ops."):
            for public in (record.name, *record.aliases):
                yield record.module, record.function.__name__, public
    for (where, name), module in exports.items():
        if where == namespace:
            yield module, name, name


def public_inplace() -> Iterator[tuple[str, str, str]]:
    """The in-place methods that are functions of ``pullback`` too, as :func:`public_operations` tells functions."""
    for record in registry.values():
        functions = record.inplace.functions if isinstance(record, Operation) else False
        for name in (f"{n}_" for n in (record.name, *record.aliases)) if functions is True else functions or ():
            yield record.module, name, name


def late_methods() -> Iterator[tuple[str, str, str]]:
    """The methods of Tensor that families declare which are imported late."""
    for record in registry.values():
        for name in record.method_names:
            if record.module.removeprefix("pullback.ops.") in LATE_FAMILIES:
                yield record.module, name, name


def methods_alone() -> Iterator[tuple[str, str, str]]:
    """The methods of Tensor of families that have no function of ``pullback``, so that nothing else imports them."""
    imported = {module for module, *_ in public_operations("pullback")}
    for name, value in sorted(vars(Tensor).items()):
        home = getattr(getattr(value, "fget", value), "__module__", None) or ""
        family = home.removeprefix("pullback.ops.")
        if family != home and home not in imported and family not in LATE_FAMILIES and family != "late_families":
            yield home, name, name


def _by_module(names: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The words of :func:`pullback._names.renamed` for each module."""
    found: dict[str, set[tuple[str, str]]] = {}
    for module, name, public in names:
        found.setdefault(module.removeprefix("pullback."), set()).add((public, name))
    return {
        module: " ".join(name if name == public else f"{name}:{public}" for public, name in sorted(pairs))
        for module, pairs in sorted(found.items())
    }


def _wrapped(text: str) -> list[str]:
    """The lines of a string of many words, within parentheses."""
    width = _WIDTH - len('        ""')
    parts = [text] if len(text) <= width else textwrap.wrap(text, width - 1, break_on_hyphens=False)
    return [f'        "{part} "' for part in parts[:-1]] + [f'        "{parts[-1]}"']


def _table(comment: str, name: str, words: dict[str, str]) -> Iterator[str]:
    """The source of a table of the index."""
    yield f"#: {comment}"
    yield f"{name}: Final = {{"
    for key, text in words.items():
        line = f'    "{key}": "{text}",'
        if len(line) <= _WIDTH:
            yield line
        else:
            yield f'    "{key}": ('
            yield from _wrapped(text)
            yield "    ),"
    yield "}"


def operation_names() -> dict[Path, str]:
    """The index of operations, by which formulas find them and public modules are filled, and its stub."""
    everything = homes.operation_homes()
    functions = _by_module(public_operations("pullback"))
    inplace = _by_module(public_inplace())
    late = {module for module in {*functions, *inplace} if module.removeprefix("ops.") in LATE_FAMILIES}
    known = {module: words for module, words in functions.items() if module not in late}
    later = {
        module: " ".join(table[module] for table in (functions, inplace) if module in table) for module in sorted(late)
    }
    methods = {m.removeprefix("ops."): words for m, words in _by_module(late_methods()).items()}
    alone = _by_module(methods_alone())
    everywhere = " ".join(words for module, words in inplace.items() if module not in late)
    index = [
        *_INDEX.splitlines(),
        "",
        *_table(
            "The functions of ``pullback``, and those of families that are imported when first used.",
            "FUNCTIONS",
            known,
        ),
        *_table("Those of families that are imported when first used.", "LATE", later),
        *_table("The methods of Tensor that those families declare.", "LATE_METHODS", methods),
        *_table(
            "The functions of ``pullback.nn.functional``.",
            "FUNCTIONAL",
            _by_module(public_operations("pullback.nn.functional")),
        ),
        *_table("The methods of Tensor of families that have no function of ``pullback``.", "METHODS", alone),
        "#: In-place methods that are functions of ``pullback`` too.",
        "INPLACE: Final = (",
        *(line[4:] for line in _wrapped(everywhere)),
        ")",
    ]
    imports = [(f"pullback.ops.{home}", name, name) for name, home in everything.items()]
    stub = [_HEADER.rstrip(), "", *_import_lines(imports)]
    stub += ["", "def import_all() -> None: ..."]
    ops = _CORE / "ops"
    return {
        ops / "_homes.py": homes.homes_source(),
        ops / "_index.py": "\n".join(index) + "\n",
        ops / "__init__.pyi": "\n".join(stub) + "\n",
    }


def stubs() -> dict[Path, str]:
    """The source of each stub, by its path."""
    families = importlib.import_module("pullback.ops")
    for family in pkgutil.walk_packages(families.__path__, "pullback.ops."):
        importlib.import_module(family.name)
    modules = [importlib.import_module(name) for name in _NAMESPACES]
    found = {Path(module.__file__ or "").with_suffix(".pyi"): namespace(module) for module in modules}
    return found | {_CORE / "tensor" / "methods.pyi": tensor_methods()}


def main(arguments: list[str]) -> int:
    """Write the stubs, or with ``--check`` say which are stale; the exit status."""
    check = "--check" in arguments
    stale = _refreshed(operation_names(), check)
    if stale and not check:  # the package has other names now
        return subprocess.call([sys.executable, __file__])
    stale += _refreshed(stubs(), check) if not stale else []
    return int(bool(stale) and check)


def _refreshed(sources: dict[Path, str], check: bool) -> list[Path]:
    """Write what is stale of these files, or say which are."""
    stale = [p for p, source in sources.items() if not p.exists() or p.read_text(encoding="utf-8") != source]
    for path in stale:
        if not check:
            path.write_text(sources[path], encoding="utf-8")
        print(f"{path}: {'stale; run `python tools/stubs.py`' if check else 'written'}")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A program is a list of steps, and a step is data: what is called, on which tensors, with which arguments.

It says nothing about a library: rendered as Python it is one line that uses ``lib`` and the variables of earlier steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Variable:
    """A tensor that an earlier step has made."""

    name: str


@dataclass(frozen=True)
class Expression:
    """What follows ``lib.``: a dtype, or the call that makes a constant."""

    text: str


#: How a step reads: ``t.name(arguments)``, ``lib.name(arguments)``, ``t.name``, ``t[index]``, ``t[index] = value``,
#: ``t op= value``, ``t.name = value``, ``del t``, ``Class.apply(arguments)``, or a text of its own with ``{}`` for
#: each argument.
Form = Literal[
    "method", "function", "attribute", "getitem", "setitem", "augmented", "setattr", "del", "apply", "text", "inspect"
]


@dataclass(frozen=True)
class Step:
    """One step; its results are the variables ``t<number>``, or ``t<number>_0``, ``t<number>_1`` ... if several."""

    number: int
    form: Form
    name: str
    arguments: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()
    grad: bool = True

    @property
    def operands(self) -> set[str]:
        """The variables it uses."""
        return set(_variables((*self.arguments, *(v for _, v in self.keywords))))

    @property
    def is_statement(self) -> bool:
        """Whether it has no result."""
        return self.form in ("setitem", "augmented", "setattr", "del", "inspect")

    def source(self) -> str:
        """The step as Python, without the names of its results."""
        texts = [text(a) for a in self.arguments]
        call = ", ".join([*texts[1:], *(f"{key}={text(value)}" for key, value in self.keywords)])
        match self.form:
            case "method":
                return f"{texts[0]}.{self.name}({call})"
            case "function":
                return f"lib.{self.name}({', '.join(filter(None, [*texts[:1], call]))})"
            case "attribute":
                return f"{texts[0]}.{self.name}"
            case "getitem":
                return f"{texts[0]}[{index_text(self.arguments[1])}]"
            case "setitem":
                return f"{texts[0]}[{index_text(self.arguments[1])}] = {texts[2]}"
            case "augmented":
                return f"{texts[0]} {self.name} {texts[1]}"
            case "setattr":
                return f"{texts[0]}.{self.name} = {texts[1]}"
            case "del":
                return f"del {texts[0]}"
            case "apply":
                return f"{self.name}.apply({', '.join(texts)})"
            case "text":
                return self.name.format(*texts)
            case "inspect":
                return "pass"


def _variables(value: Any) -> Iterator[str]:
    if isinstance(value, Variable):
        yield value.name
    elif isinstance(value, tuple | list):
        for element in value:
            yield from _variables(element)


def text(value: Any) -> str:
    """An argument as Python."""
    if isinstance(value, Variable):
        return value.name
    if isinstance(value, Expression):
        return f"lib.{value.text}"
    if isinstance(value, list):
        return f"[{', '.join(map(text, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, complex):
        return f"complex({value.real!r}, {value.imag!r})"
    if value is ...:
        return "..."
    return repr(value)


def index_text(value: Any) -> str:
    """What stands between the brackets."""
    if isinstance(value, tuple) and value:
        return ", ".join(map(index_text, value)) + ("," if len(value) == 1 else "")
    if isinstance(value, slice):
        start, stop, step = ("" if v is None else repr(v) for v in (value.start, value.stop, value.step))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return text(value)


def script(steps: list[Step], bound: dict[int, tuple[str, ...]], backend: str, shown: str) -> str:
    """A program to paste and run: it prints ``shown`` after the last step, on PyTorch and on pullback."""
    lines = []
    used = {step.name for step in steps if step.form == "apply"}
    if used:
        from programs.functions import FUNCTIONS

        lines += [
            "def functions(lib):",
            *("    " + line if line else "" for name in sorted(used) for line in FUNCTIONS[name].splitlines()),
            f"    return {', '.join(sorted(used))},",
            "",
            "",
        ]
    lines.append("def program(lib):")
    if used:
        lines.append(f"    {', '.join(sorted(used))}, = functions(lib)")
    for step in steps:
        if step.form == "inspect":
            continue
        names = bound.get(step.number, ())
        line = (", ".join(names) + (", = " if len(names) > 1 else " = ") if names else "") + step.source()
        pad = "    "
        if not step.grad:
            lines.append(f"{pad}with lib.no_grad():")
            pad += "    "
        if step is steps[-1]:
            lines += [
                f"{pad}try:",
                f"{pad}    {line}",
                f"{pad}except Exception as error:",
                f"{pad}    print(type(error).__name__, error)",
            ]
        else:
            lines.append(pad + line)
    lines += [f"    print({shown})", "", ""]
    head = ["import torch", "", "import pullback as pb", "", ""]
    tail = ["program(torch)", f'with pb.use_backend("{backend}"):', "    program(pb)"]
    return "\n".join([*head, *lines, *tail]) + "\n"

"""What the formulas of a declaration ask for, which is what their parameters are called."""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


class SavedValue:
    """One value a node keeps: its name in the formulas, and the operands whose gradient needs it."""

    __slots__ = ("name", "needed_by")

    def __init__(self, name: str, needed_by: tuple[str, ...]) -> None:
        self.name = name
        self.needed_by = needed_by


def formula_arguments(formula: Any) -> tuple[str, ...]:
    """What a formula asks for: its parameters' names."""
    if isinstance(formula, str):
        return (formula,)
    if isinstance(formula, int | float):
        return ()
    code = formula.__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def of_tangent(formula: Any) -> Any:
    """The formula of a VJP as that of a JVP: the same code, whose ``grad`` is called ``tangent``."""

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple("tangent" if name == "grad" else name for name in names)

    code = formula.__code__
    # Where an inner function uses it, it is among the cell variables too.
    code = code.replace(co_varnames=renamed(code.co_varnames), co_cellvars=renamed(code.co_cellvars))
    return types.FunctionType(code, formula.__globals__, formula.__name__, formula.__defaults__, formula.__closure__)


@functools.cache
def saved_values(operation: Operation) -> tuple[SavedValue, ...]:
    """What the operation's formulas ask for, beside the gradient, in the order it is saved."""
    needed: dict[str, list[str]] = {}
    for operand, formula in (operation.partials or operation.vjp).items():
        for name in formula_arguments(formula):
            if name not in ("grad", "grads"):
                needed.setdefault(name, []).append(operand)
    return tuple(SavedValue(name, tuple(operands)) for name, operands in needed.items())


def node_name_arguments(operation: Operation) -> tuple[str, ...]:
    """The attributes and operands that decide the node's name."""
    return formula_arguments(operation.node_name) if not isinstance(operation.node_name, str) else ()

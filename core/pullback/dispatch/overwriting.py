"""Forms of operations that write their result into the first operand's array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pullback.dispatch.codegen import make_callable
from pullback.dispatch.declaration import DeclarationError, Operation
from pullback.dispatch.formulas import saved_values
from pullback.tensor.registry import registry

F = TypeVar("F", bound=Callable[..., Any])


def overwrites(name: str, *, node: str | None = None, check: Callable[..., None] | None = None) -> Callable[[F], F]:
    """Declare a body that writes its result into the first operand: the form of the operation ``name`` used in place.

    It takes what the operation's own body takes, and must find every mistake before it writes. The operation's
    formulas may not ask for the first operand, which is gone then.

    Parameters
    ----------
    node : str, optional
        The graph node's name, where it is another one in place.
    check : callable, optional
        What refuses operands, where that is another function in place.
    """

    def declare(body: F) -> F:
        operation = registry[name]
        assert isinstance(operation, Operation)
        if any(saved.name == operation.operands[0] for saved in saved_values(operation)):
            raise DeclarationError(f"{name}: its formulas need {operation.operands[0]!r}, which the body overwrites")
        form = object.__new__(Operation)
        vars(form).update(vars(operation))
        form.body = body
        form.tables = {}
        form.node_name = node or operation.node_name
        form.check = check or operation.check
        form.call = make_callable(form)
        operation.overwriting = form
        return body

    return declare


def overwrite(name: str, *arguments: Any) -> Any:
    """Run the operation ``name`` on a first operand that nobody else has, and that may be overwritten."""
    operation: Any = registry[name]
    return operation.overwriting.call(*arguments)

"""Arguments that the fast path leaves alone: given under NumPy's names, left out, or of a wrong type.

Nothing here runs unless a call has such arguments, or has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pullback.argument_names import UNSET, further_names

if TYPE_CHECKING:
    from pullback.op import Operation


def with_names(
    operation: Operation,
    general: Callable[..., Any],
    given: dict[str, Any],
    rest: Mapping[str, Any],
    out: Any = None,
) -> Any:
    """Run an operation that was called with keywords which are no parameters of its own, NumPy's names among them.

    Raises
    ------
    TypeError
        For a keyword that names no parameter, or one that is given already; for too many arguments by position.
    """
    others = further_names(given)
    for name, value in rest.items():
        if value is UNSET:
            continue
        parameter = others.get(name)
        if name == "_beyond":
            count = len(operation.operands) + len(operation.attributes)
            raise TypeError(f"{operation.name}() takes {count} positional arguments but more were given")
        if parameter is None:
            raise TypeError(f"{operation.name}() got an unexpected keyword argument '{name}'")
        if given[parameter] is not operation.defaults.get(parameter, UNSET):
            raise TypeError(f"{operation.name}() got multiple values for argument '{parameter}'")
        given[parameter] = value
    refuse_missing(operation.name, given)
    operands = tuple(given[name] for name in operation.operands)
    attributes = {name: given[name] for name in operation.attributes}
    if out is not None:
        from pullback.result_writing import write_result

        return write_result(operation, operands, attributes, out)
    return general(operation, operands, attributes)


def refuse_missing(function: str, given: Mapping[str, Any]) -> None:
    """Name the arguments that a call has left out, if it has.

    Raises
    ------
    TypeError
        In PyTorch's words.
    """
    missing = [name for name, value in given.items() if value is UNSET]
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        raise TypeError(f"{function}() missing {len(missing)} required positional arguments: {names}")

"""From a declaration to a fast callable.

The callable is Python source, written for the operation's own signature and number of operands and compiled when it is
first called (importing pullback compiles none). It serves the common case alone: tensors of one backend and dtype, no
special mode. Anything else, and every failure, goes to :func:`pullback.dispatch.complete_path.general`, which can do
all of it and says what is wrong where something is. ``print(pullback.dispatch.codegen.source_of(operation))`` shows
what runs.
"""

from __future__ import annotations

import builtins
import functools
import types
from typing import TYPE_CHECKING, Any

from pullback.backend.kernel_exits import refuse_exit
from pullback.dispatch.arguments import with_names
from pullback.dispatch.callable_source import (
    REST,
    check_lines,
    general_call,
    given_names,
    kernel_lines,
    keyword_lines,
    lookup_lines,
    mode_lines,
    operand_lines,
    other_names,
    positional_names,
    result_lines,
    signature_source,
)
from pullback.dispatch.complete_path import general, general_function, general_operator
from pullback.dispatch.finishing import point_at, result_class
from pullback.dispatch.out import write_result
from pullback.dispatch.several_source import has_sequence_lines, has_several_lines, sequence_lines, several_lines
from pullback.meta.argument_names import UNSET
from pullback.meta.dtypes import DType
from pullback.process.interrupts import raised_by_handler
from pullback.tensor import LEAF, STALE, Tensor
from pullback.tensor.geometry import keep_layout
from pullback.tensor.history import regenerate
from pullback.tensor.levels import levels
from pullback.tensor.memory import mark_inference, saved_version
from pullback.tensor.modes import mode
from pullback.tensor.node import next_sequence
from pullback.tensor.unknown_derivative import refuse_derivative
from pullback.tensor.views import OutputOf, attach_view

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


def make_callable(operation: Operation, operator: bool = False, takes_out: bool = False) -> types.FunctionType:
    """The public function of an operation: its signature now, its code when first called.

    As an operator it returns ``NotImplemented`` for an operand it does not know, so that Python asks the other one; it
    takes operands alone. Keywords of their own cost CPython's fastest call, and so do the functions that ``pullback``
    exports with ``out``, not the methods and operators.
    """
    positional = positional_names(operation)
    keyword_only = () if operator else (*operation.keyword_only, "out") if takes_out else operation.keyword_only
    # Without a name: an array library may warn of overflow and NaN, which are values here, and Python shows no warning
    # that a module without a name is said to cause. (In case of an error the general path is silent in other ways.)
    namespace: dict[str, Any] = {"__name__": None, "__builtins__": builtins}
    code = _stub_code((*positional, *keyword_only), len(positional), len(keyword_only))
    declared = function = types.FunctionType(code, namespace)
    declared.__defaults__ = tuple(operation.defaults[n] for n in positional if n in operation.defaults) or None
    declared.__kwdefaults__ = {n: operation.defaults[n] for n in keyword_only if n in operation.defaults}
    if takes_out:
        declared.__kwdefaults__["out"] = None
    names = positional if operator else given_names(operation, takes_out)
    if names != positional:
        count = len(names) - (names[-1] == REST)
        function = types.FunctionType(_stub_code(names, count, 0, names[-1] == REST), namespace)
        renamed = other_names(operation, takes_out).values()
        first = next((i for i in range(count) if names[i] in operation.defaults or names[i] in renamed), count)
        function.__defaults__ = tuple(operation.defaults.get(n, UNSET) for n in names[first:count]) or None
        function.__wrapped__ = declared  # type: ignore[attr-defined]  # so that this is the signature to see
    if takes_out:
        operation.exported = function
    annotations = {
        name: _PUBLIC_ANNOTATIONS.get(annotation, annotation)
        for name, annotation in operation.function.__annotations__.items()
        if name != "backend"
    }
    for made in (declared, function):
        made.__name__ = made.__qualname__ = operation.name
        made.__doc__ = operation.doc
        made.__module__ = operation.module
        made.__annotations__ = annotations

    def first_call(arguments: dict[str, Any]) -> Any:
        namespace.update(_names_for(operation))
        if operator:
            namespace["_general"] = general_operator
        elif takes_out:
            namespace["_general"] = general_function
            namespace["_write_result"] = write_result
        source = source_of(operation, operator, takes_out)
        function.__code__ = compiled(operation.name, source, namespace).__code__
        rest = arguments.pop(REST, {})
        return function(**arguments, **rest)

    namespace["_first_call"] = first_call
    return function


_PUBLIC_ANNOTATIONS = {"Array": "Tensor", "Arrays": "Sequence[Tensor]", "Array | None": "Tensor | None"}


def stub() -> Any:
    """What an operation's callable is until its first call."""
    # Becomes each operation's callable until its first call; its parameters are replaced by the operation's own.
    return _first_call(locals())  # type: ignore[name-defined]  # noqa: F821


_KEYWORDS = 8  # the flag of a code object with **keywords


@functools.cache
def _stub_code(
    names: tuple[str, ...], positional: int, keyword_only: int, takes_keywords: bool = False
) -> types.CodeType:
    """The code of all callables with these parameters until their first call."""
    return stub.__code__.replace(
        co_name="operation",
        co_qualname="operation",
        co_varnames=names,
        co_nlocals=len(names),
        co_argcount=positional,
        co_kwonlyargcount=keyword_only,
        co_flags=stub.__code__.co_flags | (_KEYWORDS if takes_keywords else 0),
        co_filename="<pullback operation>",
    )


def compiled(name: str, source: str, namespace: dict[str, Any]) -> types.FunctionType:
    """The function that the source defines, under the last word of ``name``."""
    import linecache

    file_name = f"<pullback {name}>"
    linecache.cache[file_name] = (len(source), None, source.splitlines(True), file_name)  # tracebacks show the source
    defined: dict[str, Any] = {}  # apart from what the source refers to: the function may have any name
    exec(compile(source, file_name, "exec"), namespace, defined)
    (function,) = defined.values()
    assert isinstance(function, types.FunctionType)
    return function


def _names_for(operation: Operation) -> dict[str, Any]:
    # No declaration has a name with such a beginning, so none can hide one of these.
    return {
        "_FAILED": _Failed,
        "_DType": DType,
        "_NUMBERS": NUMBERS,
        "_Exit": BaseException,
        "_Failure": Exception,
        "_LEAF": LEAF,
        "_STALE": STALE,
        "_UNSET": UNSET,
        "_Tensor": Tensor,
        "_allowed": operation.dtypes,
        "_attach_view": attach_view,
        "_keep_layout": keep_layout,
        "_mark_inference": mark_inference,
        "_check": operation.check,
        "_defaults": {n: operation.defaults.get(n, UNSET) for n in operation.keyword_only},
        "_general": general,
        "_levels": levels,
        "_mode": mode,
        "_new": object.__new__,
        "_next_sequence": next_sequence,
        "_operation": operation,
        "_OutputOf": OutputOf,
        "_point_at": point_at,
        "_returned": result_class(operation),
        "_raised_by_handler": raised_by_handler,
        "_refuse_derivative": refuse_derivative,
        "_refuse_exit": refuse_exit,
        "_regenerate": regenerate,
        "_tables": operation.tables,
        "_saved_version": saved_version,
        "_with_names": with_names,
    }


class _Failed:
    """Stands for the backend in a callable whose fast path has failed: no array is of its type."""

    array_type = None


#: The classes of Python's numbers.
NUMBERS = frozenset((bool, int, float, complex))


def source_of(operation: Operation, operator: bool = False, takes_out: bool = False) -> str:
    """The Python source of the operation's callable; all names in it but the parameters' begin with ``_``."""
    lines = [f"def {operation.name}({signature_source(operation, operator, takes_out)}):"]
    lines += keyword_lines(operation, operator, takes_out)
    if operation.sequence and has_sequence_lines(operation):
        lines += [*mode_lines(operation, operator), *sequence_lines(operation)]
    elif operation.outputs is not None and has_several_lines(operation):
        lines += [*mode_lines(operation, operator), *several_lines(operation)]
    elif operation.sequence or operation.outputs is not None:
        lines.append(f"    return {general_call(operation)}")
    else:
        lines += mode_lines(operation, operator)
        lines += lookup_lines(operation)
        lines += operand_lines(operation)
        lines += check_lines(operation)
        lines += kernel_lines(operation)
        lines += result_lines(operation)
    return "\n".join(lines) + "\n"

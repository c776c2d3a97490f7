"""From a declaration to a fast callable, and to the graph node with its derivative.

The callable is Python source, written for the operation's own signature and number of operands and compiled when it is
first called (importing pullback compiles none). It serves the common case alone: tensors of one backend and dtype, no
special mode. Anything else, and every failure, goes to :func:`pullback.dispatch.general.general`, which can do all of
it and says what is wrong where something is. ``print(pullback.dispatch.codegen.source_of(operation))`` shows what runs.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

from pullback.backend.kernel_exits import refuse_exit
from pullback.dispatch.arguments import guards_of, with_names
from pullback.meta import dtypes
from pullback.meta.argument_names import UNSET, further_names
from pullback.meta.dtypes import DType
from pullback.process.blocks import surely
from pullback.process.interrupts import raised_by_handler
from pullback.tensor import LEAF, STALE, Tensor
from pullback.tensor import node as nodes
from pullback.tensor.levels import levels
from pullback.tensor.memory import VersionCounter, bump_version, mark_inference, saved_version
from pullback.tensor.modes import QUIET, mode
from pullback.tensor.node import Node
from pullback.tensor.registry import registry
from pullback.tensor.saved_tensors import show_saved
from pullback.tensor.unknown_derivative import refuse_derivative
from pullback.tensor.views import attach_view, check_versions, keep_layout, regenerate, rewrap_output

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Formula, Operation


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
    names = positional if operator else _given_names(operation, takes_out)
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
            from pullback.dispatch.general import general_operator

            namespace["_general"] = general_operator
        elif takes_out:
            from pullback.dispatch.general import general_function
            from pullback.dispatch.out import write_result

            namespace["_general"] = general_function
            namespace["_write_result"] = write_result
        source = source_of(operation, operator, takes_out)
        function.__code__ = compiled(operation.name, source, namespace).__code__
        rest = arguments.pop(REST, {})
        return function(**arguments, **rest)

    namespace["_first_call"] = first_call
    return function


_PUBLIC_ANNOTATIONS = {"Array": "Tensor", "Arrays": "Sequence[Tensor]", "Array | None": "Tensor | None"}

#: Where a callable finds the keywords that are no parameters of its own.
REST: Final = "_rest"


def positional_names(operation: Operation) -> tuple[str, ...]:
    """The parameters of the callable that may be given by position."""
    return (*operation.operands, *(a for a in operation.attributes if a not in operation.keyword_only))


def other_names(operation: Operation, takes_out: bool) -> dict[str, str]:
    """Further names that the callable knows for its parameters, NumPy's: ``axis`` for ``dim``.

    A method's first operand has no name; where another function is exported, the callable is a method only.
    """
    only_method = operation.out is not None and not takes_out and not operation.keyword_only
    operands = operation.operands[1:] if only_method else operation.operands
    return further_names((*operands, *operation.attributes))


def _given_names(operation: Operation, takes_out: bool) -> tuple[str, ...]:
    """The parameters of the callable's code.

    Keywords of its own come in one dictionary, which costs no more than one of them. Where there are none, NumPy's
    names are parameters, behind one that no call may reach by position.
    """
    names = positional_names(operation)
    if operation.keyword_only or takes_out:
        return (*names, REST)
    others = other_names(operation, takes_out)
    return (*names, "_beyond", *others) if others else names


def stub() -> Any:
    """What an operation's callable is until its first call."""
    # Becomes each operation's callable until its first call; its parameters are replaced by the operation's own.
    return _first_call(locals())  # type: ignore[name-defined]  # noqa: F821


_KEYWORDS: Final = 8  # the flag of a code object with **keywords


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
    from pullback.dispatch.general import general

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
        "_next_sequence": nodes.next_sequence,
        "_operation": operation,
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
#: What a saved operand may be beside a Tensor: a Python number, or None where no gradient needs it.
NOT_TENSORS = frozenset((bool, int, float, complex, type(None)))


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


def source_of(operation: Operation, operator: bool = False, takes_out: bool = False) -> str:
    """The Python source of the operation's callable; all names in it but the parameters' begin with ``_``."""
    lines = [f"def {operation.name}({_signature_source(operation, operator, takes_out)}):"]
    lines += _keyword_lines(operation, operator, takes_out)
    if operation.sequence or operation.outputs is not None:
        return "\n".join((*lines, f"    return {general_call(operation)}")) + "\n"
    body = operation.body is not None
    first, *others = operation.promotes if operation.promotion != "same" else operation.operands[:1]
    plain = [o for o in operation.operands if o != first and o not in others]
    special = ["_active > 1", *guards_of(operation)] if not operator else ["_active > 1"]
    if operation.scales and not operator:
        special.append("alpha != 1")
    if operation.draws:
        special.append("_levels()")
    lines += [
        "    _active = _mode()",
        f"    if {' or '.join(special)}:",
        f"        return {general_call(operation)}",
        "    try:",
        f"        _backend = {first}.fast_backend",
        f"        _array_{first} = {first}.array",
        f"        _native = _array_{first}.dtype",
        "        _kernel, _node_type, _scalars, _constants = _tables[_backend][_native]",
    ]
    for other in others:
        indent = "        "
        if other in operation.numbers:
            lines += [
                f"        if {other}.__class__ in _scalars:",
                f"            _array_{other} = _constants[{other}]",
                f"            _edge_{other} = _alias_{other} = None",
                "        else:",
            ]
            indent += "    "
        lines += [
            f"{indent}_array_{other} = {other}.array",
            f"{indent}if _array_{other}.dtype is not _native or {other}.fast_backend is not _backend:",
            f"{indent}    return {general_call(operation)}",
            f"{indent}_edge_{other} = {other}.edge",
            f"{indent}_alias_{other} = {other}.alias",
        ]
    for other in plain:
        indent = "        "
        if other in operation.optional:
            lines += [
                f"        if {other} is None:",
                f"            _array_{other} = _edge_{other} = None",
                "        else:",
            ]
            indent += "    "
        lines += [
            f"{indent}_array_{other} = {other}.array",
            f"{indent}if {other}.fast_backend is not _backend:",
            f"{indent}    return {general_call(operation)}",
            f"{indent}_edge_{other} = {other}.edge",
        ]
    if operation.ndim is not None:
        wrong = " or ".join(f"_array_{o}.ndim != {operation.ndim}" for o in operation.operands)
        lines += [f"        if {wrong}:", f"            return {general_call(operation)}"]
    if operation.check is not None and not operation.kernel_checks:
        given = ", ".join((*operation.operands, *(f"{a}={a}" for a in operation.attributes)))
        lines.append(f"        _check({given})")
    elif "dtype" in operation.attributes and operation.dtypes is not dtypes.EVERY:
        lines.append("        if dtype is not None and dtype not in _allowed:")
        lines.append(f"            return {general_call(operation)}")
    arrays = ", ".join(f"_array_{o}" for o in operation.operands)
    attributes = "".join(f", {a}={a}" for a in operation.attributes)
    lines += [
        f"        _array = _kernel({'_backend, ' if body else ''}{arrays}{attributes if body else ''})",
        "    except _Failure as _error:",
        "        if _raised_by_handler(_error):",
        "            raise",
        "        _array, _backend = None, _FAILED  # the general path says what is wrong, outside of this handler",
        "    except _Exit as _error:",
        f"        _refuse_exit(_operation, {first}.backend, _error)",
        "    if _array.__class__ is not _backend.array_type:",
        "        if _backend is _FAILED:",
        f"            return {general_call(operation)}",
        "        _array = _backend.as_array(_array)",
        "    _out = _new(_Tensor)",
        "    _out.array = _array",
        "    _out.backend = _backend",
        "    _out.alias = None",
    ]
    if operation.differentiable:
        lines += _recording(operation, first)
    else:
        lines += ["    _out.edge = None", *_refusing(operation, first)]
        lines += ["    if _active < 0:", "        _mark_inference(_out)"]
    if operation.keeps_layout:
        formatted = "memory_format" in operation.attributes
        lines += [
            f"    if {first}.alias is not None{' or memory_format is not None' if formatted else ''}:",
            f"        _keep_layout(_out, {first}{', memory_format' if formatted else ''})",
        ]
    if operation.view:
        values = ", ".join(operation.attributes)
        lines.append(f"    _attach_view(_out, {first}, (_operation.call, ({values}{',' if values else ''})), _active)")
    lines.append("    return _out")
    return "\n".join(lines) + "\n"


def _recording(operation: Operation, first: str) -> list[str]:
    """The lines that record a node where a gradient is wanted."""
    edge = {o: f"_edge_{o}" for o in operation.differentiable}
    wanted = " or ".join(f"{e} is not None" for e in edge.values())
    lines = [f"    _edge_{first} = {first}.edge"] if first in edge else []
    condition = f"_active == 0 and ({wanted})" if len(edge) > 1 else f"{wanted} and _active == 0"
    refusal = []
    if "dtype" in operation.attributes:  # a result of integers has no gradient
        if operation.takes_dtype:
            refusal = [
                "        if dtype is not None and dtype.category < 2:",
                f"            return {general_call(operation)}",
            ]
        else:
            condition += " and dtype.category >= 2"
    lines += [f"    if {condition}:", *refusal]
    edges = [f"{o} if {e} is _LEAF else {e} if {e} is not _STALE else _regenerate({o})" for o, e in edge.items()]
    node_type = "_node_type"
    if not isinstance(operation.node_name, str):
        arguments = ", ".join(f"{n}={n}" for n in node_name_arguments(operation))
        node_type = f"_operation.node_type(_operation.node_name({arguments}), _node_type.conjugates)"
    lines += [
        f"        _node = _new({node_type})",
        f"        _node.edges = ({', '.join(edges)},)",
        "        _node.sequence = _next_sequence()",
        "        _node.hooks = _node.output_alias = None",
    ]
    values, versions, aliased = [], [], []
    for saved in saved_values(operation):
        expression = saved.name
        if saved.name == "out":
            expression = "_array"
        elif saved.name.endswith("_shape") and saved.name[:-6] in operation.operands:
            expression = f"_array_{saved.name[:-6]}.shape"
        elif saved.name.endswith("_dtype") and saved.name[:-6] in operation.operands:
            expression = f"_backend.dtypes[_array_{saved.name[:-6]}.dtype]"
        elif saved.name in operation.operands:
            aliased.append(_has_alias(operation, saved.name, first))
            versions.append(f"_saved_version({saved.name})")
        # A value that only some gradients need is kept only where one of those is wanted.
        if set(saved.needed_by) != set(edge):
            needed = " or ".join(f"{edge[o]} is not None" for o in saved.needed_by)
            expression = f"{expression} if {needed} else None"
            if saved.name in operation.operands:
                versions[-1] += f" if {needed} else 0"
        values.append(expression)
    lines.append(f"        _node.saved = ({', '.join(values)}{',' if values else ''})")
    if versions:
        lines += [
            f"        if {' or '.join(aliased)}:",
            f"            _node.versions = ({', '.join(versions)},)",
            "        else:",
            "            _node.versions = None",
        ]
    else:
        lines.append("        _node.versions = None")
    if operation.broadcasts and len(operation.operands) > 1:
        # A Python number is an operand without an edge, and broadcasts nothing.
        maybe_numbers = operation.numbers.intersection(operation.promotes[1:])
        same = " and ".join(
            f"({o}.__class__ in _scalars or _array_{o}.shape == _array_{first}.shape)"
            if o in maybe_numbers
            else f"_array_{o}.shape == _array_{first}.shape"
            for o in operation.operands
            if o != first
        )
        reductions = ", ".join(
            f"(_array_{o}.shape, _backend.dtypes[_native])"
            f" if {edge[o]} is not None and _array_{o}.shape != _array.shape else None"
            for o in operation.differentiable
        )
        lines += [f"        _node.reductions = None if {same} else ({reductions},)"]
    else:
        lines.append("        _node.reductions = None")
    lines += _mixed_reductions(operation, first, edge)
    lines += ["        _out.edge = _node", "    else:", "        _out.edge = None"]
    if not operation.view:
        lines += ["        if _active < 0:", "            _mark_inference(_out)"]
    return lines


def _refusing(operation: Operation, first: str) -> list[str]:
    """The lines of an operation without a derivative that may have results of floats."""
    if operation.result is not None or not any(d.category >= 2 for d in operation.dtypes):
        return []
    recorded = (f"{first}.edge", *(f"_edge_{o}" for o in operation.operands if o != first))
    return [
        f"    if _active == 0 and ({' or '.join(f'{e} is not None' for e in recorded)}):",
        f"        _refuse_derivative(_operation, ({', '.join(operation.operands)},), _out)",
    ]


def _mixed_reductions(operation: Operation, first: str, edge: dict[str, str]) -> list[str]:
    """The lines for operands that do not promote: where dtypes differ, each gradient is cast to its operand's."""
    promotes = operation.promotes if operation.promotion != "same" else operation.operands[:1]
    plain = [o for o in operation.operands if o != first and o not in promotes]
    if not plain:
        return []
    other = " or ".join(
        (f"_array_{o} is not None and " if o in operation.optional else "")
        + f"_array_{o}.dtype is not _native and _backend.dtypes[_array_{o}.dtype].category >= 2"
        for o in plain
    )
    reductions = ", ".join(
        f"({f'_array_{o}.shape' if operation.broadcasts else 'None'}, _backend.dtypes[_array_{o}.dtype])"
        f" if {edge[o]} is not None else None"
        for o in operation.differentiable
    )
    return [f"        if {other}:", f"            _node.reductions = ({reductions},)"]


def _has_alias(operation: Operation, operand: str, first: str) -> str:
    """The expression, in the callable, for "this operand may be written elsewhere": it has an alias, so a version."""
    if operand != first and operation.promotion != "same" and operand in operation.promotes:
        return f"_alias_{operand} is not None"
    if operand in operation.optional:
        return f"({operand} is not None and {operand}.alias is not None)"
    return f"{operand}.alias is not None"


def _is_aliased(operation: Operation, operand: str) -> str:
    """The expression, in the node, for "this saved operand may have been written since"."""
    if len(operation.operands) == 1:
        return f"{operand}.alias is not None"
    return f"({operand}.__class__ not in _NOT_TENSORS and {operand}.alias is not None)"


def _signature_source(operation: Operation, operator: bool, takes_out: bool) -> str:
    """The parameters of the callable's code, without defaults: those live on the function object, which keeps them."""
    names = positional_names(operation) if operator else _given_names(operation, takes_out)
    return ", ".join(f"**{n}" if n == REST else n for n in names)


def _keyword_lines(operation: Operation, operator: bool, takes_out: bool) -> list[str]:
    """The lines that give the keywords their values.

    :func:`pullback.dispatch.arguments.with_names` knows the other names.
    """
    if operator:
        return [f"    {name} = {_default_source(operation, name)}" for name in operation.keyword_only]
    names = _given_names(operation, takes_out)
    given = ", ".join(f"{n!r}: {n}" for n in (*operation.operands, *operation.attributes))
    if names[-1] == REST:
        taken = [f"        {n} = _rest.pop({n!r}, _defaults[{n!r}])" for n in operation.keyword_only]
        if operation.scales:  # True equals 1, and is refused for numbers
            taken += ["        if alpha is True and not _rest:", f"            return {general_call(operation)}"]
        left = [f"    {n} = {_default_source(operation, n)}" for n in operation.keyword_only]
        to, written = "", []
        if takes_out:
            taken.append("        _target = _rest.pop('out', None)")
            to = ", _target"
            called = general_call(operation).removeprefix("_general(").removesuffix(")")
            written = ["        if _target is not None:", f"            return _write_result({called}, _target)"]
        renamed = ["        if _rest:", f"            return _with_names(_operation, _general, {{{given}}}, _rest{to})"]
        otherwise = ["    else:", *(f"    {line}" for line in left)] if left else []
        return ["    if _rest:", *taken, *renamed, *written, *otherwise]
    if "_beyond" not in names:
        return []
    others = names[names.index("_beyond") :]
    found = " or ".join(f"{n} is not _UNSET" for n in others)
    rest = ", ".join(f"{n!r}: {n}" for n in others)
    return [f"    if {found}:", f"        return _with_names(_operation, _general, {{{given}}}, {{{rest}}})"]


def _default_source(operation: Operation, name: str) -> str:
    value = operation.defaults.get(name, UNSET)
    constant = value is None or value.__class__ in (bool, int, str)
    return repr(value) if constant else f"_defaults[{name!r}]"


def general_call(operation: Operation) -> str:
    """The source of a call of the general path with the callable's arguments."""
    operands = ", ".join(operation.operands)
    attributes = ", ".join(f"{a!r}: {a}" for a in operation.attributes)
    return f"_general(_operation, ({operands},), {{{attributes}}})"


def _any_of(values: Iterable[Any]) -> Any:
    return next(iter(values))


def make_node_type(operation: Operation, name: str, conjugates: bool) -> type[Node]:
    """The graph node's class: its ``apply`` unpacks what was saved and evaluates the formulas."""
    values = saved_values(operation)
    names = [v.name for v in values]
    source, formulas = _apply_source(operation, names, conjugates)
    namespace: dict[str, Any] = {
        "__name__": operation.module,
        "_freed_error": nodes.freed_error,
        "_NOT_TENSORS": NOT_TENSORS,
        "_tuple": tuple,
        "_any": _any_of,
        **formulas,
    }
    if names or operation.partials is not None:
        namespace |= {
            "_check_versions": check_versions,
            "_rewrap_output": rewrap_output,
            "_mul": registry["mul"].call,
            "_neg": registry["neg"].call,
            "_conj": registry["conj"].call,
        }
    apply = compiled(f"{name} apply", source, namespace)
    saved_operands = tuple(i for i, n in enumerate(names) if n in operation.operands)
    saves_outputs = any(n in (operation.outputs or ()) for n in names)
    # The positions of an index are an attribute that holds tensors.
    tensors = [n for n in names if n in ("out", "indices") or n in operation.operands or n in (operation.outputs or ())]
    slots = ("output_slots",) if saves_outputs else ()
    open_ended = operation.outputs == ("*",)  # each node knows how many outputs it has
    kind = type(
        name,
        (Node,),
        {
            "__slots__": (*slots, "output_count") if open_ended else slots,
            "__module__": "pullback.tensor.node",
            "__doc__": f"Gradient of ``{operation.name}``.",
            "apply": apply,
            "operation": operation,
            "conjugates": conjugates,
            "saved_names": tuple(names),
            "saved_operands": saved_operands,
            "saves_tensors": _saves_tensors(operation, names, tensors),
            "tensor_places": tuple(names.index(n) for n in tensors),
            "saves_output": "out" in names or saves_outputs,
            "has_outputs": operation.outputs is not None,
            "saves_outputs": saves_outputs,
            **({} if open_ended else {"output_count": len(operation.differentiable_outputs or ("out",))}),
        },
    )
    shown: type[Node] = show_saved(kind)
    return shown


def _saves_tensors(operation: Operation, names: list[str], tensors: list[str]) -> bool | Literal["sometimes"]:
    """Whether a node saves tensors: it depends on what is wanted where a gradient needs none.

    Also where PyTorch has a node of its own for numbers, which are no tensors there.
    """
    if not tensors or operation.sequence:
        return bool(tensors)
    formulas = (operation.partials or operation.vjp).values()
    some = any(not set(tensors).intersection(formula_arguments(formula)) for formula in formulas)
    return nodes.SOMETIMES if some or not isinstance(operation.node_name, str) else True


def _apply_source(operation: Operation, names: list[str], conjugates: bool) -> tuple[str, dict[str, Any]]:
    """Source of ``apply(_self, grad)`` and the formulas it refers to."""
    lines = ["def apply(_self, grad):"]
    operands = [n for n in names if n in operation.operands]
    if names:
        lines += [
            "    _saved = _self.saved",
            "    if _saved is None:",
            "        raise _freed_error()",
            f"    {', '.join(names)}, = _saved",
        ]
    if operands and not operation.sequence:
        aliased = " or ".join(_is_aliased(operation, n) for n in operands)
        lines += [f"    if {aliased}:", "        _check_versions(_self)"]
    outputs = [n for n in names if n == "out" or n in (operation.outputs or ())]
    if outputs:
        lines += ["    if _self.output_alias is not None:", "        _check_versions(_self)"]
    if operation.outputs is not None:
        lines += ["    grads = grad", "    grad = grads.get(0)", "    _given = _any(grads.values())"]
        if not _uses(operation, "grads"):
            lines += ["    if grad is None:", f"        return ({'None, ' * len(operation.differentiable)})"]
    for number, output in enumerate(outputs):
        given = "_given" if operation.outputs is not None else "grad"
        slot = (operation.outputs or ("out",)).index(output) if output != "out" else 0
        lines.append(f"    {outputs[number]} = _rewrap_output(_self, {output}, {given}.backend, {slot})")
    formulas: dict[str, Any] = {}
    results = []
    for operand, formula in (operation.partials or operation.vjp).items():
        if operand not in operation.differentiable:
            continue
        formulas[f"_formula_{operand}"] = formula
        arguments = ", ".join(f"{n}={n}" for n in formula_arguments(formula))
        if operation.partials is None:
            results.append(f"_formula_{operand}({arguments})")
        else:
            results.append(_times_partial(formula, f"_formula_{operand}({arguments})", conjugates))
    if operation.sequence:
        lines.append(f"    return _tuple({results[0]})")
    elif len(results) == 1:
        lines.append(f"    return ({results[0]},)")
    else:
        for number, result in enumerate(results):
            results[number] = f"None if _edges[{number}] is None else {result}"
        lines += ["    _edges = _self.edges", f"    return ({', '.join(results)},)"]
    return "\n".join(lines) + "\n", formulas


def _uses(operation: Operation, name: str) -> bool:
    return any(name in formula_arguments(f) for f in operation.vjp.values())


def _times_partial(formula: Formula | float | str, call: str, conjugates: bool) -> str:
    """The gradient times the (conjugated) partial derivative."""
    if isinstance(formula, int | float):
        if formula == 1:
            return "grad"
        return "_neg(grad)" if formula == -1 else f"_mul(grad, {formula!r})"
    partial = formula if isinstance(formula, str) else call
    return f"_mul(grad, {f'_conj({partial})' if conjugates else partial})"


#: What a library raises, where a program makes its warnings errors, once it has written infinities or NaN: these are
#: values, and what has been written must not be computed with again.
_REPORTS = (FloatingPointError, RuntimeWarning)


def make_inplace(operation: Operation) -> Callable[..., Any]:
    """The in-place method ``name_`` of an elementwise operation."""
    from pullback.dispatch.inplace import apply_inplace, writes_alone

    kernel_name = operation.kernel
    unary = len(operation.operands) == 1
    body = operation.body is not None
    tables = operation.tables
    check = None if operation.kernel_checks else operation.check

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        # The common case, an update that records nothing: the kernel writes into the array itself.
        try:
            backend = self.fast_backend
        except AttributeError:
            raise TypeError(
                f"{operation.name}_(): argument 'input' (position 1) must be Tensor, not {type(self).__name__}"
            ) from None
        if kernel_name in backend.inplace_kernels and not kwargs and not body and len(args) == (not unary):
            array = self.array
            try:
                kernel, _, scalars, constants = tables[backend][array.dtype]
                if unary:
                    if mode() in QUIET and (self.alias is None or writes_alone(self)):
                        try:
                            kernel(array, out=array)
                        except _REPORTS as report:
                            if raised_by_handler(report):
                                raise
                        count_write(self)
                        return self
                else:
                    other = args[0]
                    number = other.__class__ in scalars
                    value = constants[other] if number else other.array
                    if (
                        mode() in QUIET
                        and (number or other.fast_backend is backend)
                        and value.dtype is array.dtype
                        and value.ndim <= array.ndim
                        and (
                            self.alias is None
                            or (
                                self.alias.origin is None
                                and (number or other.alias is None)
                                and self.alias.counter.__class__ is VersionCounter
                            )
                            or writes_alone(self, None if number else other)
                        )
                    ):
                        if check is not None:
                            check(self, other)
                        try:
                            kernel(array, value, out=array)
                        except _REPORTS as report:
                            if raised_by_handler(report):
                                raise
                        count_write(self)
                        return self
            except BaseException as error:
                if not isinstance(error, Exception) or raised_by_handler(error):
                    surely(count_write, self)  # it may have been done when the interrupt came
                    if not isinstance(error, Exception):
                        refuse_exit(operation, backend, error)
                    raise
                if isinstance(error, FloatingPointError):  # as the array library was asked to, after the write
                    count_write(self)
                    return self
                # else the general path says what is wrong
        return apply_inplace(operation, self, args, kwargs)

    def count_write(tensor: Any) -> None:
        alias = tensor.alias
        if alias is None or alias.counter.tracked:
            bump_version(tensor)
        else:
            alias.counter.version += 1

    nameless = types.FunctionType(
        method.__code__, {**globals(), "__name__": None}, f"{operation.name}_", None, method.__closure__
    )
    nameless.__qualname__, nameless.__module__ = f"{operation.name}_", method.__module__
    nameless.__doc__ = (
        f"In-place version of :func:`{operation.name}`: writes the result into the tensor and returns it."
    )
    return nameless

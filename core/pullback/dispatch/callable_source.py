"""The source of an operation's callable, paragraph by paragraph.

Each function here writes the lines of one paragraph, in the order in which they stand in the callable;
:func:`pullback.dispatch.codegen.source_of` puts them together. All names in the source but the parameters' begin with
``_``, and no parameter's does. Of an operand ``x`` the source knows ``_array_x``, ``_edge_x`` and ``_alias_x``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullback.dispatch.arguments import guards_of
from pullback.dispatch.formulas import node_name_arguments, saved_values
from pullback.meta import dtypes
from pullback.meta.argument_names import UNSET, further_names

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation

# -- the parameters ----------------------------------------------------------------------------------------------------

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


def given_names(operation: Operation, takes_out: bool) -> tuple[str, ...]:
    """The parameters of the callable's code.

    Keywords of its own come in one dictionary, which costs no more than one of them. Where there are none, NumPy's
    names are parameters, behind one that no call may reach by position.
    """
    names = positional_names(operation)
    if operation.keyword_only or takes_out:
        return (*names, REST)
    others = other_names(operation, takes_out)
    return (*names, "_beyond", *others) if others else names


def signature_source(operation: Operation, operator: bool, takes_out: bool) -> str:
    """The parameters of the callable's code, without defaults: those live on the function object, which keeps them."""
    names = positional_names(operation) if operator else given_names(operation, takes_out)
    return ", ".join(f"**{n}" if n == REST else n for n in names)


def keyword_lines(operation: Operation, operator: bool, takes_out: bool) -> list[str]:
    """The lines that give the keywords their values.

    :func:`pullback.dispatch.arguments.with_names` knows the other names.
    """
    if operator:
        return [f"    {name} = {_default_source(operation, name)}" for name in operation.keyword_only]
    names = given_names(operation, takes_out)
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


# -- the way to the kernel ---------------------------------------------------------------------------------------------


def roles(operation: Operation) -> tuple[str, list[str], list[str]]:
    """The operand whose backend and dtype decide, those that must have the same dtype, and those that need not."""
    first, *others = operation.promotes if operation.promotion != "same" else operation.operands[:1]
    return first, others, [o for o in operation.operands if o != first and o not in others]


def mode_lines(operation: Operation, operator: bool) -> list[str]:
    """Leave special modes to the general path, and arguments of kinds that the kernel must not get.

    The one comparison tells of every mode but inference mode: that is a negative number, and what is special in it
    comes once there is a result.
    """
    special = ["_active > 1", *(guards_of(operation) if not operator else ())]
    if operation.scales and not operator:
        special.append("alpha != 1")
    if operation.draws:
        special.append("_levels()")
    return ["    _active = _mode()", f"    if {' or '.join(special)}:", f"        return {general_call(operation)}"]


def lookup_lines(operation: Operation) -> list[str]:
    """Find the kernel by backend and native dtype; a table without an entry sends the call to the general path.

    The backend is read under its second name, ``fast_backend``, the same slot in a plain tensor. In an instance of a
    class that overrides functions it is a property instead, and answers what no table has: so classes that override
    cost the others nothing.
    """
    first, _, _ = roles(operation)
    return [
        "    try:",
        f"        _backend = {first}.fast_backend",
        f"        _array_{first} = {first}.array",
        f"        _native = _array_{first}.dtype",
        "        _kernel, _node_type, _scalars, _constants = _tables[_backend][_native]",
    ]


def operand_lines(operation: Operation) -> list[str]:
    """Take the arrays of the further operands: of the same backend and, where they promote, the same dtype."""
    _, others, plain = roles(operation)
    lines = []
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
    return lines


def check_lines(operation: Operation) -> list[str]:
    """Refuse what the kernel would take and must not."""
    lines = []
    if operation.ndim is not None:
        wrong = " or ".join(f"_array_{o}.ndim != {operation.ndim}" for o in operation.operands)
        lines += [f"        if {wrong}:", f"            return {general_call(operation)}"]
    if operation.check is not None and not operation.kernel_checks:
        given = ", ".join((*operation.operands, *(f"{a}={a}" for a in operation.attributes)))
        lines.append(f"        _check({given})")
    elif "dtype" in operation.attributes and operation.dtypes is not dtypes.EVERY:
        lines.append("        if dtype is not None and dtype not in _allowed:")
        lines.append(f"            return {general_call(operation)}")
    return lines


def kernel_lines(operation: Operation) -> list[str]:
    """Call the kernel or body, and see to it that there is an array."""
    first, _, _ = roles(operation)
    return [
        f"        _array = {kernel_call(operation)}",
        *failure_lines(operation, first),
        *array_lines(operation),
    ]


def kernel_call(operation: Operation) -> str:
    """The call of the kernel with the operands' arrays; of the body, with the attributes as well."""
    arrays = ", ".join(f"_array_{o}" for o in operation.operands)
    if operation.body is None:
        return f"_kernel({arrays})"
    return f"_kernel(_backend, {arrays}{''.join(f', {a}={a}' for a in operation.attributes)})"


def failure_lines(operation: Operation, first: str) -> list[str]:
    """End the ``try``: what a handler of signals raises comes out, and after other failures there is no array."""
    array = "_array" if operation.outputs is None else "_arrays"
    return [
        "    except _Failure as _error:",
        "        if _raised_by_handler(_error):",
        "            raise",
        f"        {array}, _backend = None, _FAILED  # the general path says what is wrong, outside of this handler",
        "    except _Exit as _error:",
        f"        _refuse_exit(_operation, {first}.backend, _error)",
    ]


def array_lines(operation: Operation) -> list[str]:
    """Make an array of whatever the kernel has returned instead; None says that it has failed."""
    return [
        "    if _array.__class__ is not _backend.array_type:",
        "        if _backend is _FAILED:",
        f"            return {general_call(operation)}",
        "        _array = _backend.as_array(_array)",
    ]


# -- the result --------------------------------------------------------------------------------------------------------


def result_lines(operation: Operation) -> list[str]:
    """Wrap the array, and give the tensor its node, its mark of inference mode, its place among views."""
    first, _, _ = roles(operation)
    lines = [
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
    return [*lines, "    return _out"]


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
    lines += node_lines(operation, edge)
    lines += saving_lines(operation, first, edge)
    lines += _reducing(operation, first, edge)
    lines += _mixed_reductions(operation, first, edge)
    lines += ["        _out.edge = _node", "    else:", "        _out.edge = None"]
    if not operation.view:
        lines += ["        if _active < 0:", "            _mark_inference(_out)"]
    return lines


def node_lines(operation: Operation, edge: dict[str, str]) -> list[str]:
    """The lines that make the node, with an edge for each operand that has a gradient."""
    edges = [f"{o} if {e} is _LEAF else {e} if {e} is not _STALE else _regenerate({o})" for o, e in edge.items()]
    node_type = "_node_type"
    if not isinstance(operation.node_name, str):
        arguments = ", ".join(f"{n}={n}" for n in node_name_arguments(operation))
        node_type = f"_operation.node_type(_operation.node_name({arguments}), _node_type.conjugates)"
    return [
        f"        _node = _new({node_type})",
        f"        _node.edges = ({', '.join(edges)},)",
        "        _node.sequence = _next_sequence()",
        "        _node.hooks = _node.output_alias = None",
    ]


def saving_lines(operation: Operation, first: str, edge: dict[str, str]) -> list[str]:
    """The lines that keep what the formulas ask for, and the versions of the operands among it."""
    values, versions, aliased = [], [], []
    outputs = operation.outputs or ()
    for saved in saved_values(operation):
        expression = saved.name
        if saved.name == "out":
            expression = "_array"
        elif saved.name.endswith("_shape") and saved.name[:-6] in operation.operands:
            expression = f"_array_{saved.name[:-6]}.shape"
        elif saved.name.endswith("_dtype") and saved.name[:-6] in operation.operands:
            expression = f"_backend.dtypes[_array_{saved.name[:-6]}.dtype]"
        elif saved.name in outputs:
            expression = f"_outs[{outputs.index(saved.name)}].array"
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
    lines = [f"        _node.saved = ({', '.join(values)}{',' if values else ''})"]
    if not versions:
        return [*lines, "        _node.versions = None"]
    return [
        *lines,
        f"        if {' or '.join(aliased)}:",
        f"            _node.versions = ({', '.join(versions)},)",
        "        else:",
        "            _node.versions = None",
    ]


def _reducing(operation: Operation, first: str, edge: dict[str, str]) -> list[str]:
    """The line that says to which shapes gradients are reduced, where operands broadcast."""
    if not operation.broadcasts or len(operation.operands) == 1:
        return ["        _node.reductions = None"]
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
    return [f"        _node.reductions = None if {same} else ({reductions},)"]


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
    _, _, plain = roles(operation)
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

"""The paragraphs of callables that :mod:`pullback.dispatch.callable_source` has no words for.

Those of operations that take a sequence of tensors, such as ``cat``, and of those that give several results, such as
``sort`` and ``split``. No operation does both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback.dispatch.callable_source import (
    array_lines,
    check_lines,
    failure_lines,
    general_call,
    kernel_call,
    lookup_lines,
    node_lines,
    saving_lines,
)
from pullback.dispatch.formulas import saved_values

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


def sequence_lines(operation: Operation) -> list[str]:
    """From the table to the result, where the first operand is a sequence of tensors, all of one backend and dtype."""
    (tensors,) = operation.operands
    lines = [
        *_integer_lines(operation),
        f"    if {tensors}.__class__ is not list and {tensors}.__class__ is not tuple:",
        f"        return {general_call(operation)}",
        "    _recorded = False",
        "    try:",
        f"        _first = {tensors}[0]",
        "        _backend = _first.fast_backend",
        "        _native = _first.array.dtype",
        "        _device = _backend.device_of(_first.array)",
        "        _kernel, _node_type, _scalars, _constants = _tables[_backend][_native]",
        f"        _array_{tensors} = []",
        f"        for _tensor in {tensors}:",
        "            _array = _tensor.array",
        "            if _array.dtype is not _native or _tensor.fast_backend is not _backend:",
        f"                return {general_call(operation)}",
        "            if _backend.device_of(_array) is not _device:  # some libraries would move them",
        f"                return {general_call(operation)}",
        f"            _array_{tensors}.append(_array)",
        "            if _tensor.edge is not None:",
        "                _recorded = True",
        *check_lines(operation),
        f"        _array = {kernel_call(operation)}",
        *failure_lines(operation, f"{tensors}[0]"),
        *array_lines(operation),
        "    _out = _new(_Tensor)",
        "    _out.array = _array",
        "    _out.backend = _backend",
        "    _out.alias = None",
    ]
    shapes = f"tuple([tuple(_array.shape) for _array in _array_{tensors}])"
    values = [shapes if saved.name == f"{tensors}_shape" else saved.name for saved in saved_values(operation)]
    edge = "_tensor if _tensor.edge is _LEAF else _tensor.edge if _tensor.edge is not _STALE else _regenerate(_tensor)"
    return [
        *lines,
        "    if _recorded and _active == 0:",
        *_same_dtype_lines(operation, "_array"),
        "        _node = _new(_node_type)",
        f"        _node.edges = tuple([{edge} for _tensor in {tensors}])",
        "        _node.sequence = _next_sequence()",
        "        _node.hooks = _node.output_alias = _node.versions = _node.reductions = None",
        f"        _node.saved = ({', '.join(values)}{',' if values else ''})",
        "        _out.edge = _node",
        "    else:",
        "        _out.edge = None",
        "        if _active < 0:",
        "            _mark_inference(_out)",
        "    return _out",
    ]


def _integer_lines(operation: Operation) -> list[str]:
    """Leave integers of more than 64 bits to the general path, and a tuple of anything else: slices take what they get.

    A dimension is compared with the tensor's.
    """
    lines = []
    for name in operation.attributes:
        annotation = operation.function.__annotations__.get(name)
        if annotation == "int" and name != "dim":
            lines.append(f"    if not {-(2**63)} <= {name} < {2**63}:")
            lines.append(f"        return {general_call(operation)}")
        elif annotation == "Sequence[int]":
            lines.append(f"    for _number in {name}:")
            lines.append(f"        if _number.__class__ is not int or not {-(2**63)} <= _number < {2**63}:")
            lines.append(f"            return {general_call(operation)}")
    return lines


def _same_dtype_lines(operation: Operation, result: str) -> list[str]:
    """Leave it to the general path to record a result of another dtype: it may have no gradient, or one to be cast."""
    return [f"        if {result}.dtype is not _native:", f"            return {general_call(operation)}"]


def has_sequence_lines(operation: Operation) -> bool:
    """Whether :func:`sequence_lines` holds of an operation on a sequence; else only the general path does."""
    known = {f"{operation.operands[0]}_shape", *operation.attributes}
    return (
        len(operation.operands) == 1
        and operation.outputs is None
        and bool(operation.differentiable)
        and isinstance(operation.node_name, str)
        and all(saved.name in known for saved in saved_values(operation))
        and not (operation.view or operation.keeps_layout or operation.numbers or operation.draws)
    )


def several_lines(operation: Operation) -> list[str]:
    """From the table to the results, where there are several of them and one operand."""
    (operand,) = operation.operands
    return [
        *_integer_lines(operation),
        *lookup_lines(operation),
        *check_lines(operation),
        f"        _arrays = {kernel_call(operation)}",
        *failure_lines(operation, operand),
        "    if _backend is _FAILED:",
        f"        return {general_call(operation)}",
        f"    _edge_{operand} = {operand}.edge",
        "    _outs = []",
        "    for _array in _arrays:",
        "        if _array.__class__ is not _backend.array_type:",
        "            _array = _backend.as_array(_array)",
        "        _out = _new(_Tensor)",
        "        _out.array = _array",
        "        _out.backend = _backend",
        "        _out.alias = _out.edge = None",
        "        _outs.append(_out)",
        *_recording_lines(operation, operand),
        *_finishing_lines(operation, operand),
        "    return tuple(_outs)" if operation.outputs == ("*",) else "    return _returned(*_outs)",
    ]


def _recording_lines(operation: Operation, operand: str) -> list[str]:
    edge = {operand: f"_edge_{operand}"}
    if not operation.differentiable:
        return [
            f"    if {edge[operand]} is not None and _active == 0:",
            "        for _out in _outs:",
            f"            _refuse_derivative(_operation, ({operand},), _out)",
        ]
    return [
        f"    if {edge[operand]} is not None and _active == 0 and _outs:",
        *_same_dtype_lines(operation, "_outs[0].array"),
        *node_lines(operation, edge),
        *saving_lines(operation, operand, edge),
        "        _node.reductions = None",
        "        _point_at(_node, _operation, _outs)",
    ]


def _finishing_lines(operation: Operation, operand: str) -> list[str]:
    if not operation.view:
        return ["    if _active < 0:", "        for _out in _outs:", "            _mark_inference(_out)"]
    values = ", ".join(operation.attributes)
    step = f"(_OutputOf(_operation.call, _number), ({values}{',' if values else ''}))"
    return [
        "    for _number, _out in enumerate(_outs):",
        f"        _attach_view(_out, {operand}, {step}, _active, True)",
    ]


def has_several_lines(operation: Operation) -> bool:
    """Whether :func:`several_lines` holds of an operation with several results; else only the general path does."""
    special = (operation.sequence, operation.optional, operation.numbers, operation.broadcasts, operation.keeps_layout)
    return len(operation.operands) == 1 and not any(special) and not operation.draws

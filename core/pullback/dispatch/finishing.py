"""What comes after a kernel: for new tensors :func:`finish`, for one that is written in place :func:`finish_write`.

The generated callables of :mod:`pullback.dispatch.codegen` do the first themselves, as source, where nothing special
goes on; all other ways to a result end here: the general path, that of the levels of ``vmap``, and writes in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.dispatch.formulas import node_name_arguments, saved_values
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.return_types import return_type
from pullback.tensor import Tensor
from pullback.tensor.geometry import keep_layout
from pullback.tensor.history import edge_of
from pullback.tensor.memory import alias_of, bump_version, mark_inference, saved_version, watch_output
from pullback.tensor.modes import ANOMALY, FORWARD, INFERENCE, KERNELS, NO_GRAD, SAVING
from pullback.tensor.node import output_slot, start_node
from pullback.tensor.rebasing import history_after, rebase
from pullback.tensor.seams import seams
from pullback.tensor.unknown_derivative import refuse_derivative
from pullback.tensor.views import OutputOf, attach_view
from pullback.tensor.writing import write

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation
    from pullback.meta.dtypes import DType


def finish(
    operation: Operation,
    flat: Sequence[Any],
    attributes: dict[str, Any],
    outs: list[Tensor],
    dtype: DType,
    active: int,
    level: bool = False,
) -> Any:
    """Make of the wrapped results what a call returns: recorded, noted as views, with their tangents.

    Parameters
    ----------
    flat, attributes
        What the operation ran on.
    outs
        The results, fresh: nothing else refers to them.
    dtype
        What the operands promoted to.
    active : int
        The mode that the call was made in.
    level : bool
        Whether the results are of a level: what they wrap has come through here before, and is marked and laid out.
    """
    if not active & NO_GRAD:
        if operation.differentiable:
            record(operation, flat, attributes, outs, dtype, active)
        elif operation.nondifferentiable is not None:
            for out in outs:
                refuse_derivative(operation, flat, out)
    if not level:
        if active & INFERENCE and not operation.view:
            for out in outs:
                mark_inference(out)
        if operation.keeps_layout:
            memory_format = attributes.get("memory_format")
            if flat[0].alias is not None or memory_format is not None:
                keep_layout(outs[0], flat[0], memory_format)
    if operation.view:
        arguments, several = tuple(attributes.values()), operation.outputs is not None
        for number, out in enumerate(outs):
            call = OutputOf(operation.call, number) if several else operation.call
            attach_view(out, flat[0], (call, arguments), active, several)
    if active & KERNELS and not level:
        seams.show_results(outs)
    result: Any
    if operation.outputs is None:
        result = outs[0]
    else:
        kind = result_class(operation)
        result = tuple(outs) if kind is None else kind(*outs)
    if active & FORWARD:
        seams.propagate(operation, flat, attributes, result)
    return result


def finish_write(tensor: Tensor, out: Tensor, node: Any, active: int, history: list[Any]) -> None:
    """Write the elements, the history and the tangent of a result; once more, with the same list, does no harm."""
    rebases = bool(history) or (not active & NO_GRAD and (node is not None or tensor.edge is not None))
    if rebases and not history:
        history.append(history_after(tensor, node))
    if out.array is tensor.array:
        bump_version(tensor)
    else:
        write(tensor, out.array)
    if rebases:
        rebase(tensor, node, history[0])
    if active & FORWARD and (out._tangent is not None or tensor._tangent is not None):
        seams.write_tangent(tensor, out._tangent)


def result_class(operation: Operation) -> Any:
    """The named tuple of several results that the operation declares; None where there is one, or any number."""
    if operation.outputs is None or operation.outputs == ("*",):
        return None
    return return_type(operation.name, operation.outputs)


# -- the node ---------------------------------------------------------------------------------------------------------


def record(
    operation: Operation,
    flat: Sequence[Any],
    attributes: dict[str, Any],
    outs: list[Tensor],
    dtype: DType,
    active: int,
) -> None:
    """Make the graph node, where an operand requires gradients and the result can have one."""
    names = operation.operands if not operation.sequence else operation.operands * len(flat)
    differentiable = [v for n, v in zip(names, flat, strict=True) if n in operation.differentiable]
    edges = tuple([edge_of(v) if isinstance(v, Tensor) else None for v in differentiable])
    # An operand may require gradients and have no history: a view made while no graph was recorded.
    if all(e is None for e in edges) and not any(isinstance(v, Tensor) and v.edge is not None for v in differentiable):
        return
    if not outs:
        return
    if outs[0].dtype.category < dtypes.FLOATING:
        if operation.takes_dtype and attributes["dtype"] is not None:
            raise RuntimeError(f"Autograd not support dtype: {type_name(outs[0].dtype)}")
        return
    by_name = dict(zip(operation.operands, flat, strict=True)) if not operation.sequence else {names[0]: tuple(flat)}
    by_name |= attributes
    name = operation.node_name
    if not isinstance(name, str):
        name = name(**{n: by_name[n] for n in node_name_arguments(operation)})
    node: Any = start_node(object.__new__(operation.node_type(name, conjugates=dtype.is_complex)), edges)
    _save(node, operation, by_name, outs)
    node.reductions = _reductions(operation, flat, differentiable, outs[0])
    if active & ANOMALY:
        seams.remember_origin(node)
    if active & SAVING:
        seams.pack_saved(node, outs)
    point_at(node, operation, outs)


def _save(node: Any, operation: Operation, by_name: dict[str, Any], outs: list[Tensor]) -> None:
    """Keep what the formulas need for the gradients that are wanted, and the versions of the operands among it."""
    wanted = set(operation.differentiable)
    if not operation.sequence:
        wanted = {n for n, e in zip(operation.differentiable, node.edges, strict=True) if e is not None} or wanted
    out_names = operation.outputs or ("out",)
    values: list[Any] = []
    versions: list[int] = []
    for saved in saved_values(operation):
        value = saved_value(saved.name, by_name, operation, outs, out_names)
        if wanted.isdisjoint(saved.needed_by):
            value = None
        values.append(value)
        if saved.name in operation.operands and not operation.sequence:
            versions.append(saved_version(value) if isinstance(value, Tensor) else 0)
    node.saved = tuple(values)
    if any(versions):
        node.versions = tuple(versions)


def saved_value(
    name: str, by_name: dict[str, Any], operation: Operation, outs: list[Tensor], out_names: tuple[str, ...]
) -> Any:
    """What a formula gets for one of its parameters, from the operands and attributes by name and the results."""
    if name == "out":
        return outs[0].array
    if name in out_names:
        return outs[out_names.index(name)].array
    if name in by_name:
        return by_name[name]
    operand, _, what = name.rpartition("_")
    value: Any = by_name.get(operand)
    if what == "shape" and operand in operation.operands:
        return tuple(tuple(v.array.shape) for v in value) if operation.sequence else tuple(value.array.shape)
    if what == "dtype" and operand in operation.operands:
        return value.dtype
    raise AssertionError(f"{operation.name}: a formula asks for {name!r}, which is no operand, attribute or result")


def _reductions(
    operation: Operation, flat: Sequence[Any], differentiable: Sequence[Any], out: Tensor
) -> tuple[Any, ...] | None:
    """For each operand with a gradient what that is reduced to, in shape and dtype; None where none is."""
    out_shape, out_dtype = out.array.shape, out.dtype
    # Of operands in several dtypes a formula may give any gradient in another's.
    mixed = any(
        isinstance(v, Tensor) and v.dtype is not out_dtype and v.dtype.category >= dtypes.FLOATING for v in flat
    )
    if not (mixed or operation.broadcasts):
        return None
    reductions = tuple(
        None
        if not isinstance(v, Tensor) or not (mixed or v.array.shape != out_shape)
        else (v.array.shape if operation.broadcasts else None, v.dtype)
        for v in differentiable
    )
    return reductions if any(r is not None for r in reductions) else None


def point_at(node: Any, operation: Operation, outs: list[Tensor]) -> None:
    """Make the node the history of the results that have gradients, and have it notice writes to others it saved."""
    if operation.outputs is None:
        outs[0].edge = node
        return
    names = operation.outputs
    if names == ("*",):
        node.output_count = len(outs)  # of a class that has a slot for it
        names *= len(outs)
    for number, (name, out) in enumerate(zip(names, outs, strict=True)):
        if name in (operation.differentiable_outputs or ()):
            out.edge = output_slot(node, number)
        elif name in node.saved_names:
            watch_output(node, number, alias_of(out))

"""Batching rules: how an operation runs on operands that have one dimension more than it sees.

A rule takes the operation, its operands, where the mapped dimension of each is (None: it has none), the attributes and
the number of examples; it returns the result and where its mapped dimension is. Rules are written in pullback's own
operations, so they are differentiated and mapped over like any program, and no example costs a step of Python.

A declaration names its rule (``batching="matmul"``) or gives a function. Most need not: :func:`default_rule` tells it
from the signature.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from pullback.meta.shapes import normalize_dim, normalize_dims
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.batching.run import Rule
    from pullback.dispatch.declaration import Operation

R = TypeVar("R", bound=Callable[..., Any])

#: The rules that declarations may name.
RULES: dict[str, Rule] = {}
_found: dict[Operation, Rule] = {}


def rule(name: str) -> Callable[[R], R]:
    """Make a function the batching rule of that name."""

    def register(function: R) -> R:
        RULES[name] = function
        return function

    return register


def rule_of(operation: Operation) -> Rule:
    """The batching rule of an operation."""
    found = _found.get(operation)
    if found is None:
        declared = operation.batching
        if declared is None:
            declared = default_rule(operation)
        if isinstance(declared, str):
            declared = RULES[declared]
        found = _found[operation] = declared
    return found


#: Attributes that name dimensions of the operand.
DIMS = ("dim", "dims", "dim0", "dim1", "dim2", "dimension")


def default_rule(operation: Operation) -> str:
    """The name of the rule that follows from an operation's signature; ``"loop"`` where none does."""
    if operation.broadcasts:
        return "elementwise"
    if len(operation.operands) == 1 and not operation.sequence and "shape" not in operation.attributes:
        if "dim" in operation.attributes and "keepdim" in operation.attributes:
            return "reduction"
        if any(name in operation.attributes for name in DIMS):
            return "along dims"
    return "loop"


# -- arranging operands -----------------------------------------------------------------------------------------------


def front(value: Any, dim: int | None) -> Any:
    """The operand with its mapped dimension first; as it is where it has none."""
    if not dim:
        return value
    order = [dim, *range(dim), *range(dim + 1, value.array.ndim)]
    return value.permute(order)


def repeated_front(value: Any, dim: int | None, size: int) -> Any:
    """The operand with a mapped dimension first, also where it is the same for each example."""
    if not isinstance(value, Tensor):
        return value
    if dim is None:
        return value.unsqueeze(0).expand(size, *value.array.shape)
    return front(value, dim)


def ndim_of(value: Any, dim: int | None) -> int:
    """How many dimensions one example of the operand has."""
    return len(value.array.shape) - (dim is not None) if isinstance(value, Tensor) else 0


def shape_of(value: Tensor, dim: int | None) -> tuple[int, ...]:
    """The shape of one example of the operand."""
    shape = tuple(value.array.shape)
    return shape if dim is None else (*shape[:dim], *shape[dim + 1 :])


def aligned(values: Sequence[Any], dims: Sequence[int | None], ndim: int | None = None) -> list[Any]:
    """The operands such that they broadcast as their examples do, the mapped dimension of all of them first."""
    if ndim is None:
        ndim = max(map(ndim_of, values, dims))
    arranged = []
    for value, dim in zip(values, dims, strict=True):
        if dim is not None:
            value = front(value, dim)
            missing = ndim + 1 - len(value.array.shape)
            if missing:
                shape = tuple(value.array.shape)
                value = value.reshape((shape[0], *(1,) * missing, *shape[1:]))
        arranged.append(value)
    return arranged


def repeated(values: Sequence[Any], dims: Sequence[int | None], size: int) -> list[Any]:
    """The tensors among the operands, each with a mapped dimension first."""
    return [repeated_front(v, d, size) for v, d in zip(values, dims, strict=True)]


def from_behind(attributes: Mapping[str, Any], ndim: int, names: Sequence[str] = DIMS) -> dict[str, Any]:
    """The attributes with dimensions counted from behind, so that one more in front changes nothing."""
    shifted = dict(attributes)
    width = max(ndim, 1)
    for name in names:
        dim = attributes.get(name)
        if isinstance(dim, tuple | list):
            shifted[name] = tuple(normalize_dim(d, ndim) - width for d in dim)
        elif dim is not None:
            shifted[name] = normalize_dim(dim, ndim) - width
    return shifted


def without_last(result: Any, ndim: int) -> Any:
    """Results of one dimension made of examples of none, as they should be: without the dimension that was lent."""
    if isinstance(result, tuple | list):
        return [without_last(part, ndim) for part in result]
    return result.squeeze(-1) if len(result.array.shape) > ndim else result


# -- rules ------------------------------------------------------------------------------------------------------------


@rule("elementwise")
def elementwise(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The operands broadcast: with the mapped dimension first in each that has it, so do the examples."""
    if len(values) == 1 or not any(isinstance(v, Tensor) for v in values[1:]):
        return operation.call(*values, **attributes), dims[0]
    return operation.call(*aligned(values, dims), **attributes), 0


@rule("batched already")
def batched_already(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The operation takes dimensions in front of those it works on as they are."""
    if len(values) == 1:
        return operation.call(front(values[0], dims[0]), **attributes), 0
    return operation.call(*repeated(values, dims, size), **attributes), 0


@rule("any shape")
def any_shape(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The operation of one operand does not care for its shape, and keeps it."""
    return operation.call(*values, **attributes), dims[0]


@rule("along dims")
def along_dims(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """Attributes name dimensions, of the first operand; all operands have as many."""
    ndim = ndim_of(values[0], dims[0])
    arranged = repeated(values, dims, size)
    shifted = from_behind(attributes, ndim)
    if ndim:
        return operation.call(*arranged, **shifted), 0
    if operation.view:
        operation.call(first_example(values[0], dims[0]), **attributes)  # most of them refuse a 0-d tensor
    lent = [v.unsqueeze(-1) if isinstance(v, Tensor) and len(v.array.shape) == 1 else v for v in arranged]
    return without_last(operation.call(*lent, **shifted), 1), 0


def first_example(value: Tensor, dim: int | None) -> Tensor:
    """The first example of an operand; uninitialised where there are none."""
    if dim is None:
        return value
    if value.array.shape[dim]:
        return value.select(dim, 0)
    return value.new_empty(shape_of(value, dim))


@rule("reduction")
def reduction(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The operation reduces the dimensions that ``dim`` names; without any, all of them."""
    (value,), ndim = values, ndim_of(values[0], dims[0])
    value = front(value, dims[0])
    dim = attributes["dim"]
    shifted = dict(attributes)
    if isinstance(dim, bool):  # ``x.var(False)`` says something else
        shifted["unbiased"], dim = dim, None
    every = dim is None or (isinstance(dim, tuple | list) and not dim)
    if not ndim:
        normalize_dims(dim, 0)
        shifted["dim"] = -1
        return without_last(operation.call(value.unsqueeze(-1), **shifted), 1), 0
    if every:
        shifted["dim"] = tuple(range(-ndim, 0))
    elif isinstance(dim, tuple | list):
        shifted["dim"] = tuple(d - ndim for d in normalize_dims(dim, ndim))
    else:
        shifted["dim"] = normalize_dim(dim, ndim) - ndim
    return operation.call(value, **shifted), 0


@rule("reduction of one dim")
def reduction_of_one_dim(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The operation reduces one dimension; without a ``dim``, the elements in the order of a vector."""
    if attributes["dim"] is not None or not ndim_of(values[0], dims[0]):
        return reduction(operation, values, dims, attributes, size)
    value = front(values[0], dims[0])
    shape = tuple(value.array.shape)
    shifted = {**attributes, "dim": 1, "keepdim": False}
    result = operation.call(value.reshape(shape[0], prod(shape[1:])), **shifted)
    if attributes["keepdim"]:
        result = result.reshape(shape[0], *(1,) * (len(shape) - 1))
    return result, 0


@rule("extreme of all")
def extreme_of_all(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The maximum, minimum or median of all elements, as that along the one dimension of a vector."""
    value = front(values[0], dims[0])
    rows = value.reshape(size, prod(shape_of(values[0], dims[0])))
    if operation.name == "median_of_all":
        return registry["median_along_dim"].call(rows, 1)[0], 0
    return registry["amax" if operation.name == "max_of_all" else "amin"].call(rows, 1), 0


@rule("loop")
def loop(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """One example after the other, for an operation without a rule: slow, so it says so."""
    warnings.warn(
        f"There is a performance drop because we have not yet implemented the batching rule for {operation.name}. Give"
        " its declaration one with `batching=`.",
        UserWarning,
        stacklevel=2,
    )
    if not size:
        raise RuntimeError(
            f"vmap: {operation.name} has no batching rule, so it cannot run over a mapped dimension of size 0"
        )
    rows = [
        call(operation, [v if d is None else v.select(d, i) for v, d in zip(values, dims, strict=True)], attributes)
        for i in range(size)
    ]
    stack = registry["stack"].call
    if operation.outputs is None:
        return stack(rows), 0
    return [stack(list(column)) for column in zip(*rows, strict=True)], 0


@rule("refused")
def refused(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The result's shape depends on the elements, so it would be another one for each example."""
    raise RuntimeError(
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over"
        f" aten::{operation.name}. Please file an issue at https://github.com/pytorch/pytorch/issues if you need this"
        " feature."
    )


def call(operation: Operation, values: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    """The operation on these operands."""
    return operation.call(list(values), **attributes) if operation.sequence else operation.call(*values, **attributes)

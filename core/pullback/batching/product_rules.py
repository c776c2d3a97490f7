"""Batching rules of products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from pullback.batching.rules import aligned, front, ndim_of, rule
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


def product(left: Tensor, left_dim: int | None, right: Tensor, right_dim: int | None) -> Tensor:
    """The product of two operands by the rules of ``matmul``, the mapped dimension first."""
    left_ndim, right_ndim = ndim_of(left, left_dim), ndim_of(right, right_dim)
    left, right = front(left, left_dim), front(right, right_dim)
    if right_dim is None:
        if left_ndim >= right_ndim or right_ndim <= 2:
            return _times(left, left_ndim, right, right_ndim)
    elif left_dim is None and (right_ndim >= left_ndim or left_ndim <= 2):
        if left_ndim == 2 and right_ndim == 1:  # one product of matrices, instead of one for each example
            return right @ left.mT
        return _times(left, left_ndim, right, right_ndim, right_mapped=True)
    row, column = left_ndim == 1 and left_dim is not None, right_ndim == 1 and right_dim is not None
    if row:
        left = left.unsqueeze(-2)
    if column:
        right = right.unsqueeze(-1)
    ndim = max(left_ndim + row, right_ndim + column, 2)
    left, right = aligned((left, right), (_first(left_dim), _first(right_dim)), ndim)
    one_term = left.array.shape[-1] == right.array.shape[-2] == 1  # the gradient of a weight by one example, say
    out = left * right if one_term and left.dtype is right.dtype else left @ right
    if column:
        out = out.squeeze(-1)
    return out.squeeze(-1 if column else -2) if row else out


def _first(dim: int | None) -> int | None:
    return None if dim is None else 0


def _times(left: Tensor, left_ndim: int, right: Tensor, right_ndim: int, right_mapped: bool = False) -> Tensor:
    """A product where only one operand is mapped, whose mapped dimension is one more of a batch."""
    if right_mapped:
        if right_ndim > 1:
            return left @ right
        return (left @ right.unsqueeze(-1)).squeeze(-1)
    if left_ndim > 1:
        return left @ right
    if right_ndim <= 2:
        return left @ right  # the vectors are the rows of a matrix
    return (left.unsqueeze(-2) @ right).squeeze(-2)


@rule("matmul")
def matmul(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """A product by the rules of ``matmul``."""
    return product(values[0], dims[0], values[1], dims[1]), 0


def _adjoint(value: Tensor, dim: int | None) -> tuple[Tensor, int | None]:
    value = front(value, dim).mT
    return (value.conj() if value.dtype.is_complex else value), _first(dim)


@rule("adjoint times")
def adjoint_times(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The conjugate transpose of the first operand, times the second."""
    left, left_dim = _adjoint(values[0], dims[0])
    return product(left, left_dim, values[1], dims[1]), 0


@rule("times adjoint")
def times_adjoint(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The first operand, times the conjugate transpose of the second."""
    right, right_dim = _adjoint(values[1], dims[1])
    return product(values[0], dims[0], right, right_dim), 0


@rule("column sums")
def column_sums(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """The sums over the rows of matrices."""
    return front(values[0], dims[0]).sum(-2), 0


def _scaled(value: Any, factor: Any) -> Any:
    return value if factor == 1 else value * factor


def _plus(input: Tensor, input_dim: int | None, product: Tensor, attributes: Mapping[str, Any]) -> tuple[Tensor, int]:
    """``beta * input + alpha * product``, where nothing of the input counts if ``beta`` is 0."""
    made = _scaled(product, attributes.get("alpha", 1))
    beta = attributes.get("beta", 1)
    if beta == 0:
        return made, 0
    ndim = len(made.array.shape) - 1
    (added,) = aligned((input,), (input_dim,), ndim) if input_dim is not None else (input,)
    return _scaled(added, beta) + made, 0


@rule("plus product")
def plus_product(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """A tensor plus the product of two others: ``addmm``, ``addmv``, ``baddbmm``."""
    if dims[1] is None and dims[2] is None:
        return _plus_same(values[0], dims[0], values[1] @ values[2], attributes)
    return _plus(values[0], dims[0], product(values[1], dims[1], values[2], dims[2]), attributes)


@rule("plus sum of products")
def plus_sum_of_products(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """``addbmm``: the products of a batch are summed."""
    if dims[1] is None and dims[2] is None:
        return _plus_same(values[0], dims[0], (values[1] @ values[2]).sum(0), attributes)
    return _plus(values[0], dims[0], product(values[1], dims[1], values[2], dims[2]).sum(1), attributes)


@rule("plus outer product")
def plus_outer_product(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """``addr``: the product of a column and a row."""
    first, second = front(values[1], dims[1]), front(values[2], dims[2])
    outer = first.unsqueeze(-1) * second.unsqueeze(-2)
    if dims[1] is None and dims[2] is None:
        return _plus_same(values[0], dims[0], outer, attributes)
    return _plus(values[0], dims[0], outer, attributes)


def _plus_same(input: Tensor, input_dim: int | None, made: Tensor, attributes: Mapping[str, Any]) -> tuple[Any, Any]:
    """As :func:`_plus`, where the product is the same for each example."""
    made = _scaled(made, attributes.get("alpha", 1))
    beta = attributes.get("beta", 1)
    if beta == 0:
        return made, None
    (added,) = aligned((input,), (input_dim,), len(made.array.shape))
    return _scaled(added, beta) + made, 0


@rule("affine")
def affine(
    operation: Operation, values: Sequence[Any], dims: Sequence[int | None], attributes: Mapping[str, Any], size: int
) -> tuple[Any, Any]:
    """``input @ weight.mT + bias``; one product of matrices where only the input is mapped."""
    bias, input, weight = values
    if dims[0] is None and dims[2] is None and bias.array.ndim <= 1:
        rows = front(input, dims[1])
        *leading, features = rows.array.shape
        made = operation.call(bias, rows.reshape(prod(leading), features), weight)
        return made.reshape((*leading, made.array.shape[-1])), 0
    weight = front(weight, dims[2]).mT
    if dims[1] is None and dims[2] is None:
        return _plus_same(bias, dims[0], input @ weight, attributes)
    made = product(input, dims[1], weight, _first(dims[2]))
    return _plus(bias, dims[0], made, attributes)

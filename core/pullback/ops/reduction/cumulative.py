"""Running sums and products, and the product of all elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, attach, op
from pullback.dispatch.declaration_values import Shows
from pullback.dispatch.inplace import apply_inplace
from pullback.dispatch.out_rules import DECIDES
from pullback.meta import dtypes
from pullback.meta.dtype_names import full_c_name, not_implemented
from pullback.meta.dtypes import DType, bool_
from pullback.meta.shapes import normalize_dim
from pullback.ops.shared.reducing import (
    accumulation_dtype,
    in_dtype,
    keep_dims,
    samples_along_dim,
    samples_of_products_along_dim,
)
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend


@op(
    linear=True,
    vjp=lambda grad, input_dtype, dim: in_dtype(_reversed_cumsum(grad, dim), input_dtype),
    samples=samples_along_dim,
    out=DECIDES,
)
def cumsum(backend: Backend, input: Array, dim: int, *, dtype: DType | None = None) -> Array:
    """Running sum along a dimension; of integers and bools, as int64.

    Parameters
    ----------
    dtype : DType, optional
        Convert the elements to it first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2., 3.]).cumsum(0)
    tensor([1., 3., 6.])
    """
    native = accumulation_dtype(backend, input, dtype)
    axis = normalize_dim(dim, input.ndim)
    if not input.ndim:
        return backend.sum(input, dtype=native)
    if dtype is bool_ and 0 not in input.shape:
        raise not_implemented("cumsum_out_cpu", dtype)
    return backend.cumulative_sum(input, axis=axis, dtype=native)


def _accumulate_inplace(name: str, self: Tensor, dim: int, dtype: DType | None) -> Tensor:
    """Write running sums or products into the tensor, in whose dtype they are computed."""
    if dtype is not None and dtype is not self.dtype:
        own, given = full_c_name(self.dtype), full_c_name(dtype)
        raise RuntimeError(f"Bad in-place call: input tensor dtype {own} and output tensor dtype {given} should match")
    operation: Any = registry[name]
    return apply_inplace(operation, self, (dim,), {"dtype": self.dtype})


def cumsum_(self: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """In-place version of :func:`cumsum`: in the tensor's own dtype."""
    return _accumulate_inplace("cumsum", self, dim, dtype)


def cumprod_(self: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """In-place version of :func:`cumprod`: in the tensor's own dtype."""
    return _accumulate_inplace("cumprod", self, dim, dtype)


attach("cumsum_", cumsum_)
attach("cumprod_", cumprod_)


def _reversed_cumsum(grad: Tensor, dim: int) -> Any:
    return ops.flip(cumsum(ops.flip(grad, (dim,)), dim), (dim,)) if grad.array.shape else grad


def _recurrence(coefficients: Any, terms: Any, dim: int) -> Any:
    """The sequence ``y[k] = coefficients[k] * y[k - 1] + terms[k]`` along a dimension.

    Maps ``y -> a * y + b`` are composed in pairs, then pairs of pairs: as many steps as the length has bits, and no
    division, so that zeros need no care (Hillis and Steele 1986, https://doi.org/10.1145/7902.7903).
    """
    length = terms.array.shape[dim]
    reach = 1
    while reach < length:
        rest = length - reach
        own = ops.narrow(coefficients, dim, reach, rest)
        moved = ops.narrow(terms, dim, reach, rest) + own * ops.narrow(terms, dim, 0, rest)
        terms = ops.cat([ops.narrow(terms, dim, 0, reach), moved], dim)
        coefficients = ops.cat(
            [ops.narrow(coefficients, dim, 0, reach), own * ops.narrow(coefficients, dim, 0, rest)], dim
        )
        reach *= 2
    return terms


def _shifted(value: Any, dim: int, by: int) -> Any:
    """``value`` moved by one place along a dimension, a one where nothing moves in."""
    length = value.array.shape[dim]
    if by > 0:
        return ops.cat([ops.ones_like(ops.narrow(value, dim, 0, 1)), ops.narrow(value, dim, 0, length - 1)], dim)
    return ops.cat([ops.narrow(value, dim, 1, length - 1), ops.ones_like(ops.narrow(value, dim, 0, 1))], dim)


def _cumprod_gradient(grad: Tensor, input: Tensor, dim: int) -> Any:
    """The product before each element times the sum of gradients after it, each with the factors in between."""
    if 0 in input.array.shape or not input.array.shape:
        return grad
    factors = ops.conj(in_dtype(input, grad.dtype))
    before = cumprod(_shifted(factors, dim, 1), dim)
    after = _recurrence(ops.flip(_shifted(factors, dim, -1), (dim,)), ops.flip(grad, (dim,)), dim)
    return in_dtype(before * ops.flip(after, (dim,)), input.dtype)


def _cumprod_tangent(tangent: Tensor, input: Tensor, dim: int, dtype: DType | None) -> Any:
    if dtype is not None:
        tangent, input = in_dtype(tangent, dtype), in_dtype(input, dtype)
    if 0 in input.array.shape or not input.array.shape:
        return tangent
    return _recurrence(input, tangent * cumprod(_shifted(input, dim, 1), dim), dim)


@op(
    vjp=lambda grad, input, dim: _cumprod_gradient(grad, input, dim),
    jvp=lambda tangent, input, dim, dtype: _cumprod_tangent(tangent, input, dim, dtype),
    samples=samples_of_products_along_dim,
    out=DECIDES,
    shows=Shows(derived={"result": lambda saved: saved("input").cumprod(saved("dim"))}),
)
def cumprod(backend: Backend, input: Array, dim: int, *, dtype: DType | None = None) -> Array:
    """Running product along a dimension; of integers and bools, as int64.

    The derivatives divide by nothing: they are right where elements are zero.

    Parameters
    ----------
    dtype : DType, optional
        Convert the elements to it first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2., 3.]).cumprod(0)
    tensor([1., 2., 6.])
    """
    native = accumulation_dtype(backend, input, dtype)
    axis = normalize_dim(dim, input.ndim)
    if not input.ndim:
        return backend.prod(input, dtype=native)
    if dtype is bool_ and 0 not in input.shape:
        raise not_implemented("cumprod_out_cpu", dtype)
    return backend.cumulative_prod(input, axis=axis, dtype=native)


def _products_of_others(input: Any, dim: int | None) -> Any:
    """For each element the product of the others that it is multiplied with: of those before and those after it."""
    shape = input.array.shape
    if not shape:
        return ops.ones_like(input)
    if 0 in shape:
        return input
    if dim is None:
        return ops.reshape(_products_of_others(ops.reshape(input, (-1,)), 0), shape)
    before = cumprod(_shifted(input, dim, 1), dim)
    after = ops.flip(cumprod(ops.flip(_shifted(input, dim, -1), (dim,)), dim), (dim,))
    return before * after


def _prod_gradient(grad: Tensor, input: Tensor, dim: int | None, keepdim: bool) -> Any:
    others = ops.conj(_products_of_others(in_dtype(input, grad.dtype), dim))
    return in_dtype(keep_dims(grad, input.array.shape, dim, keepdim) * others, input.dtype)


def _prod_tangent(tangent: Tensor, input: Tensor, dim: int | None, keepdim: bool, dtype: DType | None) -> Any:
    if dtype is not None:
        tangent, input = in_dtype(tangent, dtype), in_dtype(input, dtype)
    return ops.sum(tangent * _products_of_others(input, dim), dim, keepdim)


def _prod_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5))
    yield Sample(make(2, 3))
    yield Sample(make(3, 4), 0)
    yield Sample(make(2, 3, 4), -2, True)
    yield Sample(make(3, 2).mT, 1)
    yield Sample(make())
    yield Sample(make(0, 3), 0)
    yield Sample(make(3, 3, 3), 1)
    yield Sample(make(2, 1, 3, 2, 2), -1, True)
    yield Sample(make(0))
    yield Sample(make(2, 0), 1)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(sampling.factors(make, size))
        yield sampling.values_only(sampling.factors(make, 2 * size).reshape(2, size), 1)
    yield sampling.values_only(make(3, 4), 1, dtype=dtypes.float64)


@op(
    batching="reduction of one dim",
    node=lambda dim: "ProdBackward0" if dim is None else "ProdBackward1",
    vjp=lambda grad, input, dim, keepdim: _prod_gradient(grad, input, dim, keepdim),
    jvp=lambda tangent, input, dim, keepdim, dtype: _prod_tangent(tangent, input, dim, keepdim, dtype),
    samples=_prod_samples,
    out=DECIDES,
    shows={
        "ProdBackward0": Shows(hidden=("dim", "keepdim"), derived={"result": lambda saved: saved("input").prod()}),
        "ProdBackward1": Shows(derived={"result": lambda saved: saved("input").prod(saved("dim"), saved("keepdim"))}),
    },
)
def prod(
    backend: Backend, input: Array, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Array:
    """Product of all elements, or along a dimension; of integers and bools, as int64.

    The derivatives divide by nothing: they are right where elements are zero.

    Parameters
    ----------
    dim : int, optional
        The dimension to multiply along; all by default.
    keepdim : bool
        Keep the reduced dimension, with size 1.
    dtype : DType, optional
        Convert the elements to it first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([2., 3., 4.]).prod()
    tensor(24.)
    """
    native = accumulation_dtype(backend, input, dtype)
    axis = None if dim is None else normalize_dim(dim, input.ndim)
    return backend.prod(input, axis=axis if input.ndim else None, dtype=native, keepdims=keepdim)

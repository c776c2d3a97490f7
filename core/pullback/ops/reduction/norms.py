"""Vector norms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Shows
from pullback.dispatch.out_rules import EXACT
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import INEXACT, DType, bfloat16, complex128, float64, promote_types
from pullback.meta.shapes import Dims, normalize_dims
from pullback.ops.shared.precision import in_float32
from pullback.ops.shared.reducing import axis_of, cast, in_dtype, keep_dims, over_count
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend


def _norm_derivative(input: Tensor, norm_of_each: Tensor, ord: float, dim: Dims) -> Any:
    """The derivative of a norm by its elements: of their sizes in units of it, so that no power is out of range."""
    if ord == 1:
        return ops.sgn(input)
    size = ops.abs(input)
    if math.isinf(ord):
        chosen = ops.logical_or(ops.eq(size, norm_of_each), ops.isnan(size))
        direction = ops.sgn(input)
        return ops.where(chosen, over_count(direction, ops.sum(chosen, dim, True)), ops.zeros_like(direction))
    if ord == 2:
        return input / norm_of_each
    # Elements without a part in it.
    without = ops.logical_or(ops.eq(size, 0), ops.isinf(size)) if ord < 0 else ops.eq(size, 0)
    power = ops.pow(ops.where(without, ops.ones_like(size), size) / norm_of_each, ord - 1)
    return ops.sgn(input) * ops.where(without, ops.zeros_like(power), power)


def _norm_gradient(grad: Tensor, input: Tensor, out: Tensor, ord: float, dim: Dims, keepdim: bool) -> Any:
    if ord == 0:
        return ops.zeros_like(input)
    shape = input.array.shape
    # Where the norm is zero the derivative is taken to be zero, so one may divide by one there.
    at_zero = ops.eq(out, 0)
    safe = keep_dims(ops.where(at_zero, ops.ones_like(out), out), shape, dim, keepdim)
    elements = _norm_derivative(_in_norm_dtype(input, out.dtype), safe, ord, dim)
    gradient = elements * keep_dims(grad, shape, dim, keepdim)
    return in_dtype(ops.where(keep_dims(at_zero, shape, dim, keepdim), ops.zeros_like(gradient), gradient), input.dtype)


def _norm_tangent(tangent: Tensor, input: Tensor, out: Tensor, ord: float, dim: Dims, keepdim: bool) -> Any:
    if ord == 0:
        return ops.zeros_like(out)
    tangent, input = _in_norm_dtype(tangent, out.dtype), _in_norm_dtype(input, out.dtype)
    at_zero = ops.eq(out, 0)
    safe = keep_dims(ops.where(at_zero, ops.ones_like(out), out), input.array.shape, dim, keepdim)
    elements = _norm_derivative(input, safe, ord, dim)
    moved = ops.sum(ops.real(tangent * ops.conj(elements)), dim, keepdim)
    return ops.where(at_zero, ops.zeros_like(moved), moved)


def _in_norm_dtype(input: Tensor, dtype: DType) -> Any:
    return in_dtype(input, dtype.to_complex() if input.dtype.is_complex else dtype)


def _check_norm_dtype(own: DType, dtype: DType) -> None:
    kind = type_name(dtype)
    if dtype not in INEXACT:
        raise RuntimeError(f"linalg.vector_norm: dtype should be floating point or complex, but got {kind}")
    if own.is_complex is not dtype.is_complex:
        what = "complex" if own.is_complex else "real"
        raise RuntimeError(f"linalg.vector_norm: dtype should be {what} for {what} inputs, but got {kind}")


def _check_norm(input: Any, ord: float, dim: Any, keepdim: bool, dtype: Any) -> None:
    if dtype is not None:
        _check_norm_dtype(input.dtype, dtype)
    if dtype is not None and promote_types(input.dtype, dtype) is not dtype:
        kinds = tuple(type_name(d) for d in (input.dtype, dtype))
        raise RuntimeError(
            "linalg.vector_norm: the dtype of the input ({}) should be convertible without narrowing to the specified"
            " dtype ({})".format(*kinds)
        )
    shape = tuple(input.array.shape)
    if (ord < 0 or ord == math.inf) and 0 in (shape[d] for d in normalize_dims(dim, len(shape))):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not have"
            " an identity"
        )


def _norm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), 1, 0)
    yield Sample(make(3, 4), 3, -1, True)
    yield Sample(make(2, 3, 4), math.inf, (0, 2))
    yield Sample(make(3, 4), -math.inf)
    yield Sample(make(3, 2).mT, 1.5, 1)
    yield Sample(make())
    yield Sample(make(0, 3), 2, 0)
    yield Sample(make(3, 4), 0)
    yield Sample(make(3, 4), 0.5, 0)
    yield Sample(make(2, 1, 3, 2, 2), 2, (1, 3), True)
    yield Sample(make(3, 3, 3), 4, 1)
    yield Sample(make(3, 4), -2)
    yield sampling.values_only(make(0))
    yield sampling.values_only(make(2, 0), 1, 1)
    yield sampling.values_only(make(3, 4), 2, dtype=complex128 if make.dtype.is_complex else float64)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(size))
        yield sampling.values_only(make.values(2, size), 1, -1)
    yield sampling.values_only(make.constant(4096, value=0.1))
    # Squares overflow, or vanish, where their root does not.
    power = {2: 10, 4: 100, 8: 800}[make.dtype.to_real().itemsize]
    for value in (2.0**power, 2.0**-power) if make.dtype is not bfloat16 else (2.0**100, 2.0**-100):
        yield sampling.values_only(make.constant(100, value=value))
        yield sampling.values_only(make.constant(2, 3, value=value), 2, 1)


@op(
    name="vector_norm",
    node="LinalgVectorNormBackward0",
    dtypes=Accepts(
        INEXACT, unsupported="linalg.vector_norm: Expected a floating point or complex tensor as input. Got {kind}"
    ),
    vjp=lambda grad, input, out, ord, dim, keepdim: _norm_gradient(grad, input, out, ord, dim, keepdim),
    jvp=lambda tangent, input, out, ord, dim, keepdim: _norm_tangent(tangent, input, out, ord, dim, keepdim),
    check=_check_norm,
    samples=_norm_samples,
    method=False,
    namespace=None,
    shows=Shows(dims="tuple"),
)
def vector_norm(
    backend: Backend,
    input: Array,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Array:
    """Norm of the elements taken as a vector: ``(sum of abs(element)**ord) ** (1 / ord)``.

    Parameters
    ----------
    ord : number
        Infinity gives the largest absolute value, minus infinity the smallest, 0 the number of nonzero elements.
    dim : int or sequence of int, optional
        The dimensions the vectors lie in; all by default.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : DType, optional
        Convert the elements to it first.

    Raises
    ------
    RuntimeError
        For integers and bools; for infinite and negative orders of an empty vector.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.ops.reduction.norms import vector_norm
    >>> vector_norm(pb.tensor([3., -4.]))
    tensor(5.)
    """
    if dtype is not None and promote_types(backend.dtypes[input.dtype], dtype) is not dtype:
        raise RuntimeError(f"vector_norm() in {dtype!r}")  # the check says it in full
    axis = axis_of(dim, input)
    return in_float32(backend, lambda x: backend.norm(x, ord, axis, keepdim), cast(backend, input, dtype))


@composite(dtypes=INEXACT, out=EXACT, samples=sampling.with_arguments(((2, 3),), ((2, 3), 2, 1), ((2, 3), 1, 0, True)))
def norm(
    input: Tensor, p: float | str | None = "fro", dim: Dims = None, keepdim: bool = False, dtype: DType | None = None
) -> Tensor:
    """Norm of the elements: see :func:`vector_norm`.

    Parameters
    ----------
    p : number or "fro"
        The order; ``"fro"`` means 2.

    Raises
    ------
    RuntimeError
        For integers and bools, and for orders that are no vector norm.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([3., 4.]).norm()
    tensor(5.)
    """
    if p is None or p == "fro":
        p = 2
    if isinstance(p, str):
        if p == "nuc":
            return registry["matrix_norm"].call(input, p, (-2, -1) if dim is None else dim, keepdim)  # type: ignore[no-any-return]
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    return vector_norm(input, p, dim, keepdim, dtype=dtype)

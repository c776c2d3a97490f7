"""Softmax and logarithms of sums of exponentials, without overflow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, op
from pullback.dispatch.declaration_values import Accepts, Shows
from pullback.dispatch.out_rules import EXACT, Out
from pullback.meta.dtypes import FLOATS, DType
from pullback.meta.shapes import Dims, normalize_dim
from pullback.ops.shared.precision import in_float32
from pullback.ops.shared.reducing import axis_of, cast, in_dtype, in_wide, keep_dims, samples_along_dim
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend


def _finite_maximum(backend: Backend, x: Array, axis: Any) -> Array:
    """The largest elements, kept dimensions, where finite; zero where not: subtracting infinity would give NaN."""
    largest = backend.max(x, axis=axis, keepdims=True)
    return backend.where(backend.isfinite(largest), largest, 0)


def _logsumexp(backend: Backend, x: Array, axis: Any, keepdims: bool) -> Array:
    if 0 in x.shape:
        return backend.log(backend.sum(backend.exp(x), axis=axis, keepdims=keepdims))
    largest = _finite_maximum(backend, x, axis)
    out = backend.add(backend.log(backend.sum(backend.exp(x - largest), axis=axis, keepdims=True)), largest)
    if keepdims:
        return out
    reduced = range(x.ndim) if axis is None else axis
    return backend.reshape(out, tuple(n for d, n in enumerate(x.shape) if d not in reduced))


def _weights(input: Tensor, out: Tensor, dim: Dims, keepdim: bool) -> Any:
    """The derivative of :func:`logsumexp` by each element: its softmax; zero where all are minus infinity."""
    return in_wide(lambda input, out: _wide_weights(input, out, dim, keepdim), input, out)


def _wide_weights(input: Tensor, out: Tensor, dim: Dims, keepdim: bool) -> Any:
    total = keep_dims(out, input.array.shape, dim, keepdim)
    weights = ops.exp(input - ops.where(ops.eq(total, -math.inf), ops.zeros_like(total), total))
    # Divided by their sum, which is not quite 1: the result they come from was rounded, and where it is large by much.
    whole = ops.sum(weights, dim, True)
    return weights / ops.where(ops.gt(whole, 0), whole, ops.ones_like(whole))


def _samples_of_given_dims(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), 0)
    yield Sample(make(2, 3, 4), (0, -1))
    yield Sample(make(2, 3, 4), -2, True)
    yield Sample(make(3, 2).mT, 1)
    yield Sample(make(), 0)
    yield Sample(make(2, 0, 3), 0)
    yield Sample(make(2, 1, 3, 2, 2), (1, 3))
    yield Sample(make(2, 2, 2, 2, 2), -4, True)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make(2, size), 1)
        yield sampling.values_only(make(size, 2), 0)
    yield sampling.values_only(make.given([[100.0, 88.0, -90.0], [-1000.0, -1001.0, -1000.0]]), 1)


@op(
    promotion="float",
    dtypes=FLOATS,
    vjp=lambda grad, input, out, dim, keepdim: (
        keep_dims(grad, input.array.shape, dim, keepdim) * _weights(input, out, dim, keepdim)
    ),
    jvp=lambda tangent, input, out, dim, keepdim: ops.sum(tangent * _weights(input, out, dim, keepdim), dim, keepdim),
    samples=_samples_of_given_dims,
    out=Out("logsumexp(): Expected floating point type for result tensor, but got: {out}", casts=True),
    shows=Shows(dims="tuple"),
)
def logsumexp(backend: Backend, input: Array, dim: Dims, keepdim: bool = False) -> Array:
    """Logarithm of the sum of exponentials along dimensions, without overflow.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1000., 1000.]).logsumexp(0)
    tensor(1000.6932)
    """
    axis = axis_of(dim, input)
    return in_float32(backend, lambda x: _logsumexp(backend, x, axis, keepdim), input)


def _softmax_derivative(direction: Tensor, out: Tensor, dim: int) -> Any:
    weighted = direction * out
    return weighted - out * ops.sum(weighted, dim, True)


@op(
    dtypes=Accepts(FLOATS, unsupported="softmax_lastdim_kernel_impl", takes_nothing=True),
    vjp=lambda grad, out, dim, input_dtype: in_dtype(_softmax_derivative(grad, out, dim), input_dtype),
    jvp=lambda tangent, out, dim: _softmax_derivative(in_dtype(tangent, out.dtype), out, dim),
    samples=samples_along_dim,
    out=EXACT,
    namespace=("pullback", "pullback.nn.functional"),
)
def softmax(backend: Backend, input: Array, dim: int, dtype: DType | None = None) -> Array:
    """Exponentials of the elements, divided by their sum along a dimension.

    Parameters
    ----------
    dtype : DType, optional
        Convert the elements to it first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 0., 0., 0.]).softmax(0)
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    axis = _softmax_axis(dim, input)
    return in_float32(backend, lambda x: _softmax(backend, x, axis), cast(backend, input, dtype))


def _softmax_axis(dim: int, array: Array) -> Any:
    axis = normalize_dim(dim, array.ndim)
    return axis if array.ndim else None


def _softmax(backend: Backend, x: Array, axis: Any) -> Array:
    if 0 in x.shape:
        return backend.copy(x)
    exponentials = backend.exp(x - backend.max(x, axis=axis, keepdims=True))
    return backend.divide(exponentials, backend.sum(exponentials, axis=axis, keepdims=True))


def _log_softmax_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), make(3, 4, low=-3.0, high=-0.5), 1)
    yield Sample(make(3, 4), make(3, 4, low=-3.0, high=-0.5), -2)
    yield Sample(make(), make(low=-3.0, high=-0.5), 0)
    yield Sample(make(2, 3, 2), make(2, 3, 2, low=-3.0, high=-0.5), 1)
    yield sampling.values_only(make(2, 129), make(2, 129, low=-3.0, high=-0.5), 1)


@op(
    batching="along dims",
    dtypes=FLOATS,
    vjp={
        "gradient": lambda grad, result, dim: grad - ops.sum(ops.exp(result) * grad, dim, True),
        "result": lambda grad, gradient, result, dim: -grad * ops.exp(result) * ops.sum(gradient, dim, True),
    },
    jvp={
        "gradient": lambda tangent, result, dim: log_softmax_backward(tangent, result, dim),
        "result": "vjp",
    },
    samples=_log_softmax_backward_samples,
    method=False,
    namespace=None,
)
def log_softmax_backward(backend: Backend, gradient: Array, result: Array, dim: int) -> Array:
    """The gradient of :func:`log_softmax` from that of its ``result``: ``gradient - exp(result) * sum(gradient)``."""
    total = backend.sum(gradient, axis=_softmax_axis(dim, gradient), keepdims=True)
    return backend.subtract(gradient, backend.multiply(backend.exp(result), total))


@op(
    dtypes=Accepts(FLOATS, unsupported="log_softmax_lastdim_kernel_impl", takes_nothing=True),
    vjp=lambda grad, out, dim, input_dtype: in_dtype(log_softmax_backward(grad, out, dim), input_dtype),
    jvp=lambda tangent, out, dim: _log_softmax_tangent(in_dtype(tangent, out.dtype), out, dim),
    samples=samples_along_dim,
    out=EXACT,
    namespace=("pullback", "pullback.nn.functional"),
)
def log_softmax(backend: Backend, input: Array, dim: int, dtype: DType | None = None) -> Array:
    """Logarithm of :func:`softmax`, without underflow.

    Parameters
    ----------
    dtype : DType, optional
        Convert the elements to it first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1000.]).log_softmax(0)
    tensor([-1000.,     0.])
    """
    axis = _softmax_axis(dim, input)
    return in_float32(backend, lambda x: _log_softmax(backend, x, axis), cast(backend, input, dtype))


def _log_softmax(backend: Backend, x: Array, axis: Any) -> Array:
    if 0 in x.shape:
        return backend.copy(x)
    shifted = backend.subtract(x, backend.max(x, axis=axis, keepdims=True))
    return backend.subtract(shifted, backend.log(backend.sum(backend.exp(shifted), axis=axis, keepdims=True)))


def _log_softmax_tangent(tangent: Tensor, out: Tensor, dim: int) -> Any:
    return tangent - ops.sum(ops.exp(out) * tangent, dim, True)

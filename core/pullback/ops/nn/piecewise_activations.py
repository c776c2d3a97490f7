"""Activations of a piece or two: ``threshold``, ``hardtanh``, ``celu``, ``selu``; in :mod:`pullback.nn.functional`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, elementwise
from pullback.dispatch.declaration_values import Accepts, Accuracy, Shows
from pullback.meta.dtypes import FLOATS, REAL
from pullback.ops.nn.activations import threshold_backward
from pullback.ops.shared.precision import in_float32, number
from pullback.ops.shared.zeros import step_derivative
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend

#: The constants of SELU, by which activations keep a mean of zero and a variance of one.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _threshold_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), 0.5, -1.0)
    yield Sample(make(), 0.0, 0.0)
    yield Sample(make(0, 2), 0.0, 1.0)
    yield Sample(make(3, 2).mT, 0.1, 20.0)


@elementwise(
    dtypes=Accepts(REAL, unsupported="threshold_cpu"),
    vjp=lambda grad, input, threshold: threshold_backward(grad, input, threshold),
    jvp="vjp",
    method=False,
    inplace=False,
    samples=_threshold_samples,
    accuracy=Accuracy("rounded", any_zero=True),
)
def threshold(backend: Backend, input: Array, threshold: float, value: float) -> Array:
    """Each element where it exceeds ``threshold``, else ``value``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.threshold(pb.tensor([0.1, 2.]), 0.5, 20)
    tensor([20.,  2.])
    """
    dtype = backend.dtypes[input.dtype]
    replaced = backend.less_equal(input, constant(backend, threshold, dtype))
    return backend.where(replaced, constant(backend, value, dtype), input)


def _hardtanh_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), -0.5, 1.5)
    yield Sample(make())
    yield Sample(make(0, 2))
    yield Sample(make(3, 2).mT)
    yield Sample(make(3, 4), -2.0, 0.5)


def _hardtanh_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), make(3, 4), -0.5, 1.5)
    yield Sample(make(), make(), -1.0, 1.0)


@elementwise(
    dtypes=Accepts(FLOATS, unsupported="hardshrink_backward_cpu"),
    vjp={
        "grad_output": lambda grad, input, min_val, max_val: hardtanh_backward(grad, input, min_val, max_val),
        "input": lambda grad: step_derivative(grad),
    },
    jvp="vjp",
    method=False,
    inplace=False,
    samples=_hardtanh_backward_samples,
    namespace=None,
    shows=Shows(renamed={"input": "self"}),
)
def hardtanh_backward(backend: Backend, grad_output: Array, input: Array, min_val: float, max_val: float) -> Array:
    """``grad_output`` where ``input`` is between two bounds or NaN, zero elsewhere."""
    below = backend.less_equal(input, number(backend, min_val, input))
    above = backend.greater_equal(input, number(backend, max_val, input))
    return backend.zero_where(backend.logical_or(below, above), grad_output)


def _check_hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> None:
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if not (input.dtype.is_signed or int(min_val) >= 0):
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


@elementwise(
    dtypes=Accepts(REAL, unsupported="hardtanh_cpu"),
    vjp=lambda grad, input, min_val, max_val: hardtanh_backward(grad, input, min_val, max_val),
    jvp="vjp",
    check=_check_hardtanh,
    method=False,
    inplace=False,
    samples=_hardtanh_samples,
    out=None,
    namespace=None,
    accuracy=Accuracy("rounded", any_zero=True),
)
def hardtanh(backend: Backend, input: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """Each element between two bounds, else the nearer bound.

    Raises
    ------
    ValueError
        Where the lower bound exceeds the upper one.
    RuntimeError
        Where the lower bound is negative and ``input`` of an unsigned dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.hardtanh(pb.tensor([-3., 0.5, 3.]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    dtype = backend.dtypes[input.dtype]
    bounded = backend.maximum(input, constant(backend, min_val, dtype))
    return backend.minimum(bounded, constant(backend, max_val, dtype))


def _celu_derivative(direction: Tensor, input: Tensor, alpha: float) -> Any:
    # Bounded, so that exp cannot overflow where its value is not used.
    return ops.where(input <= 0, direction * ops.exp(ops.where(input < 0, input, 0) / alpha), direction)


def _check_celu(input: Any, alpha: float = 1.0) -> None:
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")


def _celu_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), 0.7)
    yield Sample(make())
    yield Sample(make(0, 2))
    yield Sample(make(3, 2).mT)
    yield Sample(make(3, 4), 2.0)


@elementwise(
    dtypes=Accepts(FLOATS, unsupported="elu_cpu"),
    vjp=lambda grad, input, alpha: _celu_derivative(grad, input, alpha),
    jvp="vjp",
    check=_check_celu,
    method=False,
    inplace=False,
    samples=_celu_samples,
    out=None,
)
def celu(backend: Backend, input: Array, alpha: float = 1.0) -> Array:
    """Each element where it is positive, else ``alpha * (exp(input / alpha) - 1)``: smooth for every ``alpha``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.celu(pb.tensor([-2., 2.]), 2.0)
    tensor([-1.2642,  2.0000])
    """
    return in_float32(
        backend,
        lambda x: backend.where(x > 0, x, backend.expm1(backend.where(x > 0, 0.0, x) / alpha) * alpha),
        input,
    )


def _selu_derivative(direction: Tensor, input: Tensor) -> Any:
    slope = ops.exp(ops.where(input < 0, input, 0)) * (_SELU_ALPHA * _SELU_SCALE)
    return ops.where(input <= 0, direction * slope, ops.mul(direction, _SELU_SCALE))


@elementwise(
    dtypes=Accepts(FLOATS, unsupported="elu_cpu"),
    node="EluBackward0",
    vjp=lambda grad, input: _selu_derivative(grad, input),
    jvp="vjp",
    method=False,
    inplace=False,
    out=None,
    shows=Shows(derived={"alpha": 1.6732632423543772, "scale": 1.0507009873554805, "input_scale": 1}),
)
def selu(backend: Backend, input: Array) -> Array:
    """Scaled exponential linear unit, with the constants of https://arxiv.org/abs/1706.02515.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.selu(pb.tensor([-1., 1.]))
    tensor([-1.1113,  1.0507])
    """
    return in_float32(
        backend,
        lambda x: backend.where(x > 0, x, backend.expm1(backend.where(x > 0, 0.0, x)) * _SELU_ALPHA) * _SELU_SCALE,
        input,
    )

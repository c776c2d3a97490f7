"""Activation functions of neural networks, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, Sample, elementwise
from pullback.dispatch.declaration_values import Accepts, Accuracy, Inplace, Sampled, Shows
from pullback.meta.dtypes import FLOATING, FLOATS, INEXACT, REAL
from pullback.ops.shared.precision import in_float32, number
from pullback.ops.shared.reducing import in_wide
from pullback.ops.shared.zeros import step_derivative

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend
    from pullback.tensor import Tensor


def _thresholds(make: Any) -> Iterator[dict[str, Any]]:
    yield {"threshold": 1}
    if make.dtype.category >= FLOATING:
        yield {"threshold": -0.25}


@elementwise(
    dtypes=REAL,
    vjp={
        "grad_output": lambda grad, input, threshold: threshold_backward(grad, input, threshold),
        "input": lambda grad: step_derivative(grad),
    },
    jvp="vjp",
    method=False,
    inplace=False,
    namespace=None,
    samples=Sampled(settings=_thresholds),
    shows=Shows(renamed={"input": "self"}),
)
def threshold_backward(backend: Backend, grad_output: Array, input: Array, threshold: float = 0) -> Array:
    """``grad_output`` where ``input`` is above the threshold or NaN, zero elsewhere."""
    below = backend.less_equal(input, number(backend, threshold, input))
    return backend.zero_where(below, grad_output)


@elementwise(
    dtypes=Accepts(
        REAL,
        unsupported=lambda dtype: (
            NotImplementedError("clamp is not supported for complex types")
            if dtype.is_complex
            else RuntimeError("Boolean inputs not supported for relu")
        ),
    ),
    vjp=lambda grad, out: threshold_backward(grad, out),
    jvp="vjp",
    out=None,
    inplace=Inplace(functions=True),
    accuracy=Accuracy("rounded", any_zero=True),
)
def relu(backend: Backend, input: Array) -> Array:
    """Each element where it is positive, else zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([-1., 2.]).relu()
    tensor([0., 2.])
    """
    return backend.maximum(input, number(backend, 0, input))


_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def _check_gelu(input: Any, approximate: str) -> None:
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")


def _gelu_partial(input: Tensor, approximate: str) -> Any:
    return in_wide(lambda x: _gelu_slope(x, approximate), input)


def _bounded(input: Tensor, bound: float) -> Any:
    """The elements between ``-bound`` and ``bound``; NaN stays, and has a derivative."""
    return ops.where(input > bound, bound, ops.where(input < -bound, -bound, input))


def _gelu_slope(input: Tensor, approximate: str) -> Any:
    if approximate == "none":
        near = _bounded(input, 100)  # beyond, the density is zero, and an infinite element times it NaN
        density = ops.exp(near * near * -0.5) * (_ROOT_TWO_OVER_PI / 2)
        return ops.erfc(input * -_ROOT_HALF) * 0.5 + near * density
    input = _bounded(input, 20)  # beyond, tanh is 1 or -1, and a power of the element out of range times zero NaN
    square = input * input
    inner = ops.tanh(input * (square * (_CUBIC * _ROOT_TWO_OVER_PI) + _ROOT_TWO_OVER_PI))
    slope = square * (3 * _CUBIC * _ROOT_TWO_OVER_PI) + _ROOT_TWO_OVER_PI
    return (inner + 1) * 0.5 + input * (1 - inner * inner) * slope * 0.5


def _gelu_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), approximate="tanh")
    yield Sample(make(), approximate="none")
    yield Sample(make(0, 2))
    yield Sample(make(3, 2).mT)


@elementwise(
    dtypes=FLOATS,
    partials=_gelu_partial,
    method=False,
    inplace=False,
    check=_check_gelu,
    samples=_gelu_samples,
    namespace="pullback.nn.functional",
)
def gelu(backend: Backend, input: Array, *, approximate: str = "none") -> Array:
    """Gaussian error linear unit: each element times the normal distribution's cumulative probability there.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        Compute the probability exactly, or by the formula with ``tanh`` of https://arxiv.org/abs/1606.08415.

    Raises
    ------
    RuntimeError
        For another ``approximate``.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.ops.nn.activations import gelu
    >>> gelu(pb.tensor([-1., 0., 1.]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    if approximate == "none":
        # erfc of the negative keeps its precision in the left tail, where 1 + erf cancels.
        return in_float32(backend, lambda x: x * (backend.erfc(x * -_ROOT_HALF) * 0.5), input)
    if approximate == "tanh":
        # (1 + tanh(u)) / 2 is sigmoid(2 u), which does not cancel for negative u.
        return in_float32(
            backend, lambda x: x * backend.sigmoid(x * (x * x * _CUBIC + 1) * (2 * _ROOT_TWO_OVER_PI)), input
        )
    raise RuntimeError(approximate)


def _silu_partial(input: Tensor) -> Any:
    return in_wide(_silu_slope, input)


def _silu_slope(input: Tensor) -> Any:
    probability = ops.sigmoid(input)
    # Beyond the bounds one factor is zero, and an infinite element times it NaN.
    near = input if input.dtype.is_complex else _bounded(input, 1000)
    return probability * (near * (1 - probability) + 1)


@elementwise(dtypes=INEXACT, partials=_silu_partial, method=False, inplace=False, namespace=None)
def silu(backend: Backend, input: Array) -> Array:
    """Sigmoid linear unit, also called swish: ``input * sigmoid(input)``.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.ops.nn.activations import silu
    >>> silu(pb.tensor([-1., 0., 1.]))
    tensor([-0.2689,  0.0000,  0.7311])
    """
    return in_float32(backend, lambda x: backend.multiply(x, backend.sigmoid(x)), input)


def _softplus_derivative(direction: Tensor, input: Tensor, beta: float, threshold: float) -> Any:
    scaled = input * beta
    return ops.where(scaled > threshold, direction, direction * ops.sigmoid(scaled))


def _softplus_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), beta=2.0, threshold=1.0)
    yield Sample(make(5, low=-30, high=30))
    yield Sample(make())
    yield Sample(make(0, 2))
    yield Sample(make(3, 4), beta=0.5, threshold=5.0)


@elementwise(
    out=None,
    dtypes=FLOATS,
    vjp=lambda grad, input, beta, threshold: _softplus_derivative(grad, input, beta, threshold),
    jvp="vjp",
    method=False,
    inplace=False,
    samples=_softplus_samples,
    namespace="pullback.nn.functional",
)
def softplus(backend: Backend, input: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """A smooth :func:`relu`: ``log(1 + exp(beta * input)) / beta``.

    Parameters
    ----------
    beta : float
        How sharp the bend is.
    threshold : float
        Where ``beta * input`` exceeds it, the function is the identity.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.ops.nn.activations import softplus
    >>> softplus(pb.tensor([-1., 0., 30.]))
    tensor([ 0.3133,  0.6931, 30.0000])
    """
    return in_float32(
        backend, lambda x: backend.where(x * beta > threshold, x, _log_one_plus_exp(backend, x * beta) / beta), input
    )


def _log_one_plus_exp(backend: Backend, x: Array) -> Array:
    # exp of a number that is not positive cannot overflow.
    return backend.maximum(x, 0) + backend.log1p(backend.exp(-backend.abs(x)))


def _slope_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), 0.2)
    yield Sample(make())
    yield Sample(make(0, 2))
    yield Sample(make(3, 2).mT)
    yield Sample(make(3, 4), 1.5)


def _slope_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), make(3, 4), 0.2)
    yield Sample(make(), make(), 0.01)


@elementwise(
    dtypes=FLOATS,
    vjp={
        "grad_output": lambda grad, input, negative_slope: leaky_relu_backward(grad, input, negative_slope),
        "input": lambda grad: step_derivative(grad),
    },
    jvp="vjp",
    method=False,
    inplace=False,
    samples=_slope_backward_samples,
    namespace=None,
    shows=Shows(renamed={"input": "self"}),
)
def leaky_relu_backward(backend: Backend, grad_output: Array, input: Array, negative_slope: float) -> Array:
    """``grad_output`` where ``input`` is positive, ``negative_slope`` times it elsewhere."""
    scaled = in_float32(
        backend, lambda grad: backend.multiply(grad, number(backend, negative_slope, grad)), grad_output
    )
    return backend.where(backend.greater(input, number(backend, 0, input)), grad_output, scaled)


@elementwise(
    dtypes=FLOATS,
    vjp=lambda grad, input, negative_slope: leaky_relu_backward(grad, input, negative_slope),
    jvp="vjp",
    method=False,
    inplace=False,
    samples=_slope_samples,
    namespace=None,
    accuracy=Accuracy(any_zero=True),
)
def leaky_relu(backend: Backend, input: Array, negative_slope: float = 0.01) -> Array:
    """Each element where it is positive, else ``negative_slope`` times it.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.ops.nn.activations import leaky_relu
    >>> leaky_relu(pb.tensor([-1., 2.]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    return in_float32(backend, lambda x: backend.where(x > 0, x, x * negative_slope), input)


def _elu_derivative(direction: Tensor, input: Tensor, alpha: float) -> Any:
    # Clamped, so that exp cannot overflow where its value is not used.
    return ops.where(input <= 0, direction * ops.exp(ops.where(input < 0, input, 0)) * alpha, direction)


@elementwise(
    dtypes=FLOATS,
    vjp=lambda grad, input, alpha: _elu_derivative(grad, input, alpha),
    jvp="vjp",
    method=False,
    inplace=False,
    samples=_slope_samples,
    namespace=None,
    shows=Shows(derived={"scale": 1, "input_scale": 1}),
)
def elu(backend: Backend, input: Array, alpha: float = 1.0) -> Array:
    """Exponential linear unit: each element where it is positive, else ``alpha * (exp(input) - 1)``.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.ops.nn.activations import elu
    >>> elu(pb.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """
    return in_float32(backend, lambda x: backend.where(x < 0, backend.expm1(backend.minimum(x, 0)) * alpha, x), input)


@elementwise(
    out=None,
    dtypes=FLOATS,
    node="LogSigmoidBackward0",
    # Each where it keeps its digits, and so does its own derivative.
    partials=lambda input: ops.where(input < 0, 1 - ops.sigmoid(input), ops.sigmoid(-input)),
    method=False,
    inplace=False,
    namespace="pullback.nn.functional",
    shows=Shows(derived={"buffer": lambda saved: (-saved("input").detach().abs()).exp()}),
)
def logsigmoid(backend: Backend, input: Array) -> Array:
    """Logarithm of :func:`~pullback.sigmoid` of each element, without underflow.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.ops.nn.activations import logsigmoid
    >>> logsigmoid(pb.tensor([-100., 0.]))
    tensor([-100.0000,   -0.6931])
    """
    # A difference, whose zero is positive.
    return in_float32(backend, lambda x: 0.0 - _log_one_plus_exp(backend, -x), input)

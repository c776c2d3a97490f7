"""Layer normalisation, in :mod:`pullback.nn.functional`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.autograd.gradient_accumulation import sum_to_size
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, in_namespace, op
from pullback.dispatch.declaration_values import Shows
from pullback.meta import dtypes
from pullback.meta.dtypes import FLOATS
from pullback.meta.shapes import normalize_dims
from pullback.ops.shared.precision import in_float32
from pullback.ops.shared.reducing import count_reduced, in_wide, over_count
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _check_layer_norm(
    input: Any, weight: Any = None, bias: Any = None, *, normalized_shape: Sequence[int], eps: float = 1e-5
) -> None:
    shape = list(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got"
            f" normalized_shape = {shape}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and list(value.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(value.shape)}"
                f" and normalized_shape = {shape}"
            )
    if list(input.shape[max(input.ndim - len(shape), 0) :]) != shape:
        expected = ", ".join(["*", *map(str, shape)])
        raise RuntimeError(
            f"Given normalized_shape={shape}, expected input with shape [{expected}], but got input of"
            f" size{list(input.shape)}"
        )


def _root_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), (-1,), 1e-5)
    yield Sample(make(2, 3, 2), (-2, -1), 0.1)
    yield Sample(make(3, 3), (0,), 2.0)
    yield sampling.values_only(make.values(2, sampling.block_size(make)), (-1,), 0.5)


@op(
    dtypes=FLOATS,
    vjp=lambda grad, input, out, dim: over_count(grad * (input / out), count_reduced(input.array.shape, dim)),
    jvp=lambda tangent, input, out, dim: ops.mean(tangent * (input / out), dim, True),
    samples=_root_samples,
    method=False,
    namespace=None,
)
def root_mean_square(backend: Backend, input: Array, dim: tuple[int, ...], added: float) -> Array:
    """The square root of the mean square along dimensions, which stay, plus a number; squares may leave the range."""
    axes = normalize_dims(dim, input.ndim)
    return in_float32(backend, lambda x: backend.root_of_mean_square(x, axes, added), input)


def _standardized(input: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    """The input with mean 0 and variance 1 over the dimensions, and what it is divided by for the latter."""
    centred = input - ops.mean(input, dims, True)
    deviation = root_mean_square(centred, dims, eps)
    return centred / deviation, deviation


def _moved(direction: Tensor, standard: Tensor, deviation: Tensor, dims: tuple[int, ...]) -> Any:
    """The derivative of standardizing, which is symmetric, in a direction."""
    return (
        direction - ops.mean(direction, dims, True) - standard * ops.mean(direction * standard, dims, True)
    ) / deviation


def _layer_norm_vjp(
    grad: Tensor, input: Tensor, weight: Tensor | None, normalized_shape: Sequence[int], eps: float
) -> Any:
    dims = tuple(range(-len(normalized_shape), 0))

    def gradient(grad: Tensor, input: Tensor, *weight: Tensor) -> Any:
        return _moved(grad * weight[0] if weight else grad, *_standardized(input, dims, eps), dims)

    return in_wide(gradient, grad, input, *(() if weight is None else (weight,)))


def _layer_norm_jvp(
    tangent: Tensor, input: Tensor, weight: Tensor | None, normalized_shape: Sequence[int], eps: float
) -> Any:
    dims = tuple(range(-len(normalized_shape), 0))

    def moved(tangent: Tensor, input: Tensor, *weight: Tensor) -> Any:
        out = _moved(tangent, *_standardized(input, dims, eps), dims)
        return out * weight[0] if weight else out

    return in_wide(moved, tangent, input, *(() if weight is None else (weight,)))


def _standard_of(input: Tensor, normalized_shape: Sequence[int], eps: float) -> Any:
    dims = tuple(range(-len(normalized_shape), 0))
    return in_wide(lambda x: _standardized(x, dims, eps)[0], input)


def _normalized_moments(saved: Callable[[str], Any]) -> tuple[Tensor, Tensor]:
    """The mean and the reciprocal deviation, which PyTorch's node keeps."""
    tensor: Tensor = saved("input").detach()
    dims = tuple(range(-len(saved("normalized_shape")), 0))
    return tensor.mean(dims, keepdim=True), (tensor.var(dims, correction=0, keepdim=True) + saved("eps")).rsqrt()


def _layer_norm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(3), make(3), normalized_shape=(3,))
    yield Sample(make(2, 3, 2), normalized_shape=(3, 2))
    yield Sample(make(2, 3), make(3), None, normalized_shape=(3,), eps=0.1)
    yield Sample(make(3, 3), make(3), make(3), normalized_shape=(3,), eps=0.5)
    yield Sample(make(0, 3), normalized_shape=(3,))
    yield sampling.values_only(make.values(2, 129), make.values(129), make.values(129), normalized_shape=(129,))
    yield sampling.values_only(make.values(65, 3), normalized_shape=(3,), eps=0.25)


@op(
    batching="layer norm",
    name="native_layer_norm",
    node="NativeLayerNormBackward0",
    dtypes=FLOATS,
    vjp={
        "input": lambda grad, input, weight, normalized_shape, eps: _layer_norm_vjp(
            grad, input, weight, normalized_shape, eps
        ),
        "weight": lambda grad, input, normalized_shape, eps: sum_to_size(
            grad * _standard_of(input, normalized_shape, eps), tuple(normalized_shape)
        ),
        "bias": lambda grad, normalized_shape: sum_to_size(grad, tuple(normalized_shape)),
    },
    jvp={
        "input": lambda tangent, input, weight, normalized_shape, eps: _layer_norm_jvp(
            tangent, input, weight, normalized_shape, eps
        ),
        "weight": lambda tangent, input, normalized_shape, eps: tangent * _standard_of(input, normalized_shape, eps),
        "bias": lambda tangent, out: ops.expand(tangent, out.array.shape),
    },
    check=_check_layer_norm,
    samples=_layer_norm_samples,
    method=False,
    namespace=None,
    shows=Shows(
        hidden=("eps",),
        renamed={"self": "input"},
        derived={
            "result1": lambda saved: _normalized_moments(saved)[0],
            "result2": lambda saved: _normalized_moments(saved)[1],
        },
    ),
)
def layer_normalization(
    backend: Backend,
    input: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    normalized_shape: Sequence[int],
    eps: float = 1e-5,
) -> Array:
    """The input standardised over its last dimensions, times a weight, plus a bias; what :func:`layer_norm` runs."""
    dims = len(normalized_shape)
    if not dims or tuple(input.shape[input.ndim - dims :]) != tuple(normalized_shape):
        raise RuntimeError("layer_norm() expects an input of the normalized shape")
    if any(p is not None and tuple(p.shape) != tuple(normalized_shape) for p in (weight, bias)):
        raise RuntimeError("layer_norm() expects weight and bias of the normalized shape")
    axes = tuple(range(input.ndim - dims, input.ndim))
    dtype = backend.dtypes[input.dtype]
    wide = dtypes.float32 if dtype.itemsize == 2 else dtype  # half precision is too little to square sums in
    values = input if wide is dtype else backend.astype(input, wide)
    centred = backend.subtract(values, backend.mean(values, axis=axes, keepdims=True))
    out = backend.divide(centred, backend.root_of_mean_square(centred, axes, eps))
    if wide is not dtype:
        out = backend.astype(out, dtype)
    if weight is not None:
        out = backend.multiply(out, weight)
    return out if bias is None else ops.plus_product(backend, out, bias)


@in_namespace("pullback.nn.functional")
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Standardise over the last dimensions: mean 0, variance 1; then scale and shift.

    Parameters
    ----------
    normalized_shape : sequence of int
        The sizes of those dimensions.
    weight, bias : Tensor, optional
        Of that shape.
    eps : float
        Added to the variance.

    Raises
    ------
    RuntimeError
        If a shape does not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.layer_norm(pb.tensor([[1., 3.]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    return layer_normalization(input, weight, bias, normalized_shape=tuple(normalized_shape), eps=eps)

"""Writing numbers of the Cauchy, log-normal and geometric distributions into a tensor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, attach, op
from pullback.dispatch.declaration_values import Accepts
from pullback.dispatch.inplace import apply_inplace
from pullback.meta import dtypes
from pullback.meta.dtype_names import full_c_name
from pullback.meta.dtypes import FLOATS, INEXACT, REAL, DType
from pullback.ops.random.streams import normal_array, uniform_array
from pullback.ops.shared.zeros import zeros_of
from pullback.random import Generator
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


def _no_cauchy(dtype: DType) -> RuntimeError:
    return RuntimeError(
        "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you specified"
        f" {full_c_name(dtype)}"
    )


def _uniform(backend: Backend, input: NativeArray, generator: Generator | None) -> NativeArray:
    """Numbers from [0, 1) in double precision, of the shape of ``input`` and on its device."""
    shape, device = tuple(input.shape), backend.device_of(input)
    return uniform_array(backend, shape, dtypes.float64, device, generator)


@op(
    batching="draws of a shape",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    dtypes=Accepts(FLOATS, unsupported=_no_cauchy),
    method=False,
    namespace=None,
    samples=sampling.random_from(0.5, 2.0),
)
def cauchy(
    backend: Backend, input: Array, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Array:
    """Numbers from a Cauchy distribution in the shape and dtype of ``input``; what :func:`cauchy_` records."""
    if sigma <= 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    uniform = _uniform(backend, input, generator)
    # The tangent of pi * (uniform - 1/2), told from the nearer pole, where that angle would have lost its digits.
    lower = backend.less(uniform, 0.5)
    distance = backend.where(lower, uniform, backend.subtract(1.0, uniform))
    angle = backend.multiply(backend.where(backend.equal(distance, 0.0), 2.0**-54, distance), math.pi)
    size = backend.divide(backend.cos(angle), backend.sin(angle))
    drawn = backend.where(lower, backend.negative(size), size)
    drawn = backend.add(backend.multiply(drawn, float(sigma)), float(median))
    return backend.astype(drawn, backend.dtypes[input.dtype])


@op(
    batching="draws of a shape",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    dtypes=Accepts(INEXACT, unsupported="log_normal_cpu"),
    method=False,
    namespace=None,
    samples=sampling.random_from(0.5, 0.25),
)
def log_normal(
    backend: Backend, input: Array, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Array:
    """Numbers whose logarithms are normal, in the shape and dtype of ``input``; what :func:`log_normal_` records."""
    dtype = backend.dtypes[input.dtype]
    if std <= 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    working = dtypes.complex128 if dtype.is_complex else dtypes.float64
    drawn = normal_array(backend, tuple(input.shape), working, backend.device_of(input), generator)
    drawn = backend.exp(backend.add(backend.multiply(drawn, float(std)), float(mean)))
    return backend.astype(drawn, dtype)


@op(
    batching="draws of a shape",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    dtypes=Accepts(REAL, unsupported="geometric_cpu"),
    method=False,
    namespace=None,
    samples=sampling.random_from(0.25),
)
def geometric(backend: Backend, input: Array, p: float, *, generator: Generator | None = None) -> Array:
    """Numbers of trials up to the first success, in the shape and dtype of ``input``; :func:`geometric_` records it."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    waits = backend.log1p(backend.negative(_uniform(backend, input, generator)))
    trials = backend.add(backend.floor(backend.divide(waits, math.log1p(-p))), 1.0)
    return backend.astype(trials, backend.dtypes[input.dtype])


def _write(name: str, self: Tensor, arguments: tuple[float, ...], generator: Any) -> Tensor:
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"{name}_(): argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    operation: Any = registry[name]
    return apply_inplace(operation, self, arguments, {"generator": generator})


def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write numbers from a Cauchy distribution into the tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty(2).cauchy_(5.0, 1e-30)
    tensor([5., 5.])
    """
    return _write("cauchy", self, (median, sigma), generator)


def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Write numbers into the tensor whose logarithms have a normal distribution of that mean and standard deviation.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty(2).log_normal_(0.0, 1e-30)
    tensor([1., 1.])
    """
    return _write("log_normal", self, (mean, std), generator)


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Write numbers from a geometric distribution into the tensor: of trials up to the first success.

    Parameters
    ----------
    p : float
        The probability of a success.

    Examples
    --------
    >>> import pullback as pb
    >>> bool((pb.empty(5).geometric_(0.5) >= 1).all())
    True
    """
    return _write("geometric", self, (p,), generator)


for _method in (cauchy_, log_normal_, geometric_):
    attach(_method.__name__, _method)

"""Random numbers drawn into a tensor: uniform_, normal_ and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, op
from pullback.dispatch.declaration_values import Accepts
from pullback.dispatch.inplace import apply_inplace
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import FLOATS
from pullback.ops.random.drawing import bernoulli_of, check_range, checked_generator, floating_dtype
from pullback.ops.random.streams import integer_array, normal_array, uniform_array
from pullback.ops.shared.precision import number
from pullback.ops.shared.zeros import zeros_of
from pullback.random import Generator
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend


#: Up to this number a floating dtype holds every integer.
_EXACT_INTEGERS = {
    dtypes.float16: 1 << 11,
    dtypes.bfloat16: 1 << 8,
    dtypes.float32: 1 << 24,
    dtypes.float64: 1 << 53,
}


@op(
    batching="draws of a shape",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    method=False,
    namespace=None,
    samples=sampling.random_from(-1.0, 2.0),
    accuracy="elementwise",
)
def uniform(
    backend: Backend, input: Array, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None
) -> Array:
    """Numbers uniform on [low, high), in the shape and dtype of ``input``; what :func:`uniform_` records."""
    dtype = floating_dtype("check_uniform_bounds", backend.dtypes[input.dtype])
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    drawn = uniform_array(backend, tuple(input.shape), dtype, backend.device_of(input), generator)
    if (low, high) == (0, 1):
        return drawn
    spread = backend.multiply(drawn, number(backend, float(high - low), drawn))
    lowest, bound = number(backend, float(low), drawn), number(backend, float(high), drawn)
    scaled = backend.add(spread, lowest)
    # Rounding can carry a number up to the bound that the range excludes.
    below = backend.where(backend.greater_equal(scaled, bound), lowest, scaled) if high > low else scaled
    return below if below.dtype == input.dtype else backend.astype(below, dtype)


@op(
    batching="draws of a shape",
    name="normal_fill",
    node="NormalBackward0",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    method=False,
    namespace=None,
    samples=sampling.random_from(1.0, 2.0),
    accuracy="elementwise",
)
def normal_fill(
    backend: Backend, input: Array, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Array:
    """Normal numbers in the shape and dtype of ``input``; what :func:`normal_` records."""
    dtype = floating_dtype("normal_kernel_cpu", backend.dtypes[input.dtype])
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    drawn = normal_array(backend, tuple(input.shape), dtype, backend.device_of(input), generator)
    drawn = backend.multiply(drawn, number(backend, float(std), drawn))
    drawn = backend.add(drawn, number(backend, float(mean), drawn))
    return drawn if drawn.dtype == input.dtype else backend.astype(drawn, dtype)


@op(
    batching="draws of a shape",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    dtypes=Accepts(
        FLOATS,
        unsupported=(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you"
            " specified {kind}"
        ),
    ),
    method=False,
    namespace=None,
    samples=sampling.random_from(1.5),
    accuracy="elementwise",
)
def exponential(backend: Backend, input: Array, lambd: float = 1.0, *, generator: Generator | None = None) -> Array:
    """Exponential numbers of rate ``lambd`` in the shape and dtype of ``input``; what :func:`exponential_` records."""
    dtype = backend.dtypes[input.dtype]
    if lambd <= 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    drawn = uniform_array(backend, tuple(input.shape), dtypes.float64, backend.device_of(input), generator)
    return backend.astype(backend.divide(backend.log1p(backend.negative(drawn)), -float(lambd)), dtype)


@op(
    batching="draws",
    name="bernoulli_from",
    node="BernoulliBackward1",
    vjp={
        "input": lambda grad, input_shape: zeros_of(grad, input_shape),
        "p": lambda grad, p_shape: zeros_of(grad, p_shape),
    },
    jvp={
        "input": lambda tangent: zeros_of(tangent, tangent.shape),
        "p": lambda tangent, input_shape: zeros_of(tangent, input_shape),
    },
    method=False,
    namespace=None,
    samples=sampling.bernoulli_from,
    accuracy="elementwise",
)
def bernoulli_from(backend: Backend, input: Array, p: Array, *, generator: Generator | None = None) -> Array:
    """Ones and zeros with the probabilities ``p``, in the shape and dtype of ``input``."""
    kind = backend.dtypes[p.dtype]
    if kind.category != dtypes.FLOATING:
        raise NotImplementedError(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{type_name(kind)}'")
    shape = tuple(input.shape)
    probabilities = p if tuple(p.shape) == shape else backend.broadcast_to(p, shape)
    return bernoulli_of(backend, probabilities, backend.dtypes[input.dtype], backend.device_of(input), generator)


@op(
    batching="draws of a shape",
    name="random_integers",
    node="RandomBackward0",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    method=False,
    namespace=None,
    samples=sampling.random_from(0, 10),
    accuracy="elementwise",
)
def random_integers(
    backend: Backend, input: Array, low: int, high: int, *, generator: Generator | None = None
) -> Array:
    """Integers from [low, high), in the shape and dtype of ``input``; what :func:`random_` records."""
    dtype = backend.dtypes[input.dtype]
    check_range(low, high, dtype)
    return integer_array(backend, tuple(input.shape), low, high, dtype, backend.device_of(input), generator)


def _write(name: str, self: Tensor, arguments: tuple[Any, ...], generator: Any) -> Tensor:
    checked_generator(f"{name}_", generator)
    operation: Any = registry[name]
    return apply_inplace(operation, self, arguments, {"generator": generator})


def uniform_(self: Tensor, *bounds: float, generator: Generator | None = None, **named: float) -> Tensor:
    """Write numbers uniform on ``[from, to)``, by default [0, 1), into the tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.empty(3).uniform_(5, 6)
    >>> bool(((x >= 5) & (x < 6)).all())
    True
    """
    low, high = _bounds("uniform_", bounds, named, (0.0, 1.0))
    return _write("uniform", self, (low, high), generator)


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write numbers from a normal distribution into the tensor."""
    return _write("normal_fill", self, (mean, std), generator)


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write numbers from an exponential distribution of rate ``lambd`` into the tensor."""
    return _write("exponential", self, (lambd,), generator)


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Write ones, with probability ``p``, a number or a tensor, and zeros into the tensor."""
    if isinstance(p, Tensor):
        return _write("bernoulli_from", self, (p,), generator)
    return _write("bernoulli", self, (p,), generator)


def random_(self: Tensor, *bounds: Any, generator: Generator | None = None, **named: Any) -> Tensor:
    """Write integers into the tensor: ``random_(to)`` from [0, to), ``random_(from, to)`` from [from, to).

    Without bounds they are all the dtype's integers that are not negative; of a floating dtype, all up to where it
    holds every integer.
    """
    if len(bounds) == 1 and not named:
        bounds = (0, bounds[0])
    low, high = _bounds("random_", bounds, named, (0, None))
    if high is None:
        dtype = self.dtype
        if dtype.category >= dtypes.FLOATING:
            high = _EXACT_INTEGERS.get(dtype, 0) + 1
        else:
            high = 2 if dtype is dtypes.bool_ else 1 << (8 * dtype.itemsize - dtype.is_signed)
    return _write("random_integers", self, (low, high), generator)


def _bounds(function: str, given: tuple[Any, ...], named: dict[str, Any], defaults: tuple[Any, Any]) -> tuple[Any, Any]:
    """The arguments ``from`` and ``to``; the first is no name that Python lets one give a parameter."""
    unknown = set(named) - {"from", "to"}
    if unknown or len(given) > 2:
        wrong = f"an unexpected keyword argument {min(unknown)!r}" if unknown else f"{len(given)} bounds, expected 2"
        raise TypeError(f"{function}() got {wrong}")
    values = {"from": defaults[0], "to": defaults[1]} | dict(zip(("from", "to"), given, strict=False)) | named
    return values["from"], values["to"]


for _method in (uniform_, normal_, exponential_, bernoulli_, random_):
    setattr(Tensor, _method.__name__, _method)

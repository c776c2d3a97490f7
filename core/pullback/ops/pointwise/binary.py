"""Functions of two or three tensors, element by element, beyond arithmetic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, attach, composite, elementwise
from pullback.dispatch.declaration_values import Accepts, Accuracy, Inplace, Promotes, Shows
from pullback.dispatch.out_rules import Out
from pullback.meta import dtypes
from pullback.meta.dtype_names import full_c_name, not_implemented, type_name
from pullback.meta.dtypes import FLOATS, INEXACT, NUMERIC, REAL_AND_BOOL
from pullback.ops.shared.precision import in_float32, number
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullback.backend.base import Backend

# -- the larger and the smaller of two --------------------------------------------------------------------------------


def _share(direction: Tensor, loses: Tensor, ties: Tensor) -> Any:
    """All of ``direction`` to the operand that wins, half of it where the two are equal."""
    return ops.where(ops.logical_not(loses), ops.where(ties, direction * 0.5, direction), 0)


def _refuse_complex(name: str) -> Callable[..., None]:
    def refuse(input: Any, other: Any) -> None:
        if any(isinstance(v, Tensor) and v.dtype.is_complex for v in (input, other)):
            raise RuntimeError(f"{name} not implemented for complex tensors.")

    return refuse


@elementwise(
    dtypes=Accepts(REAL_AND_BOOL, refuses=_refuse_complex("maximum")),
    vjp={
        "input": lambda grad, input, other: _share(grad, ops.lt(input, other), ops.eq(input, other)),
        "other": lambda grad, input, other: _share(grad, ops.gt(input, other), ops.eq(input, other)),
    },
    jvp="vjp",
    inplace=False,
    promotion=Promotes(numbers=False),
    accuracy=Accuracy("rounded", any_zero=True),
)
def maximum(input: Array, other: Array) -> Array:
    """The larger of each two elements; NaN where one of them is.

    Where they are equal, each gets half of the gradient.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.maximum(pb.tensor([1., 5.]), pb.tensor([3., 2.]))
    tensor([3., 5.])
    """


@elementwise(
    dtypes=Accepts(REAL_AND_BOOL, refuses=_refuse_complex("minimum")),
    vjp={
        "input": lambda grad, input, other: _share(grad, ops.gt(input, other), ops.eq(input, other)),
        "other": lambda grad, input, other: _share(grad, ops.lt(input, other), ops.eq(input, other)),
    },
    jvp="vjp",
    inplace=False,
    promotion=Promotes(numbers=False),
    accuracy=Accuracy("rounded", any_zero=True),
)
def minimum(input: Array, other: Array) -> Array:
    """The smaller of each two elements; NaN where one of them is.

    Where they are equal, each gets half of the gradient.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.minimum(pb.tensor([1., 5.]), pb.tensor([3., 2.]))
    tensor([1., 2.])
    """


# -- clamp ------------------------------------------------------------------------------------------------------------


# -- geometry ---------------------------------------------------------------------------------------------------------


def _over_squared_distance(leg: Tensor, input: Tensor, other: Tensor) -> Any:
    """``leg / (input**2 + other**2)``, of legs of length 1 or less and so in range; zero at the origin and infinity."""
    dtype = (input if input.dtype.is_floating_point else other).dtype
    leg, input, other = (s if s.dtype.is_floating_point else ops.to_dtype(s, dtype) for s in (leg, input, other))
    # What it is makes no difference, and so it has no derivative.
    longer = maximum(ops.abs(input), ops.abs(other)).detach()
    singular = ops.logical_or(ops.eq(longer, 0), ops.isinf(longer))
    scale = ops.where(singular, ops.ones_like(longer), longer)
    leg, input, other = (ops.where(singular, ops.ones_like(longer), side) / scale for side in (leg, input, other))
    part = leg / (input * input + other * other) / scale
    return ops.where(singular, ops.zeros_like(part), part)


@elementwise(
    promotion=Promotes("float", numbers=False),
    dtypes=FLOATS,
    partials={
        "input": lambda input, other: _over_squared_distance(other, input, other),
        "other": lambda input, other: -_over_squared_distance(input, input, other),
    },
    smooth=((0.2, 2.0), (-2.0, -0.2)),
    oracle="atan2",
    aliases=("arctan2",),
    inplace=Inplace(refused_by="shape"),
)
def atan2(input: Array, other: Array) -> Array:
    """The angle of the point (``other``, ``input``) seen from the origin, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.atan2(pb.tensor([1., 1.]), pb.tensor([1., -1.]))
    tensor([0.7854, 2.3562])
    """


def _over_distance(leg: Tensor, distance: Tensor) -> Any:
    """``leg / distance``; zero at the origin."""
    at_origin = ops.eq(distance, 0)
    quotient = leg / ops.where(at_origin, ops.ones_like(distance), distance)
    return ops.where(at_origin, ops.zeros_like(quotient), quotient)


@elementwise(
    dtypes=FLOATS,
    partials={
        "input": lambda input, out: _over_distance(input, out),
        "other": lambda other, out: _over_distance(other, out),
    },
    smooth=((0.2, 2.0), (-2.0, -0.2)),
    oracle="hypot",
    promotion=Promotes(numbers=False),
)
def hypot(input: Array, other: Array) -> Array:
    """Length of the hypotenuse over two legs, ``sqrt(input**2 + other**2)``, without overflow.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.hypot(pb.tensor([1.]), pb.tensor([2.]))
    tensor([2.2361])
    """


def _kept_sign(direction: Tensor, input: Any, out: Tensor) -> Any:
    """``direction``, turned where the sign was turned; zero at zero."""
    return direction * (ops.sign(input) * ops.sign(out))


@elementwise(
    promotion=Promotes("float", numbers=("other",)),
    dtypes=FLOATS,
    node=lambda other: "CopysignBackward0" if isinstance(other, Tensor) else "CopysignBackward1",
    vjp={
        "input": lambda grad, input, out: _kept_sign(grad, input, out),
        "other": lambda grad: ops.zeros_like(grad),
    },
    jvp="vjp",
    smooth=((0.2, 2.0), (-2.0, -0.2)),
    inplace=Inplace(refused_by="shape"),
    accuracy="rounded",
)
def copysign(input: Array, other: Array) -> Array:
    """Each element of ``input`` with the sign of that of ``other``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.copysign(pb.tensor([1., 2.]), pb.tensor([-1., 0.]))
    tensor([-1.,  2.])
    """


# -- logarithms -------------------------------------------------------------------------------------------------------


@elementwise(
    dtypes=FLOATS,
    partials={
        "input": lambda input, other: ops.sigmoid(input - other),
        "other": lambda input, other: ops.sigmoid(other - input),
    },
    inplace=False,
    promotion=Promotes(numbers=False),
)
def logaddexp(input: Array, other: Array) -> Array:
    """Logarithm of the sum of the operands' exponentials, without overflow.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.logaddexp(pb.tensor([0., 1000.]), pb.tensor([0., 1000.]))
    tensor([6.9315e-01, 1.0007e+03])
    """


def _xlogy_node(input: Any, other: Any) -> str:
    if not isinstance(input, Tensor):
        return "XlogyBackward1"
    return "XlogyBackward0" if isinstance(other, Tensor) else "XlogyBackward2"


def _times_log(direction: Tensor, input: Any, other: Any) -> Any:
    """``direction * log(other)``: zero where ``direction`` is, and where the result is zero for having no logarithm."""
    vanishes = ops.logical_and(
        ops.eq(input, 0), ops.le(other, 0) if isinstance(other, Tensor) else ops.full_like(ops.eq(input, 0), other <= 0)
    )
    return xlogy(ops.where(vanishes, 0, direction), ops.where(vanishes, ops.ones_like(direction), other))


@elementwise(
    promotion="float",
    dtypes=FLOATS,
    node=_xlogy_node,
    vjp={
        "input": lambda grad, input, other: _times_log(grad, input, other),
        "other": lambda grad, input, other: grad * (input / other),
    },
    jvp="vjp",
    smooth={"input": ((0.3, 2.0), (-2.0, -0.3)), "other": (0.3, 2.0)},
    inplace=Inplace(functions=True),
    shows={"XlogyBackward1": Shows(numbers=("self",)), "XlogyBackward2": Shows(numbers=("other",))},
)
def xlogy(backend: Backend, input: Array, other: Array) -> Array:
    """``input * log(other)``, and zero where ``input`` is zero whatever ``other`` but NaN.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xlogy(pb.tensor([0., 2.]), pb.tensor([0., 1.]))
    tensor([0., 0.])
    """
    input, other = _as_arrays(backend, input, other)
    zero = number(backend, 0, input)
    vanishes = backend.logical_and(backend.equal(input, zero), backend.logical_not(backend.isnan(other)))
    product = in_float32(backend, lambda x, y: backend.multiply(x, backend.log(y)), input, other)
    return backend.where(vanishes, zero, product)


def _as_arrays(backend: Backend, *operands: Any) -> list[Any]:
    """Operands of a body that calls kernels of one operand: a Python number among them as an array."""
    native = next(o.dtype for o in operands if hasattr(o, "dtype"))
    return [o if hasattr(o, "dtype") else constant(backend, o, backend.dtypes[native]) for o in operands]


# -- weighted sums ----------------------------------------------------------------------------------------------------


def _refuse_lerp(input: Any, end: Any, weight: Any) -> None:
    for name, value in (("end", end), ("weight", weight)):
        if isinstance(value, Tensor) and value.dtype is not input.dtype and (name == "end" or value.ndim):
            expected, got = (full_c_name(d) for d in (input.dtype, value.dtype))
            raise RuntimeError(f"expected dtype {expected} for `{name}` but got dtype {got}")
    if not isinstance(weight, Tensor) and input.dtype.category < dtypes.FLOATING:
        raise not_implemented("lerp_kernel_scalar", input.dtype)


def _lerp_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), make(3, 4), 0.25)
    yield Sample(make(3, 4), make(4), 0.75)
    yield Sample(make(3, 4), make(3, 4), make(3, 4, low=0.1, high=0.9))
    yield Sample(make(), make(), 0.5)
    yield Sample(make(0, 2), make(0, 2), 0.5)


@elementwise(
    promotion=Promotes(numbers=("weight",), fits=("weight",)),
    dtypes=Accepts(INEXACT, unsupported="lerp_kernel_tensor", refuses=_refuse_lerp),
    node=lambda weight: "LerpBackward1" if isinstance(weight, Tensor) else "LerpBackward0",
    vjp={
        "input": lambda grad, weight: grad * ops.conj(1 - weight),
        "end": lambda grad, weight: grad * ops.conj(weight),
        "weight": lambda grad, input, end: grad * ops.conj(end - input),
    },
    jvp={
        "input": lambda tangent, weight: tangent * (1 - weight),
        "end": lambda tangent, weight: tangent * weight,
        "weight": lambda tangent, input, end: tangent * (end - input),
    },
    samples=_lerp_samples,
    shows={"LerpBackward0": Shows(hidden=("self", "end"), numbers=("weight",))},
)
def lerp(backend: Backend, input: Array, end: Array, weight: Array) -> Array:
    """Linear interpolation: ``input + weight * (end - input)``.

    Parameters
    ----------
    weight : number or Tensor

    Examples
    --------
    >>> import pullback as pb
    >>> pb.lerp(pb.tensor([0., 10.]), pb.tensor([1., 20.]), 0.25)
    tensor([ 0.2500, 12.5000])
    """
    return in_float32(backend, partial(_interpolated, backend), *_as_arrays(backend, input, end, weight))


def _interpolated(backend: Backend, input: Array, end: Array, weight: Array) -> Array:
    distance = backend.subtract(end, input)
    # From the nearer end, so that both ends are met exactly.
    near = backend.add(input, backend.multiply(weight, distance))
    far = backend.subtract(end, backend.multiply(distance, backend.subtract(_one(backend, weight), weight)))
    return backend.where(backend.less(backend.abs(weight), constant(backend, 0.5, _real(backend, weight))), near, far)


def _one(backend: Backend, array: Array) -> Array:
    return constant(backend, 1, backend.dtypes[array.dtype])


def _real(backend: Backend, array: Array) -> Any:
    return backend.dtypes[array.dtype].to_real()


def _three_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), make(3, 4), make(3, 4, low=0.5, high=2.0))
    yield Sample(make(3, 4), make(3, 1), make(4, low=0.5, high=2.0), value=2.0)
    yield Sample(make(), make(), make(low=0.5, high=2.0))
    yield Sample(make(0, 2), make(0, 2), make(2, low=0.5, high=2.0))


@elementwise(
    promotion=Promotes(numbers=False),
    dtypes=Accepts(NUMERIC, unsupported="addcmul_cpu_out"),
    vjp={
        "input": lambda grad: grad,
        "tensor1": lambda grad, tensor2, value: grad * ops.conj(tensor2 * value),
        "tensor2": lambda grad, tensor1, value: grad * ops.conj(tensor1 * value),
    },
    jvp={
        "input": "vjp",
        "tensor1": lambda tangent, tensor2, value: tangent * (tensor2 * value),
        "tensor2": lambda tangent, tensor1, value: tangent * (tensor1 * value),
    },
    samples=_three_samples,
)
def addcmul(backend: Backend, input: Array, tensor1: Array, tensor2: Array, *, value: complex = 1) -> Array:
    """``input + value * tensor1 * tensor2``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.addcmul(pb.tensor([1., 2.]), pb.tensor([3., 4.]), pb.tensor([5., 6.]), value=0.5)
    tensor([ 8.5000, 14.0000])
    """

    def compute(input: Array, tensor1: Array, tensor2: Array) -> Array:
        if value != 1:
            tensor1 = backend.multiply(tensor1, constant(backend, value, backend.dtypes[tensor1.dtype]))
        return backend.add(input, backend.multiply(tensor1, tensor2))

    return in_float32(backend, compute, *_as_arrays(backend, input, tensor1, tensor2))


_INTEGER_ADDCDIV = (
    "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true"
    " division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value *"
    " torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for"
    " float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2),"
    " for all dtypes."
)


def _refuse_integer_division(input: Any, tensor1: Any, tensor2: Any) -> None:
    if max(tensor1.dtype.category, tensor2.dtype.category) < dtypes.FLOATING:
        raise RuntimeError(_INTEGER_ADDCDIV)


@elementwise(
    promotion=Promotes(numbers=False),
    dtypes=Accepts(INEXACT, refuses=_refuse_integer_division),
    vjp={
        "input": lambda grad: grad,
        "tensor1": lambda grad, tensor2, value: grad * ops.conj(value / tensor2),
        "tensor2": lambda grad, tensor1, tensor2, value: -grad * ops.conj(tensor1 / tensor2 * value / tensor2),
    },
    jvp={
        "input": "vjp",
        "tensor1": lambda tangent, tensor2, value: tangent * (value / tensor2),
        "tensor2": lambda tangent, tensor1, tensor2, value: -tangent * (tensor1 / tensor2 * value / tensor2),
    },
    samples=_three_samples,
)
def addcdiv(backend: Backend, input: Array, tensor1: Array, tensor2: Array, *, value: complex = 1) -> Array:
    """``input + value * tensor1 / tensor2``.

    Raises
    ------
    RuntimeError
        For integers.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.addcdiv(pb.tensor([1.]), pb.tensor([3.]), pb.tensor([2.]))
    tensor([2.5000])
    """

    def compute(input: Array, tensor1: Array, tensor2: Array) -> Array:
        if value != 1:
            tensor1 = backend.multiply(tensor1, constant(backend, value, backend.dtypes[tensor1.dtype]))
        return backend.add(input, backend.divide(tensor1, tensor2))

    return in_float32(backend, compute, *_as_arrays(backend, input, tensor1, tensor2))


@composite(
    dtypes=NUMERIC,
    out=Out("the output given to float_power has dtype {out} but the operation's result requires dtype {result}"),
    samples=sampling.positive,
)
def float_power(input: Any, exponent: Any) -> Tensor:
    """``input`` to the power of ``exponent``, computed in float64 or complex128.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.float_power(pb.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)
    """
    is_complex = any(v.dtype.is_complex if isinstance(v, Tensor) else isinstance(v, complex) for v in (input, exponent))
    target = dtypes.complex128 if is_complex else dtypes.float64
    base, power = (v.to(target) if isinstance(v, Tensor) else v for v in (input, exponent))
    return ops.pow(base, power)


def float_power_(self: Tensor, exponent: Any) -> Tensor:
    """In-place version of :func:`float_power`, of a tensor in double precision."""
    values = (self, exponent)
    is_complex = any(v.dtype.is_complex if isinstance(v, Tensor) else isinstance(v, complex) for v in values)
    double = dtypes.complex128 if is_complex else dtypes.float64
    if self.dtype is not double:
        names = (type_name(dtype) for dtype in (self.dtype, double))
        raise RuntimeError(
            "the base given to float_power_ has dtype {} but the operation's result requires dtype {}".format(*names)
        )
    return self.pow_(exponent)


attach("float_power_", float_power_)


# -- closeness --------------------------------------------------------------------------------------------------------

"""Arithmetic of two tensors, element by element: operands promote to a common dtype and broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Number, Sample, attach, composite, elementwise
from pullback.dispatch.declaration_values import Accepts, Accuracy, Inplace, Integers, Promotes, Sampled, Shows
from pullback.dispatch.inplace import apply_inplace
from pullback.dispatch.out_rules import CAST, SAME
from pullback.meta.dtypes import FLOATING, NUMERIC, REAL, bool_
from pullback.ops.shared.reducing import in_dtype
from pullback.ops.shared.zeros import step_derivative
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend

_SUBTRACT_BOOL = (
    "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator"
    " instead."
)
_SUBTRACT_ONE_BOOL = (
    "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the"
    " `~` or `logical_not()` operator instead."
)
_NEGATE_BOOL = (
    "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or"
    " `logical_not()` operator instead."
)


def _refuse_bool(input: Any, other: Any) -> None:
    bools = [(v.dtype is bool_ if isinstance(v, Tensor) else isinstance(v, bool)) for v in (input, other)]
    if any(bools):
        raise RuntimeError(_SUBTRACT_BOOL if all(bools) else _SUBTRACT_ONE_BOOL)


def _check_integer_power(input: Any, exponent: Any) -> None:
    if isinstance(exponent, int) and exponent < 0 and input.dtype.category < 2:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def _scales(make: Any) -> Iterator[dict[str, Any]]:
    if make.dtype.category:
        yield {"alpha": 3}
        yield {"alpha": -1.5 if make.dtype.category >= FLOATING else -2 if make.dtype.is_signed else 5}


#: The product with ``alpha`` is rounded before the sum is.
_OF_SUMS = Accuracy("rounded", attributes={"alpha": Accuracy("rounded twice")})


@elementwise(
    partials={"input": 1, "other": 1},
    promotion=Promotes(scales="other"),
    operator=("add", "radd"),
    shows=Shows(derived={"alpha": 1}),
    inplace=Inplace(refused_by="shape"),
    accuracy=_OF_SUMS,
    samples=Sampled(settings=_scales),
)
def add(input: Array, other: Array, *, alpha: complex = 1) -> Array:
    """Sum of two tensors: ``input + alpha * other``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2]) + 10
    tensor([11, 12])
    """


@elementwise(
    kernel="subtract",
    dtypes=Accepts(NUMERIC, refuses=_refuse_bool),
    partials={"input": 1, "other": -1},
    promotion=Promotes(scales="other"),
    operator="sub",
    aliases=("subtract",),
    shows=Shows(derived={"alpha": 1}),
    inplace=Inplace(refused_by="arithmetic"),
    accuracy=_OF_SUMS,
    samples=Sampled(settings=_scales),
)
def sub(input: Array, other: Array, *, alpha: complex = 1) -> Array:
    """Difference of two tensors: ``input - alpha * other``.

    Raises
    ------
    RuntimeError
        For bool tensors.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([5., 7.]) - pb.tensor([1., 2.])
    tensor([4., 5.])
    """


@elementwise(
    promotion=Promotes(numbers=("other",), scales="input"),
    dtypes=Accepts(NUMERIC, refuses=_refuse_bool),
    partials={"input": -1, "other": 1},
    node="RsubBackward1",
    inplace=False,
    out=None,
    shows=Shows(derived={"alpha": 1}),
    accuracy=_OF_SUMS,
    samples=Sampled(settings=_scales),
)
def rsub(backend: Backend, input: Array, other: Array, *, alpha: complex = 1) -> Array:
    """Difference with the operands exchanged: ``other - alpha * input``; what ``1 - x`` runs.

    Examples
    --------
    >>> import pullback as pb
    >>> 1 - pb.tensor([0.25, 0.5])
    tensor([0.7500, 0.5000])
    """
    return backend.subtract(other, input)


@elementwise(
    kernel="multiply",
    partials={"input": "other", "other": "input"},
    operator=("mul", "rmul"),
    aliases=("multiply",),
    inplace=Inplace(refused_by="arithmetic"),
    accuracy="rounded",
)
def mul(input: Array, other: Array) -> Array:
    """Product of two tensors.

    Examples
    --------
    >>> import pullback as pb
    >>> 2 * pb.tensor([1., 2.])
    tensor([2., 4.])
    """


@elementwise(
    kernel="divide",
    promotion="float",
    node="DivBackward0",
    vjp={
        "input": lambda grad, other: grad / ops.conj(other),
        # The square of ``other`` may be out of range.
        "other": lambda grad, input, other: -grad * ops.conj(input / other / other),
    },
    jvp={
        "input": lambda tangent, other: tangent / other,
        "other": lambda tangent, input, other: -tangent * (input / other / other),
    },
    operator="truediv",
    inplace=Inplace(refused_by="arithmetic"),
    accuracy="rounded",
)
def true_divide(input: Array, other: Array) -> Array:
    """Quotient of two tensors; of integers or bools, as the default floating dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2]) / 2
    tensor([0.5000, 1.0000])
    """


@elementwise(
    dtypes=Accepts(REAL, unsupported="div_floor_cpu"),
    nondifferentiable="a step function: its derivative is zero wherever it exists",
    operator="floordiv",
    accuracy="elementwise",
    integers=Integers(divisor="other"),
)
def floor_divide(input: Array, other: Array) -> Array:
    """Quotient of two tensors, rounded towards minus infinity.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([7, -7]) // 2
    tensor([ 3, -4])
    """


_STEPS = {"input": lambda grad: step_derivative(grad), "other": lambda grad: step_derivative(grad)}
_STEP_TANGENTS = {"input": lambda tangent: step_derivative(tangent), "other": lambda tangent: step_derivative(tangent)}


@elementwise(
    kernel="floor_divide",
    dtypes=Accepts(REAL, unsupported="div_floor_cpu"),
    node="DivBackward2",
    vjp=_STEPS,
    jvp=_STEP_TANGENTS,
    smooth=((0.6, 3.3), (-3.3, -0.6)),
    method=False,
    inplace=False,
    out=None,
    namespace=None,
    integers=Integers(divisor="other"),
)
def floored_quotient(input: Array, other: Array) -> Array:
    """Quotient of two tensors, rounded towards minus infinity; ``div(..., rounding_mode="floor")``.

    It is :func:`floor_divide` with a derivative, which is zero.
    """


@elementwise(
    dtypes=Accepts(REAL, unsupported="div_trunc_cpu"),
    node="DivBackward2",
    vjp=_STEPS,
    jvp=_STEP_TANGENTS,
    smooth=((0.6, 3.3), (-3.3, -0.6)),
    method=False,
    inplace=False,
    namespace=None,
    accuracy=Accuracy("rounded", either_side=True),
    integers=Integers(divisor="other"),
)
def trunc_divide(input: Array, other: Array) -> Array:
    """Quotient of two tensors, rounded towards zero; ``div(..., rounding_mode="trunc")``."""


def _quotients(make: Any) -> Iterator[Sample]:
    yield from sampling.positive(make)
    if make.dtype.category in (1, FLOATING):  # by a power of two, so that no rounding decides
        for mode in ("trunc", "floor"):
            yield Sample(make(2, 3, low=-7.3, high=7.3), 2, rounding_mode=mode)


@composite(aliases=("divide",), out=CAST, samples=_quotients, accuracy="rounded")
def div(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """Quotient of two tensors.

    Parameters
    ----------
    rounding_mode : {None, "trunc", "floor"}
        Leave the quotient as it is, or round it towards zero or towards minus infinity.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.div(pb.tensor([7., -7.]), 2, rounding_mode="trunc")
    tensor([ 3., -3.])
    """
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode == "floor":
        return floored_quotient(input, other)
    if rounding_mode == "trunc":
        return trunc_divide(input, other)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}")


@elementwise(
    dtypes=REAL,
    partials={"input": 1, "other": lambda input, other: -floored_quotient(input, other)},
    node=lambda other: "RemainderBackward1" if isinstance(other, Tensor) else "RemainderBackward0",
    smooth=((0.6, 3.3), (-3.3, -0.6)),
    operator="mod",
    shows={"RemainderBackward0": Shows(hidden=("self", "other"))},
    integers=Integers(divisor="other"),
)
def remainder(input: Array, other: Array) -> Array:
    """Remainder of the division rounded down: it has the sign of ``other``, as Python's ``%``.

    A floating zero has the sign of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([-3, 3]) % 2
    tensor([1, 1])
    """


@elementwise(
    promotion=Promotes(numbers=("other",)),
    dtypes=REAL,
    partials={"input": 1, "other": lambda input, other: -trunc_divide(input, other)},
    node=lambda other: "FmodBackward1" if isinstance(other, Tensor) else "FmodBackward0",
    smooth=((0.6, 3.3), (-3.3, -0.6)),
    shows={"FmodBackward0": Shows(hidden=("self", "other"))},
    integers=Integers(divisor="other"),
)
def fmod(backend: Backend, input: Array, other: Array) -> Array:
    """Remainder of the division rounded towards zero: it has the sign of ``input``, as C's ``fmod``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.fmod(pb.tensor([-3., 3.]), 2)
    tensor([-1.,  1.])
    """
    if not backend.dtypes[input.dtype].is_floating_point:
        trunc_divide: Any = backend.kernel_for("trunc_divide", backend.dtypes[input.dtype])  # refuses to divide by 0
        return backend.subtract(input, backend.multiply(trunc_divide(input, other), other))
    # Of magnitudes the two remainders are one, which is exact; that of a rounded quotient would not be.
    size = abs(other) if isinstance(other, int | float) else backend.abs(other)
    return backend.copysign(backend.remainder(backend.abs(input), size), input)


def _pow_by_input(direction: Tensor, input: Any, exponent: Any, adjoint: bool) -> Any:
    if not isinstance(exponent, Tensor):
        if exponent == 0:
            return ops.zeros_like(direction)
        slope = exponent * input ** (exponent - 1)
        return direction * (ops.conj(slope) if adjoint else slope)
    slope = exponent * input ** (exponent - 1)
    return ops.where(exponent == 0, 0, direction * (ops.conj(slope) if adjoint else slope))


def _pow_by_exponent(direction: Tensor, input: Any, exponent: Any, out: Tensor, adjoint: bool) -> Any:
    # In the result's dtype: a negative real number has a complex logarithm where the exponent is complex.
    base = in_dtype(input, out.dtype) if isinstance(input, Tensor) else ops.full_like(out, input)
    # 0 ** y is 0 for every y > 0, so its derivative is 0 there although log(0) is not finite.
    if isinstance(exponent, Tensor):
        vanishing = ops.logical_or(ops.real(exponent) > 0, exponent == 0)
    else:
        vanishing = ops.full_like(base == 0, exponent.real > 0 or exponent == 0)
    at_zero = ops.logical_and(base == 0, vanishing)
    slope = out * ops.log(ops.where(at_zero, 1, base))
    return ops.where(at_zero, 0, direction * (ops.conj(slope) if adjoint else slope))


@elementwise(
    vjp={
        "input": lambda grad, input, exponent: _pow_by_input(grad, input, exponent, True),
        "exponent": lambda grad, input, exponent, out: _pow_by_exponent(grad, input, exponent, out, True),
    },
    jvp={
        "input": lambda tangent, input, exponent: _pow_by_input(tangent, input, exponent, False),
        "exponent": lambda tangent, input, exponent, out: _pow_by_exponent(tangent, input, exponent, out, False),
    },
    dtypes=Accepts(NUMERIC, unsupported="pow"),
    node=lambda input, exponent: (
        "PowBackward0"
        if not isinstance(exponent, Tensor)
        else "PowBackward1"
        if isinstance(input, Tensor)
        else "PowBackward2"
    ),
    domain=(0, float("inf")),
    smooth={"input": (0.3, 2.0), "exponent": ((0.3, 2.0), (-2.0, -0.3))},
    operator="pow",
    check=_check_integer_power,
    promotion=Promotes(fits=("exponent",)),
    shows={"PowBackward0": Shows(hidden=("result",), numbers=("exponent",)), "PowBackward2": Shows(numbers=("self",))},
    integers=Integers(between={"exponent": (0, 62)}),
)
def pow(input: Array, exponent: Array) -> Array:
    """``input`` to the power of ``exponent``.

    Raises
    ------
    RuntimeError
        For integers to a negative Python integer.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2., 3.]) ** 2
    tensor([1., 4., 9.])
    """


@elementwise(
    kernel="negative",
    dtypes=Accepts(NUMERIC, unsupported=_NEGATE_BOOL),
    partials=-1,
    operator="neg",
    aliases=("negative",),
    out=SAME,
    inplace=Inplace(functions=True),
    accuracy="rounded",
)
def neg(input: Array) -> Array:
    """Each element with the opposite sign.

    Examples
    --------
    >>> import pullback as pb
    >>> -pb.tensor([1., -2.])
    tensor([-1.,  2.])
    """


@composite(namespace=None, samples=sampling.positive)
def rdiv(input: Tensor, other: Tensor | Number) -> Tensor:
    """Quotient with the operands exchanged: ``other / input``; what ``2 / x`` runs."""
    return ops.reciprocal(input) * other


@composite(namespace=None, samples=Sampled(sampling.positive, values="integers have no negative powers"))
def rpow(input: Tensor, base: Tensor | Number) -> Tensor:
    """Power with the operands exchanged: ``base ** input``; what ``2 ** x`` runs."""
    return pow(base, input)


def _reflected(function: Any) -> Any:
    """The operator that Python runs where the left operand does not know a Tensor."""

    def operator(self: Tensor, other: Any) -> Any:
        return function(other, self) if isinstance(other, bool | int | float | complex) else NotImplemented

    operator.__doc__ = f":func:`{function.__name__}` with the operands exchanged."
    return operator


attach("__rfloordiv__", _reflected(floor_divide))
attach("__rmod__", _reflected(remainder))


def div_(self: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """In-place version of :func:`div`."""
    names = {None: "true_divide", "floor": "floored_quotient", "trunc": "trunc_divide"}
    if rounding_mode not in names:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    operation: Any = registry[names[rounding_mode]]
    return apply_inplace(operation, self, (other,), {})


for _name in ("div_", "divide_"):
    attach(_name, div_)
attach("__idiv__", div_)
attach("__rsub__", rsub)
attach("__rtruediv__", rdiv)
attach("__rpow__", rpow)

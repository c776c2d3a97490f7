"""Functions of one tensor, element by element: magnitude and sign, special functions, predicates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, composite, elementwise
from pullback.dispatch.declaration_values import Accepts, Accuracy, Inplace, Sampled, Shows
from pullback.dispatch.out_rules import SAME, SAME_OF_REALS, Out
from pullback.meta import dtypes
from pullback.meta.dtypes import FLOATS, INEXACT, NUMERIC, REAL_AND_BOOL, DType, bool_
from pullback.ops.shared.precision import number
from pullback.ops.shared.zeros import step_derivative
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend

# -- magnitude and sign -----------------------------------------------------------------------------------------------


@elementwise(
    dtypes=NUMERIC,
    vjp=lambda grad, input: grad * sgn(input),
    jvp=lambda tangent, input: ops.real(tangent * ops.conj(sgn(input))),
    operator="abs",
    aliases=("absolute",),
    out=SAME_OF_REALS,
    inplace=Inplace(functions=("abs_",)),
    accuracy="rounded",
)
def abs(input: Array) -> Array:
    """Absolute value of each element; of a complex tensor its modulus, a real tensor.

    The gradient at zero is zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([-1., 2.]).abs()
    tensor([1., 2.])
    """


def _refuse_sign(dtype: DType) -> Exception:
    return NotImplementedError(
        "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
    )


def _refuse_signbit(dtype: DType) -> Exception:
    return NotImplementedError("signbit is not implemented for complex tensors.")


def _direction(backend: Backend, input: Array) -> Array:
    category = backend.dtypes[input.dtype].category
    if category == dtypes.BOOL:
        return backend.copy(input)
    out = backend.sign(input)
    if category != dtypes.FLOATING:
        return out
    # PyTorch's sign of NaN is zero, where the standard's is NaN; and some libraries keep the sign of negative zero.
    zero = number(backend, 0, input)
    return backend.where(backend.greater(backend.abs(out), zero), out, zero)


@elementwise(
    dtypes=Accepts(REAL_AND_BOOL, unsupported=_refuse_sign),
    vjp=lambda grad: step_derivative(grad),
    jvp="vjp",
    out=SAME,
    accuracy="rounded",
)
def sign(backend: Backend, input: Array) -> Array:
    """-1, 0 or 1 as each element is negative, zero or positive.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([-3., 0., 5.]).sign()
    tensor([-1.,  0.,  1.])
    """
    return _direction(backend, input)


def _sgn_derivative(direction: Tensor, input: Tensor) -> Tensor:
    """The part of ``direction`` across the ray through ``input``, divided by the modulus; zero for real tensors."""
    if not input.dtype.is_complex:
        return step_derivative(direction)
    modulus = abs(input)
    safe = ops.where(modulus == 0, ops.ones_like(modulus), modulus)
    unit = input / safe
    across = (direction - ops.real(direction * ops.conj(unit)) * unit) / safe
    return ops.where(modulus == 0, ops.zeros_like(across), across)


@elementwise(
    vjp=lambda grad, input: _sgn_derivative(grad, input),
    jvp="vjp",
    out=SAME,
    shows=Shows(derived={"result": lambda saved: saved("input").sgn()}),
    accuracy="rounded",
)
def sgn(backend: Backend, input: Array) -> Array:
    """:func:`sign` for complex tensors too: there ``input / abs(input)``, and zero at zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sgn(pb.tensor([3 + 4j]))
    tensor([0.6000+0.8000j])
    """
    return _direction(backend, input)


@composite(operator="pos", dtypes=NUMERIC, out=None, samples="elementwise", accuracy="exact")
def positive(input: Tensor) -> Tensor:
    """The tensor itself; what ``+x`` gives.

    Raises
    ------
    RuntimeError
        For a bool tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> +pb.tensor([1, -2])
    tensor([ 1, -2])
    """
    if input.dtype is bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# -- special functions ------------------------------------------------------------------------------------------------


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda out: out * (1 - out),
    namespace=("pullback", "pullback.nn.functional"),
    inplace=Inplace(functions=True),
    accuracy=Accuracy(composed=True),  # 1 / (1 + exp(-z)), whose sum cancels around its poles
)
def sigmoid(input: Array) -> Array:
    """Logistic function of each element, ``1 / (1 + exp(-input))``, without overflow.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 2.]).sigmoid()
    tensor([0.5000, 0.8808])
    """


_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="erf_vml_cpu"),
    partials=lambda input: ops.exp(-(input * input)) * _TWO_OVER_ROOT_PI,
    oracle="erf",
    inplace=Inplace(functions=True),
)
def erf(input: Array) -> Array:
    """Error function of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).erf()
    tensor([0.0000, 0.8427])
    """


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="erfc_vml_cpu"),
    partials=lambda input: ops.exp(-(input * input)) * -_TWO_OVER_ROOT_PI,
    oracle="erfc",
    inplace=Inplace(functions=True),
)
def erfc(input: Array) -> Array:
    """Complementary error function of each element, ``1 - erf(input)``, accurate where that is small.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).erfc()
    tensor([1.0000, 0.1573])
    """


# -- predicates -------------------------------------------------------------------------------------------------------


@elementwise(result=bool_, inplace=False, out=None)
def isnan(input: Array) -> Array:
    """Whether each element is NaN.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., float("nan")]).isnan()
    tensor([False,  True])
    """


@elementwise(result=bool_, inplace=False, out=None)
def isinf(input: Array) -> Array:
    """Whether each element is infinite.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., -float("inf")]).isinf()
    tensor([False,  True])
    """


@elementwise(result=bool_, inplace=False, out=None)
def isfinite(input: Array) -> Array:
    """Whether each element is neither NaN nor infinite.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., float("nan")]).isfinite()
    tensor([ True, False])
    """


@elementwise(
    result=bool_,
    dtypes=Accepts(REAL_AND_BOOL, unsupported=_refuse_signbit),
    inplace=False,
    out=Out("signbit does not support non-boolean outputs."),
)
def signbit(backend: Backend, input: Array) -> Array:
    """Whether each element has its sign bit set: is negative, or is negative zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.signbit(pb.tensor([0., -0., -1.]))
    tensor([False,  True,  True])
    """
    if backend.dtypes[input.dtype].is_floating_point:
        return backend.signbit(input)
    return backend.less(input, 0)


_LARGEST = {
    dtypes.float16: 65504.0,
    dtypes.bfloat16: (2 - 2**-7) * 2.0**127,
    dtypes.float32: (2 - 2**-23) * 2.0**127,
    dtypes.float64: (2 - 2**-52) * 2.0**1023,
}


def _replacements(make: Any) -> Iterator[dict[str, Any]]:
    yield {"nan": 1.5, "posinf": 2.0, "neginf": -3.0}
    yield {"nan": -0.5, "posinf": 8.0}


@elementwise(
    dtypes=REAL_AND_BOOL,
    vjp=lambda grad, input: ops.where(isfinite(input), grad, 0),
    jvp="vjp",
    out=Out("nan_to_num: dtype of out: {out} should be same as input: {result}"),
    inplace=Inplace(functions=True),
    accuracy="rounded",
    samples=Sampled(settings=_replacements),
)
def nan_to_num(
    backend: Backend, input: Array, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Each NaN and infinity replaced by a number: by default NaN by zero, the others by the dtype's largest.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nan_to_num(pb.tensor([1., float("nan"), float("inf")]), posinf=9.)
    tensor([1., 0., 9.])
    """
    dtype = backend.dtypes[input.dtype]
    if not dtype.is_floating_point:
        return backend.copy(input)
    largest = _LARGEST[dtype]
    high = largest if posinf is None else posinf
    low = -largest if neginf is None else neginf
    infinite = backend.isinf(input)
    out = backend.where(backend.isnan(input), number(backend, 0.0 if nan is None else nan, input), input)
    positive_side = backend.greater(input, number(backend, 0, input))
    out = backend.where(backend.logical_and(infinite, positive_side), number(backend, high, input), out)
    negative_side = backend.less(input, number(backend, 0, input))
    return backend.where(backend.logical_and(infinite, negative_side), number(backend, low, input), out)

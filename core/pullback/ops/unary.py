"""Functions of one tensor, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, overload

from pullback import dtypes
from pullback.dtypes import COMPLEXES, EVERY, FLOATS, INEXACT, NUMERIC, REAL, REAL_AND_BOOL, bool_
from pullback.op import Array, composite, elementwise
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_LN2 = math.log(2)
_LN10 = math.log(10)

# -- exponentials and logarithms --------------------------------------------------------------------------------------


@elementwise(promotion="float", dtypes=INEXACT, partials="out", oracle="exp")
def exp(input: Array) -> Array:
    """Exponential of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).exp()
    tensor([1.0000, 2.7183])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda out: out * _LN2)
def exp2(input: Array) -> Array:
    """Two to the power of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.exp2(pb.tensor([0., 3.]))
    tensor([1., 8.])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda out: out + 1, oracle="expm1")
def expm1(input: Array) -> Array:
    """``exp(input) - 1``, accurate near zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.expm1(pb.tensor([0., 1.]))
    tensor([0.0000, 1.7183])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: grad / conj(input),
    jvp=lambda tangent, input: tangent / input,
    domain=(0.1, 4.0),
    oracle="log",
)
def log(input: Array) -> Array:
    """Natural logarithm of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2.7182817]).log()
    tensor([0., 1.])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: grad / conj(input * _LN2),
    jvp=lambda tangent, input: tangent / (input * _LN2),
    domain=(0.1, 4.0),
)
def log2(input: Array) -> Array:
    """Logarithm to base 2 of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.log2(pb.tensor([1., 8.]))
    tensor([0., 3.])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: grad / conj(input * _LN10),
    jvp=lambda tangent, input: tangent / (input * _LN10),
    domain=(0.1, 4.0),
    oracle="log10",
)
def log10(input: Array) -> Array:
    """Logarithm to base 10 of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.log10(pb.tensor([1., 1000.]))
    tensor([0., 3.])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    node="Log1PBackward0",
    vjp=lambda grad, input: grad / conj(input + 1),
    jvp=lambda tangent, input: tangent / (input + 1),
    domain=(-0.5, 3.0),
    oracle="log1p",
)
def log1p(input: Array) -> Array:
    """``log(1 + input)``, accurate near zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.log1p(pb.tensor([0., 1.]))
    tensor([0.0000, 0.6931])
    """


# -- powers and roots -------------------------------------------------------------------------------------------------


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, out: grad / (conj(out) * 2),
    jvp=lambda tangent, out: tangent / (out * 2),
    domain=(0.1, 4.0),
    oracle="sqrt",
)
def sqrt(input: Array) -> Array:
    """Square root of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([4., 9.]).sqrt()
    tensor([2., 3.])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda out: out * out * out * -0.5, domain=(0.1, 4.0))
def rsqrt(input: Array) -> Array:
    """One divided by the square root of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.rsqrt(pb.tensor([4., 16.]))
    tensor([0.5000, 0.2500])
    """


@elementwise(node="PowBackward0", partials=lambda input: input * 2)
def square(backend: Backend, input: Array) -> Array:
    """Square of each element; of bools as int64.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([2., -3.]).square()
    tensor([4., 9.])
    """
    if backend.dtypes[input.dtype] is bool_:
        return backend.astype(input, dtypes.int64)
    return backend.square(input)


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda out: -out * out, domain=(0.5, 3.0))
def reciprocal(input: Array) -> Array:
    """One divided by each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([2., 4.]).reciprocal()
    tensor([0.5000, 0.2500])
    """


# -- magnitude and sign -----------------------------------------------------------------------------------------------


@elementwise(
    dtypes=NUMERIC,
    vjp=lambda grad, input: grad * sgn(input),
    jvp=lambda tangent, input: real(tangent * conj(sgn(input))),
    operator="abs",
    aliases=("absolute",),
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


def _zero(value: Tensor) -> Tensor:
    """The derivative of a step function: zero, whatever comes in."""
    return zeros_of(value, value.array.shape)


def _direction(backend: Backend, input: Array) -> Array:
    category = backend.dtypes[input.dtype].category
    if category == dtypes.BOOL:
        return backend.copy(input)
    out = backend.sign(input)
    # PyTorch's sign of NaN is zero, where the standard's is NaN.
    return backend.where(backend.isnan(input), number(backend, 0, input), out) if category == dtypes.FLOATING else out


@elementwise(dtypes=REAL_AND_BOOL, vjp=lambda grad: _zero(grad), jvp=lambda tangent: _zero(tangent), domain=(0.3, 2.0))
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
        return _zero(direction)
    modulus = abs(input)
    safe = where(modulus == 0, ones_like(modulus), modulus)
    unit = input / safe
    across = (direction - real(direction * conj(unit)) * unit) / safe
    return where(modulus == 0, zeros_like(across), across)


@elementwise(
    vjp=lambda grad, input: _sgn_derivative(grad, input),
    jvp=lambda tangent, input: _sgn_derivative(tangent, input),
    domain=(0.3, 2.0),
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


@composite(operator="pos", dtypes=NUMERIC)
def positive(input: Tensor) -> Tensor:
    """The tensor itself; what ``+x`` gives.

    Raises
    ------
    RuntimeError
        For a bool tensor.
    """
    if input.dtype is bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# -- trigonometric and hyperbolic -------------------------------------------------------------------------------------


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda input: cos(input), oracle="sin")
def sin(input: Array) -> Array:
    """Sine of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).sin()
    tensor([0.0000, 0.8415])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda input: -sin(input), oracle="cos")
def cos(input: Array) -> Array:
    """Cosine of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).cos()
    tensor([1.0000, 0.5403])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda out: out * out + 1, domain=(-1.2, 1.2), oracle="tan")
def tan(input: Array) -> Array:
    """Tangent of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).tan()
    tensor([0.0000, 1.5574])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda input: rsqrt(1 - input * input),
    domain=(-0.9, 0.9),
    oracle="asin",
    aliases=("arcsin",),
)
def asin(input: Array) -> Array:
    """Inverse sine of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).asin()
    tensor([0.0000, 1.5708])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda input: -rsqrt(1 - input * input),
    domain=(-0.9, 0.9),
    oracle="acos",
    aliases=("arccos",),
)
def acos(input: Array) -> Array:
    """Inverse cosine of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).acos()
    tensor([1.5708, 0.0000])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: grad / conj(input * input + 1),
    jvp=lambda tangent, input: tangent / (input * input + 1),
    oracle="atan",
    aliases=("arctan",),
)
def atan(input: Array) -> Array:
    """Inverse tangent of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).atan()
    tensor([0.0000, 0.7854])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda input: cosh(input), oracle="sinh")
def sinh(input: Array) -> Array:
    """Hyperbolic sine of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).sinh()
    tensor([0.0000, 1.1752])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda input: sinh(input), oracle="cosh")
def cosh(input: Array) -> Array:
    """Hyperbolic cosine of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).cosh()
    tensor([1.0000, 1.5431])
    """


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda out: 1 - out * out, oracle="tanh")
def tanh(input: Array) -> Array:
    """Hyperbolic tangent of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).tanh()
    tensor([0.0000, 0.7616])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda input: rsqrt(input * input + 1),
    oracle="asinh",
    aliases=("arcsinh",),
)
def asinh(input: Array) -> Array:
    """Inverse hyperbolic sine of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).asinh()
    tensor([0.0000, 0.8814])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    # The product of two roots, and not the root of the product, lies on the right branch for complex elements.
    partials=lambda input: rsqrt(input - 1) * rsqrt(input + 1),
    domain=(1.1, 4.0),
    oracle="acosh",
    aliases=("arccosh",),
)
def acosh(input: Array) -> Array:
    """Inverse hyperbolic cosine of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2.]).acosh()
    tensor([0.0000, 1.3170])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: grad / conj(1 - input * input),
    jvp=lambda tangent, input: tangent / (1 - input * input),
    domain=(-0.9, 0.9),
    oracle="atanh",
    aliases=("arctanh",),
)
def atanh(input: Array) -> Array:
    """Inverse hyperbolic tangent of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 0.5]).atanh()
    tensor([0.0000, 0.5493])
    """


# -- rounding ---------------------------------------------------------------------------------------------------------


@elementwise(dtypes=REAL, vjp=lambda grad: _zero(grad), jvp=lambda tangent: _zero(tangent), domain=(0.1, 0.9))
def floor(input: Array) -> Array:
    """Each element rounded down to an integer.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, -1.5]).floor()
    tensor([ 1., -2.])
    """


@elementwise(dtypes=REAL, vjp=lambda grad: _zero(grad), jvp=lambda tangent: _zero(tangent), domain=(0.1, 0.9))
def ceil(input: Array) -> Array:
    """Each element rounded up to an integer.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, -1.5]).ceil()
    tensor([ 2., -1.])
    """


@elementwise(
    dtypes=REAL,
    vjp=lambda grad: _zero(grad),
    jvp=lambda tangent: _zero(tangent),
    domain=(0.1, 0.9),
    aliases=("fix",),
)
def trunc(input: Array) -> Array:
    """Each element rounded towards zero to an integer.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, -1.5]).trunc()
    tensor([ 1., -1.])
    """


def _check_round(input: Any, decimals: int) -> None:
    if decimals and input.dtype.category < dtypes.FLOATING:
        kind = input.dtype.tensor_type_name.removesuffix("Tensor")
        raise NotImplementedError(f"\"round\" not implemented for '{kind}' with decimals")


@elementwise(
    dtypes=REAL,
    vjp=lambda grad: _zero(grad),
    jvp=lambda tangent: _zero(tangent),
    node=lambda decimals: "RoundBackward1" if decimals else "RoundBackward0",
    check=_check_round,
    domain=(0.1, 0.4),
)
def round(backend: Backend, input: Array, *, decimals: int = 0) -> Array:
    """Each element rounded to the nearest integer, halves to the even one, or to a number of decimals.

    Parameters
    ----------
    decimals : int
        How many digits after the point to keep; a negative number rounds digits before it.

    Raises
    ------
    NotImplementedError
        For integers with ``decimals``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0.5, 1.5, 2.4]).round()
    tensor([0., 2., 2.])
    >>> pb.round(pb.tensor([1.2345]), decimals=2)
    tensor([1.2300])
    """
    if not decimals:
        return backend.round(input)
    if backend.dtypes[input.dtype].category < dtypes.FLOATING:
        raise TypeError("integers have no decimals")
    scale = float(10 ** (decimals if decimals > 0 else -decimals))
    if decimals > 0:
        return in_float32(backend, input, lambda x: backend.divide(backend.round(backend.multiply(x, scale)), scale))
    return in_float32(backend, input, lambda x: backend.multiply(backend.round(backend.divide(x, scale)), scale))


@elementwise(dtypes=FLOATS, partials=1, domain=(0.1, 0.9))
def frac(backend: Backend, input: Array) -> Array:
    """What rounding towards zero cuts off each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, -2.25]).frac()
    tensor([ 0.5000, -0.2500])
    """
    return backend.subtract(input, backend.trunc(input))


# -- special functions ------------------------------------------------------------------------------------------------


@elementwise(promotion="float", dtypes=INEXACT, partials=lambda out: out * (1 - out))
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
    promotion="float", dtypes=FLOATS, partials=lambda input: exp(-(input * input)) * _TWO_OVER_ROOT_PI, oracle="erf"
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
    promotion="float", dtypes=FLOATS, partials=lambda input: exp(-(input * input)) * -_TWO_OVER_ROOT_PI, oracle="erfc"
)
def erfc(input: Array) -> Array:
    """Complementary error function of each element, ``1 - erf(input)``, accurate where that is small.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).erfc()
    tensor([1.0000, 0.1573])
    """


# -- complex numbers --------------------------------------------------------------------------------------------------


@elementwise(kernel="conj", dtypes=COMPLEXES, linear=True, vjp=lambda grad: conj_physical(grad))
def conj_physical(input: Array) -> Array:
    """Complex conjugate of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.conj_physical(pb.tensor([1 + 2j]))
    tensor([1.-2.j])
    """


@overload
def conj(input: Tensor) -> Tensor: ...


@overload
def conj(input: complex) -> complex: ...


@composite(dtypes=EVERY)
def conj(input: Tensor | complex) -> Tensor | complex:
    """The complex conjugate of a tensor or number; a real one as it is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1 + 2j]).conj()
    tensor([1.-2.j])
    """
    if isinstance(input, Tensor):
        return conj_physical(input) if input.dtype.is_complex else input
    return input.conjugate() if isinstance(input, complex) else input


@elementwise(
    dtypes=COMPLEXES,
    linear=True,
    vjp=lambda grad, input_dtype: grad.to(input_dtype),
    method=False,
    inplace=False,
)
def real_part(backend: Backend, input: Array) -> Array:
    """The real part of each element of a complex tensor; what :func:`real` records."""
    return backend.real(input)


@elementwise(
    dtypes=COMPLEXES,
    linear=True,
    vjp=lambda grad, input_dtype: grad.to(input_dtype) * 1j,
    method=False,
    inplace=False,
)
def imag_part(backend: Backend, input: Array) -> Array:
    """The imaginary part of each element of a complex tensor; what :func:`imag` records."""
    return backend.imag(input)


@composite(method=False, dtypes=EVERY)
def real(input: Tensor) -> Tensor:
    """The real part of each element; a real tensor as it is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.real(pb.tensor([1 + 2j]))
    tensor([1.])
    """
    return real_part(input) if input.dtype.is_complex else input


@composite(method=False, dtypes=COMPLEXES)
def imag(input: Tensor) -> Tensor:
    """The imaginary part of each element of a complex tensor.

    Raises
    ------
    RuntimeError
        For a real tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.imag(pb.tensor([1 + 2j]))
    tensor([2.])
    """
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imag_part(input)


for _name, _part in (("real", real), ("imag", imag)):
    setattr(Tensor, _name, property(_part))


def _angle_gradient(grad: Tensor, input: Tensor) -> Tensor:
    if not input.dtype.is_complex:
        return _zero(grad)
    squared = real(input * conj(input))
    return grad * where(squared == 0, zeros_like(input), input * 1j / where(squared == 0, ones_like(squared), squared))


def _angle_tangent(tangent: Tensor, input: Tensor) -> Tensor:
    if not input.dtype.is_complex:
        return _zero(tangent)
    squared = real(input * conj(input))
    turn = imag(tangent * conj(input)) / where(squared == 0, ones_like(squared), squared)
    return where(squared == 0, zeros_like(turn), turn)


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: _angle_gradient(grad, input),
    jvp=lambda tangent, input: _angle_tangent(tangent, input),
    inplace=False,
    domain=(0.3, 2.0),
)
def angle(input: Array) -> Array:
    """The angle of each element in the complex plane, in radians; for a real one 0 or pi.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.angle(pb.tensor([1 + 1j, -1 + 0j]))
    tensor([0.7854, 3.1416])
    """


# -- predicates -------------------------------------------------------------------------------------------------------


@elementwise(result=bool_, inplace=False)
def isnan(input: Array) -> Array:
    """Whether each element is NaN.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., float("nan")]).isnan()
    tensor([False,  True])
    """


@elementwise(result=bool_, inplace=False)
def isinf(input: Array) -> Array:
    """Whether each element is infinite.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., -float("inf")]).isinf()
    tensor([False,  True])
    """


@elementwise(result=bool_, inplace=False)
def isfinite(input: Array) -> Array:
    """Whether each element is neither NaN nor infinite.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., float("nan")]).isfinite()
    tensor([ True, False])
    """


@elementwise(result=bool_, dtypes=REAL_AND_BOOL, inplace=False)
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


@elementwise(
    dtypes=REAL_AND_BOOL,
    vjp=lambda grad, input: where(isfinite(input), grad, 0),
    jvp=lambda tangent, input: where(isfinite(input), tangent, 0),
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


from pullback.ops.comparison import where  # noqa: E402
from pullback.ops.creation import ones_like, zeros_like  # noqa: E402
from pullback.ops.precision import in_float32, number  # noqa: E402
from pullback.ops.zeros import zeros_of  # noqa: E402

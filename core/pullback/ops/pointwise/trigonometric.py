"""Trigonometric and hyperbolic functions, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, elementwise
from pullback.dispatch.declaration_values import Inplace
from pullback.meta.dtypes import INEXACT

if TYPE_CHECKING:
    from pullback.tensor import Tensor

# -- parts of derivatives, without squares: those leave the range of the dtype where the derivative does not ----------


def _asin_partial(input: Tensor) -> Any:
    # Of complex elements the product of two roots, and not the root of the product, lies on the right branch.
    return ops.rsqrt(1 - input) * ops.rsqrt(1 + input) if input.dtype.is_complex else ops.rsqrt(1 - input * input)


def _over_square_plus_one(direction: Tensor, input: Tensor) -> Any:
    """``direction / (input**2 + 1)``."""
    if input.dtype.is_complex:
        return direction / (input - 1j) / (input + 1j)
    outside = ops.abs(input) > 1
    inverse = 1 / ops.where(outside, input, 1)
    part = ops.where(outside, inverse, input)
    scaled = direction / (part * part + 1)
    return ops.where(outside, scaled * inverse * inverse, scaled)


def _over_one_minus_square(direction: Tensor, input: Tensor) -> Any:
    """``direction / (1 - input**2)``."""
    if input.dtype.is_complex:
        return direction / (1 - input) / (1 + input)
    return direction / (1 - input * input)  # real elements lie between -1 and 1


def _asinh_partial(input: Tensor) -> Any:
    if input.dtype.is_complex:
        turned = input * 1j
        return ops.rsqrt(1 - turned) * ops.rsqrt(1 + turned)
    return 1 / ops.hypot(input, ops.ones_like(input))


def _acosh_partial(input: Tensor) -> Any:
    # Below -1, where the function is not real, the derivative is; PyTorch's too, so that a mask can remove it.
    positive = input if input.dtype.is_complex else ops.abs(input)
    return ops.rsqrt(positive - 1) * ops.rsqrt(positive + 1)


@elementwise(
    promotion="float", dtypes=INEXACT, partials=lambda input: cos(input), oracle="sin", inplace=Inplace(functions=True)
)
def sin(input: Array) -> Array:
    """Sine of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).sin()
    tensor([0.0000, 0.8415])
    """


@elementwise(
    promotion="float", dtypes=INEXACT, partials=lambda input: -sin(input), oracle="cos", inplace=Inplace(functions=True)
)
def cos(input: Array) -> Array:
    """Cosine of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).cos()
    tensor([1.0000, 0.5403])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda out: out * out + 1,
    smooth=((-1.2, 1.2), (1.9, 4.3), (-4.3, -1.9)),
    oracle="tan",
    inplace=Inplace(functions=True),
)
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
    partials=lambda input: _asin_partial(input),
    domain=(-1, 1),
    smooth=(-0.9, 0.9),
    oracle="asin",
    aliases=("arcsin",),
    inplace=Inplace(functions=True),
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
    partials=lambda input: -_asin_partial(input),
    domain=(-1, 1),
    smooth=(-0.9, 0.9),
    oracle="acos",
    aliases=("arccos",),
    inplace=Inplace(functions=True),
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
    vjp=lambda grad, input: _over_square_plus_one(grad, ops.conj(input)),
    jvp=lambda tangent, input: _over_square_plus_one(tangent, input),
    oracle="atan",
    aliases=("arctan",),
    inplace=Inplace(functions=True),
)
def atan(input: Array) -> Array:
    """Inverse tangent of each element, in radians.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).atan()
    tensor([0.0000, 0.7854])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda input: cosh(input),
    oracle="sinh",
    inplace=Inplace(functions=True),
)
def sinh(input: Array) -> Array:
    """Hyperbolic sine of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).sinh()
    tensor([0.0000, 1.1752])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda input: sinh(input),
    oracle="cosh",
    inplace=Inplace(functions=True),
)
def cosh(input: Array) -> Array:
    """Hyperbolic cosine of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).cosh()
    tensor([1.0000, 1.5431])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda out: 1 - out * out,
    oracle="tanh",
    namespace=("pullback", "pullback.nn.functional"),
    inplace=Inplace(functions=True),
)
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
    partials=lambda input: _asinh_partial(input),
    oracle="asinh",
    aliases=("arcsinh",),
    inplace=Inplace(functions=True),
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
    partials=lambda input: _acosh_partial(input),
    domain=(1, float("inf")),
    smooth=(1.1, 4.0),
    oracle="acosh",
    aliases=("arccosh",),
    inplace=Inplace(functions=True),
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
    vjp=lambda grad, input: _over_one_minus_square(grad, ops.conj(input)),
    jvp=lambda tangent, input: _over_one_minus_square(tangent, input),
    domain=(-1, 1),
    smooth=(-0.9, 0.9),
    oracle="atanh",
    aliases=("arctanh",),
    inplace=Inplace(functions=True),
)
def atanh(input: Array) -> Array:
    """Inverse hyperbolic tangent of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 0.5]).atanh()
    tensor([0.0000, 0.5493])
    """

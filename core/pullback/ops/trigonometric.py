"""Trigonometric and hyperbolic functions, element by element."""

from __future__ import annotations

from pullback.dtypes import INEXACT
from pullback.op import Array, elementwise


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


from pullback.ops.complex_numbers import conj  # noqa: E402
from pullback.ops.exponential import rsqrt  # noqa: E402

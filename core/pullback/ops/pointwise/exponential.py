"""Exponentials, logarithms, powers and roots of one tensor, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullback import ops
from pullback.dispatch.declaration import Array, elementwise
from pullback.dispatch.declaration_values import Accuracy, Inplace, Shows
from pullback.meta import dtypes
from pullback.meta.dtypes import INEXACT, bool_

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_LN2 = math.log(2)
_LN10 = math.log(10)


# -- exponentials and logarithms --------------------------------------------------------------------------------------


@elementwise(promotion="float", dtypes=INEXACT, partials="out", oracle="exp", inplace=Inplace(functions=True))
def exp(input: Array) -> Array:
    """Exponential of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0., 1.]).exp()
    tensor([1.0000, 2.7183])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda out: out * _LN2,
    inplace=Inplace(functions=True),
    accuracy=Accuracy(composed=True),  # exp(z log 2), of a rounded product
)
def exp2(input: Array) -> Array:
    """Two to the power of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.exp2(pb.tensor([0., 2.5]))
    tensor([1.0000, 5.6569])
    """


@elementwise(
    promotion="float", dtypes=INEXACT, partials=lambda out: out + 1, oracle="expm1", inplace=Inplace(functions=True)
)
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
    vjp=lambda grad, input: grad / ops.conj(input),
    jvp=lambda tangent, input: tangent / input,
    domain=(0, float("inf")),
    smooth=(0.1, 4.0),
    oracle="log",
    inplace=Inplace(functions=True),
)
def log(input: Array) -> Array:
    """Natural logarithm of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 10.]).log()
    tensor([0.0000, 2.3026])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: grad * (1 / _LN2) / ops.conj(input),
    jvp=lambda tangent, input: tangent * (1 / _LN2) / input,
    domain=(0, float("inf")),
    smooth=(0.1, 4.0),
    inplace=Inplace(functions=True),
)
def log2(input: Array) -> Array:
    """Logarithm to base 2 of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.log2(pb.tensor([1., 10.]))
    tensor([0.0000, 3.3219])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: grad * (1 / _LN10) / ops.conj(input),
    jvp=lambda tangent, input: tangent * (1 / _LN10) / input,
    domain=(0, float("inf")),
    smooth=(0.1, 4.0),
    oracle="log10",
    inplace=Inplace(functions=True),
)
def log10(input: Array) -> Array:
    """Logarithm to base 10 of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.log10(pb.tensor([1., 50.]))
    tensor([0.0000, 1.6990])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    node="Log1PBackward0",
    vjp=lambda grad, input: grad / ops.conj(input + 1),
    jvp=lambda tangent, input: tangent / (input + 1),
    domain=(-1, float("inf")),
    smooth=(-0.5, 3.0),
    oracle="log1p",
    inplace=Inplace(functions=True),
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
    vjp=lambda grad, out: grad / (ops.conj(out) * 2),
    jvp=lambda tangent, out: tangent / (out * 2),
    domain=(0, float("inf")),
    smooth=(0.1, 4.0),
    oracle="sqrt",
    inplace=Inplace(functions=True),
    accuracy="rounded",
)
def sqrt(input: Array) -> Array:
    """Square root of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([4., 9.]).sqrt()
    tensor([2., 3.])
    """


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda out: out * -0.5 * out * out,
    domain=(0, float("inf")),
    smooth=(0.1, 4.0),
    inplace=Inplace(functions=True),
)
def rsqrt(input: Array) -> Array:
    """One divided by the square root of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.rsqrt(pb.tensor([4., 16.]))
    tensor([0.5000, 0.2500])
    """


@elementwise(
    node="PowBackward0",
    partials=lambda input: input * 2,
    inplace=Inplace(functions=True),
    shows=Shows(hidden=("result",), derived={"exponent": 2}, numbers=("exponent",)),
    accuracy="rounded",
)
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


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    partials=lambda out: -out * out,
    smooth=((0.5, 3.0), (-3.0, -0.5)),
    inplace=Inplace(functions=True),
    accuracy="rounded",
)
def reciprocal(input: Array) -> Array:
    """One divided by each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([2., 4.]).reciprocal()
    tensor([0.5000, 0.2500])
    """

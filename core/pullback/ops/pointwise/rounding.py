"""Rounding, element by element."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from pullback.dispatch.declaration import Array, elementwise
from pullback.dispatch.declaration_values import Accepts, Accuracy, Inplace, Sampled
from pullback.dispatch.out_rules import SAME
from pullback.meta import dtypes
from pullback.meta.dtype_names import not_implemented
from pullback.meta.dtypes import FLOATS, REAL, DType
from pullback.ops.shared.precision import in_float32
from pullback.ops.shared.zeros import step_derivative

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullback.backend.base import Backend


def _unsupported(name: str) -> Callable[[DType], Exception]:
    """What ``name`` says of bool and of complex dtypes."""

    def error(dtype: DType) -> Exception:
        if dtype.is_complex:
            return NotImplementedError(f"{name} is not supported for complex inputs")
        return not_implemented(f"{name}_vml_cpu", dtype)

    return error


@elementwise(
    dtypes=Accepts(REAL, unsupported=_unsupported("floor")),
    vjp=lambda grad: step_derivative(grad),
    jvp="vjp",
    smooth=((0.1, 0.9), (-0.9, -0.1), (1.1, 1.9)),
    out=SAME,
    inplace=Inplace(functions=True),
    accuracy="rounded",
)
def floor(input: Array) -> Array:
    """Each element rounded down to an integer.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, -1.5]).floor()
    tensor([ 1., -2.])
    """


@elementwise(
    dtypes=Accepts(REAL, unsupported=_unsupported("ceil")),
    vjp=lambda grad: step_derivative(grad),
    jvp="vjp",
    smooth=((0.1, 0.9), (-0.9, -0.1), (1.1, 1.9)),
    out=SAME,
    inplace=Inplace(functions=True),
    accuracy="rounded",
)
def ceil(input: Array) -> Array:
    """Each element rounded up to an integer.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, -1.5]).ceil()
    tensor([ 2., -1.])
    """


@elementwise(
    dtypes=Accepts(REAL, unsupported=_unsupported("trunc")),
    vjp=lambda grad: step_derivative(grad),
    jvp="vjp",
    smooth=((0.1, 0.9), (-0.9, -0.1), (1.1, 1.9)),
    aliases=("fix",),
    out=SAME,
    inplace=Inplace(functions=True),
    accuracy="rounded",
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
        raise not_implemented("round_cpu", input.dtype)


def _decimals(make: Any) -> Iterator[dict[str, Any]]:
    if make.dtype.category >= dtypes.FLOATING:
        yield {"decimals": 1}
        yield {"decimals": -1}
        yield {"decimals": 3}


@elementwise(
    dtypes=Accepts(REAL, unsupported="round_vml_cpu"),
    vjp=lambda grad: step_derivative(grad),
    jvp="vjp",
    node=lambda decimals: "RoundBackward1" if decimals else "RoundBackward0",
    check=_check_round,
    smooth=((0.1, 0.4), (-0.4, -0.1), (0.6, 0.9), (-1.4, -1.1)),
    out=SAME,
    inplace=Inplace(functions=True),
    samples=Sampled(settings=_decimals),
    # The product with a power of ten, or the quotient, is rounded first.
    accuracy=Accuracy("rounded", attributes={"decimals": Accuracy("rounded", either_side=True)}),
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
    digits = decimals if decimals > 0 else -decimals
    scale = float(10**digits) if digits <= sys.float_info.max_10_exp else math.inf  # and all is NaN, as PyTorch's
    if decimals > 0:
        return in_float32(backend, lambda x: backend.divide(backend.round(backend.multiply(x, scale)), scale), input)
    return in_float32(backend, lambda x: backend.multiply(backend.round(backend.divide(x, scale)), scale), input)


@elementwise(
    dtypes=FLOATS,
    partials=1,
    smooth=((0.1, 0.9), (-0.9, -0.1), (1.1, 1.9)),
    out=SAME,
    inplace=Inplace(functions=True),
    accuracy="rounded",
)
def frac(backend: Backend, input: Array) -> Array:
    """What rounding towards zero cuts off each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, -2.25]).frac()
    tensor([ 0.5000, -0.2500])
    """
    return backend.subtract(input, backend.trunc(input))

"""The gamma function's logarithm, its derivatives, and the inverse of the error function."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, Sample, elementwise, in_namespace
from pullback.dispatch.declaration_values import Accepts, Accuracy
from pullback.meta.allocation import check_size
from pullback.meta.dtypes import FLOATS
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="lgamma_vml_cpu"),
    partials=lambda input: digamma(input),
    domain=(0, float("inf")),
    smooth=(0.1, 4.0),
    oracle="loggamma",
    accuracy=Accuracy(hard_zeros=True),  # at 1 and 2, from products and a difference of logarithms
)
def lgamma(input: Array) -> Array:
    """Logarithm of the absolute value of the gamma function of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.lgamma(pb.tensor([0.5, 1., 5.]))
    tensor([0.5724, 0.0000, 3.1781])
    """


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="digamma"),
    partials=lambda input: input.polygamma(1),
    domain=(0, float("inf")),
    smooth=(0.1, 4.0),
    oracle="digamma",
    accuracy=Accuracy(hard_zeros=True),  # at 1.4616..., which is no number of any dtype
)
def digamma(input: Array) -> Array:
    """The derivative of :func:`lgamma` at each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.digamma(pb.tensor([0.5, 1.]))
    tensor([-1.9635, -0.5772])
    """


def _samples_of_orders(make: Any) -> Iterator[Sample]:
    for order in (0, 1, 2, 3):
        yield Sample(make(2, 3).square() + 0.5, order)
    yield Sample(make().square() + 0.5, 1)
    yield Sample(make(0, 3), 2)
    yield Sample(make(3, 2).mT.square() + 0.5, 1)


def _check_order(input: Any, n: Any) -> None:
    ops.check_is_tensor("polygamma", input)
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"polygamma(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="polygamma"),
    vjp=lambda grad, input, n: grad * input.polygamma(n + 1),
    jvp="vjp",
    check=_check_order,
    domain=(0, float("inf")),
    samples=_samples_of_orders,
    name="polygamma",
    namespace=None,
)
def _polygamma(backend: Backend, input: Array, n: int) -> Array:
    """The derivative of order ``n`` of :func:`digamma` at each element.

    Parameters
    ----------
    n : int
        Not negative. It comes first where this is a function: ``pb.polygamma(n, input)``.

    Raises
    ------
    RuntimeError
        For a negative ``n``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.polygamma(1, pb.tensor([1., 0.5]))
    tensor([1.6449, 4.9348])
    >>> pb.tensor([1., 0.5]).polygamma(2)
    tensor([ -2.4041, -16.8288])
    """
    return backend.polygamma(input, n) if n else backend.digamma(input)


@in_namespace("pullback")
def polygamma(n: int, input: Tensor) -> Tensor:
    """The derivative of order ``n`` of :func:`digamma` at each element: see :meth:`Tensor.polygamma`."""
    _check_order(input, n)
    return _polygamma(input, n)


def _samples_of_dimensions(make: Any) -> Iterator[Sample]:
    for p in (1, 2, 3):
        yield Sample(make(2, 3).square() + 1.5, p)
    yield Sample(make(0, 3), 2)


def _check_dimension(input: Any, p: int) -> None:
    ops.check_is_tensor("mvlgamma", input)
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    check_size((*input.shape, p), input.dtype.itemsize)  # as many terms as PyTorch makes at once


def _half_steps(input: Tensor, p: int) -> Tensor:
    """The sum of digamma at the places at which :func:`mvlgamma` takes lgamma."""
    return sum((digamma(input - number / 2) for number in range(1, p)), digamma(input))


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="mvlgamma_cpu"),
    vjp=lambda grad, input, p: grad * _half_steps(input, p),
    jvp="vjp",
    check=_check_dimension,
    domain=(1, float("inf")),
    samples=_samples_of_dimensions,
)
def mvlgamma(backend: Backend, input: Array, p: int) -> Array:
    """Logarithm of the gamma function of ``p`` dimensions of each element.

    That is the sum of ``lgamma(input - j / 2)`` for j from 0 to p - 1, and ``p (p - 1) / 4 * log(pi)``.

    Raises
    ------
    RuntimeError
        If ``p`` is less than one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.mvlgamma(pb.tensor([2., 3.]), 2)
    tensor([0.4516, 1.5502])
    """
    return backend.mvlgamma(input, p)


@elementwise(
    promotion="float",
    dtypes=Accepts(FLOATS, unsupported="erfinv_vml_cpu"),
    # From the operand, so that the result may be written.
    partials=lambda input: ops.exp(ops.square(erfinv(input))) * (math.sqrt(math.pi) / 2),
    domain=(-1, 1),
    smooth=(-0.9, 0.9),
    oracle="erfinv",
)
def erfinv(input: Array) -> Array:
    """The number whose error function is the element: infinite at -1 and 1, NaN beyond.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.erfinv(pb.tensor([0., 0.5, 1.]))
    tensor([0.0000, 0.4769,    inf])
    """

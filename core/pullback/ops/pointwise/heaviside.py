"""The unit step, whose value at zero is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, Sample, elementwise
from pullback.dispatch.declaration_values import Accepts, Promotes
from pullback.dispatch.out_rules import Out
from pullback.meta.dtypes import REAL_AND_BOOL, bool_

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _check(input: Any, values: Any) -> None:
    ops.check_is_tensor("heaviside", input)
    ops.check_is_tensor("heaviside", values, "values", 2)
    if input.dtype.is_complex or values.dtype.is_complex:
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


def _samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(2, 3))
    yield Sample(make(4), make())
    yield Sample(make(3) * 0, make(2, 1))
    yield Sample(make(0, 3), make(3))


@elementwise(
    dtypes=Accepts(REAL_AND_BOOL, unsupported="heaviside is not yet implemented for complex tensors."),
    nondifferentiable="PyTorch has none of it",
    check=_check,
    promotion=Promotes(numbers=False),
    samples=_samples,
    out=Out("heaviside is not yet implemented for tensors with different dtypes."),
    accuracy="rounded",
)
def heaviside(backend: Backend, input: Array, values: Array) -> Array:
    """Zero for negative elements and NaN, one for positive ones, and that of ``values`` for zeros.

    Parameters
    ----------
    input, values : Tensor
        Of one dtype; they broadcast.

    Raises
    ------
    RuntimeError
        For two dtypes and complex ones; in the backward pass, as there is no derivative.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.heaviside(pb.tensor([-1., 0., 2.]), pb.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    dtype = backend.dtypes[input.dtype]
    if dtype is bool_:
        return backend.logical_or(input, values)
    at_zero = backend.equal(input, 0)
    return backend.where(at_zero, values, backend.astype(backend.greater(input, 0), dtype))

"""The unit step, whose value at zero is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from pullback.autograd.node import Node, start_node
from pullback.dtypes import REAL_AND_BOOL, bool_
from pullback.inplace import apply_inplace
from pullback.op import Array, Sample, attach, composite, elementwise, registry
from pullback.ops.creation import check_is_tensor
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


class UnknownDerivative(Node):
    """The node of an operation that has no derivative, to say so when one is asked for."""

    __slots__ = ("operation",)

    operation: str

    def apply(self, grad: Any) -> NoReturn:
        raise RuntimeError(f"derivative for aten::{self.operation} is not implemented")

    def name(self) -> str:
        return "torch::autograd::NotImplemented"


def _check(input: Any, values: Any) -> None:
    check_is_tensor("heaviside", input)
    check_is_tensor("heaviside", values, "values", 2)
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
    dtypes=REAL_AND_BOOL,
    nondifferentiable="PyTorch has no derivative of it",
    check=_check,
    numbers=False,
    samples=_samples,
    method=False,
    inplace=False,
    out=None,
)
def unit_step(backend: Backend, input: Array, values: Array) -> Array:
    """The step from zero to one, with the given values at zero; what :func:`heaviside` computes."""
    dtype = backend.dtypes[input.dtype]
    if dtype is bool_:
        return backend.logical_or(input, values)
    at_zero = backend.equal(input, 0)
    return backend.where(at_zero, values, backend.astype(backend.greater(input, 0), dtype))


@composite(dtypes=REAL_AND_BOOL)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
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
    from pullback.autograd.grad_mode import NO_GRAD, mode
    from pullback.views import edge_of

    _check(input, values)
    out = unit_step(input, values)
    if not mode() & NO_GRAD and out.dtype.is_floating_point and (input.requires_grad or values.requires_grad):
        node = UnknownDerivative()
        start_node(node, (edge_of(input), edge_of(values)))
        node.operation = "heaviside"
        out.edge = node
    return out


def heaviside_(self: Tensor, values: Tensor) -> Tensor:
    """In-place version of :func:`heaviside`."""
    _check(self, values)
    if self.requires_grad or values.requires_grad:
        raise NotImplementedError("heaviside_(): there is no derivative; detach the operands first")
    return apply_inplace(registry["unit_step"], self, (values,), {})  # type: ignore[arg-type]


attach("heaviside_", heaviside_)

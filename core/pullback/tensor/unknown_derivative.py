"""The node of an operation that is not differentiable: backward through it raises an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pullback.tensor import Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.node import Node, start_node

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation
    from pullback.tensor import Tensor


class UnknownDerivative(Node):
    """Refuses to be differentiated, in the name of its operation."""

    __slots__ = ("missing",)

    missing: str  #: the operation's name

    saves_tensors = False

    def apply(self, grad: Any) -> NoReturn:
        raise RuntimeError(f"derivative for aten::{self.missing} is not implemented")

    def name(self) -> str:
        return "torch::autograd::NotImplemented"


def refuse_derivative(operation: Operation, operands: Sequence[Any], out: Tensor) -> None:
    """Give a result of an operation without a derivative its node, where a gradient could be asked for."""
    if out.dtype.category < 2:  # truth values and positions have no gradient
        return
    recorded = [v for v in operands if isinstance(v, Tensor) and v.edge is not None]
    if recorded:
        node = UnknownDerivative()
        node.missing = operation.name
        start_node(node, tuple(edge_of(v) for v in recorded))
        out.edge = node

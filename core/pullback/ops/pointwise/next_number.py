"""The floating-point number next to one."""

from __future__ import annotations

from pullback.dispatch.declaration import Array, elementwise
from pullback.dispatch.declaration_values import Accepts, Promotes, Unsampled
from pullback.meta.dtypes import FLOATS
from pullback.tensor import Tensor


def _where_it_moves(vector: Tensor, input: Tensor, other: Tensor) -> Tensor:
    """PyTorch's derivative by the first operand: one, but zero where there is no way to go."""
    return vector.masked_fill(input == other, 0)


@elementwise(
    dtypes=Accepts(FLOATS, unsupported="nextafter_cpu"),
    vjp={"input": lambda grad, input, other: _where_it_moves(grad, input, other), "other": lambda grad: grad * 0},
    jvp="vjp",
    promotion=Promotes(numbers=False),
    samples=Unsampled("a number has other neighbours in each precision: there is nothing to compare with"),
    accuracy="rounded",
)
def nextafter(input: Array, other: Array) -> Array:
    """The next number that the dtype has from each element of ``input`` towards that of ``other``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.nextafter(pb.tensor([1., 1.]), pb.tensor([2., 0.]))
    >>> (x - 1) / pb.finfo(pb.float32).eps
    tensor([ 1.0000, -0.5000])
    """

"""The parameters of a module."""

from __future__ import annotations

from typing import Any

from pullback.tensor import LEAF, Tensor


class Parameter(Tensor):
    """A tensor that a module learns: as an attribute of a :class:`~pullback.nn.Module` it is among its parameters.

    Operations on it give plain Tensors.

    Parameters
    ----------
    data : Tensor, optional
        Whose memory it shares.
    requires_grad : bool
        Whether gradients are computed for it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.Parameter(pb.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        from pullback.ops.creation import as_subclass, empty

        source = empty(0) if data is None else data.detach()
        parameter = as_subclass(source, cls)
        # As PyTorch's: the memory is shared with `data`, the version count is not.
        parameter.alias = None if source.backend.mutable else source.alias
        if requires_grad:
            if parameter.dtype.category < 2:
                raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
            parameter.edge = LEAF
        return parameter

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

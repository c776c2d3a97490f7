"""The parameters of a module."""

from __future__ import annotations

from typing import Any

from pullback.dispatch.subclassing import moved
from pullback.ops.creation.filled import empty
from pullback.printing import tensor_repr
from pullback.tensor import LEAF, Tensor
from pullback.tensor.overriding import disabled_pullback_function_impl


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False):
            return True  # an instance of another Tensor subclass that was made a parameter
        return bool(super().__instancecheck__(instance))


class Parameter(Tensor, metaclass=_ParameterMeta):
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
    _is_param = True
    __pullback_function__ = disabled_pullback_function_impl  # type: ignore[assignment]

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        if data is not None and type(data) is not Tensor and type(data) is not Parameter:
            return _parameter_of_subclass(data, requires_grad)
        parameter = moved(empty(0) if data is None else data.data, cls)
        if requires_grad:
            if parameter.dtype.category < 2:
                raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
            if parameter.alias is not None and parameter.is_inference():
                parameter.requires_grad_()  # refuses outside of inference mode
            parameter.edge = LEAF
        return parameter

    def __repr__(self) -> str:
        return "Parameter containing:\n" + (tensor_repr(self) if type(self) is Parameter else super().__repr__())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]


def _parameter_of_subclass(data: Tensor, requires_grad: bool) -> Any:
    """An instance of the subclass that ``data`` is of, as a parameter."""
    parameter = data.detach().requires_grad_(requires_grad)
    if type(parameter) is not type(data):
        raise RuntimeError(
            f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns an"
            f" instance of the same type, but return type {type(parameter).__name__} was found instead. To use the type"
            " as a Parameter, please correct the detach() semantics defined by its __pullback_function__()"
            " implementation."
        )
    parameter.__dict__["_is_param"] = True
    return parameter

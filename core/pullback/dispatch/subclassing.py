"""Instances of Tensor subclasses made of tensors: views of them, or leaves that share their memory."""

from __future__ import annotations

from typing import Any

from pullback.tensor import LEAF, Tensor
from pullback.tensor.overriding import DisablePullbackFunctionSubclass, overrides, register
from pullback.tensor.registry import registry
from pullback.tensor.seams import seams

_SLOT: Any = vars(Tensor)["backend"]


def as_subclass(value: Tensor, cls: type[Any]) -> Any:
    """``value`` as an instance of a Tensor subclass: a view of it, through which gradients flow."""
    _check_class(cls)
    with DisablePullbackFunctionSubclass():
        return moved(registry["alias"].call(value), cls)


def make_subclass(cls: type[Any], data: Tensor, requires_grad: bool = False) -> Any:
    """A leaf of a Tensor subclass that shares the memory of ``data``."""
    if not isinstance(data, Tensor):
        raise TypeError(f"_make_subclass(): argument 'data' (position 2) must be Tensor, not {type(data).__name__}")
    _check_class(cls)
    with DisablePullbackFunctionSubclass():
        made = moved(data.detach(), cls)
    if requires_grad:
        if made.dtype.category < 2:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made.edge = LEAF
    return made


def moved(value: Tensor, cls: type[Any]) -> Any:
    """An instance of ``cls`` in place of a tensor that has just been made, and that nothing refers to."""
    if cls.fast_backend is _SLOT and overrides(cls):
        register(cls)  # its own `__init_subclass__` did not call Tensor's
    made = object.__new__(cls)
    made.array, made.backend, made.edge, made.alias = value.array, value.backend, value.edge, value.alias
    if value.alias is not None:
        value.alias.storage.add(made)
    if value._tangent is not None:
        seams.set_tangent(made, value._tangent)
    return made


def _check_class(cls: Any) -> None:
    if not isinstance(cls, type):
        raise TypeError(f"cls must be a type (got {type(cls).__name__})")
    if not issubclass(cls, Tensor):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your"
            " class inherits from Tensor."
        )

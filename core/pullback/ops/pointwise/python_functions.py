"""Applying a Python function to the elements, one by one; slow, and without a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.dispatch.declaration import attach
from pullback.dispatch.inplace import check_writable
from pullback.tensor import Tensor
from pullback.tensor.memory import alias_of
from pullback.tensor.writing import write


def _write(name: str, self: Tensor, others: tuple[Tensor, ...], function: Callable[..., Any]) -> Tensor:
    """Write what ``function`` returns for each element, and those of the others at its place."""
    if not callable(function):
        raise TypeError(f"'{type(function).__name__}' object is not callable")
    for tensor in (self, *others):
        if tensor.requires_grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
            )
    for position, other in enumerate(others):
        if other.dtype is not self.dtype:
            argument = "other" if len(others) == 1 else ("x", "y")[position]
            raise TypeError(f"{name}: expected {self.type()} for '{argument}' (got {other.type()})")
    check_writable(self, others)
    shape = tuple(self.array.shape)
    columns = [t.detach().expand(shape).reshape(-1).tolist() for t in (self, *others)]
    results = [function(*elements) for elements in zip(*columns, strict=True)]
    if self.dtype.category < 2:
        results = [int(value) if self.dtype.category else bool(value) for value in results]
    backend = self.backend
    version = self._version
    write(self, backend.reshape(backend.from_data(results, self.dtype, self.device), shape))
    alias_of(self).counter.version = version  # PyTorch does not count these, as they never meet a graph
    return self


def _require_tensor(name: str, argument: str, position: int, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}"
        )


def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace each element by what the function returns for it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2.]).apply_(lambda x: 10 * x)
    tensor([10., 20.])
    """
    return _write("apply_", self, (), callable)


def map_(self: Tensor, other: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace each element by what the function returns for it and the other tensor's element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1., 2.]).map_(pb.tensor([3., 4.]), lambda a, b: a * b)
    tensor([3., 8.])
    """
    _require_tensor("map_", "other", 1, other)
    return _write("map_", self, (other,), callable)


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Replace each element by what the function returns for it and the elements of two other tensors."""
    _require_tensor("map2_", "x", 1, x)
    _require_tensor("map2_", "y", 2, y)
    return _write("map2_", self, (x, y), callable)


attach("apply_", apply_)
attach("map_", map_)
attach("map2_", map2_)

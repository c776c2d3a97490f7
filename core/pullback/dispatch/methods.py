"""Tensor methods that are written by hand, as their arguments come in another order than their operation's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.dispatch.inplace import apply_inplace
from pullback.tensor import Tensor
from pullback.tensor.registry import registry


def run_inplace(name: str, self: Tensor, *arguments: Any) -> Tensor:
    """Run the operation ``name`` on a tensor and these arguments, and write the result into the tensor."""
    return apply_inplace(registry[name], self, arguments, {})  # type: ignore[arg-type]


def attach_method(name: str, function: Callable[..., Any]) -> None:
    """Make ``function`` the Tensor method ``name``, and the operation's documentation its own where it has none."""
    if function.__doc__ is None:
        function.__doc__ = registry[name].doc
    function.__name__ = function.__qualname__ = name
    setattr(Tensor, name, function)
    if name in registry:
        registry[name].method_names = (name,)

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


class _DeclaredLater:
    """Stands for a Tensor method until it is first asked for: then the module that declares it is imported."""

    __slots__ = ("home", "name")

    def __init__(self, module: str, name: str) -> None:
        self.home = f"pullback.ops.pointwise.{module}"
        self.name = name

    def __get__(self, tensor: Tensor | None, kind: type[Tensor]) -> Any:
        import importlib

        importlib.import_module(self.home)  # the declaration takes this one's place
        return getattr(kind if tensor is None else tensor, self.name)


#: Families that few programs need, and the methods that each declares.
LATER = {
    "divisors": ("gcd", "gcd_", "lcm", "lcm_"),
    "next_number": ("nextafter", "nextafter_"),
    "special_functions": (
        "digamma", "digamma_", "erfinv", "erfinv_", "lgamma", "lgamma_", "mvlgamma", "mvlgamma_", "polygamma",
        "polygamma_",
    ),
}  # fmt: skip
for _module, _names in LATER.items():
    for _name in _names:
        setattr(Tensor, _name, _DeclaredLater(_module, _name))

"""PyTorch's module of this name; the function of the same name is what ``pullback.autograd.gradcheck`` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.autograd_tools.numerical import gradcheck, gradgradcheck

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """The computed derivatives differ from the numerical ones, or a backward pass breaks its contract."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pullback.autograd_tools import numerical

    found = globals()[name] = getattr(numerical, name)
    return found

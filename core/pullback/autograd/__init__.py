"""Automatic differentiation: ``backward``, ``grad``, ``Function``, and the modes.

The names are looked up when first used: the lower layers import from this package before the upper ones exist.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pullback.autograd.grad_mode import (
    enable_grad,
    enforce_grad_layout_policy,
    inference_mode,
    is_grad_enabled,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

if TYPE_CHECKING:
    from pullback.autograd import anomaly_mode, forward_ad, function, functional, grad_mode, graph
    from pullback.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
    from pullback.autograd.differentiate import backward, grad
    from pullback.autograd.function import Function
    from pullback.autograd.variable import Variable
    from pullback.autograd_tools.numerical import gradcheck, gradgradcheck

__all__ = [
    "Function",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "enforce_grad_layout_policy",
    "forward_ad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "is_multithreading_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

# Imported now, for later the import system would put the module in the place of the function of the same name.
importlib.import_module("pullback.autograd.gradcheck")
del globals()["gradcheck"]

_HOMES = {
    "Function": "autograd.function",
    "Variable": "autograd.variable",
    "backward": "autograd.differentiate",
    "detect_anomaly": "autograd.anomaly_mode",
    "grad": "autograd.differentiate",
    "gradcheck": "autograd_tools.numerical",
    "gradgradcheck": "autograd_tools.numerical",
    "set_detect_anomaly": "autograd.anomaly_mode",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pullback.autograd' has no attribute {name!r}")
    module = importlib.import_module(f"pullback.{_HOMES.get(name, f'autograd.{name}')}")
    found = globals()[name] = getattr(module, name) if name in _HOMES else module
    return found

"""PyTorch's former name for tensors that take part in automatic differentiation."""

from __future__ import annotations

from typing import Any

from pullback.tensor import Tensor


def Variable(data: Tensor, requires_grad: bool = False) -> Any:
    """``data`` as a leaf that requires gradients or not; every Tensor is one now."""
    return data.detach().requires_grad_(requires_grad)

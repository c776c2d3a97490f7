"""A tensor, its memory, its place in the graph, and what stands in an operation's way: data, no operations."""

from __future__ import annotations

from pullback.tensor.tensor import LEAF, STALE, Tensor, methods_of_tensor

__all__ = ["LEAF", "STALE", "Tensor", "methods_of_tensor"]

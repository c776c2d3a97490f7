"""The graph's nodes, for those who look into it."""

from __future__ import annotations

from pullback.autograd.hooks import RemovableHandle
from pullback.autograd.node import Node

__all__ = ["Node", "RemovableHandle"]

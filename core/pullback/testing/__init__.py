"""Helpers for tests of programs that use pullback: ``pullback.testing.assert_close`` and ``make_tensor``."""

from __future__ import annotations

from pullback.testing.comparison import assert_close
from pullback.testing.random_tensors import make_tensor

__all__ = ["assert_close", "make_tensor"]

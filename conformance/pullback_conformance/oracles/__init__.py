"""Where right answers come from: mpmath, NumPy in extended precision, and differences of values instead of formulas."""

from __future__ import annotations

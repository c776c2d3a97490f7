"""A pytest plugin that moves the results of NumPy's mathematical functions by one unit in the last place.

::

    PYTHONPATH=tests/docs NUDGE=up pytest -p last_bits tests/docs     # or down

IEEE 754 leaves the last bit of functions such as ``exp`` to the library, and libraries decide it by the processor. What
passes with the bits moved either way does not depend on them.
"""

from __future__ import annotations

import os
from functools import wraps
from math import inf
from typing import Any

import numpy as np
import pytest

from pullback_numpy.backend import NumPyBackend

#: The kernels whose results no standard fixes to the last bit.
INEXACT = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "pow", "atan2", "hypot", "logaddexp", "erf", "erfc", "erfinv", "lgamma",
    "digamma", "polygamma", "mvlgamma",
)  # fmt: skip


def nudged(kernel: Any, towards: float) -> Any:
    """The kernel with each result moved to the next number, but for those that every library gives exactly."""

    @wraps(kernel)
    def call(*operands: Any, out: Any = None, **options: Any) -> Any:
        result = np.asarray(kernel(*operands, **options))
        if result.dtype.kind == "f":
            exact = (result == 0) | ~np.isfinite(result)
            if not kernel.__name__.startswith("log"):
                exact |= abs(result) == 1
            if kernel.__name__ == "pow":
                exact |= whole(operands[0], 64) & whole(operands[1])  # short enough for an exact power
            result = np.where(exact, result, np.nextafter(result, result.dtype.type(towards)))
        if out is None:
            return result
        out[...] = result
        return out

    return call


def whole(value: Any, unit: int = 1) -> Any:
    """Where a number is a whole number of parts, ``unit`` of which are one."""
    parts = np.asarray(value) * unit
    return parts == np.floor(parts.real)


def pytest_configure(config: pytest.Config) -> None:
    towards = {"up": inf, "down": -inf}[os.environ["NUDGE"]]
    make = NumPyBackend.__init__

    def make_nudged(self: NumPyBackend) -> None:
        make(self)
        for name in INEXACT:
            setattr(self, name, nudged(getattr(self, name), towards))

    NumPyBackend.__init__ = make_nudged  # type: ignore[method-assign]

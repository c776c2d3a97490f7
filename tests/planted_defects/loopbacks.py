"""A few NumPy backends with one planted defect each, and one without, written out: for what the suite says of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.backend.records import Limitation
from pullback_numpy.backend import NumPyBackend


class Loopback(NumPyBackend):
    """NumPy under another name, and nothing wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.name = type(self).__name__


class ImpreciseExp(Loopback):
    """``exp`` is 8 ulp off for large operands."""

    def exp(self, x: Any) -> Any:
        exact = np.exp(x)
        off = exact + 8 * np.spacing(exact)
        return np.where(x > 1.5, off, exact).astype(exact.dtype)


class WidensSums(Loopback):
    """``sum`` of float32 has dtype float64."""

    def sum(self, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        result = super().sum(x, axis, dtype, keepdims)
        return np.asarray(result, np.float64) if x.dtype == np.float32 else result


class NegatesInPlace(Loopback):
    """``negative`` writes its result into its operand too."""

    def negative(self, x: Any) -> Any:
        result = np.negative(x)
        x[...] = result
        return result


class LacksTanh(Loopback):
    """There is no kernel ``tanh``, and no limitation says so."""

    def __init__(self) -> None:
        super().__init__()
        del self.tanh


class AdmitsLackingTanh(LacksTanh):
    """There is no kernel ``tanh``, and a limitation says so."""

    limitations = (Limitation("tanh", frozenset(), "the library has no tanh"),)


class LosesZeroDimensions(Loopback):
    """``add`` of 0-d arrays has one dimension."""

    def add(self, x: Any, y: Any) -> Any:
        result = np.add(x, y)
        return result if result.ndim else result.reshape(1)


class ForgetsNaN(Loopback):
    """``maximum`` prefers the number where one operand is NaN."""

    def maximum(self, x: Any, y: Any) -> Any:
        return np.fmax(x, y)


class Wavers(Loopback):
    """``sum`` of floating numbers differs in its last bit from call to call."""

    calls = 0

    def sum(self, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        result = super().sum(x, axis, dtype, keepdims)
        self.calls += 1
        return result if result.dtype.kind != "f" else result + (self.calls % 2) * np.spacing(result)


class ClaimsALimit(Loopback):
    """A limitation is declared of ``exp``, which works."""

    limitations = (Limitation("exp", frozenset(), "the library's exp is not precise"),)


class IgnoresStrides(Loopback):
    """``sin`` reads the elements in the order they lie in memory."""

    def sin(self, x: Any) -> Any:
        in_memory = x.ravel(order="K").reshape(x.shape)
        return np.sin(in_memory)


class HalvesPrecision(Loopback):
    """``matmul`` of float64 is computed in float32."""

    def matmul(self, x: Any, y: Any) -> Any:
        if x.dtype != np.float64:
            return super().matmul(x, y)
        return np.matmul(x.astype(np.float32), y.astype(np.float32)).astype(np.float64)


class ForgetsSigns(Loopback):
    """``abs`` is right, ``sign`` is that of the absolute value: the derivative of ``abs`` is wrong."""

    def sign(self, x: Any) -> Any:
        return np.sign(np.abs(x))

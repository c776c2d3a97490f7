"""NumPy under other names: one without a fault, and some with one in one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Limitation
from pullback_numpy.backend import NumPyBackend


class Faultless(NumPyBackend):
    """Nothing is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.name = type(self).__name__


class ImpreciseTanh(Faultless):
    """``tanh`` is a hundred-thousandth too large."""

    def tanh(self, x: Any) -> Any:
        return (np.tanh(x) * (1 + 1e-5)).astype(x.dtype)


class ImpreciseMatmul(Faultless):
    """Products of matrices in float32 are off in their first element."""

    def mm(self, x: Any, y: Any) -> Any:
        result = super().mm(x, y)
        if result.dtype == np.float32 and result.size:
            result.reshape(-1)[0] *= np.float32(1.001)
        return result


class ForgetsSigns(Faultless):
    """``sign`` is that of the absolute value: ``abs`` is right, and its derivative is wrong."""

    def sign(self, x: Any) -> Any:
        return np.sign(np.abs(x))


class MiscountsOnes(Faultless):
    """``argmax`` is one too large where it is 0."""

    def argmax(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return np.maximum(super().argmax(x, axis=axis, keepdims=keepdims), 1)


class NegatesInPlace(Faultless):
    """``negative`` writes its result into its operand too."""

    def negative(self, x: Any) -> Any:
        result = np.negative(x)
        x[...] = result
        return result


class LacksTanh(Faultless):
    """There is no kernel ``tanh``."""

    def __init__(self) -> None:
        super().__init__()
        del self.tanh


class AdmitsImpreciseTanh(ImpreciseTanh):
    """``tanh`` is wrong, and a limitation says so."""

    limitations = (Limitation("tanh", frozenset(), "the library's tanh is not precise"),)


class IgnoresStrides(Faultless):
    """``sin`` reads the elements in the order in which they lie in memory."""

    def sin(self, x: Any) -> Any:
        return np.sin(x.ravel(order="K").reshape(x.shape))


class LacksHalf(Faultless):
    """There is no float16."""

    def __init__(self) -> None:
        super().__init__()
        self.native_dtypes = {d: n for d, n in self.native_dtypes.items() if d.name != "float16"}

"""The dtypes that CuPy has: NumPy's numbers in this machine's byte order, and ml_dtypes' bfloat16."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

bfloat16 = np.dtype(ml_dtypes.bfloat16)
_KNOWN = frozenset(map(np.dtype, "?bhilqBHILQefdFD")) | {bfloat16}
#: Scalars that kernels take beside arrays.
SCALARS = (bool, int, float, complex)


def get_dtype(given: Any) -> Any:
    """A dtype that arrays can have (``check_supported_dtype`` of cupy/_core/_dtype.pyx)."""
    dtype = np.dtype(given)
    if dtype not in _KNOWN:
        big = " with big-endian byte-order" if dtype.byteorder == ">" else ""
        raise ValueError(f"Unsupported dtype {dtype}{big}")
    return dtype


class Scalar:
    """A Python or NumPy number on its way into a kernel (``CScalar`` of cupy/_core/_scalar.pyx)."""

    __slots__ = ("dtype", "value", "weak")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.weak: Any = False
        kind = type(value)
        if kind is bool:
            self.dtype = np.dtype(bool)
        elif kind is int:
            self.dtype, self.weak = np.dtype(np.uint64 if value >= 2**63 else np.int64), int
            self.dtype.type(value)  # what no integer of CuPy's holds raises OverflowError
        elif kind is float or kind is complex:
            self.dtype, self.weak = np.dtype(kind), kind
        elif isinstance(value, np.generic):
            self.dtype = value.dtype
        else:
            raise TypeError(f"Unsupported type {kind}")

    def as_dtype(self, dtype: Any) -> Any:
        """The number as a 0-d array of NumPy's; one out of range of an integer dtype raises, as CuPy's does."""
        held = np.empty((), dtype)
        held[()] = self.value.item() if isinstance(self.value, np.generic) and dtype.kind in "iu" else self.value
        return held

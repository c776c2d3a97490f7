"""NumPy in extended precision: the reference backend with ``long double`` in the place of float64.

The same declarations run on it, so an oracle exists for every operation whose kernels NumPy has for ``long double``: on
x86-64 that has 64 bits of precision, eleven more than float64.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from pullback import complex128, float64
from pullback.extend import Backend, DType, Tensor, get_backend


def has_extended_precision() -> bool:
    """Whether this platform's ``long double`` is more precise than float64."""
    return bool(np.finfo(np.longdouble).nmant > 52)


@cache
def extended_backend() -> Backend:
    """The NumPy backend whose float64 is ``long double``, known to nobody but the suite."""
    numpy_backend: Any = type(get_backend("numpy"))

    class ExtendedNumPy(numpy_backend):  # type: ignore[misc]
        def find_dtypes(self) -> tuple[dict[Any, DType], dict[DType, Any]]:
            known, native = super().find_dtypes()
            for dtype, wide in ((float64, np.longdouble), (complex128, np.clongdouble)):
                native[dtype] = np.dtype(wide)
                known[np.dtype(wide)] = dtype
            return known, native

    backend: Backend = ExtendedNumPy()
    backend.name = "numpy in extended precision"
    return backend


def in_extended_precision(tensor: Tensor) -> Tensor:
    """The values of a NumPy tensor, exactly, on the extended backend; integers and bools keep their dtypes."""
    return _converted(tensor, extended_backend())


def in_double_precision(tensor: Tensor) -> Tensor:
    """The values of a NumPy tensor as float64 or complex128 on the NumPy backend."""
    return _converted(tensor, get_backend("numpy"))


def _converted(tensor: Tensor, backend: Backend) -> Tensor:
    category = tensor.dtype.category
    dtype = tensor.dtype if category < 2 else complex128 if category == 3 else float64
    return Tensor._wrap(
        np.ascontiguousarray(tensor.array).reshape(tensor.array.shape).astype(backend.native_dtypes[dtype]), backend
    )


def integers_as_floating(tensor: Tensor) -> Tensor:
    """Integers as ``long double``: another loop than the one for integers, and exact up to 64 bits."""
    backend = extended_backend()
    return Tensor._wrap(np.asarray(tensor.array).astype(backend.native_dtypes[float64]), backend)

"""``native_dtype`` and ``dtype_of``: the two ways between the library's dtypes and pullback's."""

from __future__ import annotations

import numpy as np

from pullback.extend import Backend, BackendError, DType, dtypes
from pullback_conformance.contract.arrays import refusal
from pullback_conformance.contract.probe import one_dtype, probe


@probe("native_dtype", "there and back")
def there_and_back(backend: Backend, dtype: DType) -> str | None:
    """Is the dtype of an array that was made with the library's dtype this one?"""
    native = backend.native_dtype(dtype)
    made = backend.zeros((2,), dtype=native)
    known = backend.dtype_of(made.dtype)
    if known is not dtype:
        return f"an array of {native}, the library's dtype for {dtype.name}, is said to be one of {known.name}"
    if backend.native_dtypes[dtype] != native:
        return f"native_dtype gives {native}, where native_dtypes has {backend.native_dtypes[dtype]}"
    if backend.to_numpy(made).dtype.itemsize != dtype.itemsize:
        return f"an element of {dtype.name} has {backend.to_numpy(made).dtype.itemsize} bytes, not {dtype.itemsize}"
    return None


@probe("native_dtype", "dtypes that the backend lacks", dtypes=one_dtype)
def lacking(backend: Backend, dtype: DType) -> str | None:
    """Is what the backend has no dtype for refused, by a BackendError?"""
    for wanted in [*(d for d in dtypes.by_name.values() if d not in backend.native_dtypes), "float3", None]:
        problem = refusal(BackendError, lambda wanted=wanted: backend.native_dtype(wanted))
        if problem is not None:
            return f"native_dtype({wanted}) {problem}"
    return None


@probe("dtype_of", "dtypes that pullback lacks", dtypes=one_dtype)
def unknown(backend: Backend, dtype: DType) -> str | None:
    """Is a dtype of the library refused that pullback does not have, by a TypeError?"""
    for native in (object(), "float3", np.dtype("S3"), np.dtype("M8[s]")):
        problem = refusal(TypeError, lambda native=native: backend.dtype_of(native))
        if problem is not None:
            return f"dtype_of({native!r}) {problem}"
    return None


@probe("dtype_of", "one for each", dtypes=one_dtype)
def one_for_each(backend: Backend, dtype: DType) -> str | None:
    """Does each dtype have one of the library's, and each of these the dtype that it is of?"""
    for known, native in backend.native_dtypes.items():
        if backend.dtype_of(native) is not known:
            return (
                f"{native} is the library's dtype for {known.name}, and is said to be {backend.dtype_of(native).name}"
            )
    for native, known in backend.dtypes.items():
        if known not in backend.native_dtypes:
            return f"{native} is said to be {known.name}, for which the library has no dtype"
    return None

"""``guard``, ``silent`` and ``versions``, and what else is asked for by name."""

from __future__ import annotations

import numpy as np

from pullback.extend import Backend, DType, MissingKernelError
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy
from pullback_conformance.contract.probe import one_dtype, probe


@probe("guard", "NaN and infinities", dtypes=lambda dtype: dtype.category == 2)
def guard(backend: Backend, dtype: DType) -> str | None:
    """Are NaN and infinities values under it, which cause no warning?"""
    x = native(backend, np.array([0.0, -1.0, np.inf]).astype(elements(dtype, 1).dtype), dtype)
    # What NumPy finds raises here, in this thread alone, unless it is told otherwise.
    with np.errstate(all="raise"):
        try:
            with backend.guard():
                backend.divide(x, x)
                backend.log(x)
                backend.subtract(x, x)
            with backend.guard(), backend.guard():
                backend.sqrt(x)
        except FloatingPointError as error:
            return f"kernels report {error}"
    return None


@probe("silent", "NaN and infinities", dtypes=lambda dtype: dtype.category == 2)
def silent(backend: Backend, dtype: DType) -> str | None:
    """Does a kernel give the same, and cause no warning?"""
    values = elements(dtype, 4)
    x = native(backend, values, dtype)

    def difference_of_infinities(backend: Backend, y: object) -> object:
        infinite = backend.divide(y, backend.subtract(y, y))
        return backend.subtract(infinite, infinite)

    kernel = backend.silent(difference_of_infinities)
    with np.errstate(all="raise"):
        try:
            result = kernel(backend, x)
        except FloatingPointError as error:
            return f"a kernel reports {error}"
    if not np.isnan(numpy_copy(backend, result).astype(float)).all():
        return "infinity minus infinity is not NaN"
    squared = backend.silent(lambda y: backend.multiply(y, y))(x)
    return difference("a square", numpy_copy(backend, squared), values * values)


@probe("versions", "texts", dtypes=one_dtype)
def versions(backend: Backend, dtype: DType) -> str | None:
    """Does it name libraries and their versions, in texts?"""
    given = backend.versions()
    if not isinstance(given, dict):
        return f"it gives an object of {type(given).__name__}"
    for name, version in given.items():
        if not (isinstance(name, str) and name and isinstance(version, str) and version):
            return f"{name!r} has version {version!r}"
    return None


@probe("kernel", "what there is and what not", dtypes=one_dtype)
def kernels(backend: Backend, dtype: DType) -> str | None:
    """Is a kernel found by its name, and is None given for what is none, as a part of the contract is not?"""
    if backend.kernel("add") is None:
        return "there is no kernel 'add'"
    for name in ("to_numpy", "no_such_kernel", "strides"):
        try:
            found = backend.kernel(name)
        except MissingKernelError:
            continue
        if found is not None:
            return f"{name!r} is said to be a kernel"
    return None


@probe("synchronize", "arrays", dtypes=one_dtype)
def waits(backend: Backend, dtype: DType) -> str | None:
    """Does it leave arrays as they are?"""
    x = native(backend, elements(dtype, 4), dtype)
    backend.synchronize()
    return difference("an array", numpy_copy(backend, x), elements(dtype, 4))

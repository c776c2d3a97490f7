"""``inplace_kernels``: the kernels that are said to accept ``out=`` write there all that they give without it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pullback.extend import Backend, DType
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy
from pullback_conformance.contract.probe import NotAsked, probe

#: The kernels of one operand among those of elements.
OF_ONE: Final = frozenset(
    (
        "negative", "positive", "abs", "sign", "exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sqrt",
        "square", "reciprocal", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
        "acosh", "atanh", "floor", "ceil", "trunc", "round", "isnan", "isinf", "isfinite", "signbit", "logical_not",
        "bitwise_invert", "conj",
    )
)  # fmt: skip


def claimed(backend: Backend, dtype: DType) -> list[str]:
    """The kernels that are said to accept ``out=``."""
    return sorted(backend.inplace_kernels)


def operands(backend: Backend, dtype: DType, *shape: int) -> list[Any]:
    """Two arrays of a shape, of numbers that most functions have values at."""
    first = elements(dtype, *shape)
    second = elements(dtype, *(2 * n for n in shape))[tuple(slice(n, None) for n in shape)]
    if dtype.category > 1:
        first, second = (np.array(abs(x) / 128 + x.dtype.type(1 / 64)).astype(x.dtype) for x in (first, second))
    if dtype.category == 1:
        second = np.array(second % 5 + second.dtype.type(1))
    return [native(backend, x, dtype) for x in (first, second)]


def unlike(what: str, got: Any, want: Any) -> str | None:
    """How two results differ; not by a unit in the last place, for a library may have several loops for a function."""
    if got.dtype != want.dtype or got.shape != want.shape or want.dtype.kind in "biu":
        return difference(what, got, want)
    unit = {2: 2.0**-10, 4: 2.0**-23, 8: 2.0**-52, 16: 2.0**-52}[want.dtype.itemsize]
    unit = {"complex64": 2.0**-21, "complex128": 2.0**-50, "bfloat16": 2.0**-7}.get(want.dtype.name, unit)
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    close = np.isclose(got.astype(wide), want.astype(wide), rtol=2 * unit, atol=0.0, equal_nan=True)
    return None if close.all() else difference(what, np.where(close, want, got), want)


def places(backend: Backend, dtype: DType) -> list[tuple[str, Any, Any]]:
    """Where a result of 3 by 4 elements is to be written: what it is a part of, and the part."""
    whole = native(backend, elements(dtype, 3, 4), dtype)
    wide = native(backend, elements(dtype, 4, 8), dtype)
    turned = native(backend, elements(dtype, 4, 3), dtype)
    return [
        ("a row-major array", whole, whole),
        ("one of permuted dimensions", turned, backend.permute_dims(turned, (1, 0))),
        ("one with a step and an offset", wide, backend.getitem(wide, (slice(1, None), slice(None, None, 2)))),
    ]


@probe("inplace_kernels", "", variants=claimed, mutable=True)
def writes_into_out(backend: Backend, dtype: DType, variant: str) -> str | None:
    """Does the kernel write all of its result into out, whatever its layout, and nothing beside it?"""
    kernel = backend.kernel(variant)
    if kernel is None:
        return f"{variant} is said to accept out=, and there is no such kernel"
    given = operands(backend, dtype, 3, 4)[: 1 if variant in OF_ONE else 2]
    with backend.guard():
        try:
            want = numpy_copy(backend, backend.as_array(kernel(*given)))
        except Exception as error:
            raise NotAsked(f"the kernel refuses {dtype.name}: {error}") from error
        result = backend.dtype_of(backend.as_array(kernel(*given)).dtype)
        for how, whole, part in places(backend, result):
            before = numpy_copy(backend, whole)
            returned = kernel(*given, out=part)
            problem = unlike(f"what is written into {how}", numpy_copy(backend, part), want)
            problem = problem or unlike("what is returned", numpy_copy(backend, returned), want)
            if problem is not None:
                return problem
            places_written = numpy_copy(backend, whole) != before
            if int(np.count_nonzero(places_written)) > want.size:
                return f"more is written than {how}"
            inside = numpy_copy(backend, whole)
            rest = {"one with a step and an offset": [np.s_[0], np.s_[:, 1::2]]}.get(how, [])
            for outside in rest:
                problem = difference("what lies beside out", inside[outside], before[outside])
                if problem is not None:
                    return problem
        if result is dtype:  # in place: into the first operand itself
            returned = kernel(*given, out=given[0])
            return unlike("what is written into an operand", numpy_copy(backend, given[0]), want)
    return None

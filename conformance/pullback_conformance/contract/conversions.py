"""``astype``: from each dtype to every other one, in every layout, into memory of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pullback.extend import Backend, DType, dtypes, finfo, iinfo
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy, numpy_dtype, other_elements
from pullback_conformance.contract.exact_conversion import FORMATS, converted, is_defined
from pullback_conformance.contract.probe import probe

#: Real numbers that are exact in every floating dtype.
PLAIN: Final = (0.0, -0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.5, 3.5, 7.0, 100.0, 127.0, 128.0, 255.0, 256.0)


def targets(backend: Backend, dtype: DType) -> Sequence[str]:
    """Every dtype of the backend."""
    return [other.name for other in backend.native_dtypes]


def numbers_of(dtype: DType) -> list[Any]:
    """Numbers that a dtype holds, as Python's: small ones, both ends, and those around which others round."""
    if dtype.category == 0:
        return [False, True]
    if dtype.category == 1:
        ends = iinfo(dtype)
        found = {0, 1, 2, 3, 7, 100, ends.max, ends.max - 1, ends.min, ends.min + 1}
        for bit in range(6, 64):
            for odd in (-1, 0, 1):
                found |= {(1 << bit) + odd, -(1 << bit) - odd}
        for bits, smaller in ((11, 8), (24, 8), (53, 8), (24, 11), (53, 24)):
            # Ties between two neighbours of a floating dtype, and one off on either side.
            for shift in (1, 3):
                for even in (0, 1):
                    tie = (((1 << (bits - 1)) + even) << shift) + (1 << (shift - 1))
                    found |= {tie, tie + 1, tie - 1, -tie, (1 << smaller) + 1}
        return sorted(n for n in found if ends.min <= n <= ends.max)
    if dtype.is_complex:
        real = real_numbers(dtype.to_real())
        turned = real[len(real) // 2 :] + real[: len(real) // 2]
        return [complex(a, b) for a, b in zip(real, turned, strict=True)] + [1j, complex(0.0, -0.0), complex(2.0, 0.0)]
    return real_numbers(dtype)


def random_numbers(dtype: DType, seed: int) -> list[Any]:
    """Numbers of random bits, which are of all magnitudes."""
    if dtype.category == 0:
        return []
    kind = numpy_dtype(dtype)
    drawn = np.random.default_rng(seed).integers(0, 256, 200 * kind.itemsize, dtype=np.uint8).view(kind)
    wide = {1: kind, 2: "d", 3: "D"}[dtype.category]
    with np.errstate(all="ignore"):  # NaN that signal
        found: list[Any] = drawn.astype(wide).tolist()
    return found


def real_numbers(dtype: DType) -> list[float]:
    """Floating numbers that a real dtype holds."""
    ends = finfo(dtype)
    found = [*PLAIN, ends.max, ends.tiny, math.inf, math.nan, 65504.0, 3.0e38, 1.0e-5, 2.0**-14, 2.0**-24, 2.0**-126]
    for name, (bits, smallest, _) in FORMATS.items():
        if bits >= FORMATS[dtype.name][0]:
            continue
        for scale in (1.0, 2.0**7, 2.0 ** (smallest + 3)):
            unit = scale * 2.0 ** (1 - bits)
            # The ties on either side of an even and of an odd number, and the numbers next to them.
            for tie in (scale + unit / 2, scale + unit * 1.5):
                found += [tie, tie + unit / 8, tie - unit / 8]
        found.append(2.0 ** (FORMATS[name][2] + 1) if FORMATS[dtype.name][2] > FORMATS[name][2] else 1.0)
    found += [2.0**bit + odd for bit in (24, 31, 53, 62) for odd in (-1.0, 0.0, 1.0)]
    largest, smallest = ends.max, ends.tiny
    kept = [x for x in found if x == 0 or not math.isfinite(x) or smallest <= abs(x) <= largest]
    held = [float(np.array(x, np.float64).astype(numpy_dtype(dtype))) for x in kept]
    return held + [-x for x in held]


def exact_results(values: list[Any], source: DType, target: DType) -> list[tuple[Any, ...]]:
    """What each number may become; two numbers where it may be rounded to float32 on its way to half precision."""
    results = []
    for value in values:
        direct = converted(value, target)
        if target.name in ("float16", "bfloat16"):
            number = value.real if isinstance(value, complex) else value
            results.append((direct, converted(converted(number, dtypes.by_name["float32"]), target)))
        else:
            results.append((direct,))
    return results


def is_same(got: Any, want: Any) -> bool:
    """Whether two Python numbers are the same, zeros and NaN too."""
    if isinstance(want, complex):
        return is_same(got.real, want.real) and is_same(got.imag, want.imag)
    if isinstance(want, float):
        return (got != got and want != want) or (got == want and math.copysign(1, got) == math.copysign(1, want))
    return type(got) is type(want) and got == want


def becomes_subnormal(value: Any, target: DType) -> bool:
    """Whether a part of a number, which is not zero, is below the smallest normal number of a dtype or its own."""
    if target.category < 2:
        return False
    parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
    return any(0 < abs(part) < finfo(target.to_real()).tiny for part in parts if part == part)


@probe("astype", "to", variants=targets)
def conversion(backend: Backend, dtype: DType, variant: str, seed: int) -> str | None:
    """Is each number rounded to the nearest, truncated, wrapped or asked whether it is zero, as the dtype says?"""
    target = dtypes.by_name[variant]
    every = [*numbers_of(dtype), *random_numbers(dtype, seed)]
    values = [v for v in every if is_defined(v, target) and not becomes_subnormal(v, target)]
    return wrong_conversion(backend, values, dtype, target)


@probe("astype", "subnormal numbers", dtypes=lambda dtype: dtype.category >= 2)
def conversion_of_subnormal_numbers(backend: Backend, dtype: DType) -> str | None:
    """Are numbers kept that are subnormal, before or after, and true as numbers that are not zero?"""
    smallest = float(finfo(dtype.to_real()).tiny)
    for target in backend.native_dtypes:
        least = float(finfo(target.to_real()).tiny) if target.category >= 2 else smallest
        values: list[Any] = [scale * factor for scale in {smallest, least} for factor in (0.25, 0.5, 0.75)]
        values = [float(np.array(v).astype(numpy_dtype(dtype.to_real()))) for v in values]
        values = [v for v in values if v]
        if dtype.is_complex:
            values = [complex(v, v) for v in values]
        problem = wrong_conversion(backend, values, dtype, target)
        if problem is not None:
            return problem
    return None


def wrong_conversion(backend: Backend, values: list[Any], source: DType, target: DType) -> str | None:
    """The first of the numbers that does not become what it has to."""
    array = np.array(values, dtype=numpy_dtype(source))
    with backend.guard():
        made = backend.astype(native(backend, array, source), target)
    got = backend.to_numpy(made)
    if backend.dtype_of(made.dtype) is not target or got.dtype != numpy_dtype(target):
        return f"{source.name} becomes {backend.dtype_of(made.dtype).name}, not {target.name}"
    if got.shape != array.shape:
        return f"the shape {array.shape} becomes {got.shape}"
    wide = {0: "?", 1: got.dtype, 2: "d", 3: "D"}[target.category]
    every = exact_results(values, source, target)
    for value, number, allowed in zip(values, got.astype(wide).tolist(), every, strict=True):
        if not any(is_same(number, want) for want in allowed):
            return f"{value!r} in {source.name} becomes {number!r} in {target.name}, not {allowed[0]!r}"
    return None


@probe("astype", "layouts")
def conversion_in_every_layout(backend: Backend, dtype: DType) -> str | None:
    """Does each element stay in its place, whatever lies between them in memory, and however many there are?"""
    x = native(backend, elements(dtype, 4, 6), dtype)
    want = elements(dtype, 4, 6)
    long = elements(dtype, 2000)
    cases = [
        ("of permuted dimensions", backend.permute_dims(x, (1, 0)), want.T),
        ("with a step", backend.getitem(x, (slice(1, None), slice(None, None, 2))), want[1:, ::2]),
        ("that is expanded", backend.broadcast_to(x, (2, 4, 6)), np.broadcast_to(want, (2, 4, 6))),
        ("0-d", native(backend, want[0, 0], dtype), want[0, 0, ...]),
        ("without elements", native(backend, want[:0], dtype), want[:0]),
        ("of 2000 elements", native(backend, long, dtype), long),
    ]
    names = [name for name in ("float64", "float32", "int64", "complex128") if name != dtype.name]
    target = next(dtypes.by_name[n] for n in names if dtypes.by_name[n] in backend.native_dtypes)
    for how, array, right in cases:
        for wanted in (target, dtype):
            source = right.real if dtype.is_complex and not wanted.is_complex else right
            problem = difference(
                f"{wanted.name} of an array {how}",
                numpy_copy(backend, backend.astype(array, wanted)),
                source.astype(numpy_dtype(wanted)),
            )
            if problem is not None:
                return problem
    return None


@probe("astype", "memory of its own", mutable=True)
def conversion_has_memory_of_its_own(backend: Backend, dtype: DType) -> str | None:
    """Is the result new, where the dtype stays the same too?"""
    array = elements(dtype, 6)
    for target in backend.native_dtypes:
        if target.category < dtype.category:
            continue
        x = native(backend, array, dtype)
        made = backend.astype(x, target)
        before = numpy_copy(backend, made)
        backend.assign(x, native(backend, other_elements(array), dtype))
        if difference("", numpy_copy(backend, made), before) is not None:
            return f"the result in {target.name} changes when the array in {dtype.name} is written to"
        if not backend.writable(made):
            return f"the result in {target.name} cannot be written to"
    return None


@probe("astype", "dtypes that the backend lacks")
def conversion_to_unknown_dtypes(backend: Backend, dtype: DType) -> str | None:
    """Is a dtype refused that the backend lacks?"""
    x = native(backend, elements(dtype, 2), dtype)
    for target in dtypes.by_name.values():
        if target not in backend.native_dtypes:
            try:
                made = backend.astype(x, target)
            except Exception:
                continue
            return f"{target.name} is no dtype of the backend, and astype gives an array of {made.dtype}"
    return None

"""Native arrays drawn from a generator's stream of random words."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pullback.backend.transfers import elements_read
from pullback.meta import dtypes
from pullback.meta.allocation import check_size
from pullback.meta.dtypes import DType
from pullback.ops.random.philox import word_dtype, words
from pullback.ops.random.signed_words import in_order, remainder_plus
from pullback.random import Generator, default_generator

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray
    from pullback.meta.devices import Device

#: How many of a word's bits a uniform number has: as many as make every value exact.
_UNIFORM_BITS = {dtypes.float16: 11, dtypes.bfloat16: 8, dtypes.float32: 24}


def _for_each_example(draw: Callable[..., NativeArray]) -> Callable[..., NativeArray]:
    """Have ``draw(backend, shape, ...)`` draw for each example of a level, where the backend is one's."""

    @functools.wraps(draw)
    def drawn(backend: Backend, shape: Sequence[int], *rest: Any) -> NativeArray:
        return backend.drawn(draw, shape, *rest)

    return drawn


def _words(
    backend: Backend, generator: Generator | None, count: int, per_element: int, device: Device | None
) -> list[NativeArray]:
    """``per_element`` arrays of ``count`` random 32-bit words, in their dtype on the backend."""
    check_size((count, per_element), 8)
    blocks = -(-count * per_element // 4)
    key, first = (generator or default_generator).take(blocks)
    drawn = backend.reshape(words(backend, key, first, blocks, device), (blocks * 4 // per_element, per_element))
    return [backend.getitem(drawn, (slice(0, count), place)) for place in range(per_element)]


def _bits53(backend: Backend, high: NativeArray, low: NativeArray) -> NativeArray:
    return backend.bitwise_or(backend.bitwise_left_shift(high, 21), backend.bitwise_right_shift(low, 11))


@_for_each_example
def uniform_array(
    backend: Backend, shape: tuple[int, ...], dtype: DType, device: Device | None, generator: Generator | None
) -> NativeArray:
    """Numbers from [0, 1); of a complex dtype, from the unit square."""
    if dtype.is_complex:
        return _as_complex(backend, uniform_array(backend, (*shape, 2), dtype.to_real(), device, generator), dtype)
    count = math.prod(shape)
    bits = _UNIFORM_BITS.get(dtype)
    if bits is None:
        integers, bits = _bits53(backend, *_words(backend, generator, count, 2, device)), 53
    else:
        integers = backend.bitwise_right_shift(_words(backend, generator, count, 1, device)[0], 32 - bits)
    working = dtypes.float64 if bits == 53 else dtypes.float32
    numbers = backend.multiply(backend.astype(integers, working), 2.0**-bits)
    return backend.reshape(numbers if dtype is working else backend.astype(numbers, dtype), shape)


@_for_each_example
def normal_array(
    backend: Backend, shape: tuple[int, ...], dtype: DType, device: Device | None, generator: Generator | None
) -> NativeArray:
    """Numbers from the standard normal distribution, by the transformation of Box and Muller.

    Computed in double precision, so that what the backends' logarithms and cosines differ by mostly rounds away.
    """
    if dtype.is_complex:
        pairs = normal_array(backend, (*shape, 2), dtype.to_real(), device, generator)
        return backend.as_array(backend.multiply(_as_complex(backend, pairs, dtype), math.sqrt(0.5)))
    count = math.prod(shape)
    pairs_needed = (count + 1) // 2
    if dtype is dtypes.float64:
        drawn = _words(backend, generator, pairs_needed, 4, device)
        radial, angular, bits = _bits53(backend, *drawn[:2]), _bits53(backend, *drawn[2:]), 53
    else:
        (radial, angular), bits = _words(backend, generator, pairs_needed, 2, device), 32
    double = dtypes.float64
    # From (0, 1]: the logarithm of 0 must not occur.
    uniform = backend.multiply(backend.add(backend.astype(radial, double), 1.0), 2.0**-bits)
    radius = backend.sqrt(backend.multiply(backend.log(uniform), -2.0))
    angle = backend.multiply(backend.astype(angular, double), 2.0 * math.pi * 2.0**-bits)
    both = backend.stack(
        [backend.multiply(radius, backend.cos(angle)), backend.multiply(radius, backend.sin(angle))], axis=1
    )
    numbers = backend.getitem(backend.reshape(both, (2 * pairs_needed,)), slice(0, count))
    return backend.reshape(numbers if dtype is double else backend.astype(numbers, dtype), shape)


def _as_complex(backend: Backend, pairs: NativeArray, dtype: DType) -> NativeArray:
    parts = [backend.astype(backend.getitem(pairs, (..., place)), dtype) for place in (0, 1)]
    return backend.as_array(backend.add(parts[0], backend.multiply(parts[1], 1j)))


@_for_each_example
def integer_array(
    backend: Backend,
    shape: tuple[int, ...],
    low: int,
    high: int,
    dtype: DType,
    device: Device | None,
    generator: Generator | None,
) -> NativeArray:
    """Integers from [low, high), each equally likely: draws of 64 bits that would favour some are made again."""
    span = high - low
    count = math.prod(shape)
    signed = word_dtype(backend) is dtypes.int64
    combined = in_order if signed else _bits64
    drawn = _words(backend, generator, count, 2, device)
    values = combined(backend, *drawn)
    surplus = (1 << 64) % span
    if surplus:
        limit = (1 << 64) - surplus
        bound = backend.from_data(limit - (1 << 63) if signed else limit, word_dtype(backend), device)
        while count:
            try:
                rejected = elements_read("drawing", backend, backend.greater_equal(values, bound)).nonzero()[0]
            except TypeError:
                break  # being traced, so without values: the favour is below 2**-64 * span
            if not len(rejected):
                break
            places = (backend.from_data(rejected.tolist(), dtypes.int64, device),)
            others = _words(backend, generator, len(rejected), 2, device)
            values = backend.index_put(values, places, combined(backend, *others))
            if signed:
                drawn = [backend.index_put(w, places, o) for w, o in zip(drawn, others, strict=True)]
    if signed:
        upper, lower = drawn
        integers = remainder_plus(backend, upper, lower, span, low)
    else:
        if span < 1 << 64:
            values = backend.remainder(values, backend.from_data(span, dtypes.uint64, device))
        integers = backend.astype(values, dtypes.int64)
        if low:
            integers = backend.add(integers, low)
    return backend.reshape(integers if dtype is dtypes.int64 else backend.astype(integers, dtype), shape)


def _bits64(backend: Backend, high: NativeArray, low: NativeArray) -> NativeArray:
    return backend.bitwise_or(backend.bitwise_left_shift(high, 32), low)


@_for_each_example
def happens_array(
    backend: Backend, shape: tuple[int, ...], probability: float, device: Device | None, generator: Generator | None
) -> NativeArray:
    """Truth values that are True with the given probability, to 32 bits."""
    (drawn,) = _words(backend, generator, math.prod(shape), 1, device)
    return backend.reshape(backend.less(drawn, round(probability * 2.0**32)), shape)


@_for_each_example
def permutation_array(
    backend: Backend, shape: tuple[int, ...], dtype: DType, device: Device | None, generator: Generator | None
) -> NativeArray:
    """The integers from 0 up to the last size in random order, another one for each index of the other dimensions."""
    combined = in_order if word_dtype(backend) is dtypes.int64 else _bits64
    keys = combined(backend, *_words(backend, generator, math.prod(shape), 2, device))
    keys = backend.reshape(keys, shape)
    return backend.astype(backend.argsort(keys, axis=-1, descending=False, stable=True), dtype)

"""Philox4x32-10: random numbers as a function of a key and a counter.

J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11,
https://doi.org/10.1145/2063384.2063405. A block of four 32-bit words is a keyed bijection of its 128-bit number, so any
part of the stream is computed at once, in any order. Only products, shifts and exclusive ors of integers take part:
every backend gives the same words. They are computed in uint64 where a backend has its arithmetic, else in int64, with
factors of 16 bits, so that no product overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from pullback.backend.base import Backend, NativeArray
from pullback.meta.dtypes import DType, int64, uint64
from pullback.process.interrupts import raised_by_handler

if TYPE_CHECKING:
    from pullback.meta.devices import Device

_MULTIPLIERS: Final = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS: Final = (0x9E3779B9, 0xBB67AE85)  # the golden ratio and sqrt(3) - 1
_LOW: Final = 0xFFFFFFFF

#: So many blocks are computed at once: on a processor, intermediate results then stay in its cache.
_CHUNK: Final = 1 << 16
_ACCELERATOR_CHUNK: Final = 1 << 22


_word_dtypes: Final[WeakKeyDictionary[Backend, DType]] = WeakKeyDictionary()


def word_dtype(backend: Backend) -> DType:
    """The dtype of words on a backend: uint64 where it computes with that, and else int64."""
    found = _word_dtypes.get(backend)
    if found is None:
        found = _word_dtypes[backend] = uint64 if _computes_unsigned(backend) else int64
    return found


def _computes_unsigned(backend: Backend) -> bool:
    """Whether a backend has the operations on uint64 that words and what is drawn from them take."""
    if backend.computes_uint64 is not None or uint64 not in backend.native_dtypes:
        return bool(backend.computes_uint64)
    try:
        with backend.guard():
            x = backend.from_data([3, (1 << 64) - 1], uint64, None)
            x = backend.bitwise_right_shift(backend.multiply(x, 5), 1)
            x = backend.bitwise_xor(backend.bitwise_and(backend.bitwise_left_shift(x, 1), _LOW), 1)
            x = backend.remainder(backend.bitwise_or(x, 2), backend.from_data(7, uint64, None))
            backend.astype(backend.index_put(x, (backend.argsort(x),), x), int64)
            backend.greater_equal(x, x)
    except Exception as error:  # whatever the library raises for what it lacks
        if raised_by_handler(error):
            raise
        return False
    return True


def _products(backend: Backend, word: Any, factor: int) -> tuple[Any, Any]:
    """The high and the low word of each product of a word, in int64, and a factor of 32 bits."""
    multiply, mask = backend.multiply, backend.bitwise_and
    lower = multiply(word, factor & 0xFFFF)
    upper = backend.add(multiply(word, factor >> 16), backend.bitwise_right_shift(lower, 16))
    low = backend.bitwise_or(backend.bitwise_left_shift(mask(upper, 0xFFFF), 16), mask(lower, 0xFFFF))
    return backend.bitwise_right_shift(upper, 16), low


def block(backend: Backend, counter: tuple[Any, Any, Any, Any], key: int) -> tuple[Any, Any, Any, Any]:
    """The four words of each block.

    Parameters
    ----------
    counter : tuple
        The blocks' numbers: four 32-bit words, low to high, each an array of :func:`word_dtype`.
    key : int
        64 bits.
    """
    multiply, xor = backend.multiply, backend.bitwise_xor
    shift, mask = backend.bitwise_right_shift, backend.bitwise_and
    c0, c1, c2, c3 = counter
    low, high = key & _LOW, key >> 32
    if word_dtype(backend) is int64:
        for _ in range(10):
            high0, low0 = _products(backend, c0, _MULTIPLIERS[0])
            high1, low1 = _products(backend, c2, _MULTIPLIERS[1])
            c0, c1, c2, c3 = xor(xor(high1, low), c1), low1, xor(xor(high0, high), c3), low0
            low, high = (low + _KEY_STEPS[0]) & _LOW, (high + _KEY_STEPS[1]) & _LOW
        return c0, c1, c2, c3
    for _ in range(10):
        product0 = multiply(c0, _MULTIPLIERS[0])
        product1 = multiply(c2, _MULTIPLIERS[1])
        c0 = xor(xor(shift(product1, 32), low), c1)
        c2 = xor(xor(shift(product0, 32), high), c3)
        c1, c3 = mask(product1, _LOW), mask(product0, _LOW)
        low, high = (low + _KEY_STEPS[0]) & _LOW, (high + _KEY_STEPS[1]) & _LOW
    return c0, c1, c2, c3


def python_block(number: int, key: int) -> list[int]:
    """The four words of block ``number``, in Python's own integers: the quickest for a handful of blocks."""
    c0, c1, c2, c3 = number & _LOW, number >> 32 & _LOW, 0, 0
    low, high = key & _LOW, key >> 32
    for _ in range(10):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = product1 >> 32 ^ low ^ c1
        c2 = product0 >> 32 ^ high ^ c3
        c1, c3 = product1 & _LOW, product0 & _LOW
        low, high = (low + _KEY_STEPS[0]) & _LOW, (high + _KEY_STEPS[1]) & _LOW
    return [c0, c1, c2, c3]


def words(backend: Backend, key: int, first: int, count: int, device: Device | None = None) -> NativeArray:
    """The words of ``count`` blocks from block number ``first`` on, of shape (``count``, 4), below 2**32."""
    dtype = word_dtype(backend)
    native = backend.native_dtype(dtype)
    if not count:
        return backend.zeros((0, 4), dtype=native, device=device)
    # Where arrays are immutable, launching a kernel costs several times what it costs elsewhere.
    if count <= (8 if backend.mutable else 128):
        return backend.from_data([python_block(n, key) for n in range(first, first + count)], dtype, device)
    size = _CHUNK if (device or backend.default_device).type == "cpu" else _ACCELERATOR_CHUNK
    chunks = []
    for start in range(first, first + count, size):
        length = min(size, first + count - start)
        # Numbers of 64 bits, by their words: the sum of the lower ones carries into the upper.
        place = backend.add(backend.arange(0, length, 1, dtype=native, device=device), start & _LOW)
        carried = backend.add(backend.bitwise_right_shift(place, 32), start >> 32 & _LOW)
        zero = backend.zeros((length,), dtype=native, device=device)
        counter = (backend.bitwise_and(place, _LOW), backend.bitwise_and(carried, _LOW), zero, zero)
        chunks.append(backend.stack(block(backend, counter, key), axis=1))
    return chunks[0] if len(chunks) == 1 else backend.concat(chunks, axis=0)

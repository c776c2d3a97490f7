"""What is drawn from a generator: the same bits on every backend, in long draws too, which kernels compute."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

import pullback as pb
from pullback.extend import Backend, DType, use_backend
from pullback_conformance.contract.arrays import difference, numpy_dtype
from pullback_conformance.contract.portable_random import generator_at, words
from pullback_conformance.contract.probe import one_dtype, probe

#: Where draws begin: at the start of a stream, inside it, and where the number of a block needs a second word.
BEGINNINGS: Final = (0, 7, 2**32 - 3)
#: How many words draws take: of a length for which every backend runs its kernels.
LONG: Final = 4000
#: How many of a word's bits a uniform number has.
BITS: Final = {"float16": 11, "bfloat16": 8, "float32": 24}


def shown(tensor: Any) -> Any:
    """A tensor's elements."""
    return np.array(tensor.backend.to_numpy(tensor.array))


def uniform(dtype: DType, drawn: Any) -> Any:
    """Uniform numbers of random words, in double precision, which holds all of them."""
    bits = BITS.get(dtype.name)
    if bits is not None:
        return (drawn >> np.uint64(32 - bits)).astype(np.float64) * 2.0**-bits
    return (drawn[0::2] << np.uint64(21) | drawn[1::2] >> np.uint64(11)).astype(np.float64) * 2.0**-53


def pairs(drawn: Any) -> Any:
    """Integers of 64 bits, of two words each."""
    return drawn[0::2] << np.uint64(32) | drawn[1::2]


@probe("random", "uniform numbers", dtypes=lambda dtype: dtype.category >= 2)
def uniform_numbers(backend: Backend, dtype: DType, seed: int) -> str | None:
    """Are uniform numbers made of the words of the stream, from wherever it is and in any shape?"""
    real = dtype.to_real()
    per_element = (1 if real.name in BITS else 2) * (2 if dtype.is_complex else 1)
    for first in BEGINNINGS:
        for shape in ((LONG // per_element,), (4, LONG // per_element // 4), (5,), ()):
            count = int(np.prod(shape, dtype=int))
            want = uniform(real, words(seed + 1, first, count * per_element))
            want = want[0::2] + 1j * want[1::2] if dtype.is_complex else want
            with use_backend(backend):
                got = pb.rand(shape, dtype=dtype, generator=generator_on(seed + 1, first))
            want = want.astype(numpy_dtype(dtype)).reshape(shape)
            problem = difference(f"{count} numbers from block {first} on", shown(got), want)
            if problem is not None:
                return problem
    return None


def generator_on(key: int, first: int) -> Any:
    """A generator whose next block is number ``first``, whatever the backend under test makes of its state."""
    with use_backend("numpy"):
        return generator_at(key, first)


@probe("random", "integers", dtypes=lambda dtype: dtype.category == 1)
def integers(backend: Backend, dtype: DType, seed: int) -> str | None:
    """Are integers the remainders of two words each?"""
    ranges = [(0, 100), (3, 10)] if dtype.itemsize == 1 else [(-7, 1000), (0, 4096)]
    if dtype.itemsize == 8:
        ranges.append((0, 2**62))
    for low, high in ranges:
        for first in BEGINNINGS:
            want = pairs(words(seed + 2, first, LONG)) % np.uint64(high - low)
            with use_backend(backend):
                got = pb.randint(low, high, (LONG // 2,), dtype=dtype, generator=generator_on(seed + 2, first))
            want = (want.astype(np.int64) + low).astype(numpy_dtype(dtype))
            problem = difference(f"integers of [{low}, {high}) from block {first} on", shown(got), want)
            if problem is not None:
                return problem
    return None


@probe("random", "truth values", dtypes=lambda dtype: dtype.category == 0)
def truths(backend: Backend, dtype: DType, seed: int) -> str | None:
    """Is a truth value whether a word is below the probability?"""
    for first in BEGINNINGS:
        for probability in (0.3, 0.5):
            want = words(seed + 3, first, LONG) < round(probability * 2.0**32)
            with use_backend(backend):
                got = pb.zeros(LONG, dtype=dtype).bernoulli_(probability, generator=generator_on(seed + 3, first))
            problem = difference(f"truth values from block {first} on", shown(got), want)
            if problem is not None:
                return problem
    return None


@probe("random", "permutations", dtypes=lambda dtype: dtype.name == "int64")
def permutations(backend: Backend, dtype: DType, seed: int) -> str | None:
    """Is a permutation the order of integers of two words each?"""
    for first in BEGINNINGS:
        want = np.argsort(pairs(words(seed + 4, first, LONG)), kind="stable")
        with use_backend(backend):
            got = pb.randperm(LONG // 2, generator=generator_on(seed + 4, first))
        problem = difference(f"a permutation from block {first} on", shown(got), want.astype(np.int64))
        if problem is not None:
            return problem
    return None


@probe("random", "normal numbers", dtypes=lambda dtype: dtype.category == 2)
def normal_numbers(backend: Backend, dtype: DType, seed: int) -> str | None:
    """Are normal numbers those of the words of the stream, to a few units in the last place?"""
    wide = dtype.name == "float64"
    for first in BEGINNINGS:
        drawn = words(seed + 5, first, LONG)
        if wide:
            places = pairs(drawn) >> np.uint64(11)
            bits, radial, angular = 53, places[0::2], places[1::2]
        else:
            bits, radial, angular = 32, drawn[0::2], drawn[1::2]
        radius = np.sqrt(-2.0 * np.log((radial.astype(np.float64) + 1.0) * 2.0**-bits))
        angle = angular.astype(np.float64) * (2.0 * np.pi * 2.0**-bits)
        want = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
        with use_backend(backend):
            got = pb.randn(want.size, dtype=dtype, generator=generator_on(seed + 5, first))
        unit = {"float64": 2.0**-50, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype.name]
        off = np.abs(shown(got).astype(np.float64) - want)
        # Half a unit of the result, and what logarithm, sine and cosine lose of the radius.
        allowed = unit * np.abs(want) + 2.0**-49 * np.repeat(radius, 2) + 2.0**-25 * (dtype.name == "float16")
        if (off > allowed).any():
            place = int(np.argmax(off - allowed))
            return f"number {place} from block {first} on is {shown(got)[place]}, not {want[place]}"
    return None


@probe("random", "a draw of several parts", dtypes=one_dtype, long=True)
def very_long(backend: Backend, dtype: DType, seed: int) -> str | None:
    """Does a draw go on where the stream does, however many words it takes?"""
    count = 270_000
    want = uniform(dtype, words(seed + 6, 3, count)).astype(np.float32)
    with use_backend(backend):
        got = pb.rand(count, generator=generator_on(seed + 6, 3))
    return difference(f"{count} numbers", shown(got), want)

"""The stream of random words that every backend has, written down a second time, with NumPy's unsigned integers.

Philox4x32-10 (J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC '11): ten rounds, each of two products of 32 by 32 bits whose high words are mixed with the other words and the key.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback as pb


def blocks(key: int, first: int, count: int) -> Any:
    """Blocks of four words, from number ``first`` on, in uint64."""
    numbers = np.arange(count, dtype=np.uint64) + np.uint64(first)
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    none = np.zeros(count, np.uint64)
    a, b, c, d = numbers & low, numbers >> half, none, none
    for turn in range(10):
        k0 = np.uint64(((key & 0xFFFFFFFF) + turn * 0x9E3779B9) & 0xFFFFFFFF)
        k1 = np.uint64(((key >> 32) + turn * 0xBB67AE85) & 0xFFFFFFFF)
        p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (q >> half) ^ b ^ k0, q & low, (p >> half) ^ d ^ k1, p & low
    return np.stack([a, b, c, d], axis=1)


def words(key: int, first: int, count: int) -> Any:
    """Random words, from block number ``first`` on."""
    return blocks(key, first, -(-count // 4)).reshape(-1)[:count]


def generator_at(key: int, first: int) -> Any:
    """A generator whose next block is number ``first``."""
    state = (key | first << 64).to_bytes(16, "little")
    generator = pb.Generator()
    generator.set_state(pb.tensor(list(state), dtype=pb.uint8))
    return generator

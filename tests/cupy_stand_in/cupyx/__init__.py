"""What CuPy has beside NumPy's names."""

import numpy as _numpy
from stand_in import memory as _memory

from cupyx import scipy


def scatter_add(a, slices, value):
    """Add at positions, where the same one comes twice too."""
    a.scatter_add(slices, value)


def scatter_max(a, slices, value):
    """The greater of what is there and what is given."""
    a.scatter_max(slices, value)


def scatter_min(a, slices, value):
    """The less of what is there and what is given."""
    a.scatter_min(slices, value)


def empty_pinned(shape, dtype=float, order="C"):
    """An array of NumPy's in pinned memory."""
    made = _numpy.dtype(dtype)
    count = int(_numpy.prod(shape, dtype=int))
    buffer = _memory.alloc_pinned_memory(max(count * made.itemsize, 1))
    return _numpy.frombuffer(buffer, made, count).reshape(shape, order=order)


def zeros_pinned(shape, dtype=float, order="C"):
    """The same of zeros."""
    made = empty_pinned(shape, dtype, order)
    made[...] = 0
    return made

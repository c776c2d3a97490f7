"""The samples that are run again with other values and in other layouts: an operation's first ones, and its longest."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pullback import bfloat16, complex64, complex128, float16, float32, float64, int8, int16, int32, int64, uint8
from pullback.extend import Composite, DType, Operation
from pullback.random import Generator
from pullback_conformance.moving import tensors_in
from pullback_conformance.samples.arguments import declared_samples
from pullback_conformance.samples.elementwise import settings_of
from pullback_conformance.samples.maker import Maker

#: The dtypes that see every variation of every base, and the others in the order in which they share them out.
WHOLE: Final = frozenset({float32, int64})
_ORDER: Final = (float64, float16, bfloat16, complex64, complex128, int32, int16, int8, uint8)

#: How many of the first samples are run again.
_FIRST: Final = 4
#: The most elements of the longest.
_LONGEST: Final = 3000


class Bases(NamedTuple):
    """What is varied.

    Attributes
    ----------
    first : list of Sample
        The first samples with room for other values.
    longest : Sample or None
        The one with most elements in one operand, where that is more than a few.
    """

    first: list[Any]
    longest: Any


def bases_of(operation: Operation | Composite, make: Maker) -> Bases:
    """The samples of an operation to vary; none where it draws random numbers, whose stream is another matter."""
    first: list[Any] = []
    longest, length = None, 63
    most = _FIRST + len(settings_of(operation, make))
    for sample in in_this_dtype(declared_samples(operation)(make), make.dtype):
        tensors = tensors_in((sample.args, sample.kwargs))
        if any(isinstance(v, Generator) for v in (*sample.args, *sample.kwargs.values())):
            return Bases([], None)
        sizes = [t.array.size for t in tensors if t.dtype is make.dtype]
        if len(first) < most and max(sizes, default=0) > 1 and not sample.values_only:
            first.append(sample)
        if length < max(sizes, default=0) <= _LONGEST:
            longest, length = sample, max(sizes)
    return Bases(first, longest)


def in_this_dtype(samples: Any, dtype: DType) -> Iterator[Any]:
    """The samples, as far as integers can be what they are made of: the run of the samples themselves says why not."""
    try:
        yield from samples
    except (NotImplementedError, RuntimeError, TypeError):
        if dtype.category >= 2:
            raise


def takes(operation: Operation | Composite, dtype: DType, number: int, parts: int) -> bool:
    """Whether a dtype runs the variation of that number: all of them, or its part, which begins elsewhere in each."""
    if dtype in WHOLE or dtype not in _ORDER:
        return True
    return (number + _ORDER.index(dtype) + zlib.crc32(operation.name.encode())) % parts == 0

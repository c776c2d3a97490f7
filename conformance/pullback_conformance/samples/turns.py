"""Which samples a backend that compiles runs: every shape in some of the dtypes, rather than in each of them.

Such a library spends more time on the first call with a shape and dtype than on a thousand further ones. Samples of
shapes that an earlier one had cost it nothing; the others are shared out among the dtypes, each of them run in a few.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from pullback.extend import Composite, DType, Operation
from pullback_conformance.samples.arguments import Arguments, described

#: A sample of new shapes is run in one dtype of so many.
SHARES: Final = 4
#: How many samples are run in every dtype whatever their shapes: among them are the values from all over a domain.
_FOR_ALL: Final = 2


class Turns:
    """Whose turn it is among the samples of an operation in a dtype, asked of each in their order.

    Parameters
    ----------
    operation : Operation or Composite
    dtype : DType
    order : sequence of DType
        The dtypes among which shapes are shared out.
    """

    def __init__(self, operation: Operation | Composite, dtype: DType, order: Sequence[DType]) -> None:
        place = order.index(dtype) if dtype in order else 0
        self._next = zlib.crc32(operation.name.encode()) + place
        self._seen: set[str] = set()

    def has(self, arguments: Arguments) -> bool:
        """Whether a sample is run: it is one of the first, its shapes have been run, or they are in turn."""
        shapes = described(arguments.args, arguments.kwargs)
        if shapes not in self._seen and arguments.number >= _FOR_ALL:
            self._next += 1
            if self._next % SHARES:
                return False
        self._seen.add(shapes)
        return True

"""Where pullback differs from PyTorch on purpose, as data: all else that a program can observe must agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ErrorText:
    """Parts of error texts that are not compared."""

    pattern: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """A program that comes to such a disagreement ends there.

    ``None`` matches anything; ``found`` and ``expected`` are patterns for what pullback and PyTorch show.
    """

    reason: str
    field: str | None = None
    step: str | None = None
    found: str | None = None
    expected: str | None = None
    backend: str | None = None

    def matches(self, field: str, step: str, found: Any, expected: Any, backend: str) -> bool:
        """Whether this is the difference that shows."""
        return all(
            pattern is None or re.search(pattern, str(value)) is not None
            for pattern, value in (
                (self.field, field),
                (self.step, step),
                (self.found, found),
                (self.expected, expected),
                (self.backend, backend),
            )
        )


ERROR_TEXTS: list[ErrorText] = [
    ErrorText(r"(?<=expand\()[^{]*", "the name of a C++ type, which for some dtypes is another one"),
    ErrorText(
        r"(?<=operation: \[)[^\]]*\[[^\]]*\](?=\], which is output)",
        "the shape of a result that has been given another one in place since",
    ),
    ErrorText(r"(?<=operation: \[)\w[\w.]*", "the name of a C++ type, which for some dtypes is another one"),
]

#: What is wrong with the tensor that is written, whatever the call.
_TARGET = r"RuntimeError: (a leaf Variable|a view of a leaf|Output \d+ of|A view was created|unsupported operation)"

DIFFERENCES: list[Difference] = [
    Difference("PyTorch fails an assertion of its own", expected="INTERNAL ASSERT FAILED"),
    Difference(
        "PyTorch lets these write memory that overlaps itself; what they write into it is the order of its loops",
        field="^error$",
        step=r"\.(index_fill_|masked_fill_|index_put_)\(|\] = ",
        found="more than one element of the written-to tensor",
        expected="^none$",
    ),
    Difference(
        "a second pass after one that failed: which nodes the first has freed is where they were when it failed",
        field="^error$",
        expected="(modified by an inplace operation|Trying to backward through the graph a second time)",
        found="(modified by an inplace operation|Trying to backward through the graph a second time)",
    ),
    Difference(
        "PyTorch records a write to memory that overlaps itself, and refuses the backward pass",
        field="^error$",
        step="backward|autograd",
        expected="more than one element of the written-to tensor",
    ),
    Difference(
        "PyTorch fails an assertion of its own",
        field="^error$",
        expected="Autograd not support dtype|ZeroTensors are immutable|Could this error message be improved"
        "|Tensor: invalid storage offset -",
    ),
    Difference(
        "a leaf that is a view of a tensor that has got a history since: PyTorch refuses the backward pass",
        field="^error$",
        expected="leaf variable has been moved into the graph interior",
    ),
    Difference(
        "a hook of one of several outputs is called with None in PyTorch where only others got a gradient",
        field="^error$",
        expected=r"^TypeError: unsupported operand type\(s\) for \*: 'NoneType' and 'int'$",
        found="^none$",
    ),
    Difference(
        "the result of an in-place operation that is cast to the tensor's dtype has the cast's node",
        field="^grad_fn$",
        found="^ToCopyBackward0$",
    ),
    Difference(
        "PyTorch regenerates the history of such a view without the in-place reshaping of it",
        field="^grad_fn$",
        found="^AsStridedBackward0$",
        expected="^ViewAs(Real|Complex)Backward0$",
    ),
    Difference(
        "a call with two mistakes reports one of them: which one is the order of checks",
        field="^error$",
        expected=f"^{_TARGET}",
        found=f"^(?!none$|{_TARGET})",
    ),
    Difference(
        "a call with two mistakes reports one of them: which one is the order of checks",
        field="^error$",
        expected=f"^(?!none$|{_TARGET})",
        found=f"^{_TARGET}",
    ),
    Difference(
        "a call with two mistakes reports one of them: which one is the order of checks",
        field="^error$",
        expected="unsupported operation: some elements of the input tensor",
        found="unsupported operation: more than one element of the written-to tensor",
    ),
]


def comparable_error(line: str) -> str:
    """The first line of an error without what is not compared."""
    for known in ERROR_TEXTS:
        line = re.sub(known.pattern, "", line)
    return line

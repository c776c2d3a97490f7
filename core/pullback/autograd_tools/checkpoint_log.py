"""What a checkpointed function did in its two runs, operation by operation: for ``checkpoint(debug=True)``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pullback.dispatch.interception import AroundKernels

_RULE = "+" + "~" * 78 + "+"
_FRAME = "+" + "-" * 78 + "+"
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class OperationLog:
    """The operations of the first run and of the last one."""

    def __init__(self) -> None:
        self._first: list[tuple[str, str]] = []
        self._again: list[tuple[str, str]] = []

    def contexts(self) -> tuple[AroundKernels, AroundKernels]:
        """Contexts that note the operations of the first run, and of each later one."""
        return _Noting(self._first), _Noting(self._again)

    def report(self) -> str:
        """Both runs, in PyTorch's words."""
        return _TEMPLATE.format(
            forward_traces=_traces(self._first, "original"),
            recompute_traces=_traces(self._again, "recompute"),
            forward_ops="\n".join(line for line, _ in self._first),
            recompute_ops="\n".join(line for line, _ in self._again),
        )


class _Noting(AroundKernels):
    """Writes each operation and where it was called from to a list."""

    def __init__(self, entries: list[tuple[str, str]]) -> None:
        self.entries = entries
        self._names: dict[int, tuple[Any, str]] = {}

    def _value_inside(self) -> None:
        self.entries.clear()

    def _put_back(self, before: Any) -> None:
        super()._put_back(before)
        self._names.clear()

    def run(self, operation: Any, operands: Any, attributes: Any, proceed: Callable[[], Any]) -> Any:
        given = [self._name(o) for o in operands] + [f"{name}={value!r}" for name, value in attributes.items()]
        self._call = f"{operation.name}({', '.join(given)})"
        return proceed()

    def wrapped(self, tensors: Any) -> None:
        import traceback

        results = ", ".join(f"{self._name(t)}: {_kind(t)}" for t in tensors)
        places = [f for f in traceback.extract_stack() if not f.filename.startswith((_HERE, "<pullback "))]
        where = "".join(f"{f.filename}:{f.lineno}:{f.name}\n" for f in reversed(places))
        self.entries.append((f"{results} = {self._call}", where))

    def _name(self, value: Any) -> str:
        if not hasattr(value, "array"):
            return repr(value)
        # Known by its elements: a tensor written in place is given to the operation as another one.
        known = self._names.setdefault(id(value.array), (value.array, f"${len(self._names)}"))
        return known[1]


def _kind(tensor: Any) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"


def _traces(entries: list[tuple[str, str]], label: str) -> str:
    count = len(entries)
    return "".join(
        f"{line}   ({number} of {count} in {label})\n\n{where}\n\n" for number, (line, where) in enumerate(entries, 1)
    )


_TEMPLATE = f""" \
An error happened while unpacking tensors; dumping logs of latest computation
because you passed `debug=True` to `torch.utils.checkpoint.checkpoint()`.
Scroll all the way down for guidance on how to navigate these logs.

{_RULE}
|        1. Stack traces of the operators that ran in the original forward     |
{_FRAME}

{{forward_traces}}
{_RULE}
|        2. Stack traces of the operators that ran during recomputation        |
{_FRAME}

{{recompute_traces}}
{_RULE}
|       3. Log of operators in the original forward and recomputation          |
{_FRAME}
(Scroll up to correlate stack traces with each operation listed below. This
 helps identify their source in the code.)

Operations executed during the original forward:

{{forward_ops}}

Operations executed during recomputation:

{{recompute_ops}}

{_FRAME}
 ERROR: Detected non-determinism while running activation checkpointing

 You are seeing this error because you passed `debug=True` to checkpoint and
 tensors to be saved during the original forward and differ between those saved
 during recomputation. This can happen if different operators were ran in the
 original forward and in the recomputation.

 To identify where the mismatch may be coming from, you can do the following:

 1) Compare the operators ran during original forward and recomputation to
    see where they differ. These operators are printed above in the order they
    were executed.

 2) Review the stack trace for each operator to locate its invocation source.
    Each operator's stack trace is printed in their execution order.

 Note that the logs can be quite long. Here's how they are structured:
 (Tip: you can Ctrl-f for these headers)

 1. Stack traces of the operators that ran in the original forward
 2. Stack traces of the operators that ran during recomputation
 3. Log of operators in the original forward and recomputation
 4. Error message                                             <--- You are here
{"-" * 80}
"""

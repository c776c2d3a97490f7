"""Operations that run on another backend where their own lacks a kernel, because the program asked for that.

Nothing falls back by itself: a missing kernel is an error. Inside ``with fallback("numpy")`` it is a run elsewhere,
which is counted, and told with the line of the program.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullback.backend.selection import get_backend
from pullback.errors import FallbackWarning, MissingKernelError
from pullback.process.blocks import Block, Setting
from pullback.process.source_lines import SourceLine, users_line
from pullback.tensor import Tensor
from pullback.tensor.indices import Positions
from pullback.tensor.tensor import tensors_of

if TYPE_CHECKING:
    from pullback.backend.base import Backend
    from pullback.dispatch.declaration import Operation

NO_FALLBACK: Final = object()


class FallbackCall(NamedTuple):
    """What ran elsewhere, and where the program called it.

    Attributes
    ----------
    operation : str
    kernel : str
        The kernel that was missing.
    dtype : str
        The dtype that it was missing for.
    source : str
        The name of the backend that lacks it.
    line : SourceLine
    """

    operation: str
    kernel: str
    dtype: str
    source: str
    line: SourceLine


class FallbackReport:
    """What ran on the other backend inside a block.

    Attributes
    ----------
    target : str
        The other backend's name.
    calls : Counter of FallbackCall
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.calls: Counter[FallbackCall] = Counter()
        self._lock = Lock()

    @property
    def count(self) -> int:
        """How many operations ran on the other backend."""
        return self.calls.total()

    def _add(self, call: FallbackCall) -> bool:
        """Count a call; whether it is the first of its operation and line."""
        with self._lock:
            self.calls[call] += 1
            return self.calls[call] == 1

    def __str__(self) -> str:
        if not self.calls:
            return f"nothing fell back to {self.target!r}"
        calls = f"{self.count} {'call' if self.count == 1 else 'calls'} fell back to {self.target!r}:"
        lines = [
            f"  {count} x {call.operation} ({call.source} has no {call.kernel!r} for {call.dtype}) at {call.line}"
            for call, count in self.calls.most_common()
        ]
        return "\n".join([calls, *lines])

    def __repr__(self) -> str:
        return f"<FallbackReport: {self.count} to {self.target!r}>"


_active: ContextVar[tuple[Backend, FallbackReport] | None] = ContextVar("pullback fallback", default=None)


class fallback(Block, ContextDecorator):
    """Run operations on another backend where a tensor's own has no kernel for them; also a decorator.

    The operands move there and the results come back, in the graph too: gradients flow through, and what a derivative
    lacks falls back in a backward pass that runs inside the block. A missing kernel alone does that, no error in one.
    Views do not fall back: what they are needs the tensor's own memory.

    Parameters
    ----------
    backend : str or Backend
        Where to run them.

    Warns
    -----
    FallbackWarning
        At the first call of an operation in each line of the program.

    Notes
    -----
    ``with fallback(...) as report`` gives a report that counts the calls: ``report.count``, ``report.calls``,
    ``print(report)``. A ``transfer_guard`` sees the moves.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.fallback("numpy") as report:
    ...     y = pb.ones(2).exp()  # which every backend has
    >>> print(report)
    nothing fell back to 'numpy'
    """

    def __init__(self, backend: str | Backend) -> None:
        self.backend = get_backend(backend)
        self._report = FallbackReport(self.backend.name)

    def _settings_inside(self) -> Sequence[Setting]:
        return ((_active, (self.backend, self._report)),)

    def _value_inside(self) -> FallbackReport:
        return self._report


def run_elsewhere(
    operation: Operation, operands: tuple[Any, ...], attributes: dict[str, Any], missing: MissingKernelError
) -> Any:
    """The result of an operation whose backend lacks a kernel; :data:`NO_FALLBACK` where nobody asked for that."""
    asked = _active.get()
    if asked is None or operation.view:
        return NO_FALLBACK
    target, report = asked
    like = next(iter(tensors_of((*operands, *attributes.values()))), None)
    if like is None or like.backend is target or like.backend.level:
        return NO_FALLBACK
    source, device = like.backend, like.device

    def moved(value: Any) -> Any:
        return _mapped(value, lambda tensor: tensor.to(target))

    dtype = getattr(missing.dtype, "name", None) or like.dtype.name
    call = FallbackCall(operation.name, missing.kernel, dtype, source.name, users_line())
    result = operation.call(*map(moved, operands), **{name: moved(value) for name, value in attributes.items()})
    if report._add(call):
        warnings.warn_explicit(
            f"{operation.name}: backend {source.name!r} has no kernel {missing.kernel!r} for {dtype}; ran on"
            f" {target.name!r}",
            FallbackWarning,
            call.line.file,
            call.line.line,
        )
    return _mapped(result, lambda tensor: tensor.to(source).to(device))


def _mapped(value: Any, function: Callable[[Tensor], Any]) -> Any:
    """``value`` with the tensors in it replaced."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Positions):
        return Positions([_mapped(part, function) for part in value.parts])
    if isinstance(value, list | tuple):
        items = [_mapped(item, function) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value

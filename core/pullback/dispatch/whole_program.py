"""What an environment variable has stand around each computation of a whole program.

Imported with pullback where one of them is set, and never else. The tool that a variable asks for is called with its
value when something is first computed, and makes what stands there in every thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback.dispatch.interception import AroundKernels, everywhere, run_alone
from pullback.plugin.manager import load_tool
from pullback.process.locks import new_lock
from pullback.tensor.modes import ASKED_FOR, WHOLE_PROGRAM

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation
    from pullback.tensor import Tensor


class _AskedFor(AroundKernels):
    """What one variable asks for, made when something is first computed."""

    def __init__(self, variable: str) -> None:
        self.variable = variable
        self._lock = new_lock()
        self._made: AroundKernels | None = None

    def run(
        self, operation: Operation, operands: list[Any], attributes: dict[str, Any], proceed: Callable[[], Any]
    ) -> Any:
        return self._around().run(operation, operands, attributes, proceed)

    def wrapped(self, tensors: list[Tensor]) -> None:
        self._around().wrapped(tensors)

    def _around(self) -> AroundKernels:
        if self._made is None:
            tool = run_alone(load_tool, WHOLE_PROGRAM[self.variable])
            with self._lock:
                if self._made is None:
                    self._made = run_alone(tool, os.environ[self.variable])
        return self._made


everywhere.extend(_AskedFor(variable) for variable in ASKED_FOR)

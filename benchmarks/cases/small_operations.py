"""One operation on 4x4 float32 matrices, its gradient recorded: what the bookkeeping costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from libraries import AUTOGRAD, NUMPY, PULLBACK_NUMPY, tensor_libraries
from measuring import Effort, Report, Run, compare_runs

OPERATIONS = ("add", "mul", "exp", "matmul")


def operations(xp: Any, x: Any, c: Any) -> dict[str, Callable[[], Any]]:
    return {
        "add": lambda: x + c,
        "mul": lambda: x * c,
        "exp": lambda: xp.exp(x),
        "matmul": lambda: x @ c,
    }


def reports(effort: Effort) -> Iterator[Report]:
    subjects: dict[str, dict[str, Run]] = {}
    for library in tensor_libraries():
        xp = library.namespace
        with library.scope():
            x, c = xp.full((4, 4), 1.5, requires_grad=True), xp.full((4, 4), 0.5)
        subjects[library.label] = {name: library.timed(run) for name, run in operations(xp, x, c).items()}
    subjects[AUTOGRAD] = autograd_operations()
    array = np.full((4, 4), 1.5, dtype=np.float32)
    subjects[NUMPY] = operations(np, array, np.full((4, 4), 0.5, dtype=np.float32))
    for name in OPERATIONS:
        runs = {label: runs_of[name] for label, runs_of in subjects.items()}
        yield compare_runs(f"`{name}` of 4x4 float32, gradient recorded", runs, effort, targets={PULLBACK_NUMPY: 0.75})


def autograd_operations() -> dict[str, Run]:
    """The same on a box that autograd traces, as inside ``autograd.grad``."""
    import autograd.numpy as anp
    from autograd.core import VJPNode
    from autograd.tracer import new_box, trace_stack

    with trace_stack.new_trace() as trace:
        x = new_box(np.full((4, 4), 1.5, dtype=np.float32), trace, VJPNode.new_root())
    c = np.full((4, 4), 0.5, dtype=np.float32)
    return operations(anp, x, c)

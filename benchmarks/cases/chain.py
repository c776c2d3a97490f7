"""A hundred multiplications and additions on 4x4 float32, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from libraries import AUTOGRAD, PULLBACK_NUMPY, TensorLibrary, tensor_libraries
from measuring import Effort, Report, Run, compare_runs

PAIRS = 50


def tensor_chain(library: TensorLibrary) -> Run:
    xp = library.namespace
    with library.scope():
        x, c, one = xp.ones(4, 4, requires_grad=True), xp.ones(4, 4), xp.ones(4, 4)

    def run() -> Any:
        y = x
        for _ in range(PAIRS):
            y = y * c + c
        y.backward(one)
        gradient, x.grad = x.grad, None
        return gradient

    return library.timed(run)


def autograd_chain() -> Run:
    from autograd.core import make_vjp

    x = c = one = np.ones((4, 4), dtype=np.float32)

    def chain(y: Any) -> Any:
        for _ in range(PAIRS):
            y = y * c + c
        return y

    def run() -> Any:
        vjp, _ = make_vjp(chain, x)
        return vjp(one)

    return run


def reports(effort: Effort) -> Iterator[Report]:
    runs = {library.label: tensor_chain(library) for library in tensor_libraries()}
    runs[AUTOGRAD] = autograd_chain()
    yield compare_runs(
        "100 multiplications and additions of 4x4 float32, forward and backward",
        runs,
        effort,
        targets={PULLBACK_NUMPY: 0.65},
    )

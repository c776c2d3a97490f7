"""Elementwise operations on a million float32 elements, forward and backward: memory traffic, mostly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from libraries import AUTOGRAD, TensorLibrary, tensor_libraries
from measuring import Effort, Report, Run, compare_runs

SIZE = 1000
ROUNDS = 2


def chain(xp: Any, x: Any, c: Any) -> Any:
    y = x
    for _ in range(ROUNDS):
        y = xp.exp(-(y * c)) + c
        y = xp.tanh(y) * x
    return y


def tensor_chain(library: TensorLibrary, values: Any) -> Run:
    xp = library.namespace
    with library.scope():
        x, c = xp.tensor(values).requires_grad_(), xp.full((SIZE, SIZE), 0.5)

    def run() -> Any:
        chain(xp, x, c).sum().backward()
        gradient, x.grad = x.grad, None
        return gradient

    return library.timed(run)


def autograd_chain(values: Any) -> Run:
    import autograd.numpy as anp
    from autograd import grad

    c = np.full((SIZE, SIZE), 0.5, dtype=np.float32)
    gradient_of = grad(lambda x: anp.sum(chain(anp, x, c)))
    return lambda: gradient_of(values)


def reports(effort: Effort) -> Iterator[Report]:
    values = np.random.default_rng(0).standard_normal((SIZE, SIZE), dtype=np.float32)
    runs = {library.label: tensor_chain(library, values) for library in tensor_libraries()}
    runs[AUTOGRAD] = autograd_chain(values)
    yield compare_runs(
        f"Twelve elementwise operations on {SIZE}x{SIZE} float32 and a sum, forward and backward",
        runs,
        effort,
    )

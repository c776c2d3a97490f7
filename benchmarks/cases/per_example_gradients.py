"""The gradient of each example's loss: ``vmap(grad(loss))`` beside a loop over the examples."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from libraries import PULLBACK_NUMPY, TensorLibrary, tensor_libraries
from measuring import Effort, Report, Run, compare_runs

SIZES = (20, 64, 64, 10)
EXAMPLES = 256
#: The loop may take no less than ten times as long.
TARGET = 0.1


def start() -> tuple[Any, Any, list[tuple[Any, Any]]]:
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((EXAMPLES, SIZES[0]), dtype=np.float32)
    answers = generator.integers(0, SIZES[-1], EXAMPLES)
    layers = [
        (
            generator.standard_normal((wide, narrow), dtype=np.float32) / np.float32(narrow**0.5),
            np.zeros(wide, np.float32),
        )
        for narrow, wide in pairwise(SIZES)
    ]
    return rows, answers, layers


def prepared(library: TensorLibrary, given: tuple[Any, Any, list[tuple[Any, Any]]]) -> tuple[Any, ...]:
    """The gradient of one example's loss, and the arguments for all of them."""
    xp = library.namespace
    functions = xp.nn.functional

    def loss(layers: Any, row: Any, answer: Any) -> Any:
        hidden = row.unsqueeze(0)
        for weight, bias in layers[:-1]:
            hidden = functions.relu(functions.linear(hidden, weight, bias))
        scores = functions.linear(hidden, *layers[-1])
        return functions.cross_entropy(scores, answer.unsqueeze(0))

    with library.scope():
        layers = [(xp.tensor(weight), xp.tensor(bias)) for weight, bias in given[2]]
        rows, answers = xp.tensor(given[0]), xp.tensor(given[1])
    return xp.func.grad(loss), layers, rows, answers


def together(library: TensorLibrary, given: Any) -> Run:
    gradient, layers, rows, answers = prepared(library, given)
    each = library.namespace.func.vmap(gradient, in_dims=(None, 0, 0))
    return library.timed(lambda: each(layers, rows, answers)[0][0])


def one_by_one(library: TensorLibrary, given: Any) -> Run:
    gradient, layers, rows, answers = prepared(library, given)

    def run() -> Any:
        found = [gradient(layers, row, answer) for row, answer in zip(rows, answers, strict=True)]
        return library.namespace.stack([layer[0][0] for layer in found])

    return library.timed(run)


def reports(effort: Effort) -> Iterator[Report]:
    given = start()
    runs = {library.label: together(library, given) for library in tensor_libraries()}
    loop = "pullback (NumPy), a loop"
    runs[loop] = one_by_one(next(each for each in tensor_libraries() if each.label == PULLBACK_NUMPY), given)
    sizes = "-".join(map(str, SIZES))
    yield compare_runs(
        f"`vmap(grad(loss))`: the gradients of {EXAMPLES} examples, layers {sizes}",
        runs,
        effort,
        baseline=loop,
        targets={PULLBACK_NUMPY: TARGET},
    )

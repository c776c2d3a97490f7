"""One training step of the network of ``examples/digits.py``: forward, backward, update.

The tensor libraries run the example's own functions; autograd and NumPy run what their users would write.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from libraries import AUTOGRAD, NUMPY, PULLBACK_NUMPY, TensorLibrary, tensor_libraries
from measuring import Effort, Report, Run, compare_runs

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"

# Repeated on one batch for many thousands of steps: the weights are to stay where they are.
LEARNING_RATE = 1e-9
MOMENTUM = 0.9


def example(xp: Any) -> ModuleType:
    """The example, with ``xp`` in pullback's place."""
    spec = importlib.util.spec_from_file_location("digits", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.pb, module.F = xp, xp.nn.functional  # type: ignore[attr-defined]
    module.LEARNING_RATE, module.MOMENTUM = LEARNING_RATE, MOMENTUM  # type: ignore[attr-defined]
    return module


def batch_and_parameters(batch_size: int, hidden: tuple[int, ...]) -> tuple[Any, Any, list[Any]]:
    generator = np.random.default_rng(0)
    images = generator.standard_normal((batch_size, 64), dtype=np.float32)
    answers = generator.integers(0, 10, batch_size)
    sizes = (64, *hidden, 10)
    parameters = []
    for inputs, outputs in pairwise(sizes):
        scale = np.float32((2 / inputs) ** 0.5)
        parameters.append(generator.standard_normal((inputs, outputs), dtype=np.float32) * scale)
        parameters.append(np.zeros(outputs, dtype=np.float32))
    return images, answers, parameters


def tensor_step(library: TensorLibrary, start: tuple[Any, Any, list[Any]]) -> Run:
    xp = library.namespace
    digits = example(xp)
    with library.scope():
        images, answers = xp.tensor(start[0]), xp.tensor(start[1])
        parameters = [xp.tensor(parameter).requires_grad_() for parameter in start[2]]
        velocities = [xp.zeros_like(parameter) for parameter in parameters]

    def run() -> Any:
        loss = digits.loss_of(parameters, images, answers)
        loss.backward()
        digits.gradient_step(parameters, velocities)
        return loss

    return library.timed(run)


def update(parameters: list[Any], velocities: list[Any], gradients: list[Any]) -> None:
    for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
        velocity *= MOMENTUM
        velocity += gradient
        parameter -= LEARNING_RATE * velocity


def autograd_step(start: tuple[Any, Any, list[Any]]) -> Run:
    import autograd.numpy as anp
    from autograd import value_and_grad

    images, answers, initial = start
    parameters = [parameter.copy() for parameter in initial]
    velocities = [np.zeros_like(parameter) for parameter in parameters]
    rows = np.arange(len(answers))

    def loss_of(parameters: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        hidden = anp.maximum(images @ w1 + b1, 0)
        hidden = anp.maximum(hidden @ w2 + b2, 0)
        scores = hidden @ w3 + b3
        scores = scores - anp.max(scores, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(scores), axis=1)) - scores[rows, answers])

    loss_and_gradients = value_and_grad(loss_of)

    def run() -> Any:
        loss, gradients = loss_and_gradients(parameters)
        update(parameters, velocities, gradients)
        return loss

    return run


def numpy_step(start: tuple[Any, Any, list[Any]]) -> Run:
    """The backward pass written out by hand: what no library's bookkeeping can beat by much."""
    images, answers, initial = start
    parameters = [parameter.copy() for parameter in initial]
    velocities = [np.zeros_like(parameter) for parameter in parameters]
    rows = np.arange(len(answers))
    w1, b1, w2, b2, w3, b3 = parameters

    def run() -> Any:
        hidden1 = np.maximum(images @ w1 + b1, 0)
        hidden2 = np.maximum(hidden1 @ w2 + b2, 0)
        scores = hidden2 @ w3 + b3
        scores -= scores.max(axis=1, keepdims=True)
        exponentials = np.exp(scores)
        totals = exponentials.sum(axis=1, keepdims=True)
        loss = (np.log(totals[:, 0]) - scores[rows, answers]).mean()

        to_scores = exponentials / totals
        to_scores[rows, answers] -= 1
        to_scores /= len(answers)
        to_hidden2 = (to_scores @ w3.T) * (hidden2 > 0)
        to_hidden1 = (to_hidden2 @ w2.T) * (hidden1 > 0)
        gradients = [
            images.T @ to_hidden1, to_hidden1.sum(axis=0),
            hidden1.T @ to_hidden2, to_hidden2.sum(axis=0),
            hidden2.T @ to_scores, to_scores.sum(axis=0),
        ]  # fmt: skip
        update(parameters, velocities, gradients)
        return loss

    return run


def reports(effort: Effort) -> Iterator[Report]:
    import pullback

    digits = example(pullback)
    start = batch_and_parameters(digits.BATCH_SIZE, digits.HIDDEN)
    runs = {library.label: tensor_step(library, start) for library in tensor_libraries()}
    runs[AUTOGRAD] = autograd_step(start)
    runs[NUMPY.replace("no gradient", "by hand")] = numpy_step(start)
    sizes = "-".join(str(size) for size in (64, *digits.HIDDEN, 10))
    yield compare_runs(
        f"A training step of examples/digits.py: layers {sizes}, batch of {digits.BATCH_SIZE}",
        runs,
        effort,
        targets={PULLBACK_NUMPY: 1.0},
    )

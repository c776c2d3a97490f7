"""The smallest program that still shows a disagreement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from programs.comparison import Disagreement, Twins, failure
from programs.step import Step


def minimal(program: list[Step], backend: str) -> tuple[Twins, Disagreement]:
    """Leave out one step after the other, as long as the same field differs at the end.

    Raises
    ------
    ValueError
        For a program that shows no disagreement.
    """
    best = failure(program, backend)
    if best is None:
        raise ValueError("the program shows no disagreement")
    field = best[1].field
    shorter = True
    while shorter:
        shorter = False
        steps = best[0].steps
        for number in reversed(range(len(steps))):
            if number >= len(steps):
                continue
            for candidate in _without(steps, number):
                result = failure(candidate, backend)
                if result is not None and result[1].field == field:
                    best, steps, shorter = result, result[0].steps, True
                    break
    return best


def _without(steps: list[Step], number: int) -> list[list[Step]]:
    """The program without a step and with it in its simplest form."""
    step = steps[number]
    candidates = [steps[:number] + steps[number + 1 :]]
    simpler = []
    if not step.grad:
        simpler.append(replace(step, grad=True))
    if step.form == "function" and step.name == "tensor":
        simpler.append(replace(step, name="ones", arguments=(_shape(step.arguments[0]),)))
    for key in range(len(step.keywords)):
        simpler.append(replace(step, keywords=step.keywords[:key] + step.keywords[key + 1 :]))
    return candidates + [[*steps[:number], other, *steps[number + 1 :]] for other in simpler]


def _shape(values: Any) -> tuple[int, ...]:
    return (len(values), *_shape(values[0])) if isinstance(values, list) else ()

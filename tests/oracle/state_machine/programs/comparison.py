"""Runs a program step by step on PyTorch and on pullback, and compares all that can be observed after each step."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import Any

import numpy as np
import torch

import pullback as pb
from programs.differences import DIFFERENCES, comparable_error
from programs.machine import Machine, UnknownVariable
from programs.observation import EXPRESSIONS, Observed, first_line, history, observe
from programs.step import Step, script

#: Of float32, for values of any dtype may have been computed in it.
_TOLERANCE = 2e-6
_FIELDS = tuple(f.name for f in fields(Observed))


class Disagreement(AssertionError):
    """pullback shows something else than PyTorch."""

    def __init__(self, field: str, name: str | None, found: Any, expected: Any, shown: str) -> None:
        self.field = field
        self.name = name
        self.found = found
        self.expected = expected
        self.shown = shown
        super().__init__(f"{field} of {name}: found {found}, expected {expected}")


class Ended(Exception):
    """The program has come to a known difference, behind which there is nothing to compare."""


class Twins:
    """A program that runs on PyTorch and, step by step beside it, on one backend of pullback.

    Attributes
    ----------
    steps : list of Step
        What has been run.
    bound : dict
        The names of each step's results.
    """

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.expected = Machine(torch)
        self.found = Machine(pb, backend)
        self.steps: list[Step] = []
        self.bound: dict[int, tuple[str, ...]] = {}
        self.before: tuple[dict[str, Observed], dict[str, Observed]] = ({}, {})

    def run(self, step: Step) -> tuple[str, ...]:
        """Run one step on both and compare; the names of its results.

        Raises
        ------
        Disagreement
            Where they differ.
        Ended
            Where they differ on purpose.
        """
        self.steps.append(step)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._run(step)
            except Disagreement as disagreement:
                found, expected = disagreement.found, disagreement.expected
                for known in DIFFERENCES:
                    if known.matches(disagreement.field, step.source(), found, expected, self.backend):
                        raise Ended(known.reason) from None
                raise
        return self.bound.get(step.number, ())

    def _run(self, step: Step) -> None:
        if step.form == "inspect":
            self._compare_histories()
            return
        expected, expected_error = _attempt(self.expected, step)
        found, found_error = _attempt(self.found, step)
        self.bound[step.number] = expected
        if comparable_error(found_error) != comparable_error(expected_error):
            raise Disagreement("error", None, found_error or "none", expected_error or "none", "'no error'")
        if found != expected:
            raise Disagreement("results", None, found, expected, "'other results'")
        if expected_error and step.form != "apply":  # what a Function has done before it failed is its own doing
            self._compare_with_before()
        self._compare_tensors(new=expected)

    def _compare_with_before(self) -> None:
        """After an error nothing has changed in pullback; where something has in PyTorch the program ends."""
        theirs, ours = self.before
        changed = _difference(observe(self.found), ours)
        if changed is not None:
            name, field, value, wanted = changed
            raise self._disagreement(field, name, value, wanted)
        if _difference(observe(self.expected), theirs) is not None:
            raise Ended("PyTorch has changed tensors before it raised the error")

    def _compare_tensors(self, new: tuple[str, ...]) -> None:
        expected, found = observe(self.expected), observe(self.found)
        for name in new:
            ours, theirs = found[name], expected[name]
            computed = not theirs.is_view and not ours.is_view
            if computed and (ours.strides, ours.version) != (theirs.strides, theirs.version):
                # It lies in memory as the array library puts it, and what follows from that differs too.
                # PyTorch computes some results in several steps, and counts them as writes.
                del self.expected.tensors[name], self.found.tensors[name], expected[name], found[name]
        different = _difference(found, expected)
        if different is not None:
            name, field, value, wanted = different
            raise self._disagreement(field, name, value, wanted)
        self.before = expected, found

    def _compare_histories(self) -> None:
        expected, found = history(self.expected), history(self.found)
        for name, theirs in expected.items():
            ours = found[name]
            for field, wanted in theirs.items():
                value = ours.get(field)
                if field == "grad" and value is not None and wanted is not None:
                    if value[:-1] == wanted[:-1] and close(value[-1], wanted[-1]):
                        continue
                elif field == "grad_fn" and value is not None and wanted is not None:
                    if comparable_error(value) == comparable_error(wanted):
                        continue
                elif value == wanted:
                    continue
                raise self._disagreement(field, name, value, wanted)

    def _disagreement(self, field: str, name: str, found: Any, expected: Any) -> Disagreement:
        shown = EXPRESSIONS[field].format(t=name, all=", ".join(self.expected.tensors))
        return Disagreement(field, name, found, expected, shown)

    def script(self, disagreement: Disagreement) -> str:
        """What has been run, as a program that prints the disagreement."""
        return script(self.steps, self.bound, self.backend, disagreement.shown)


def _attempt(machine: Machine, step: Step) -> tuple[tuple[str, ...], str]:
    """The names of a step's results, and its error if there is one."""
    try:
        return machine.run(step), ""
    except UnknownVariable:
        raise
    except Exception as error:
        return (), first_line(error)


def _difference(found: dict[str, Observed], expected: dict[str, Observed]) -> tuple[str, str, Any, Any] | None:
    """The first tensor and field that differ, and how."""
    for name, theirs in expected.items():
        ours = found[name]
        for field in _FIELDS:
            value, wanted = getattr(ours, field), getattr(theirs, field)
            if not (close(value, wanted) if field == "values" else value == wanted):
                return name, field, value, wanted
    return None


def close(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> bool:
    """Whether values agree to within rounding."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return False
    if np.array_equal(found, expected):
        return True
    if expected.dtype.kind in "biu":
        return False
    with np.errstate(all="ignore"):
        sizes = np.abs(expected[np.isfinite(expected)])
        scale = max(float(sizes.max()) if sizes.size else 0.0, 1.0)
        return bool(np.allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE * scale, equal_nan=True))


def failure(program: list[Step], backend: str) -> tuple[Twins, Disagreement] | None:
    """The first disagreement of a program, if there is one."""
    twins = Twins(backend)
    try:
        for step in program:
            twins.run(step)
    except Disagreement as disagreement:
        return twins, disagreement
    except (Ended, UnknownVariable):
        return None
    return None

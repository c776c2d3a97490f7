"""Whether two backends' results of one call are the same, as far as rounding lets them be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

import numpy as np

from pullback.extend import Backend, DType, Operation, Tensor, iinfo
from pullback_crosscheck.bounds import allowed, kind_of
from pullback_crosscheck.distance import PRECISION, apart, magnitudes, smallest_normal, wide
from pullback_crosscheck.operands import Call, Held

#: Checks of the conformance suite whose limitations do not say that a value is another one.
_OTHER_CHECKS: Final = frozenset({"dtype", "unchanged", "deterministic", "vjp", "jvp", "adjoint", "second"})


class Verdict(NamedTuple):
    """What the comparison of all results of a call has found.

    Attributes
    ----------
    ulp : float
        The largest error; infinite where no distance can be told.
    allowed : float
    problem : str
        What is wrong; empty where nothing is.
    excuse : str
        Why what differs is nobody's fault, or cannot be told to be; empty where there is none.
    where : tuple of int
        The element that differs most.
    output : int
        The number of the result that it is in.
    distance : float
        How far the element is off, as a number.
    """

    ulp: float = 0.0
    allowed: float = 0.0
    problem: str = ""
    excuse: str = ""
    where: tuple[int, ...] = ()
    output: int = 0
    distance: float = 0.0


def limitation(backends: Sequence[Backend], operation: Operation, dtype: DType, case: bool) -> str:
    """What a backend declares that it cannot do with an operation; with ``case`` what it cannot do in some cases."""
    for backend in backends:
        for declared in backend.limitations:
            named = any(fnmatchcase(name, declared.operation) for name in (operation.name, operation.kernel))
            if not named or (declared.dtypes and dtype not in declared.dtypes):
                continue
            if declared.case == "subnormal numbers" or declared.case in _OTHER_CHECKS:
                continue  # the first is seen to where it matters
            if (declared.case is not None) == case:
                return f"{backend.name} declares a limitation: {declared.reason}"
    return ""


_flushing: dict[tuple[Backend, DType], bool] = {}


def flushes(backend: Backend, dtype: DType) -> bool:
    """Whether a backend's results that would be subnormal are zero."""
    real = dtype.to_real()
    found = _flushing.get((backend, real))
    if found is None:
        least = Tensor._wrap(backend.from_data(np.full(2, smallest_normal(real)), real, None), backend)
        found = not np.all(np.asarray(backend.to_numpy((least * 0.5).array), np.float64))
        _flushing[backend, real] = found
    return found


class Comparison:
    """Compares the results of one call on two backends.

    Parameters
    ----------
    call : Call
        What both were called with.
    backends : tuple of Backend
        The program's, and the second one, on which errors of the operands are tried out.
    """

    def __init__(self, call: Call, backends: tuple[Backend, Backend]) -> None:
        self.call = call
        self.operation = call.operation
        self.backends = backends
        self.names = (backends[0].name, backends[1].name)

    def verdict(self, got: Sequence[Held], expected: Sequence[Held]) -> Verdict:
        """Compare all results: the first that is wrong, or else the largest error."""
        if len(got) != len(expected):
            return Verdict(np.inf, problem=f"{len(got)} results, expected {len(expected)}")
        worst = Verdict()
        for number, (mine, other) in enumerate(zip(got, expected, strict=True)):
            found = self._compared(number, mine, other)
            if found.problem and not found.excuse:
                return found
            if found.excuse or (found.ulp >= worst.ulp and not worst.excuse):
                worst = found
        return worst

    def _compared(self, number: int, got: Held, expected: Held) -> Verdict:
        if got.dtype is not expected.dtype:
            return Verdict(np.inf, 0.0, f"dtype {got.dtype.name}, expected {expected.dtype.name}", output=number)
        if got.array.shape != expected.array.shape:
            return Verdict(
                np.inf, 0.0, f"shape {list(got.array.shape)}, expected {list(expected.array.shape)}", output=number
            )
        if not (got.dtype.is_floating_point or got.dtype.is_complex):
            return self._compared_exactly(number, got, expected)
        bound = allowed(self.operation, got.dtype, self.names)
        if np.array_equal(got.array, expected.array):
            return Verdict(0.0, bound, output=number)
        with np.errstate(all="ignore"):
            errors = self._without_subnormals(apart(got.array, expected.array, got.dtype), got, expected)
            if errors.max() > bound:
                scale = self._scale(number, got, expected)
                errors = self._without_subnormals(apart(got.array, expected.array, got.dtype, scale), got, expected)
        where = np.unravel_index(int(np.argmax(errors)), errors.shape)
        ulp = float(errors[where])
        if ulp <= bound:
            return Verdict(ulp, bound, output=number)
        place = tuple(int(index) for index in where)
        values = f"{got.array[where]!s}, expected {expected.array[where]!s}"
        size = f"{ulp:.4g} ulp off" if np.isfinite(ulp) else "no number of ulp off"
        problem = f"{_of(number, self.operation)}{values}: {size}, {bound:g} allowed"
        excuse = self._excuse(errors > bound, got, expected)
        with np.errstate(all="ignore"):
            distance = float(np.abs(wide(got.array[where]) - wide(expected.array[where])))
        return Verdict(ulp, bound, problem, excuse, place, number, distance)

    def _compared_exactly(self, number: int, got: Held, expected: Held) -> Verdict:
        differs = np.asarray(got.array != expected.array)
        if not differs.any():
            return Verdict(output=number)
        where = np.unravel_index(int(np.argmax(differs)), differs.shape)
        values = f"{got.array[where]!s}, expected {expected.array[where]!s}"
        problem = f"{_of(number, self.operation)}{values}: {int(differs.sum())} of {differs.size} elements differ"
        place = tuple(int(index) for index in where)
        return Verdict(np.inf, 0.0, problem, self._excuse(differs, got, expected), place, number)

    # -- where the ulp is taken

    def _scale(self, number: int, got: Held, expected: Held) -> Any:
        """At which magnitude the ulp is taken, beside the element's own: what rounding errors grow with."""
        kind = kind_of(self.operation)
        if self.operation.draws:  # a number of the stream is turned into another one: no operand says how large
            kind = "general"
        inexact = [number for number, held in enumerate(self.call.tensors) if _is_inexact(held.dtype)]
        scale = np.zeros(got.array.shape)
        if kind == "linear":
            terms = self.call.run_on(self.backends[1], lambda _, held: _absolute(held))
            scale = magnitudes(self.backends[1].to_numpy(terms[number]))
        elif kind == "general":
            sizes = np.maximum(magnitudes(got.array), magnitudes(expected.array))
            scale = np.full(got.array.shape, sizes.max(initial=0.0))
        if kind == "general" or (kind in ("elementwise", "linear") and len(inexact) > 1):
            scale = np.maximum(scale, sum(self._response(number, operand, expected) for operand in inexact))
            if kind == "general":
                scale = np.full(got.array.shape, scale.max(initial=0.0))
        return scale

    def _response(self, number: int, operand: int, expected: Held) -> Any:
        """How much a result moves, relative to the change, when the elements of one operand are changed a little."""
        held = self.call.tensors[operand]
        amount = 2.0 ** -(PRECISION[held.dtype.to_real().name] // 2)
        draw = np.random.default_rng(0)
        largest = np.zeros(expected.array.shape)
        for _ in range(3):
            factor = 1 + amount * draw.choice([-1.0, 1.0], held.array.shape)

            def changed(position: int, other: Held, factor: Any = factor) -> Any:
                return (other.array * factor).astype(other.array.dtype) if position == operand else other.array

            moved = self.backends[1].to_numpy(self.call.run_on(self.backends[1], changed)[number])
            if moved.shape == expected.array.shape:
                largest = np.maximum(largest, magnitudes(np.asarray(moved) - expected.array) / amount)
        return largest

    # -- what is nobody's fault

    def _without_subnormals(self, errors: Any, got: Held, expected: Held) -> Any:
        """The errors but those of results that are zero on a backend because they would be subnormal."""
        if not self._flushes(got.dtype):
            return errors
        least = smallest_normal(got.dtype)
        small = np.maximum(magnitudes(got.array), magnitudes(expected.array)) < least
        finite = np.isfinite(got.array) & np.isfinite(expected.array)
        return np.where(small & finite, 0.0, errors)

    def _flushes(self, dtype: DType) -> bool:
        return any(flushes(backend, dtype) for backend in self.backends)

    def _excuse(self, wrong: Any, got: Held, expected: Held) -> str:
        """Why results that differ prove nothing; empty where they do."""
        tests: list[Callable[[], str]] = [
            self._subnormal_operands,
            lambda: self._out_of_range(got),
            lambda: self._rounded_draw(wrong, got, expected),
            lambda: limitation(self.backends, self.operation, got.dtype, case=True),
        ]
        return next((said for test in tests if (said := test())), "")

    def _subnormal_operands(self) -> str:
        for held in self.call.tensors:
            if _is_inexact(held.dtype) and self._flushes(held.dtype):
                parts = held.array.view(held.array.real.dtype) if held.dtype.is_complex else held.array
                sizes = np.abs(parts.astype(np.float64))
                if np.any((sizes > 0) & (sizes < smallest_normal(held.dtype))):
                    return "subnormal operands, which a backend takes for zero"
        return ""

    def _out_of_range(self, got: Held) -> str:
        """Conversions to integers of numbers that these do not hold are not defined."""
        if "dtype" not in self.operation.attributes or _is_inexact(got.dtype) or got.dtype.name == "bool":
            return ""
        limits = iinfo(got.dtype)
        for held in self.call.tensors:
            if _is_inexact(held.dtype):
                numbers = np.real(held.array).astype(np.float64)
                if not np.all((numbers > limits.min - 1) & (numbers < limits.max + 1)):
                    return "numbers converted to integers that do not hold them"
        return ""

    def _rounded_draw(self, wrong: Any, got: Held, expected: Held) -> str:
        """A count that is drawn may be another one where rounding decides between two."""
        if not self.operation.draws or not np.all(np.isfinite(got.array) & np.isfinite(expected.array)):
            return ""
        one, other = got.array.astype(np.float64), expected.array.astype(np.float64)
        counts = np.all(one == np.rint(one)) and np.all(other == np.rint(other))
        few = wrong.sum() <= max(1, wrong.size // 100) and np.all(np.abs(one - other)[wrong] <= 1)
        return "a drawn count that rounding decides" if counts and few else ""


def _of(number: int, operation: Operation) -> str:
    """How a result is called before its value: ``values is``."""
    if operation.outputs is None:
        return "result is "
    name = operation.outputs[number] if operation.outputs != ("*",) else f"result {number}"
    return f"{name} is "


def _is_inexact(dtype: DType) -> bool:
    return dtype.is_floating_point or dtype.is_complex


def _absolute(held: Held) -> Any:
    return np.abs(held.array).astype(held.array.dtype) if _is_inexact(held.dtype) else held.array

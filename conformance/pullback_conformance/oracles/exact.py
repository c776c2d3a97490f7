"""The oracle of one case: its values and derivatives in higher precision, and the scales its errors are measured at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from pullback.extend import Backend, Composite, DType, Operation, Tensor, get_backend
from pullback_conformance.case import MOST_DIFFERENTIATED, Call, Case, is_inexact
from pullback_conformance.moving import moved, tensors_in, to_numpy, widened
from pullback_conformance.oracles import differences, integers, naming, rational
from pullback_conformance.oracles.elementwise import ByExpression
from pullback_conformance.oracles.extended import (
    extended_backend,
    has_extended_precision,
    in_double_precision,
    in_extended_precision,
    integers_as_floating,
)
from pullback_conformance.samples import Arguments
from pullback_conformance.samples.sweep_values import NEARLY_SUBNORMAL, RANGES
from pullback_conformance.tolerances import BY_ELEMENT, Kind, is_made_of_kernels, kind_of, rounds_its_operand
from pullback_conformance.ulp import ulp_at

#: Moves of several operands are added up in double precision.
_LARGEST_MOVE: Final = float(np.finfo(np.float64).max) / 8


class OracleError(Exception):
    """An oracle failed, so the check could not be run: no fault of the backend under test."""


class NoOracle(Exception):
    """There is nothing more precise or independent to compare with."""


class Truth(NamedTuple):
    """Exact results and the scale of each."""

    values: list[Any]
    scales: list[Any]
    source: str


class Oracle:
    """Right answers for one case, each computed when first asked for."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.operation: Operation | Composite = case.operation
        self.kind = kind_of(case.operation, case.arguments)

    # -- values -------------------------------------------------------------------------------------------------------

    @cached_property
    def in_same_dtype(self) -> list[Any]:
        """The results of the reference in the dtype under test; an exception it raised is raised here too."""
        return self.case.on(self.case.reference).run()

    @cached_property
    def values(self) -> Truth:
        """The exact values, from the best oracle there is."""
        if self.case.dtype.category < 2:
            return self._integer_values()
        if self.kind in BY_ELEMENT and "generator" in inspect.signature(self.operation.function).parameters:
            return self._stream_values()
        independent = self._mpmath_values() or self._rational_values()
        if independent is not None:
            return independent
        wide = self.wide
        if wide is not None and (self.is_more_precise or not self.case.is_self_comparison):
            return Truth(self._wide_values, self._scales(self._wide_values), self.wide_name)
        if self.case.is_self_comparison:
            raise NoOracle(f"no oracle more precise than {self.case.dtype.name} on the reference backend itself")
        values = [_array(v) for v in self.in_same_dtype]
        return Truth(values, self._scales(values), self.case.reference.name)

    def _integer_values(self) -> Truth:
        case = self.case
        if isinstance(self.operation, Operation) and self.operation.promotion == "float":
            values = [_array(v) for v in self._call(extended_backend(), _stand_in(case.dtype)).run()]
            return Truth(values, [np.abs(v) for v in values], "the same numbers in extended precision")
        by_fractions = self._rational_values()
        if by_fractions is not None:
            return by_fractions
        if not case.is_self_comparison:
            values = [_array(v) for v in self.in_same_dtype]
            return Truth(values, [np.abs(v) for v in values], case.reference.name)
        by_python = self._python_values()
        if by_python is not None:
            return by_python
        numbers = [a for a in (*case.arguments.args, *case.arguments.kwargs.values()) if type(a) in (int, float)]
        # A float would be truncated for integers, and a negative number wrap around for unsigned ones.
        changed = any(type(a) is float or (a < 0 and not case.dtype.is_signed) for a in numbers)
        if case.dtype.category == 1 and not changed:
            try:
                results = self._call(extended_backend(), _stand_in(case.dtype)).run()
            except (NotImplementedError, RuntimeError, TypeError, ValueError, IndexError) as error:
                raise NoOracle("no independent oracle for integers on the reference backend itself") from error
            if any(np.any(np.abs(_array(v)) >= 2.0**63) for v in (*results, *tensors_in(case.arguments.args))):
                raise NoOracle("the exact integers have more digits than extended precision")
            values = [
                _wrapped(_array(v), to_numpy(own).dtype) if isinstance(own, Tensor) else _array(v)
                for v, own in zip(results, self.in_same_dtype, strict=True)
            ]
            return Truth(values, [np.abs(v) for v in values], "the same integers in extended precision")
        raise NoOracle(f"no independent oracle for {case.dtype.name} on the reference backend itself")

    def _python_values(self) -> Truth | None:
        arguments = self.case.arguments
        if not isinstance(self.operation, Operation) or self.operation.sequence:
            return None
        operands = [a.array if isinstance(a, Tensor) else a for a in arguments.args]
        result = self.in_same_dtype[0] if self.in_same_dtype else None
        numbers = (*operands, *arguments.kwargs.values())
        if not all(isinstance(n, np.ndarray | int) for n in numbers) or not isinstance(result, Tensor):
            return None
        exact = integers.evaluate(self.operation.name, operands, arguments.kwargs, to_numpy(result).dtype)
        return None if exact is None else Truth([exact], [np.abs(exact)], "Python's integers")

    def _stream_values(self) -> Truth:
        """Random numbers: the stream depends on the dtype, so only another backend in the same dtype can tell."""
        if self.case.is_self_comparison:
            raise NoOracle("random numbers have no oracle but another backend")
        values = [_array(v) for v in self.in_same_dtype]
        return Truth(values, [np.abs(v) for v in values], self.case.reference.name)

    @cached_property
    def by_expression(self) -> ByExpression | None:
        """The operation as mpmath computes it; None where it is no elementwise one, or mpmath cannot."""
        return ByExpression.of(self.case)

    def _mpmath_values(self) -> Truth | None:
        if self.by_expression is None:
            return None
        exact, is_unknown = self.by_expression.values()
        if np.any(is_unknown):
            if self.wide is None or (self.case.is_self_comparison and not self.is_more_precise):
                return None
            (instead,) = self._wide_values
            exact = np.where(is_unknown, instead, exact)
        return Truth([exact], self._scales([exact]), "mpmath")

    def _rational_values(self) -> Truth | None:
        arguments = self.case.arguments
        if not rational.knows(self.operation):
            return None
        (result,) = self.in_same_dtype
        exact = rational.evaluate(self.operation, arguments.args, arguments.kwargs, result)
        if exact is None:
            return None
        scales = [np.abs(exact)] if self.case.dtype.category < 2 else self._scales([exact])
        return Truth([exact], scales, "exact rational arithmetic")

    # -- in higher precision ------------------------------------------------------------------------------------------

    @cached_property
    def wide(self) -> Call | None:
        """The call in the highest precision the reference's kernels run in; None where they run in no higher one."""
        attempts: list[tuple[Backend, Callable[[Tensor], Tensor]]] = [(extended_backend(), in_extended_precision)]
        attempts.append((get_backend("numpy"), in_double_precision))
        for backend, convert in attempts:
            call = self._call(backend, convert)
            try:
                self._wide_values = [_array(v) for v in call.run()]
            except Exception:  # NumPy's linear algebra, for one, has no `long double`; or the operation refuses
                continue
            return call
        return None

    @cached_property
    def _wide_values(self) -> list[Any]:
        raise AssertionError("set by `wide`")

    @property
    def is_extended(self) -> bool:
        """Whether the higher precision is that of ``long double``."""
        wide = self._must_be_wide()
        return wide.backend is extended_backend() and has_extended_precision()

    @property
    def wide_name(self) -> str:
        """What the higher precision is called."""
        wide = self._must_be_wide()
        return wide.backend.name if wide.backend is extended_backend() else naming.DOUBLE_PRECISION

    @property
    def is_more_precise(self) -> bool:
        """Whether the higher precision is higher than that of the dtype under test."""
        return self.is_extended or self.case.dtype.to_real().itemsize < 8

    def _must_be_wide(self) -> Call:
        if self.wide is None:
            raise OracleError("the reference backend runs this neither in extended nor in double precision")
        return self.wide

    def _call(self, backend: Backend, convert: Callable[[Tensor], Tensor]) -> Call:
        # An index keeps its dtype, also where integers are replaced by floating numbers.
        return Call(self.operation, backend, self.case.arguments, convert, lambda index: moved(index, backend))

    def fresh(self) -> Call:
        """The call in higher precision with new tensors, to differentiate."""
        return self._call_with(self.case.arguments)

    def _call_with(self, arguments: Arguments) -> Call:
        backend = self._must_be_wide().backend
        convert = in_extended_precision if backend is extended_backend() else in_double_precision
        return Call(self.operation, backend, arguments, convert, lambda index: moved(index, backend))

    def _scales(self, values: list[Any]) -> list[Any]:
        """Where errors of the values are measured: see :mod:`pullback_conformance.ulp`."""
        magnitudes = [np.abs(v) for v in values]
        if self.kind is Kind.EXACT:
            return magnitudes
        if self.kind in BY_ELEMENT:
            moves = self._elementwise_moves() if len(values) == 1 else None
            return magnitudes if moves is None else [np.fmax(magnitudes[0], moves)]
        if self.kind is Kind.LINEAR and self.wide is not None:
            call = self.fresh()
            absolute = {i: _absolute(call.tensors[i]) for i in call.chosen}
            sums = [np.abs(_array(v)) for v in call.run(absolute)]
            return [np.maximum(m, s) if s.shape == m.shape else m for m, s in zip(magnitudes, sums, strict=True)]
        if self.case.could_have_gradients and self.wide is not None and len(values) == len(self.inexact_outputs):
            magnitudes = self._moved_magnitudes(magnitudes)
        return [np.broadcast_to(np.max(m[np.isfinite(m)], initial=0), m.shape) for m in magnitudes]

    def _moved_magnitudes(self, magnitudes: list[Any]) -> list[Any]:
        """How far each result moves where each operand moves by its own size, as rounding does, if that is more."""
        moves = np.abs(self.jacobian) @ np.abs(differences.as_real_vector(self.inputs))
        parts = [np.abs(p) for p in differences.from_real_vector(moves, self.inexact_outputs)]
        return [np.fmax(m, p) for m, p in zip(magnitudes, parts, strict=True)]

    def conditioned_scales(self, values: list[Any]) -> list[Any] | None:
        """The scales of a sample that is not differentiated as if it were, for results that seem to be off.

        It takes all derivatives, which is too long for every sample. None where that is no excuse: the kind of
        operation has none, or there are many elements, or infinite ones.
        """
        if self.kind is not Kind.GENERAL or not self.case.arguments.values_only or self.case.dtype.category < 2:
            return None
        if self.wide is None or not self.inputs or len(values) != len(self.inexact_outputs):
            return None
        if sum(a.size for a in self.inputs) > MOST_DIFFERENTIATED or not all(
            np.all(np.isfinite(a)) for a in self.inputs
        ):
            return None
        magnitudes = self._moved_magnitudes([np.abs(v) for v in values])
        return [np.broadcast_to(np.max(m[np.isfinite(m)], initial=0), m.shape) for m in magnitudes]

    def _elementwise_moves(self) -> Any:
        """How far each element moves where its operands move by their own size; None where that is no excuse.

        From a step that is one in the operands' last place, to the side where less happens: beyond a jump or a pole the
        other one would excuse any error.
        """
        if not rounds_its_operand(self.operation, self.case.dtype) or self.wide is None:
            return None
        if not self.inputs or len(self.inexact_outputs) != 1:
            return None
        (output,) = self.inexact_outputs
        step = float(ulp_at(1.0, self.case.dtype))
        moves = np.zeros(output.shape)
        for results in self._with_each_operand_moved(step):
            with np.errstate(all="ignore"):
                least = np.fmin(*(np.abs(r - output) / step for r in results))
            # A move may be larger than every number of the dtype where the result is not.
            moves += np.where(np.isfinite(least), np.minimum(least, _LARGEST_MOVE), 0.0).astype(np.float64)
        if is_made_of_kernels(self.operation):  # what one gives another may be subnormal where the result is not
            moves = np.fmax(moves, NEARLY_SUBNORMAL * RANGES[self.case.dtype.to_real().name].tiny)
        return moves

    def _with_each_operand_moved(self, step: float) -> Iterator[tuple[Any, Any]]:
        """For each operand the results where it is larger, and smaller, by that part of itself.

        For complex numbers also where that is a Python number: libraries compute powers with their logarithms.
        """
        for number in range(len(self.inputs)):
            both = []
            for factor in (1 + np.longdouble(step), 1 - np.longdouble(step)):
                both += self._values_at([a * factor if n == number else a for n, a in enumerate(self.inputs)])
            yield both[0], both[1]
        if not self.case.dtype.is_complex or not isinstance(self.operation, Operation):
            return
        arguments = self.case.arguments
        for number, value in enumerate(arguments.args[: len(self.operation.operands)]):
            if isinstance(value, float | complex):
                both = []
                for factor in (1 + step, 1 - step):
                    args = (*arguments.args[:number], value * factor, *arguments.args[number + 1 :])
                    call = self._call_with(arguments._replace(args=args))
                    both += [_array(v) for v in call.run() if is_inexact(v)]
                yield both[0], both[1]

    # -- derivatives --------------------------------------------------------------------------------------------------

    @cached_property
    def inexact_outputs(self) -> list[Any]:
        """The floating and complex results in higher precision."""
        return [_array(v) for v in self._must_be_wide().run() if is_inexact(v)]

    @cached_property
    def inputs(self) -> list[Any]:
        """The differentiated operands in higher precision."""
        return [_array(t) for t in self._must_be_wide().inputs]

    @cached_property
    def step(self) -> float:
        """The step of the differences."""
        return differences.step_for(self.is_extended)

    def _values_at(self, arrays: list[Any]) -> list[Any]:
        call = self.fresh()
        replaced = {i: call.like(a, call.tensors[i]) for i, a in zip(call.chosen, arrays, strict=True)}
        return [_array(v) for v in call.run(replaced) if is_inexact(v)]

    @cached_property
    def _differences(self) -> tuple[Any, Any]:
        outputs = differences.as_real_vector(self.inexact_outputs).size
        return differences.jacobian(self._values_at, self.inputs, self.step, outputs)

    @property
    def jacobian(self) -> Any:
        """All first derivatives, by differences of values."""
        return self._differences[0]

    @property
    def roughness(self) -> Any:
        """Where the Jacobian matrix has no elements: at kinks and jumps."""
        return self._differences[1]

    @cached_property
    def cotangents(self) -> list[Any]:
        """One for each inexact result."""
        return self._directions(self.inexact_outputs, 1)

    @cached_property
    def tangents(self) -> list[Any]:
        """One for each differentiated operand."""
        return self._directions(self.inputs, 2)

    @cached_property
    def second_directions(self) -> list[Any]:
        """What the gradients are multiplied with before they are differentiated again."""
        return self._directions(self.inputs, 3)

    def _directions(self, arrays: list[Any], purpose: int) -> list[Any]:
        drawn = self.case.directions([a.shape for a in arrays], purpose, is_complex=True)
        return [d if a.dtype.kind == "c" else d.real for d, a in zip(drawn, arrays, strict=True)]

    @cached_property
    def is_constant(self) -> bool:
        """Whether the results don't depend on the operands, so that no graph is needed."""
        return not np.any(self.jacobian)

    def _gradient_at(self, arrays: list[Any]) -> list[Any]:
        call = self.fresh()
        for i, array in zip(call.chosen, arrays, strict=True):
            call.tensors[i].array = call.like(array, call.tensors[i]).array
        _, grads = call.vjp(self.cotangents)
        return [np.zeros_like(a) if g is None else _array(g) for g, a in zip(grads, self.inputs, strict=True)]

    def _tangent_at(self, arrays: list[Any]) -> list[Any]:
        call = self.fresh()
        for i, array in zip(call.chosen, arrays, strict=True):
            call.tensors[i].array = call.like(array, call.tensors[i]).array
        return [
            np.zeros_like(o) if t is None else _array(t)
            for t, o in zip(call.jvp(self.tangents), self.inexact_outputs, strict=True)
        ]

    def _moves_of(self, derivative_at: Callable[[list[Any]], list[Any]]) -> Any:
        """How far a derivative moves where each operand moves by its own size: as for values, and in the same vein."""
        moves: Any = 0.0
        for number in range(len(self.inputs)):
            along = [a if n == number else np.zeros_like(a) for n, a in enumerate(self.inputs)]
            vector, is_rough = differences.directional(
                derivative_at, self.inputs, differences.as_real_vector(along), self.step
            )
            moves = moves + np.where(is_rough, 0.0, np.abs(vector))
        return moves

    @cached_property
    def vjp(self) -> Derivative:
        """Gradients for the operands."""
        _, grads = self.fresh().vjp(self.cotangents)
        v, matrix = differences.as_real_vector(self.cotangents), self.jacobian.T
        scale = np.abs(matrix) @ np.abs(v)
        if self.kind in BY_ELEMENT:
            scale = np.fmax(scale, self._moves_of(self._gradient_at))
        found = self._derivative(grads, matrix @ v, scale, self.roughness.any(axis=0), self.inputs)
        if self.by_expression is None:
            return found
        by_mpmath = self.by_expression.vjp(self.fresh(), self.cotangents[0], self._rough_results)
        return found._replace(by_mpmath=by_mpmath)

    @cached_property
    def jvp(self) -> Derivative:
        """Tangents of the results."""
        tangents = self.fresh().jvp(self.tangents)
        t, matrix = differences.as_real_vector(self.tangents), self.jacobian
        scale = np.abs(matrix) @ np.abs(t)
        if self.kind in BY_ELEMENT:
            scale = np.fmax(scale, self._moves_of(self._tangent_at))
        found = self._derivative(tangents, matrix @ t, scale, self.roughness.any(axis=1), self.inexact_outputs)
        if self.by_expression is None:
            return found
        by_mpmath = self.by_expression.jvp(self.fresh(), self.tangents, self._rough_results)
        return found._replace(by_mpmath=[by_mpmath])

    @cached_property
    def _rough_results(self) -> Any:
        """Where the elements of the only result have a kink or jump in reach of the differences."""
        (output,) = self.inexact_outputs
        parts = 2 if output.dtype.kind == "c" else 1
        return self.roughness.any(axis=1).reshape(*output.shape, parts).any(axis=-1)

    @cached_property
    def second(self) -> Derivative:
        """The gradient of the gradients' product with the directions: for the operands, then for the cotangents.

        The first is a Hessian's product with the directions, which is symmetric, and so the gradient's own derivative
        along them; the second is the JVP.
        """
        by_input, by_cotangent = self.fresh().second(self.cotangents, self.second_directions)
        w = differences.as_real_vector(self.second_directions)
        hessian, is_rough = differences.directional(self._gradient_at, self.inputs, w, self.step)
        expected = np.concatenate([hessian, self.jacobian @ w])
        largest = max(np.max(np.abs(hessian), initial=0), np.max(np.abs(self.vjp.vector), initial=0))
        product = np.abs(self.jacobian) @ np.abs(w)
        scale = np.concatenate([np.full(hessian.shape, largest), np.full(product.shape, np.max(product, initial=0))])
        rough = np.concatenate([is_rough | self.roughness.any(axis=0), self.roughness.any(axis=1)])
        like = [*self.inputs, *self.inexact_outputs]
        return self._derivative([*by_input, *by_cotangent], expected, scale, rough, like)

    def _derivative(self, by_formula: list[Any], vector: Any, scale: Any, rough: Any, like: list[Any]) -> Derivative:
        known = np.where(rough, np.longdouble("nan"), vector)
        by_differences = differences.from_real_vector(known, like)
        scales = differences.from_real_vector(scale, like)
        arrays = [np.zeros_like(d) if f is None else _array(f) for f, d in zip(by_formula, by_differences, strict=True)]
        sized = []
        for s in scales:
            size = np.abs(s)
            if self.kind is not Kind.EXACT and self.kind not in BY_ELEMENT:
                size = np.broadcast_to(np.max(size, initial=0), size.shape)
            sized.append(size)
        return Derivative(arrays, by_differences, sized, vector)


class Derivative(NamedTuple):
    """A derivative by formula in higher precision and by differences, and the scales of its parts.

    Where mpmath has it too, ``by_mpmath`` is a pair for each part: the derivative, and where mpmath has none.
    """

    by_formula: list[Any]
    by_differences: list[Any]
    scales: list[Any]
    vector: Any
    by_mpmath: list[tuple[Any, Any]] | None = None


def _array(value: Any) -> Any:
    """A result as a NumPy array, floating ones in the longest type."""
    return widened(to_numpy(value)) if isinstance(value, Tensor) else np.asarray(value)


def _wrapped(array: Any, dtype: Any) -> Any:
    """Exact whole numbers as integers of a width, wrapped around; for another dtype as they are."""
    if dtype.kind not in "iu" or array.dtype.kind != "f":
        return array
    bits = 8 * dtype.itemsize
    whole = [int(v) & ((1 << bits) - 1) for v in array.reshape(-1)]
    signed = [v - (1 << bits) if dtype.kind == "i" and v >> (bits - 1) else v for v in whole]
    return np.array(signed, dtype).reshape(array.shape)


def _absolute(tensor: Tensor) -> Tensor:
    array = np.abs(tensor.array).astype(tensor.array.dtype)
    return Tensor._wrap(array, tensor.backend)


def _stand_in(dtype: DType) -> Callable[[Tensor], Tensor]:
    """Converts operands of the integer dtype under test to extended precision, and others as always."""

    def convert(tensor: Tensor) -> Tensor:
        return integers_as_floating(tensor) if tensor.dtype is dtype else in_extended_precision(tensor)

    return convert


def has_tensors(arguments: Arguments) -> bool:
    """Whether there is a tensor among the arguments."""
    return bool(tensors_in((arguments.args, arguments.kwargs)))

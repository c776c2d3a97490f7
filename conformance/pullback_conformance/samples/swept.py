"""Elementwise operations on values all over what the dtype holds, with the attributes that their samples have.

These samples are only about values. Results, and where they are subnormal, are looked up in extended precision: what is
subnormal is a sample of its own, because there are processors and libraries without subnormal numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

import numpy as np

from pullback import float16
from pullback.extend import Backend, Composite, DType, Operation, Tensor, Unsampled, use_backend
from pullback.random import Generator
from pullback_conformance.moving import mapped, tensors_in, widened
from pullback_conformance.oracles.extended import extended_backend, in_extended_precision
from pullback_conformance.samples.arguments import Arguments, declared_samples, seed_of
from pullback_conformance.samples.bases import in_this_dtype
from pullback_conformance.samples.maker import Maker
from pullback_conformance.samples.sweep_values import (
    NEARLY_SUBNORMAL,
    RANGES,
    Range,
    complex_values,
    real_values,
    related,
    subnormal_values,
    whole_values,
)
from pullback_conformance.tolerances import Kind, accuracy_of, kind_of

#: How many elements a sample has: as many as others, so that backends that compile have compiled that shape.
COUNT: Final = 1025
#: The label of what has subnormal operands or results.
SUBNORMAL: Final = "subnormal numbers"
#: How many samples there are for the first setting of the attributes, by the category of the dtype.
_REPETITIONS: Final = {1: 1, 2: 4, 3: 2}


def swept(
    operation: Operation | Composite, backend: Backend, dtype: DType, *, seed: int = 0, most: int | None = None
) -> Iterator[Arguments]:
    """The samples, of an elementwise operation on numbers; at most the first ``most`` of them and the subnormal one."""
    if not isinstance(operation, Operation) or not has_sweeps(operation, dtype):
        return
    make = Maker(backend, dtype)
    random = np.random.default_rng(seed_of(f"{operation.name}/swept", 0, dtype, seed))
    number, left = 2000, most
    for setting, sample in enumerate(_settings(operation, make)):
        repetitions = 1 if setting else _REPETITIONS[dtype.category]
        if left is not None:
            repetitions = min(repetitions, left)
            left -= repetitions
        rest: list[list[Any]] = []
        for values in _operands(operation, dtype, sample, repetitions, random):
            arguments = _filled(sample, make, values)
            if dtype.category >= 2:
                arguments = _without_subnormal(operation, sample, make, arguments, values, rest)
            yield Arguments(number, f"sweep {number - 1999}", *arguments, values_only=True, only=frozenset({"value"}))
            number += 1
        if rest and setting == 0:
            values = [np.resize(np.concatenate(parts), COUNT) for parts in zip(*rest, strict=True)]
            if accuracy_of(operation, sample).either_side:
                within = RANGES[dtype.to_real().name]
                kept = np.flatnonzero(~_is_beside_a_jump(operation, _filled(sample, make, values), within))
                values = [np.resize(value[kept], COUNT) for value in values]
            args, kwargs = _filled(sample, make, values)
            yield Arguments(number, SUBNORMAL, args, kwargs, values_only=True, only=frozenset({"value"}))
            number += 1


def has_sweeps(operation: Operation | Composite, dtype: DType) -> bool:
    """Whether there are such samples."""
    if not isinstance(operation, Operation) or not operation.broadcasts or isinstance(operation.samples, Unsampled):
        return False
    # A floating operation on integers is one on floating numbers, once they are converted.
    return dtype.category > 1 or (dtype.category == 1 and operation.promotion != "float")


def _settings(operation: Operation, make: Maker) -> list[Any]:
    """A sample for each setting of the attributes that the declaration's samples have, three at most."""
    given = declared_samples(operation)
    found: dict[str, Any] = {}
    if given is None:
        return []
    for sample in in_this_dtype(given(make), make.dtype):
        if any(isinstance(v, Generator) for v in (*sample.args, *sample.kwargs.values())):
            return []
        text = repr(mapped((sample.args, sample.kwargs), lambda tensor: tensor.dtype.name))
        if any(t.dtype is make.dtype for t in tensors_in((sample.args, sample.kwargs))):
            found.setdefault(text, sample)
    return list(found.values())[:3]


def _filled(sample: Any, make: Maker, values: list[Any]) -> tuple[Any, Any]:
    """The arguments of a sample with those values in its tensors."""
    remaining = iter(values)

    def fill(tensor: Tensor) -> Tensor:
        return Tensor._wrap(make.backend.from_data(next(remaining), tensor.dtype, None), make.backend)

    return mapped((sample.args, sample.kwargs), fill)  # type: ignore[no-any-return]


def _operands(
    operation: Operation, dtype: DType, sample: Any, repetitions: int, random: np.random.Generator
) -> Iterator[list[Any]]:
    """Values for each tensor of a sample, as many times as asked for."""
    tensors = tensors_in((sample.args, sample.kwargs))
    total = COUNT * repetitions
    if dtype.category == 1:
        names = [n for n, _ in _named_tensors(operation, sample)]
        columns = whole_operands(operation, dtype, names, total, random)
    else:
        within = RANGES[dtype.to_real().name]
        if dtype.is_complex:
            columns = [complex_values(total, within, random) for _ in tensors]
        else:
            drawn = [real_values(total, *operation.domain, within, random, len(tensors)) for _ in tensors]
            columns = related(drawn, within, random)
    for number, tensor in enumerate(tensors):
        if tensor.dtype is not dtype:
            columns[number] = random.integers(0, 2, total)
    for start in range(0, total, COUNT):
        yield [column[start : start + COUNT] for column in columns]


def _named_tensors(operation: Operation, sample: Any) -> list[tuple[str, Tensor]]:
    names = (*operation.operands, *operation.attributes)
    named = [*zip(names, sample.args, strict=False), *sample.kwargs.items()]
    return [(name, value) for name, value in named if isinstance(value, Tensor)]


def whole_operands(
    operation: Operation, dtype: DType, names: list[str], total: int, random: np.random.Generator
) -> list[Any]:
    """Integers for which the operation is defined."""
    bits = 8 * dtype.itemsize
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dtype.is_signed else (0, 2**bits - 1)
    if dtype.is_signed and not operation.integers.least:
        least += 1
    columns = []
    for name in names:
        low, high = operation.integers.between.get(name, (least, most))
        low, high = max(least, low), min(most, high)
        column = whole_values(total, low, high, random)
        if columns:  # numbers that are equal, or next to each other
            beside = columns[0] + random.integers(-1, 2, total).astype(object)
            fits = (random.integers(0, 8, total) == 0) & (beside >= low) & (beside <= high)
            column = np.where(fits, beside, column)
        if name == operation.integers.divisor:
            column = np.where(column == 0, 1, column)
        columns.append(column)
    if operation.integers.divisor in names:
        divisor = names.index(operation.integers.divisor)
        for number, column in enumerate(columns):
            if number != divisor and dtype.is_signed:  # the least number has no opposite
                columns[number] = np.where((column == least) & (columns[divisor] == -1), most, column)
    return columns


def _without_subnormal(
    operation: Operation, sample: Any, make: Maker, arguments: tuple[Any, Any], values: list[Any], rest: list[list[Any]]
) -> tuple[Any, Any]:
    """The arguments with usual values where results are subnormal or, if complex, out of range; those go to ``rest``.

    There they are joined by subnormal operands.
    """
    within = RANGES[make.dtype.to_real().name]
    is_subnormal, is_beyond = _judged(operation, arguments, within)
    has_large_terms = _has_large_terms(operation, sample, arguments, within)
    either_side = accuracy_of(operation, sample).either_side
    beside = _is_beside_a_jump(operation, arguments, within) if either_side else is_subnormal & False
    if make.dtype.is_complex:  # which part of a product is infinite, which NaN, is left open
        left_out = is_subnormal | is_beyond
    else:
        if make.dtype is not float16:  # whose subnormal numbers are none in float32, in which kernels compute
            if len(values) > 1:  # whose differences may be subnormal
                is_subnormal = is_subnormal | _has_small_operands(values, within)
            rest.append(_subnormal_operands(operation, make, values, is_subnormal, within))
        left_out = is_subnormal
    left_out = left_out | beside | has_large_terms
    usual = np.flatnonzero(~left_out)
    if not np.any(left_out) or not len(usual):
        return arguments
    kept = usual[np.arange(COUNT) % len(usual)]
    return _filled(sample, make, [np.where(left_out, v[kept], v) for v in values])


def _judged(operation: Operation, arguments: tuple[Any, Any], within: Range) -> tuple[Any, Any]:
    """Where results are nearly subnormal, and where they are out of range; nowhere if that is unknown."""
    result = _in_extended_precision(operation, arguments)
    small, beyond = np.zeros(COUNT, bool), np.zeros(COUNT, bool)
    if result is None:
        return small, beyond
    parts = [result] if result.dtype.kind == "f" else [result.real, result.imag]
    if len(parts) > 1:  # zero too, which has no sign in a complex result that is out of range
        small |= np.abs(result) < NEARLY_SUBNORMAL * within.tiny
    for part in parts:
        size = np.abs(part)
        small |= (size < NEARLY_SUBNORMAL * within.tiny) & (size > 0)
        beyond |= ~(size <= within.largest / NEARLY_SUBNORMAL)
    return small, beyond


def _has_large_terms(operation: Operation, sample: Any, arguments: tuple[Any, Any], within: Range) -> Any:
    """Where a term of a sum may be out of range, and the sum not: what an operation is with other operands zero."""
    found = np.zeros(COUNT, bool)
    if kind_of(operation, sample) is not Kind.ROUNDED_TWICE:
        return found
    for chosen in range(len(tensors_in(arguments))):
        numbers = count()

        def alone(tensor: Tensor, chosen: int = chosen, numbers: Iterator[int] = numbers) -> Tensor:
            return tensor if next(numbers) == chosen else Tensor._wrap(tensor.array * 0, tensor.backend)

        term = _in_extended_precision(operation, arguments, alone)
        if term is not None:
            found |= ~(np.abs(term) <= within.largest / NEARLY_SUBNORMAL)
    return found


def _has_small_operands(values: list[Any], within: Range) -> Any:
    sizes = [np.abs(np.asarray(v, np.float64)) for v in values]
    return np.any([(s > 0) & (s < NEARLY_SUBNORMAL * within.tiny / within.eps) for s in sizes], axis=0)


def _is_beside_a_jump(operation: Operation, arguments: tuple[Any, Any], within: Range) -> Any:
    """Where the result is another one if the first operand changes in its last places."""
    found = np.zeros(COUNT, bool)
    here = _in_extended_precision(operation, arguments)
    for factor in (1 - 2 * within.eps, 1 + 2 * within.eps):
        numbers = count()

        def changed(tensor: Tensor, factor: float = factor, numbers: Iterator[int] = numbers) -> Tensor:
            array = tensor.array if next(numbers) else tensor.array * np.longdouble(factor)
            return Tensor._wrap(array, tensor.backend)

        there = _in_extended_precision(operation, arguments, changed)
        if here is not None and there is not None:
            found |= here != there
    return found


def _in_extended_precision(
    operation: Operation, arguments: tuple[Any, Any], change: Callable[[Tensor], Tensor] = lambda tensor: tensor
) -> Any:
    """The floating or complex result; None where there is none."""
    args, kwargs = mapped(arguments, lambda tensor: change(in_extended_precision(tensor)))
    try:
        with use_backend(extended_backend()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = widened(operation.call(*args, **kwargs).array)
    except (ArithmeticError, RuntimeError, TypeError, ValueError):  # NumPy has no such kernel for `long double`
        return None
    return result if result.dtype.kind in "fc" else None


def _subnormal_operands(
    operation: Operation, make: Maker, values: list[Any], is_subnormal: Any, within: Range
) -> list[Any]:
    """The operands with subnormal results, followed by subnormal operands of the domain."""
    random = np.random.default_rng(int(is_subnormal.sum()))
    few = 64
    columns = []
    for position, value in enumerate(values):
        drawn = subnormal_values(few, within, random)
        drawn = np.where(np.arange(few) % 4 == position + 1, np.resize(np.array([1.0, -2.0, 3.0, 0.5]), few), drawn)
        low, high = operation.domain
        drawn = np.where((drawn > low) & (drawn < high), drawn, np.abs(drawn) + max(low, 0.0) * (1 + within.eps))
        columns.append(np.concatenate([value[is_subnormal], drawn]))
    return columns

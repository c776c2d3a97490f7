"""Special values in every combination, for elementwise operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from pullback.extend import Backend, Composite, DType, Operation, Tensor
from pullback.random import Generator
from pullback_conformance.samples.arguments import Arguments, declared_samples
from pullback_conformance.samples.elementwise import elementwise_samples, in_words, settings_of
from pullback_conformance.samples.known_values import SPECIAL_PARTS, SPECIAL_VALUES
from pullback_conformance.samples.maker import Maker

#: How these samples are called.
LABEL: Final = "special values"


def special_samples(operation: Operation | Composite, backend: Backend, dtype: DType) -> Iterator[Arguments]:
    """Every combination of special values, for an elementwise operation on floating or complex numbers.

    Once for each of the attributes that a declaration gives beside the defaults.
    """
    first = _special_sample(operation, backend, dtype)
    if first is None:
        return
    yield first
    for setting in settings_of(operation, Maker(backend, dtype)):
        yield first._replace(label=f"{LABEL}, {in_words(setting)}", kwargs=setting)


def _special_sample(operation: Operation | Composite, backend: Backend, dtype: DType) -> Arguments | None:
    given = declared_samples(operation)
    if dtype.category < 2 or given is None:
        return None
    is_default = given is elementwise_samples(operation)
    if not is_default and not (isinstance(operation, Operation) and operation.broadcasts):
        return None
    make = Maker(backend, dtype)
    sample = next(iter(given(make)), None)
    if sample is None or any(isinstance(v, Generator) for v in (*sample.args, *sample.kwargs.values())):
        return None
    operands = [a for a in sample.args if isinstance(a, Tensor)]
    if dtype.is_complex and len(operands) > 1:
        return None
    filled = iter(_grid(make, operands))
    args = tuple(next(filled) if isinstance(a, Tensor) else a for a in sample.args)
    return Arguments(0, LABEL, args, sample.kwargs, only=frozenset({"special"}))


def _grid(make: Maker, operands: list[Tensor]) -> list[Tensor]:
    """The operands filled with special values, each along a dimension of its own."""
    filled = []
    for number, operand in enumerate(operands):
        if operand.dtype.category == 0:
            values: Any = np.array([False, True])
        elif operand.dtype.category == 1:
            values = np.array([0, 1])
        elif operand.dtype.category == 3:
            values = (np.array(SPECIAL_PARTS)[:, None] + 1j * np.array(SPECIAL_PARTS)).reshape(-1)
        else:
            values = np.array(SPECIAL_VALUES)
        column = values.reshape(-1, *[1] * (len(operands) - 1 - number))
        filled.append(Tensor._wrap(make.backend.from_data(column, operand.dtype, None), make.backend))
    return filled

"""Values for the tensors of a call: simple ones first, values from all over the domain, and special ones in places."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pullback.extend import Composite, Operation, Tensor, dtypes
from pullback_conformance.generated.choices import Choices
from pullback_conformance.samples.known_values import SPECIAL_PARTS, SPECIAL_VALUES
from pullback_conformance.samples.maker import Maker
from pullback_conformance.samples.swept import whole_operands

_INFINITY: Final = float("inf")
#: How many sets of random values there are.
_SETS: Final = 256
#: Up to so many elements sums are good to the bound whatever is added up.
_FEW: Final = 16
#: Numbers between which nothing is rounded: values of differentiated operands are multiples of this.
_FINENESS: Final = 64.0


def smooth_values(
    choices: Choices, make: Maker, shape: tuple[int, ...], low: float, high: float, *, number: int
) -> Tensor:
    """Distinct values within an interval, away from zero: where differences of values are valid.

    Parameters
    ----------
    number : int
        The operand's: several of them have no element in common, as where two meet there may be a kink.
    """
    make.reseed(choices.below(_SETS))
    made = make(*shape, low=low, high=high)
    beside = number % 4 / (4 * _FINENESS) * (1 + (1j if make.dtype.is_complex else 0))
    rounded = np.round(made.array.astype(np.clongdouble) * _FINENESS) / _FINENESS + beside
    is_within = (rounded.real > low) & (rounded.real < high) & (rounded.real != 0) & (rounded.imag != 0)
    if make.dtype.category == 2:
        rounded, is_within = rounded.real, (rounded.real > low) & (rounded.real < high) & (rounded.real != 0)
    return make.given(np.where(is_within, rounded, made.array))


def elementwise_values(
    choices: Choices, make: Maker, operation: Operation | Composite, shapes: list[tuple[int, ...]], names: list[str]
) -> list[Tensor]:
    """Values from the domain of an elementwise operation, for each operand."""
    low, high = operation.domain if isinstance(operation, Operation) else (-_INFINITY, _INFINITY)
    is_simple = not choices.whether()
    make.reseed(choices.below(_SETS))
    if make.dtype.category == 1 and isinstance(operation, Operation) and operation.promotion != "float":
        return _whole(make, operation, shapes, names, is_simple=is_simple)
    one = 1.0 if low < 1.0 < high else (low + high) / 2
    if is_simple and make.dtype.category >= 2:
        return [make.constant(*shape, value=one) for shape in shapes]
    return [make.values(*shape, low=low, high=high) for shape in shapes]


def _whole(
    make: Maker, operation: Operation, shapes: list[tuple[int, ...]], names: list[str], *, is_simple: bool
) -> list[Tensor]:
    """Integers for which the operation is defined, in every combination that broadcasting makes."""
    random = make.random
    total = max([1, *(int(np.prod(shape)) for shape in shapes)])
    columns = whole_operands(operation, make.dtype, names, total, random)
    if is_simple:
        columns = [np.clip(np.ones(total, object), *operation.integers.between.get(name, (1, 1))) for name in names]
    made = []
    for name, shape, column in zip(names, shapes, columns, strict=True):
        least = -(2 ** (8 * make.dtype.itemsize - 1))
        if operation.integers.divisor in names and name != operation.integers.divisor and make.dtype.is_signed:
            column = np.where(column == least, least + 1, column)
        made.append(make.given(np.resize(column, shape)))
    return made


def other_values(choices: Choices, make: Maker, shape: tuple[int, ...]) -> Tensor:
    """Values for an operand of which the declaration says nothing.

    Those of many are small whole numbers, whose sums are exact in any order: what a sum of 128 numbers may be off by is
    more than a bound that does not depend on sizes.
    """
    count = int(np.prod(shape))
    pattern = choices.below(4)
    make.reseed(choices.below(_SETS))
    if pattern == 0:
        return make.constant(*shape)
    if count > _FEW:
        low = -4 if make.dtype.category >= 2 or (make.dtype.category == 1 and make.dtype.is_signed) else 0
        return make.given(make.random.integers(low, 5, shape))
    if pattern == 1:
        return make.given((np.arange(count) % 100 + (make.dtype.category > 0)).reshape(shape))
    if pattern == 2:
        return make(*shape)
    return make.values(*shape)


def with_special_values(choices: Choices, make: Maker, tensor: Tensor, *, ends: bool = False) -> Tensor:
    """The tensor with special values in up to three places: NaN, infinities, zeros; or the ends of an integer dtype.

    Parameters
    ----------
    ends : bool
        Whether integers may be those.
    """
    array = np.array(tensor.array)
    flat = array.reshape(-1)
    options = _special_options(make, ends=ends)
    if not flat.size or not options or tensor.dtype is not make.dtype:
        return tensor
    for _ in range(choices.below(4)):
        flat[choices.below(min(flat.size, 64))] = choices.one_of(options)
    return Tensor._wrap(array, tensor.backend)


def _special_options(make: Maker, *, ends: bool) -> list[Any]:
    dtype = make.dtype
    if dtype is dtypes.bool_:
        return []
    if dtype.category == 1:
        if not ends:
            return [0, 1]
        limits = np.iinfo(make.backend.native_dtypes[dtype])
        return [0, 1, limits.max, limits.min, limits.max - 1, limits.min + 1]
    if dtype.category == 3:
        return [0.0, *(complex(a, b) for a in SPECIAL_PARTS for b in SPECIAL_PARTS)]
    return list(SPECIAL_VALUES)


def special_operands(choices: Choices, make: Maker, shapes: list[tuple[int, ...]]) -> list[Tensor]:
    """Operands of special values alone."""
    options = _special_options(make, ends=False)
    made = []
    for shape in shapes:
        count = int(np.prod(shape))
        drawn = [choices.one_of(options) for _ in range(min(count, 8))]
        made.append(make.given(np.resize(np.array(drawn or [1.0]), shape)))
    return made

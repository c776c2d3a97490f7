"""The default samples of elementwise operations.

Shapes, layouts and numbers of elements that kernels treat differently, with values from the interval where differences
are valid; and values from all over the domain, which are not differentiated.
"""

from __future__ import annotations

import inspect
import math
import zlib
from collections.abc import Iterator
from typing import Any, Final

from pullback import bfloat16, complex64, complex128, float16, float32, float64, int8, int16, int32, int64, uint8
from pullback.extend import Composite, DType, Operation, Sample, Tensor, dtypes
from pullback_conformance.samples.layouts import laid_out, stepped, transposed
from pullback_conformance.samples.maker import Maker

_INFINITY: Final = float("inf")
#: Dtypes in the order in which they share out sizes.
_ORDER: Final = (float32, float64, float16, bfloat16, complex64, complex128, int64, int32, int16, int8, uint8)
_default_samples: dict[str, Any] = {}


def elementwise_samples(operation: Operation | Composite) -> Any:
    """The default samples of an elementwise operation; None for any other."""
    if operation.name not in _default_samples:
        arity = _arity(operation)
        domain = operation.domain if isinstance(operation, Operation) else (-_INFINITY, _INFINITY)
        numbers, masks = _takes_numbers(operation), _masks(operation)
        gives_truth = isinstance(operation, Operation) and operation.result is dtypes.bool_
        divides = isinstance(operation, Operation) and operation.integers.divisor == operation.operands[-1]
        start = zlib.crc32(operation.name.encode())

        def samples(make: Maker) -> Iterator[Sample]:
            smooth = Smooth(operation, make, masks if arity == 3 else (False,) * arity)
            others = settings_of(operation, make)
            if arity == 1:
                return _unary_samples(make, smooth, domain, start, gives_truth, others)
            if arity == 2:
                return _binary_samples(make, smooth, domain, start, numbers, divides, others)
            return _many_samples(smooth, arity, others)

        _default_samples[operation.name] = samples if 1 <= arity <= 3 else None
    return _default_samples[operation.name]


def settings_of(operation: Operation | Composite, make: Maker) -> list[dict[str, Any]]:
    """The attributes away from their defaults that the samples after the first one have."""
    return [] if operation.sampled.settings is None else list(operation.sampled.settings(make))


class Smooth:
    """Makes operands of where derivatives are asked for: ``smooth(0, 2, 3)`` is the first, of that shape.

    Where the declaration names several intervals, the elements come from each in turn, so that operands of six elements
    meet in every combination of two.
    """

    def __init__(self, operation: Operation | Composite, make: Maker, masks: tuple[bool, ...]) -> None:
        self._make, self._masks = make, masks
        if isinstance(operation, Operation):
            self.intervals = [smooth_intervals(operation, name, make.dtype) for name in operation.operands]
        else:
            self.intervals = [((0.3, 2.0),)] * len(masks)

    def __call__(self, number: int, *shape: int) -> Tensor:
        if self._masks[number]:
            return self._make.mask(*shape)
        each = math.prod(len(intervals) for intervals in self.intervals[:number])
        return self._make.pieces(*shape, intervals=self.intervals[number], each=each)

    def first(self, number: int) -> tuple[float, float]:
        """The first interval of an operand."""
        return self.intervals[number][0]


def smooth_intervals(operation: Operation, name: str, dtype: DType) -> tuple[tuple[float, float], ...]:
    """Where an operand's elements lie: integers only where they are defined, complex numbers beyond the domain too.

    A complex logarithm has a value left of the imaginary axis, too: there lies the mirror image of each interval.
    """
    intervals = operation.smooth[name]
    if dtype.category == 1 and name in operation.integers.between:
        least, _ = operation.integers.between[name]
        return tuple((low, high) for low, high in intervals if low >= least)
    if dtype.is_complex and operation.domain != (-_INFINITY, _INFINITY):
        return tuple(dict.fromkeys((*intervals, *((-high, -low) for low, high in intervals))))
    return intervals


def _arity(operation: Operation | Composite) -> int:
    """How many tensor operands an elementwise operation takes; 0 where it is none, or needs attributes too."""
    if isinstance(operation, Operation):
        needs = [a for a in operation.attributes if a not in operation.defaults]
        return 0 if needs or not operation.broadcasts or operation.sequence else len(operation.operands)
    if operation.samples != "elementwise":
        return 0
    parameters = list(inspect.signature(operation.function).parameters.values())
    required = [p for p in parameters if p.default is p.empty]
    if not parameters or str(parameters[0].annotation) != "Tensor":
        return 0
    return len(required) if all(str(p.annotation) in ("Tensor", "Any") for p in required) else 0


def _takes_numbers(operation: Operation | Composite) -> bool:
    """Whether the second operand may be a Python number."""
    if isinstance(operation, Operation):
        return operation.operands[1:2] != () and operation.operands[1] in operation.numbers
    second = list(inspect.signature(operation.function).parameters.values())[1:2]
    return any(str(p.annotation) == "Any" for p in second)


def _masks(operation: Operation | Composite) -> tuple[bool, ...]:
    """For each operand whether it is a condition: one that takes no part in promotion."""
    if isinstance(operation, Composite):
        return (False,) * _arity(operation)
    names = operation.operands
    return tuple(name not in operation.promotes for name in names)


def _unary_samples(
    make: Maker, smooth: Smooth, domain: tuple[float, float], start: int, gives_truth: bool, others: list[Any]
) -> Iterator[Sample]:
    def anywhere(*shape: int) -> Tensor:
        return make.values(*shape, low=domain[0], high=domain[1])

    yield Sample(smooth(0, 3, 8))
    yield from (labelled(in_words(setting), smooth(0, 3, 8), **setting) for setting in others)
    yield values_only("values (1025,)", anywhere(1025))
    yield labelled("0-d", smooth(0))
    yield labelled("not contiguous (3, 2)", transposed(smooth(0, 2, 3)))
    yield labelled("empty (0, 3)", smooth(0, 0, 3))
    yield labelled("step (3,)", stepped(smooth(0, 6)))
    yield labelled("offset (2, 3)", laid_out(smooth(0, 2, 3), "offset"))
    yield values_only("expanded (3, 8)", laid_out(anywhere(3, 8), "expanded"))
    yield values_only("backwards (3, 8)", backwards(anywhere(3, 8)))
    if make.dtype.category >= 2 and gives_truth:
        for layout in ("columnwise", "step"):
            yield values_only(f"special values, {layout}", laid_out(make.special(3, 13), layout))
    yield values_only("five dimensions, columnwise", laid_out(anywhere(2, 1, 3, 2, 2), "columnwise"))
    for size in _sizes(make, start):
        yield values_only(f"size ({size},)", anywhere(size))


def _binary_samples(
    make: Maker,
    smooth: Smooth,
    domain: tuple[float, float],
    start: int,
    numbers: bool,
    divides: bool,
    others: list[Any],
) -> Iterator[Sample]:
    def anywhere(*shape: int) -> Tensor:
        return make.values(*shape, low=domain[0], high=domain[1])

    def second(*shape: int) -> Tensor:
        values = anywhere(*shape)
        if divides and make.dtype.category == dtypes.INTEGER:
            values.array[values.array == 0] = 1  # by zero, integers are not divided: the check of errors asks that
        return values

    low, high = smooth.first(1)
    number: Any = {0: True, 1: 3}.get(make.dtype.category, min(high, max(low, 1.25)))
    yield Sample(smooth(0, 2, 3), smooth(1, 2, 3))
    for setting in others:
        yield labelled(in_words(setting), smooth(0, 2, 3), smooth(1, 2, 3), **setting)
    yield values_only("values (33, 1), (31,)", anywhere(33, 1), second(31))
    yield labelled("broadcast (2, 3), (3,)", smooth(0, 2, 3), smooth(1, 3))
    if numbers:
        yield labelled("number on the right", smooth(0, 2, 3), number)
    yield values_only("values (1025,), (1025,)", anywhere(1025), second(1025))
    yield labelled("0-d, 0-d", smooth(0), smooth(1))
    yield labelled("broadcast (2, 1), (1, 3)", smooth(0, 2, 1), smooth(1, 1, 3))
    yield labelled("0-d on the left", smooth(0), smooth(1, 2, 3))
    yield labelled("not contiguous (3, 2)", transposed(smooth(0, 2, 3)), smooth(1, 3, 2))
    yield labelled("empty (0, 3), (3,)", smooth(0, 0, 3), smooth(1, 3))
    columnwise = [laid_out(smooth(number, 2, 3), "columnwise") for number in (0, 1)]
    yield labelled("both columnwise (2, 3)", *columnwise)
    for left, right in (("step", "offset"), ("offset", "columnwise"), ("expanded", "step"), ("columnwise", "expanded")):
        yield values_only(f"{left}, {right} (3, 8)", laid_out(anywhere(3, 8), left), laid_out(second(3, 8), right))
    for position in (0, 1):
        operands = [anywhere(3, 8), second(3, 8)]
        operands[position] = backwards(operands[position])
        yield values_only(f"operand {position} backwards (3, 8)", *operands)
    yield values_only("five dimensions", anywhere(2, 1, 3, 1, 2), second(3, 1, 2, 1))
    yield values_only("broadcast (1,), (65,)", anywhere(1), second(65))
    for size in _sizes(make, start):
        yield values_only(f"size ({size},), ({size},)", anywhere(size), second(size))


def _many_samples(smooth: Smooth, arity: int, others: list[Any]) -> Iterator[Sample]:
    def operands_of(*shapes: tuple[int, ...]) -> list[Tensor]:
        return [smooth(number, *shape) for number, shape in enumerate(shapes)]

    yield Sample(*operands_of(*[(2, 3)] * arity))
    yield from (labelled(in_words(setting), *operands_of(*[(2, 3)] * arity), **setting) for setting in others)
    yield values_only("size (1025,)", *operands_of(*[(1025,)] * arity))
    yield labelled("broadcast", *operands_of(*[((2, 3), (3,), (2, 1))[i % 3] for i in range(arity)]))
    yield labelled("0-d", *operands_of(*[()] * arity))
    yield labelled("empty (0, 3)", *operands_of(*[(0, 3)] * arity))
    for position in range(arity):
        for layout in ("columnwise", "offset", "step", "expanded"):
            operands = operands_of(*[(3, 8)] * arity)
            operands[position] = laid_out(operands[position], layout)
            yield values_only(f"operand {position}, {layout}", *operands)


def in_words(setting: dict[str, Any]) -> str:
    """Attributes as they are given."""
    return ", ".join(f"{name}={value!r}" for name, value in setting.items())


def backwards(tensor: Tensor) -> Tensor:
    """The same values in memory that is read from its end."""
    return Tensor._wrap(tensor.array[::-1, ::-1].copy()[::-1, ::-1], tensor.backend)


def _sizes(make: Maker, start: int) -> list[int]:
    """Three of the sizes around blocks, other ones for each dtype: six dtypes see all of them."""
    first = start + 3 * (_ORDER.index(make.dtype) if make.dtype in _ORDER else 0)
    return [make.sizes[(first + i) % len(make.sizes)] for i in range(3)]


def labelled(label: str, *args: Any, **kwargs: Any) -> Sample:
    """A sample with a name of its own."""
    sample = Sample(*args, **kwargs)
    sample.label = label
    return sample


def values_only(label: str, *args: Any, **kwargs: Any) -> Sample:
    """A sample with a name of its own that is not differentiated."""
    sample = labelled(label, *args, **kwargs)
    sample.values_only = True
    return sample

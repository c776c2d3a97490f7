"""Samples that several declarations share: operands of given shapes, and what makes tensors.

``make`` gives tensors of the dtype that is examined: ``make(2, 3)`` one of that shape, ``make.integers(2, high=5)``
indices below five, ``make.generator()`` a generator of a given seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

from pullback.dispatch.declaration import Sample
from pullback.meta import dtypes


def values_only(*args: Any, **kwargs: Any) -> Sample:
    """A sample that is not differentiated: it is large, or lies where derivatives need not exist."""
    sample = Sample(*args, **kwargs)
    sample.values_only = True
    return sample


#: One more than the largest of ``make.sizes``, which lie around blocks of elements.
_LARGEST_BLOCK: Final = 1025


def block_sizes(make: Any, start: int = 0) -> tuple[int, ...]:
    """Four numbers of elements around blocks: the largest, and others for each dtype, so that six see all of them."""
    first = 3 * list(dtypes.by_name.values()).index(make.dtype) + start
    return (_LARGEST_BLOCK, *(make.sizes[(first + i) % len(make.sizes)] for i in range(3)))


def block_size(make: Any, start: int = 0) -> int:
    """One of the numbers of elements around blocks, another for each dtype."""
    return block_sizes(make, start)[1]


def factors(make: Any, count: int) -> Any:
    """Numbers, none of them 1, of which every product is exact in every dtype; the last is like no other."""
    few = (2.0, -0.5, -1.0) if make.dtype.category >= 2 else (3, -1, 5)
    return make.given([*(few[i % 3] for i in range(count - 1)), 3.0][-count:])


_WHOLE: Final = (3, -1, 2, -4, 1, 5, -2, 4, -3, 2, -5)


def whole(make: Any, *shape: int) -> Any:
    """Small whole numbers: sums of them, and of their products, are exact in whatever order they are added up."""
    places = iter(range(math.prod(shape)))

    def nested(sizes: tuple[int, ...]) -> Any:
        if sizes:
            return [nested(sizes[1:]) for _ in range(sizes[0])]
        place = next(places)
        value = _WHOLE[(7 * place * place + place // 11) % 11]
        return value + 1j * _WHOLE[(3 * place + place // 7) % 11] if make.dtype.is_complex else value

    return make.given(nested(shape))


def hundred_thousand(make: Any) -> Iterator[Any]:
    """So many small numbers that add up to few, in two dtypes: in all of them they would take long."""
    if make.dtype in (dtypes.float32, dtypes.int64):
        yield make.given([3, -1, 2, -4, 1, 1, -3] * 14286)


def filled(make: Any) -> Iterator[Sample]:
    """Shapes, given in each way, for what fills a tensor."""
    yield Sample(2, 3, dtype=make.dtype)
    yield Sample((3,), dtype=make.dtype)
    yield Sample((), dtype=make.dtype)
    yield Sample(0, 3, dtype=make.dtype)
    yield Sample(block_size(make), 2, dtype=make.dtype)


def full(make: Any) -> Iterator[Sample]:
    """Shapes with a value."""
    yield Sample((2, 3), 1, dtype=make.dtype)
    yield Sample((), 1, dtype=make.dtype)
    yield Sample((0, 3), 1, dtype=make.dtype)
    yield Sample((2, block_size(make, 5)), 3, dtype=make.dtype)


def like(make: Any) -> Iterator[Sample]:
    """Tensors, for what makes another of their shape."""
    yield Sample(make(2, 3))
    yield Sample(make())
    yield Sample(make(0, 3))
    yield values_only(make(block_size(make), 3))
    yield Sample(make(2, 3, 2).mT)


def full_like(make: Any) -> Iterator[Sample]:
    """Tensors with a value."""
    yield Sample(make(2, 3), 1)
    yield Sample(make(), 1)
    yield Sample(make(0, 2), 3)
    yield values_only(make(block_size(make, 1)), 3)


def new_shape(make: Any) -> Iterator[Sample]:
    """A tensor and the shape of the new one."""
    yield Sample(make(2), (2, 3))
    yield Sample(make(2), ())
    yield Sample(make(2), (0, 3))
    yield Sample(make(), (block_size(make, 2),))


def new_full(make: Any) -> Iterator[Sample]:
    """A tensor, the shape of the new one and a value."""
    yield Sample(make(2), (2, 3), 1)
    yield Sample(make(), (), 2)
    yield Sample(make(2), (0, 3), 1)


def new_tensor(make: Any) -> Iterator[Sample]:
    """A tensor and data for the new one."""
    yield Sample(make(2), [[0, 1], [1, 0]])


def arange(make: Any) -> Iterator[Sample]:
    """Ends, starts and steps."""
    yield Sample(5, dtype=make.dtype)
    yield Sample(1, 7, 2, dtype=make.dtype)
    yield Sample(0, dtype=make.dtype)
    yield Sample(2, 6, dtype=make.dtype)
    yield Sample(5, 2, -1, dtype=make.dtype)
    yield Sample(6, -1, -3, dtype=make.dtype)
    if make.dtype.is_signed:
        yield Sample(2, -3, -1, dtype=make.dtype)
    if make.dtype.itemsize > 1 and make.dtype.category:
        yield Sample(block_size(make, 3), dtype=make.dtype)
    if make.dtype.category == 2:
        yield Sample(0.5, 3.0, 0.25, dtype=make.dtype)
    if make.dtype is dtypes.int64:  # the dtype that follows from the numbers
        yield Sample(2, -3, -1)
        yield Sample(1, 7)


def linspace(make: Any) -> Iterator[Sample]:
    """Ends and numbers of steps."""
    yield Sample(0, 6, 4, dtype=make.dtype)
    yield Sample(3, 3, 1, dtype=make.dtype)
    yield Sample(9, 1, 5, dtype=make.dtype)
    yield Sample(2, 4, 0, dtype=make.dtype)
    yield Sample(0, 100, 101, dtype=make.dtype)


def logspace(make: Any) -> Iterator[Sample]:
    """Exponents, numbers of steps and bases."""
    yield Sample(0, 2, 3, dtype=make.dtype)
    yield Sample(3, 0, 4, 2.0, dtype=make.dtype)
    yield Sample(1, 2, 0, dtype=make.dtype)
    yield Sample(2, 2, 1, 3.0, dtype=make.dtype)


def scalar(make: Any) -> Iterator[Sample]:
    """A number."""
    yield Sample(1, dtype=make.dtype)


def indices(make: Any) -> Iterator[Sample]:
    """Sizes of a matrix and diagonals."""
    yield Sample(3, 4)
    yield Sample(4, 2, -1)
    yield Sample(0, 2, 1)
    yield Sample(3, 4, 2)
    yield Sample(2, 3, -4)
    yield Sample(65, 3)


def window(make: Any) -> Iterator[Sample]:
    """Lengths, of periodic windows and of others."""
    yield Sample(5, dtype=make.dtype)
    yield Sample(4, False, dtype=make.dtype)
    yield Sample(1, dtype=make.dtype)
    yield Sample(0, dtype=make.dtype)
    yield Sample(129, dtype=make.dtype)


def windows_with(*calls: tuple[Any, ...]) -> Callable[[Any], Iterator[Sample]]:
    """The same, and calls with other parameters."""

    def samples(make: Any) -> Iterator[Sample]:
        yield from window(make)
        for call in calls:
            yield Sample(*call, dtype=make.dtype)

    return samples


def eye(make: Any) -> Iterator[Sample]:
    """Sizes of a matrix."""
    yield Sample(3, dtype=make.dtype)
    yield Sample(2, 3, dtype=make.dtype)
    yield Sample(5, 2, dtype=make.dtype)
    yield Sample(2, 5, dtype=make.dtype)
    yield Sample(0, 2, dtype=make.dtype)
    yield Sample(65, dtype=make.dtype)


def of_shapes(*shapes: tuple[int, ...]) -> Callable[[Any], Iterator[Sample]]:
    """A tensor of each shape."""

    def samples(make: Any) -> Iterator[Sample]:
        for shape in shapes:
            yield Sample(make(*shape))

    return samples


def with_arguments(*calls: tuple[Any, ...]) -> Callable[[Any], Iterator[Sample]]:
    """A tensor of the first item's shape, then the other items as they are."""

    def samples(make: Any) -> Iterator[Sample]:
        for shape, *attributes in calls:
            yield Sample(make(*shape), *attributes)

    return samples


def several(*calls: tuple[tuple[int, ...], ...]) -> Callable[[Any], Iterator[Sample]]:
    """Tensors of the shapes of each call."""

    def samples(make: Any) -> Iterator[Sample]:
        for shapes in calls:
            yield Sample(*[make(*shape) for shape in shapes])

    return samples


def listed(*calls: tuple[tuple[int, ...], ...]) -> Callable[[Any], Iterator[Sample]]:
    """A list of tensors of the shapes of each call."""

    def samples(make: Any) -> Iterator[Sample]:
        for shapes in calls:
            yield Sample([make(*shape) for shape in shapes])

    return samples


def integer_operand(make: Any) -> Iterator[Sample]:
    """Small integers that are not negative."""
    yield Sample(make.integers(3, high=5))
    yield Sample(make.integers(2, 2, high=3))
    yield Sample(make.integers(3, high=5), 6)
    yield Sample(make.integers(0, high=5), 3)
    yield Sample(make.integers(130, high=65), 65)


def positive(make: Any) -> Iterator[Sample]:
    """Positive operands, one of them a number."""
    yield Sample(make(2, 3, low=0.3, high=2.0), 2)
    yield Sample(make(2, 3, low=0.3, high=2.0), make(3, low=0.3, high=2.0))


def to_dtype(make: Any) -> Iterator[Sample]:
    """Tensors and a dtype; then values to be truncated or rounded, to every dtype that can hold them."""
    yield Sample(make(2, 3), dtypes.float64)
    yield Sample(make(2, 3), dtypes.float32)
    yield Sample(make(), dtypes.complex128)
    for dtype in dtypes.by_name.values():
        is_defined = dtype.category >= make.dtype.category or make.dtype.category == 2
        if dtype.category < 2 and make.dtype.category == 2:  # beyond its range a conversion has no defined result
            low, high = (-100.0, 100.0) if dtype.is_signed else (0.0, 100.0)
            yield values_only(make.values(65, low=low, high=high), dtype)
        elif is_defined or make.dtype.category == 1:
            yield values_only(make.values(65), dtype)


def take_along(make: Any) -> Iterator[Sample]:
    """Tensors and indices along a dimension."""
    yield Sample(make(3, 4), make.integers(3, 2, high=4), 1)
    yield Sample(make(3, 4), make.integers(2, 4, high=3), dim=0)
    yield Sample(make(2, 1, 3), make.integers(1, 4, 3, high=1), 1)
    yield Sample(make(3, 4), make.integers(3, 0, high=4), -1)
    yield values_only(make.values(2, 130), make.integers(2, 129, high=130), 1)
    yield Sample(make(3, 4), make.integers(5, high=12))


def repeat_interleave(make: Any) -> Iterator[Sample]:
    """Tensors and numbers of repeats."""
    yield Sample(make(2, 3), 2)
    yield Sample(make(2, 3), 2, dim=1)
    yield Sample(make(2, 3), make.integers(2, low=1, high=3), dim=0)
    yield Sample(make(2, 3), make.positions([0, 2, 1]), dim=-1)
    yield Sample(make(2, 3), 0, dim=0)
    yield Sample(make(0, 3), 2, dim=1)
    yield Sample(make(2, 2, 2), make.positions([3, 0]), dim=1, output_size=3)
    yield values_only(make.values(65), 3)


def random(*calls: tuple[Any, ...], **named: Any) -> Callable[[Any], Iterator[Sample]]:
    """Calls that draw in a dtype, with a generator."""

    def samples(make: Any) -> Iterator[Sample]:
        for call in calls:
            yield Sample(*call, dtype=make.dtype, generator=make.generator(), **named)

    return samples


def random_from(*attributes: Any, low: float = -2.0, high: float = 2.0) -> Callable[[Any], Iterator[Sample]]:
    """Tensors to draw for, and attributes, with a generator."""

    def samples(make: Any) -> Iterator[Sample]:
        for shape in ((2, 3), (), (0, 3), (2, 3, 2)):
            yield Sample(make(*shape, low=low, high=high), *attributes, generator=make.generator())
        yield values_only(make(600, low=low, high=high), *attributes, generator=make.generator())

    return samples


def bernoulli_from(make: Any) -> Iterator[Sample]:
    """A tensor and probabilities, with a generator."""
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9), generator=make.generator())


def poisson(make: Any) -> Iterator[Sample]:
    """Small and large rates, with a generator."""
    yield Sample(make(2, 3, low=0.5, high=5.0), generator=make.generator())
    yield Sample(make(4, low=15.0, high=40.0), generator=make.generator())


def multinomial(make: Any) -> Iterator[Sample]:
    """Weights and numbers of draws, with a generator."""
    yield Sample(make(5, low=0.1, high=1.0), 3, generator=make.generator())
    yield Sample(make(2, 5, low=0.1, high=1.0), 4, True, generator=make.generator())

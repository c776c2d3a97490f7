"""The arguments operations are run with: generated once with NumPy, from a seed, then moved to each backend.

An operation's declaration says what to run it with, in ``samples(make)``. Elementwise operations have the default
samples below: equal shapes, broadcasting, a Python number, 0-d, empty, not contiguous, and enough elements to see the
precision.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from pullback import int64
from pullback.extend import (
    Backend,
    Composite,
    DType,
    Operation,
    Positions,
    Sample,
    Tensor,
    dtypes,
    tensors_of,
)
from pullback.random import Generator


class Maker:
    """What ``samples(make)`` gets: ``make(2, 3)`` is a new tensor of the dtype under test.

    Attributes
    ----------
    dtype : DType
    backend : Backend
        NumPy's: samples are made there, and moved.
    """

    def __init__(self, backend: Backend, dtype: DType) -> None:
        self.backend = backend
        self.dtype = dtype
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
        """Values between ``low`` and ``high``, distinct and, where that interval contains zero, away from zero."""
        category = self.dtype.category
        if category == 0:
            return self._tensor(self._random.integers(0, 2, shape).astype(bool), dtypes.bool_)
        if category == 1:
            return self._tensor(self._whole(shape, low, high), self.dtype)
        values = self._distinct(shape, low, high)
        if category == 3:
            values = values + 1j * self._distinct(shape, min(low, -high), high)
        return self._tensor(values, self.dtype)

    def integers(self, *shape: int, low: int = 0, high: int = 10) -> Tensor:
        """int64 values from ``low`` up to ``high``, which is excluded."""
        return self._tensor(self._random.integers(low, high, shape), int64)

    def generator(self) -> Generator:
        """A generator of random numbers, of the same seed each time."""
        return Generator().manual_seed(7)

    def mask(self, *shape: int) -> Tensor:
        """bool values; both occur where there is room."""
        values = self._random.integers(0, 2, shape).astype(bool)
        if values.size > 1:
            flat = values.reshape(-1)
            flat[0], flat[-1] = True, False
        return self._tensor(values, dtypes.bool_)

    def special(self, *shape: int) -> Tensor:
        """NaN, infinities, zeros of both signs and ones, repeated to fill the shape in its last dimension."""
        values = np.resize(np.array(SPECIAL_VALUES), shape)
        return self._tensor(values, self.dtype)

    def _distinct(self, shape: tuple[int, ...], low: float, high: float) -> Any:
        count = int(np.prod(shape, dtype=np.int64))
        # One value from each of `count` cells, never from the outer quarters: at least half a cell apart.
        positions = self._random.permutation(count) + self._random.uniform(0.25, 0.75, count)
        if low < 0 < high:
            gap = 0.02 * (high - low)
            values = low + positions * ((high - low - 2 * gap) / max(count, 1))
            values = np.where(values > -gap, values + 2 * gap, values)
        else:
            values = low + positions * ((high - low) / max(count, 1))
        return values.reshape(shape)

    def _whole(self, shape: tuple[int, ...], low: float, high: float) -> Any:
        largest = 9 if (low, high) == (-2.0, 2.0) else int(np.ceil(high))
        if low >= 0 or not self.dtype.is_signed:
            return self._random.integers(max(int(np.ceil(low)), 1), max(largest, 2) + 1, shape)
        values = self._random.integers(int(min(np.floor(low), -largest)), max(largest, 1), shape)
        return np.where(values >= 0, values + 1, values)  # no zero: integers are divided by, too

    def _tensor(self, values: Any, dtype: DType) -> Tensor:
        return Tensor._wrap(self.backend.from_data(np.asarray(values), dtype, None), self.backend)


#: What IEEE 754 has beyond the ordinary numbers.
SPECIAL_VALUES = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.0, -1.0, 2.5)


class Arguments(NamedTuple):
    """The arguments of one sample, with NumPy tensors of the dtype under test."""

    number: int
    label: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    is_wide: bool = False  # many elements, to see the precision: not differentiated


def seed_of(operation: str, index: int, dtype: DType, seed: int) -> int:
    """The seed of one sample's random values."""
    return zlib.crc32(f"{operation}/{index}/{dtype.name}".encode()) ^ seed


def samples_of(
    operation: Operation | Composite, backend: Backend, dtype: DType, *, seed: int = 0, most: int | None = None
) -> Iterator[Arguments]:
    """The samples of an operation, as NumPy tensors of ``dtype``; at most the first ``most`` of them."""
    make = Maker(backend, dtype)
    given = declared_samples(operation)
    if given is None:
        return
    iterator = iter(given(make))
    labels: set[str] = set()
    index = 0
    while most is None or index < most:
        make.reseed(seed_of(operation.name, index, dtype, seed))
        sample = next(iterator, None)
        if sample is None:
            return
        label = base = sample.label or described(sample.args, sample.kwargs)
        number = 2
        while label in labels:
            label, number = f"{base} #{number}", number + 1
        labels.add(label)
        yield Arguments(index, label, sample.args, sample.kwargs, sample.label.startswith("precision"))
        index += 1


def special_sample(operation: Operation | Composite, backend: Backend, dtype: DType) -> Arguments | None:
    """Every combination of special values, for an elementwise operation on real floating numbers."""
    if not dtype.is_floating_point or declared_samples(operation) is not elementwise_samples(operation):
        return None
    make, count = Maker(backend, dtype), len(SPECIAL_VALUES)
    arity = _arity(operation)
    if arity == 1:
        args: tuple[Any, ...] = (make.special(count),)
    elif arity == 2:
        values = make.special(count)
        column = Tensor._wrap(values.array.reshape(count, 1), values.backend)
        args = (column, values)
    else:
        return None
    return Arguments(0, "special values", args, {})


def declared_samples(operation: Operation | Composite) -> Any:
    """The function that yields an operation's samples; None where there is none."""
    return operation.samples if callable(operation.samples) else elementwise_samples(operation)


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


_default_samples: dict[str, Any] = {}


def elementwise_samples(operation: Operation | Composite) -> Any:
    """The default samples of an elementwise operation; None for any other."""
    if operation.name not in _default_samples:
        arity = _arity(operation)
        low, high = operation.domain if isinstance(operation, Operation) else (0.3, 2.0)
        numbers, masks = _takes_numbers(operation), _masks(operation)

        def samples(make: Maker) -> Iterator[Sample]:
            if arity == 1:
                return _unary_samples(make, low, high)
            return _binary_samples(make, low, high, numbers) if arity == 2 else _many_samples(make, low, high, masks)

        _default_samples[operation.name] = samples if 1 <= arity <= 3 else None
    return _default_samples[operation.name]


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


def _unary_samples(make: Maker, low: float, high: float) -> Iterator[Sample]:
    def values(*shape: int) -> Tensor:
        return make(*shape, low=low, high=high)

    yield Sample(values(3, 8))
    yield labelled("0-d", values())
    yield labelled("precision (96,)", values(96))
    yield labelled("not contiguous (3, 2)", transposed(values(2, 3)))
    yield labelled("empty (0, 3)", values(0, 3))
    yield labelled("step (3,)", stepped(values(6)))


def _binary_samples(make: Maker, low: float, high: float, numbers: bool) -> Iterator[Sample]:
    def values(*shape: int) -> Tensor:
        return make(*shape, low=low, high=high)

    number: Any = {0: True, 1: 3}.get(make.dtype.category, min(high, max(low, 1.25)))
    yield Sample(values(2, 3), values(2, 3))
    yield labelled("broadcast (2, 3), (3,)", values(2, 3), values(3))
    if numbers:
        yield labelled("number on the right", values(2, 3), number)
    yield labelled("precision (96,), (96,)", values(96), values(96))
    yield labelled("0-d, 0-d", values(), values())
    yield labelled("broadcast (2, 1), (1, 3)", values(2, 1), values(1, 3))
    yield labelled("0-d on the left", values(), values(2, 3))
    yield labelled("not contiguous (3, 2)", transposed(values(2, 3)), values(3, 2))
    yield labelled("empty (0, 3), (3,)", values(0, 3), values(3))


def _many_samples(make: Maker, low: float, high: float, masks: tuple[bool, ...]) -> Iterator[Sample]:
    def values(*shapes: tuple[int, ...]) -> list[Tensor]:
        return [
            make.mask(*shape) if is_mask else make(*shape, low=low, high=high)
            for shape, is_mask in zip(shapes, masks, strict=True)
        ]

    arity = len(masks)
    yield Sample(*values(*[(2, 3)] * arity))
    yield labelled("broadcast", *values(*[((2, 3), (3,), (2, 1))[i % 3] for i in range(arity)]))
    yield labelled("0-d", *values(*[()] * arity))
    yield labelled("empty (0, 3)", *values(*[(0, 3)] * arity))


def labelled(label: str, *args: Any, **kwargs: Any) -> Sample:
    """A sample with a name of its own."""
    sample = Sample(*args, **kwargs)
    sample.label = label
    return sample


def transposed(tensor: Tensor) -> Tensor:
    """A NumPy tensor with its two dimensions exchanged, without the graph or alias an operation would add."""
    return Tensor._wrap(tensor.array.T, tensor.backend)


def stepped(tensor: Tensor) -> Tensor:
    """Every other element of a 1-d NumPy tensor."""
    return Tensor._wrap(tensor.array[::2], tensor.backend)


def described(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Arguments in a few words: shapes of tensors, other values as they are."""
    named = {k: v for k, v in kwargs.items() if not isinstance(v, Generator)}
    parts = [_described(a) for a in args] + [f"{k}={_described(v)}" for k, v in named.items()]
    return ", ".join(parts) or "no arguments"


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        shape = "(" + ", ".join(map(str, value.shape)) + ("," if value.ndim == 1 else "") + ")"
        return shape if value.dtype.category >= 2 else f"{value.dtype.name}{shape}"
    if isinstance(value, list | tuple) and tensors_of(value):
        return "[" + ", ".join(map(_described, value)) + "]"
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Positions):
        return "at [" + ", ".join(":" if part is None else _described(part) for part in value.parts) + "]"
    if isinstance(value, slice):
        return ":".join("" if v is None else str(v) for v in (value.start, value.stop, value.step))
    text = repr(value) if not callable(value) else getattr(value, "__name__", "function")
    return text if len(text) <= 40 else text[:37] + "..."


def dtype_named(name: str) -> DType:
    """The dtype of that name."""
    return dtypes.by_name[name]

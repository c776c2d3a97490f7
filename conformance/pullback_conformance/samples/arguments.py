"""The samples of an operation as arguments, each with a number, a label and random values of its own."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from pullback.extend import Backend, Composite, DType, Operation, Positions, Tensor, tensors_of
from pullback.random import Generator
from pullback_conformance.samples.elementwise import elementwise_samples, settings_of
from pullback_conformance.samples.maker import Maker


class Arguments(NamedTuple):
    """The arguments of one sample, with NumPy tensors of the dtype under test.

    Attributes
    ----------
    values_only : bool
        Whether it is not differentiated: it has many elements, or lies where derivatives need not exist.
    only : frozenset of str
        The checks it is for; empty for all.
    """

    number: int
    label: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    values_only: bool = False
    only: frozenset[str] = frozenset()


def seed_of(operation: str, index: int, dtype: DType, seed: int) -> int:
    """The seed of one sample's random values."""
    return zlib.crc32(f"{operation}/{index}/{dtype.name}".encode()) ^ seed


def samples_of(
    operation: Operation | Composite, backend: Backend, dtype: DType, *, seed: int = 0, most: int | None = None
) -> Iterator[Arguments]:
    """The samples of an operation, as NumPy tensors of ``dtype``; at most the first ``most`` of them.

    What a declaration says of attributes away from their defaults comes on top of these, in every tier.
    """
    make = Maker(backend, dtype)
    given = declared_samples(operation)
    if given is None:
        return
    if most is not None:
        most += len(settings_of(operation, make))
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
        yield Arguments(index, label, sample.args, sample.kwargs, sample.values_only)
        index += 1


def declared_samples(operation: Operation | Composite) -> Any:
    """The function that yields an operation's samples; None where there is none."""
    return operation.samples if callable(operation.samples) else elementwise_samples(operation)


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

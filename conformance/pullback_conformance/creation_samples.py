"""Samples for functions that make tensors from no tensors: their declarations have nothing to sample from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pullback.op import Sample


def _filled(make: Any) -> Iterator[Sample]:
    yield Sample(2, 3, dtype=make.dtype)
    yield Sample((3,), dtype=make.dtype)
    yield Sample((), dtype=make.dtype)
    yield Sample(0, 3, dtype=make.dtype)


def _full(make: Any) -> Iterator[Sample]:
    yield Sample((2, 3), 1, dtype=make.dtype)
    yield Sample((), 1, dtype=make.dtype)
    yield Sample((0, 3), 1, dtype=make.dtype)


def _like(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))
    yield Sample(make())
    yield Sample(make(0, 3))


def _full_like(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), 1)
    yield Sample(make(), 1)


def _new_shape(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), (2, 3))
    yield Sample(make(2), ())


def _new_full(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), (2, 3), 1)


def _new_tensor(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), [[0, 1], [1, 0]])


def _arange(make: Any) -> Iterator[Sample]:
    yield Sample(5, dtype=make.dtype)
    yield Sample(1, 7, 2, dtype=make.dtype)
    yield Sample(0, dtype=make.dtype)


def _linspace(make: Any) -> Iterator[Sample]:
    yield Sample(0, 6, 4, dtype=make.dtype)
    yield Sample(3, 3, 1, dtype=make.dtype)


def _eye(make: Any) -> Iterator[Sample]:
    yield Sample(3, dtype=make.dtype)
    yield Sample(2, 3, dtype=make.dtype)


CREATION: dict[str, Callable[[Any], Iterator[Sample]]] = {
    "zeros": _filled,
    "ones": _filled,
    "full": _full,
    "zeros_like": _like,
    "ones_like": _like,
    "full_like": _full_like,
    "new_zeros": _new_shape,
    "new_ones": _new_shape,
    "new_full": _new_full,
    "new_tensor": _new_tensor,
    "arange": _arange,
    "linspace": _linspace,
    "eye": _eye,
}

#: Functions whose values mean nothing, with the reason they are no part of the grid.
WITHOUT_VALUES = {
    name: "its elements are not initialised, so there is nothing to compare" for name in ("empty", "empty_like", "new_empty")
}

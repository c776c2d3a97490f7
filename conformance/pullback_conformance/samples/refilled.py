"""An operation's first samples once more, with values at which kernels go wrong, and in other layouts.

The shapes and attributes are the declaration's own; so every operation meets ties, zeros, NaN, infinities, the ends of
integers and operands that are not contiguous, without saying so. What one must not meet, its declaration says, as
:class:`pullback.extend.Sampled`.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from pullback.extend import Backend, Composite, DType, Operation, Tensor, use_backend
from pullback_conformance.moving import mapped, tensors_in
from pullback_conformance.samples.arguments import Arguments, declared_samples, seed_of
from pullback_conformance.samples.bases import Bases, bases_of, takes
from pullback_conformance.samples.elementwise import elementwise_samples
from pullback_conformance.samples.maker import Maker
from pullback_conformance.samples.relaid import relaid

Fill = Callable[[Any], Any]

_FEW: Final = (-1.0, 0.0, 1.0, 1.0, 0.5, -2.0, 0.0)
#: Beside float32 and int64, each dtype runs one of so many of the further values.
_PARTS: Final = 3


def refilled(
    operation: Operation | Composite, backend: Backend, dtype: DType, *, seed: int = 0, most: int | None = None
) -> Iterator[Arguments]:
    """The samples; at most the first ``most`` of them, those with other values first."""
    if declared_samples(operation) is None:
        return
    make = Maker(backend, dtype)
    make.reseed(seed_of(f"{operation.name}/refilled", 0, dtype, seed))
    bases = bases_of(operation, make)
    found = itertools.islice(_variations(operation, make, bases), most)
    for number, (label, args, kwargs) in enumerate(found):
        yield Arguments(1000 + number, label, args, kwargs, values_only=True)


def _variations(operation: Operation | Composite, make: Maker, bases: Bases) -> Iterator[tuple[str, Any, Any]]:
    is_elementwise = declared_samples(operation) is elementwise_samples(operation)
    usual, further = _fills(operation, make, bases, is_elementwise=is_elementwise)
    for name, fill in usual.items():
        for sample in bases.first[:1]:
            yield f"{name} #1", *_refilled(sample, make, fill)
    if not is_elementwise:
        yield from relaid(operation, make, bases)
    for number, sample in enumerate(bases.first[1:], 2):
        for name, fill in usual.items():
            if number == 2 or takes(operation, make.dtype, number, _PARTS):
                yield f"{name} #{number}", *_refilled(sample, make, fill)
    longest = [] if bases.longest is None or is_elementwise else [("longest", bases.longest)]
    named = [*((f"#{number}", sample) for number, sample in enumerate(bases.first[:2], 1)), *longest]
    combined = [*itertools.product(usual.items(), longest), *itertools.product(further.items(), named)]
    for number, ((name, fill), (which, sample)) in enumerate(combined):
        if takes(operation, make.dtype, number, _PARTS):
            yield f"{name} {which}", *_refilled(sample, make, fill)


def _fills(
    operation: Operation | Composite, make: Maker, bases: Bases, *, is_elementwise: bool
) -> tuple[dict[str, Fill], dict[str, Fill]]:
    """The values that each first sample is filled with, and those that one or two of them are; by their names."""
    whole = make.dtype.category == 1
    usual: dict[str, Fill] = {}
    lasts = {"nothing but the last": _only_last, "all but the last": _all_but_last}
    if make.dtype.category == 0:
        return usual, {} if is_elementwise else lasts
    every = operation.integers.are_all if isinstance(operation, Operation) else not operation.sampled.values
    if whole and every and gives_whole_numbers(operation, make, bases):
        usual |= {"ends of the dtype": _ends}
    if whole and every and not operation.sampled.values:
        usual |= {"ties and zeros": _ties}
    if is_elementwise or operation.sampled.values:  # elementwise samples have such values themselves
        return usual, {}
    in_order = {"ascending": _ascending, "descending": _descending}
    if whole:
        return usual, {**in_order, **lasts}
    usual["ties and zeros"] = _ties
    if make.dtype.category == 3:
        return usual, lasts
    usual |= {"NaN and infinities": _scattered, "NaN first": _first, "NaN last": _last}
    return usual, {"negative infinity everywhere": _lowest, "equal everywhere": _equal, **in_order, **lasts}


def gives_whole_numbers(operation: Operation | Composite, make: Maker, bases: Bases) -> bool:
    """Whether integers give integers: what a floating result is at their ends depends on when they are converted."""
    if isinstance(operation, Operation) and operation.promotion == "float":
        return False
    for sample in bases.first[:1]:
        try:
            with use_backend(make.backend), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = operation.call(*sample.args, **sample.kwargs)
        except (NotImplementedError, RuntimeError, TypeError):  # it refuses integers, as it will at their ends
            return False
        return all(t.dtype.category < 2 for t in tensors_in(result))
    return False


def _refilled(sample: Any, make: Maker, fill: Fill) -> tuple[Any, Any]:
    """The arguments with the arrays of the dtype under test filled anew; indices keep their values."""

    def replace(tensor: Tensor) -> Tensor:
        is_index = any(tensor.array is index for index in make.indices)
        if tensor.dtype is not make.dtype or is_index:
            return tensor
        return Tensor._wrap(fill(tensor.array), tensor.backend)

    return mapped((sample.args, sample.kwargs), replace)  # type: ignore[no-any-return]


def _ties(array: Any) -> Any:
    """Equal elements and zeros everywhere."""
    values = np.array(_FEW) if array.dtype.kind != "u" else np.array([1, 0, 2, 1, 0])
    return np.resize(values, array.shape).astype(array.dtype)


def _ends(array: Any) -> Any:
    """The smallest and largest integers, and those about zero."""
    limits = np.iinfo(array.dtype)
    last = -1 if array.dtype.kind == "i" else 1
    values = [limits.max, limits.min, last, 0, limits.max - 1, 1, limits.max, limits.min + 1]
    return np.resize(np.array(values, array.dtype), array.shape)


def _scattered(array: Any) -> Any:
    """NaN, and infinities beside it, at another place of each row; a row without."""
    changed = np.array(array)
    flat = changed.reshape(-1)
    step = changed.shape[-1] + 1 if changed.ndim else 1
    flat[::step] = np.nan
    flat[1 :: 2 * step] = np.inf
    flat[2 :: 3 * step] = -np.inf
    if changed.ndim > 1 and len(changed):
        changed[-1] = array[-1]
    return changed


def _first(array: Any) -> Any:
    changed = np.array(array)
    changed.reshape(-1)[:1] = np.nan
    return changed


def _last(array: Any) -> Any:
    changed = np.array(array)
    changed.reshape(-1)[-1:] = np.nan
    return changed


def _lowest(array: Any) -> Any:
    return np.full(array.shape, -np.inf).astype(array.dtype)


def _equal(array: Any) -> Any:
    """One negative number: not the zero that a sum or an extreme may begin with."""
    return np.full(array.shape, -1.5).astype(array.dtype)


def _ascending(array: Any) -> Any:
    """The same numbers in order, the largest last."""
    return np.sort(array.reshape(-1)).reshape(array.shape)


def _descending(array: Any) -> Any:
    return _ascending(array)[(slice(None, None, -1),) * array.ndim].copy()


def _only_last(array: Any) -> Any:
    """Zeros, and a one in the last place."""
    changed = np.zeros(array.shape, array.dtype)
    changed.reshape(-1)[-1:] = 1
    return changed


def _all_but_last(array: Any) -> Any:
    """Ones, and a zero in the last place."""
    changed = np.ones(array.shape, array.dtype)
    changed.reshape(-1)[-1:] = 0
    return changed

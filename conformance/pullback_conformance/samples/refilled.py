"""An operation's first samples once more, with values at which kernels go wrong, and in other layouts.

The shapes and attributes are the declaration's own; so every operation meets ties, zeros, NaN, infinities, the ends of
integers and operands that are not contiguous, without saying so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from pullback.extend import Backend, Composite, DType, Operation, Tensor, use_backend
from pullback.random import Generator
from pullback_conformance.moving import mapped, tensors_in
from pullback_conformance.samples.arguments import Arguments, declared_samples, seed_of
from pullback_conformance.samples.elementwise import elementwise_samples
from pullback_conformance.samples.layouts import LAYOUTS
from pullback_conformance.samples.maker import Maker

#: Not run with NaN, infinities and ties: distributions have parameters that must not be such.
_REGULAR: Final = ("pullback.ops.random",)

#: Not run in other layouts: they read memory as it lies, and so have another result, or refuse it.
_READS_MEMORY: Final = frozenset({"as_strided", "reshape_alias", "view"})

_FEW: Final = (-1.0, 0.0, 1.0, 1.0, 0.5, -2.0, 0.0)


def refilled(
    operation: Operation | Composite, backend: Backend, dtype: DType, *, seed: int = 0, most: int | None = None
) -> Iterator[Arguments]:
    """The samples; at most the first ``most`` of them, those with other values first."""
    given = declared_samples(operation)
    if given is None or dtype.category == 0:
        return
    make = Maker(backend, dtype)
    make.reseed(seed_of(f"{operation.name}/refilled", 0, dtype, seed))
    bases = _bases(operation, given, make)
    count = 0
    for label, args, kwargs in _candidates(operation, make, bases, is_default=given is elementwise_samples(operation)):
        if most is not None and count >= most:
            return
        if _runs(operation, backend, args, kwargs, only_whole=label.startswith("ends")):
            yield Arguments(1000 + count, label, args, kwargs, values_only=True)
            count += 1


def _bases(operation: Operation | Composite, given: Any, make: Maker) -> list[Any]:
    """The first samples with room for other values, four at most."""
    found: list[Any] = []
    try:
        for sample in given(make):
            tensors = tensors_in((sample.args, sample.kwargs))
            if any(isinstance(v, Generator) for v in (*sample.args, *sample.kwargs.values())):
                return []
            if any(t.array.size > 1 and t.dtype is make.dtype for t in tensors) and not sample.values_only:
                found.append(sample)
            if len(found) == 4:
                break
    except Exception:  # not every dtype has every sample
        return found
    return found


def _candidates(
    operation: Operation | Composite, make: Maker, bases: list[Any], *, is_default: bool
) -> Iterator[tuple[str, Any, Any]]:
    if make.dtype.category == 1:
        defined = not isinstance(operation, Operation) or operation.integers.are_all
        fills = {} if not defined else {"ends of the dtype": _ends, "ties and zeros": _ties}
    elif is_default or operation.module.startswith(_REGULAR):
        fills = {}  # their samples have such values, or must not
    elif make.dtype.category == 3:
        fills = {"ties and zeros": _ties}
    else:
        fills = {"ties and zeros": _ties, "NaN and infinities": _scattered, "NaN first": _first, "NaN last": _last}
    for sample in bases[:1]:
        for name, fill in fills.items():
            yield f"{name} #1", *_replaced(sample, make, fill, None)
    if bases and not is_default and operation.name not in _READS_MEMORY:
        yield from _in_layouts(make, bases)
    for sample in bases[1:2]:
        for name, fill in fills.items():
            yield f"{name} #2", *_replaced(sample, make, fill, None)


def _in_layouts(make: Maker, bases: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """The sample with most dimensions, each operand and all in another layout."""
    widest = max(bases, key=lambda s: sum(t.array.ndim for t in tensors_in((s.args, s.kwargs))))
    count = len(tensors_in((widest.args, widest.kwargs)))
    yield "all columnwise", *_replaced(widest, make, LAYOUTS["columnwise"], None)
    for position in range(min(count, 4)):
        layout = tuple(LAYOUTS)[position % 3]
        yield f"operand {position}, {layout}", *_replaced(widest, make, LAYOUTS[layout], position)
    yield "all with an offset", *_replaced(widest, make, LAYOUTS["offset"], None)


def _replaced(sample: Any, make: Maker, change: Callable[[Any], Any], position: int | None) -> tuple[Any, Any]:
    """The arguments with the array of one operand, or of all, changed; of indices the layout only."""
    number = -1
    only_layout = change in LAYOUTS.values()

    def replace(tensor: Tensor) -> Tensor:
        nonlocal number
        number += 1
        array = tensor.array
        is_index = any(array is index for index in make.indices)
        if position not in (None, number) or not (only_layout or (tensor.dtype is make.dtype and not is_index)):
            return tensor
        return Tensor._wrap(change(array), tensor.backend)

    return mapped((sample.args, sample.kwargs), replace)  # type: ignore[no-any-return]


def _runs(operation: Operation | Composite, backend: Backend, args: Any, kwargs: Any, *, only_whole: bool) -> bool:
    """Whether NumPy has an answer: of whole numbers, if so asked."""
    try:
        with use_backend(backend), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = operation.call(*args, **kwargs)
    except Exception:
        return False
    return not only_whole or all(t.dtype.category < 2 for t in tensors_in(result))


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

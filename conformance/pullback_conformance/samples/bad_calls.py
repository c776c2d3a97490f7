"""Calls that must raise: an operation's sample with one argument out of range, of another shape, dtype or kind.

What a bad call is follows from the sample and from what its arguments are called and hold. Whether the operation has to
refuse it says the declaration (``bad=``), the nature of the mistake (a dimension that isn't there), or the reference.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from pullback.extend import Backend, Composite, DType, Operation, Positions, Tensor, dtypes
from pullback.random import Generator
from pullback_conformance.moving import mapped, tensors_in
from pullback_conformance.samples.arguments import Arguments
from pullback_conformance.samples.maker import Maker

#: Parameters that name dimensions.
DIMENSIONS: Final = frozenset({"dim", "dim0", "dim1", "dim2", "axis", "dimension", "start_dim", "end_dim"})

#: Far beyond the sizes of any sample.
_BEYOND: Final = 1000

#: In the place of an argument of any other kind.
_NONSENSE: Final = "nonsense"

#: What is raised for a text where numbers are expected: mostly a TypeError, or what Python's conversion raises.
_NO_NUMBER: Final = (TypeError, ValueError, RuntimeError)


class BadCall(NamedTuple):
    """A call that may have to raise.

    Attributes
    ----------
    label : str
        What is wrong with it.
    raises : tuple of type
        What it may raise; empty where the reference's exception says it.
    """

    label: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    raises: tuple[type[Exception], ...] = ()

    @property
    def arguments(self) -> Arguments:
        """As those of a sample."""
        return Arguments(0, self.label, self.args, self.kwargs, values_only=True)


def bad_calls(
    operation: Operation | Composite,
    backend: Backend,
    dtype: DType,
    arguments: Arguments,
    *,
    everything: bool = True,
) -> Iterator[BadCall]:
    """The calls that ``arguments``, of a good one, become bad by; with those of the declaration first.

    What only the core calls has its shapes and attributes from there: of that only values are changed.

    Parameters
    ----------
    backend : Backend
        NumPy's: arguments are made there, and moved.
    everything : bool
        Whether to change shapes, dtypes and attributes too, or values of integers alone.
    """
    if operation.bad is not None:
        for number, sample in enumerate(operation.bad(Maker(backend, dtype)), 1):
            label = sample.label or f"declared bad call {number}"
            yield BadCall(label, sample.args, sample.kwargs, (sample.raises,))
    names = parameters(operation)
    given = [*zip(names, arguments.args, strict=False), *arguments.kwargs.items()]
    for place, (name, value) in enumerate(given):
        for change in _changes(operation, name, value, arguments):
            if not change.of_values and not (everything and is_public(operation)):
                continue
            if place < len(arguments.args):
                args = (*arguments.args[:place], change.value, *arguments.args[place + 1 :])
                yield BadCall(f"{name}: {change.label}", args, arguments.kwargs, change.raises)
            else:
                kwargs = {**arguments.kwargs, name: change.value}
                yield BadCall(f"{name}: {change.label}", arguments.args, kwargs, change.raises)
    if not everything or not is_public(operation):
        return
    missing = [n for n in names[len(arguments.args) :] if n in DIMENSIONS and n not in arguments.kwargs]
    for name in missing:
        for change in _no_dimension(_most_dimensions(arguments)):
            kwargs = {**arguments.kwargs, name: change.value}
            # Another parameter may be needed beside it, and the reference knows.
            yield BadCall(f"{name}: {change.label}", arguments.args, kwargs)
    yield from _of_other_dtypes(operation, dtype, arguments)


def is_public(operation: Operation | Composite) -> bool:
    """Whether users can call it."""
    return bool(operation.namespaces or operation.method_names)


def parameters(operation: Operation | Composite) -> tuple[str, ...]:
    """The names of an operation's parameters, in order."""
    if isinstance(operation, Operation):
        return (*operation.operands, *operation.attributes)
    return tuple(inspect.signature(operation.function).parameters)


class _Change(NamedTuple):
    label: str
    value: Any
    raises: tuple[type[Exception], ...] = ()
    of_values: bool = False


def _changes(operation: Operation | Composite, name: str, value: Any, arguments: Arguments) -> Iterator[_Change]:
    if isinstance(value, Tensor):
        others = [t for t in tensors_in((arguments.args, arguments.kwargs)) if t is not value]
        yield from _of_tensor(operation, value, others)
    elif isinstance(value, Positions) or (isinstance(value, list | tuple) and tensors_in(value)):
        for number, tensor in enumerate(tensors_in(value)):
            for change in _of_tensor(operation, tensor, []):
                if isinstance(value, Positions) and not change.of_values:
                    continue  # the core makes such an index, of what users give, and looks at that
                yield change._replace(
                    label=f"item {number}: {change.label}", value=_with_item(value, number, change.value)
                )
    elif name in DIMENSIONS and _are_integers(value):
        for change in _no_dimension(_most_dimensions(arguments)):
            yield change if isinstance(value, int) else change._replace(value=(*value[:-1], change.value))
    elif isinstance(value, bool) or value is None or isinstance(value, Generator | DType) or callable(value):
        pass
    elif isinstance(value, int):
        yield from (_Change(str(bad), bad) for bad in (-_BEYOND, _BEYOND, 0) if bad != value)
        yield _Change("a text", _NONSENSE, _NO_NUMBER)
    elif isinstance(value, str):
        yield _Change("an unknown word", _NONSENSE)
    elif isinstance(value, tuple | list) and _are_integers(value):
        yield from (_Change(f"{bad} in it", (*value[:-1], bad)) for bad in (-_BEYOND, _BEYOND) if value)
        yield _Change("one more", (*value, 3))
        yield _Change("a text", _NONSENSE, _NO_NUMBER)
    else:
        yield _Change("a text", _NONSENSE, _NO_NUMBER)


def _of_tensor(operation: Operation | Composite, tensor: Tensor, others: list[Tensor]) -> Iterator[_Change]:
    array = tensor.array
    broadcasts = isinstance(operation, Operation) and operation.broadcasts
    apart = broadcasts and array.ndim > 0 and min(array.shape) > 1 and any(t.shape == tensor.shape for t in others)
    larger = np.resize(array, [s + 1 for s in array.shape]) if array.ndim and array.size else None
    if larger is not None:
        yield _Change("larger", _like(larger, tensor), (RuntimeError,) if apart else ())
    if array.size:
        yield _Change("of another dimension", _like(np.resize(array, (2, *array.shape)), tensor))
    if array.ndim and array.size:
        yield _Change("without its first dimension", _like(array[0], tensor))
    if array.dtype.kind in "iu" and array.size:
        for label, place, value in (("too large", -1, _BEYOND), ("too small", 0, -_BEYOND), ("negative", 0, -1)):
            if np.iinfo(array.dtype).min <= value <= np.iinfo(array.dtype).max:
                changed = np.array(array)
                changed.reshape(-1)[place] = value
                yield _Change(label, _like(changed, tensor), of_values=True)
        yield _Change("zeros", _like(np.zeros_like(array), tensor), of_values=True)
        yield _Change("floating", _like(array.astype(np.float32), tensor))
    elif array.dtype.kind == "b":
        yield _Change("numbers for truth values", _like(array.astype(np.float32), tensor))
    yield _Change("a text", _NONSENSE, (TypeError,))


def _no_dimension(ndim: int) -> Iterator[_Change]:
    for dim in (ndim + 3, -ndim - 4):
        yield _Change(f"there is no dimension {dim}", dim, (IndexError,))


def _of_other_dtypes(operation: Operation | Composite, dtype: DType, arguments: Arguments) -> Iterator[BadCall]:
    """The operands in dtypes that the declaration does not list; the reference says whether they are taken."""
    tensors = tensors_in((arguments.args, arguments.kwargs))
    for other in (dtypes.bool_, dtypes.by_name["int64"], dtypes.by_name["float32"], dtypes.by_name["complex64"]):
        if other in operation.dtypes or other is dtype:
            continue
        changed = {
            number: _cast(t, other) for number, t in enumerate(tensors) if t.dtype is dtype and t.dtype.category >= 2
        }
        if changed:
            args, kwargs = _with_tensors((arguments.args, arguments.kwargs), changed)
            yield BadCall(f"operands of {other.name}", args, kwargs)


def _cast(tensor: Tensor, dtype: DType) -> Tensor:
    array = tensor.array.real if tensor.array.dtype.kind == "c" and not dtype.is_complex else tensor.array
    return Tensor._wrap(tensor.backend.astype(array, dtype), tensor.backend)


def _with_item(value: Any, number: int, item: Any) -> Any:
    return _with_tensors(value, {number: item}) if isinstance(item, Tensor) else item


def _with_tensors(value: Any, changed: dict[int, Any]) -> Any:
    position = iter(range(len(tensors_in(value))))
    replace: Callable[[Tensor], Any] = lambda tensor: changed.get(next(position), tensor)  # noqa: E731
    return mapped(value, replace)


def _like(array: Any, tensor: Tensor) -> Tensor:
    return Tensor._wrap(np.ascontiguousarray(array).reshape(np.shape(array)), tensor.backend)


def _are_integers(value: Any) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    return bool(values) and all(isinstance(v, int) and not isinstance(v, bool) for v in values)


def _most_dimensions(arguments: Arguments) -> int:
    return max((t.array.ndim for t in tensors_in((arguments.args, arguments.kwargs))), default=0)

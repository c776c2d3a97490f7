"""The operands and attributes of a call as they were before it: copies in NumPy arrays, for the second backend."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from pullback.extend import Backend, DType, Operation, Positions, Tensor, registry
from pullback.random import Generator, default_generator


class Held(NamedTuple):
    """A copy of a tensor.

    Attributes
    ----------
    array : numpy.ndarray
        The elements, in rows.
    dtype : DType
    strides : tuple of int or None
        How they lay in memory, counted in elements; None where the backend does not say.
    """

    array: Any
    dtype: DType
    strides: tuple[int, ...] | None


class OperandSummary(NamedTuple):
    """What there is to say of an operand in a line.

    Attributes
    ----------
    name : str
    dtype : str
    shape : tuple of int
    strides : tuple of int or None
        Counted in elements; None where the backend's arrays have none.
    smallest, largest : float or None
        Of the finite elements, of complex ones their moduli; None where there are none.
    nans, infinities : int
        How many elements are.
    value : str
        Of an operand that is no tensor.
    """

    name: str
    dtype: str = ""
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] | None = None
    smallest: float | None = None
    largest: float | None = None
    nans: int = 0
    infinities: int = 0
    value: str = ""

    def __str__(self) -> str:
        if not self.dtype:
            return f"{self.name} = {self.value}"
        text = f"{self.name}: {self.dtype}{list(self.shape)}"
        if self.strides is not None and self.shape:
            text += f", strides {list(self.strides)}"
        if self.smallest is not None:
            text += f", from {self.smallest:.6g} to {self.largest:.6g}"
        return text + f", {self.nans or 'no'} NaN, {self.infinities or 'no'} infinite"


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """``value`` with each tensor, held tensor and generator in it replaced."""
    if isinstance(value, Tensor | Held | Generator):
        return function(value)
    if isinstance(value, Positions):
        return _Parts(mapped(part, function) for part in value.parts)
    if isinstance(value, _Parts):
        parts = [mapped(part, function) for part in value]
        return Positions(parts) if any(isinstance(part, Tensor) for part in parts) else _Parts(parts)
    if type(value) in (list, tuple):
        return type(value)(mapped(item, function) for item in value)
    return value


class _Parts(tuple[Any, ...]):
    """The index tensors of :class:`pullback.extend.Positions`, held."""

    __slots__ = ()


@dataclass
class Call:
    """An operation with copies of what it was called with.

    Attributes
    ----------
    operation : Operation
    operands : list
        Held tensors, numbers and None.
    attributes : dict
    generator : pullback.Generator or None
        A copy of what the operation draws from, as it was before.
    overwrites : bool
        Whether the program runs a form that may write into the first operand, which nobody reads afterwards.
    tensors : list of Held
        Those among the operands, and in the attributes.
    """

    operation: Operation
    operands: list[Any]
    attributes: dict[str, Any]
    generator: Generator | None = None
    overwrites: bool = False
    tensors: list[Held] = field(default_factory=list)

    @classmethod
    def taken(cls, operation: Operation, operands: Sequence[Any], attributes: Mapping[str, Any]) -> Call:
        """Copies of what an operation is about to be called with."""
        generator = None
        if operation.draws:
            generator = copy.copy(attributes.get("generator") or default_generator)
        declared = registry.get(operation.name, operation)
        assert isinstance(declared, Operation)
        call = cls(declared, [], {}, generator, declared is not operation)
        call.operands = [mapped(value, call._hold) for value in operands]
        call.attributes = {name: mapped(value, call._hold) for name, value in attributes.items()}
        return call

    def _hold(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        held = held_tensor(value)
        self.tensors.append(held)
        return held

    def run_on(self, backend: Backend, change: Callable[[int, Held], Any] | None = None) -> list[Any]:
        """The native arrays that the operation gives on a backend, from copies of the copies.

        ``change`` gives other elements for a tensor: it is called with its number and the tensor.
        """
        number = iter(range(len(self.tensors)))

        def moved(held: Held) -> Tensor:
            array = held.array if change is None else change(next(number), held)
            return Tensor._wrap(backend.from_data(np.array(array, order="C"), held.dtype, None), backend)

        return self.run_with(moved)

    def run_with(self, tensor_for: Callable[[Held], Tensor]) -> list[Any]:
        """The native arrays that the operation gives with a tensor for each that is held."""

        def made(value: Any) -> Any:
            return tensor_for(value) if isinstance(value, Held) else value

        operands = [mapped(value, made) for value in self.operands]
        attributes = {name: mapped(value, made) for name, value in self.attributes.items()}
        if self.generator is not None:
            self.drawn_to = attributes["generator"] = copy.copy(self.generator)
        arguments = [operands] if self.operation.sequence else operands
        result = self.operation.call(*arguments, **attributes)
        return [part.array for part in result] if self.operation.outputs is not None else [result.array]

    #: Where the generator has got to, in the run on the second backend.
    drawn_to: Generator | None = None

    def summaries(self) -> list[OperandSummary]:
        """A line for each operand, and for each attribute that is not its default."""
        names = list(self.operation.operands)
        if self.operation.sequence:
            names = [f"{names[0]}[{number}]" for number in range(len(self.operands))]
        given = [*zip(names, self.operands, strict=False)]
        for name, value in self.attributes.items():
            if isinstance(value, _Parts):
                given += [(f"{name}[{number}]", part) for number, part in enumerate(value)]
            elif name not in self.operation.defaults or value != self.operation.defaults[name]:
                given.append((name, value))
        return [_summary(name, value) for name, value in given]


def held_tensor(tensor: Tensor) -> Held:
    """A copy of a tensor's elements."""
    return held_array(tensor.backend, tensor.array)


def held_array(backend: Backend, native: Any) -> Held:
    """A copy of a native array's elements."""
    seen = backend.to_numpy(native)
    strides = None
    if backend.mutable and seen.itemsize and seen.size:
        strides = tuple(step // seen.itemsize for step in seen.strides)
    return Held(np.array(seen, order="C"), backend.dtype_of(native.dtype), strides)


def _summary(name: str, value: Any) -> OperandSummary:
    if not isinstance(value, Held):
        return OperandSummary(name, value=repr(value))
    array = value.array
    if value.dtype.is_complex or value.dtype.is_floating_point:
        with np.errstate(all="ignore"):
            sizes = np.abs(array) if value.dtype.is_complex else array
            sizes = sizes.astype(np.float64)
        finite = sizes[np.isfinite(sizes)]
        nans, infinities = int(np.isnan(sizes).sum()), int(np.isinf(sizes).sum())
    else:
        finite, nans, infinities = array.reshape(-1), 0, 0
    smallest, largest = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    shape = tuple(array.shape)
    return OperandSummary(name, value.dtype.name, shape, value.strides, smallest, largest, nans, infinities)

"""One call, made of an operation's declared samples by choices: other shapes, attributes, layouts and values."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from pullback.extend import Backend, Composite, DType, Operation, Positions, Tensor, iinfo
from pullback.random import Generator
from pullback_conformance.generated.attributes import (
    any_sizes,
    are_sizes,
    names_dimensions,
    other_attribute,
    other_sizes,
)
from pullback_conformance.generated.choices import Choices
from pullback_conformance.generated.shapes import MOST_ELEMENTS, Renaming, any_shape, broadcast_together, limited
from pullback_conformance.generated.values import (
    elementwise_values,
    other_values,
    smooth_values,
    special_operands,
    with_special_values,
)
from pullback_conformance.moving import mapped, tensors_in
from pullback_conformance.samples import Arguments, Maker, declared_samples, seed_of
from pullback_conformance.samples.bad_calls import is_public, parameters
from pullback_conformance.samples.bases import bases_of, in_this_dtype
from pullback_conformance.samples.elementwise import smooth_intervals
from pullback_conformance.samples.layouts import LAYOUTS
from pullback_conformance.samples.refilled import gives_whole_numbers
from pullback_conformance.script import has_source

#: The number of samples that are drawn, behind those of sweeps.
NUMBER: Final = 5000
#: The most elements of the operands of a call that is differentiated: there are many such calls.
_MOST_DIFFERENTIATED: Final = 16
#: The layouts of differentiated operands. The others make elements equal, or run backwards in memory, which no tensor
#: that an operation gives does.
_DIFFERENTIATED_LAYOUTS: Final = ("columnwise", "step", "offset", "middle exchanged")
#: Samples whose largest value is below this, or above its inverse, are about a scale at which differences say nothing.
_LEAST: Final = 2.0**-6
#: The checks that special values in elementwise operations are for, as in their declared sample.
_OF_SPECIAL_VALUES: Final = frozenset({"special", "unchanged", "deterministic"})


class _Base(NamedTuple):
    """A declared sample, and which of its arrays are indices."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    indices: tuple[Any, ...]
    values_only: bool

    def is_index(self, tensor: Tensor) -> bool:
        return any(tensor.array is index for index in self.indices)

    @property
    def tensors(self) -> list[Tensor]:
        return tensors_in((self.args, self.kwargs))


class Drawing:
    """Draws calls of one operation in one dtype.

    What a call may be follows from the declaration: elementwise operations take every shape that broadcasts, and values
    of their domain; others take what a sample has, in other sizes. Attributes lie among those of the samples, and
    dimensions are any that are there. The arguments of operations that only the core calls belong together in ways
    that it knows: of these, values and layouts alone are changed. Whether a call is one at all, the reference says.

    Attributes
    ----------
    is_possible : bool
        Whether there is a sample to begin with.
    is_free : bool
        Whether no call keeps the shapes of its sample: those can't be made smaller bit by bit.
    """

    is_free = False

    def __init__(self, operation: Operation | Composite, backend: Backend, dtype: DType) -> None:
        self.operation = operation
        self.make = Maker(backend, dtype)
        self._names = parameters(operation)
        self._is_elementwise = isinstance(operation, Operation) and operation.broadcasts and not operation.sequence
        if isinstance(operation, Composite):
            self._is_elementwise = operation.samples == "elementwise"
        self._bases = self._declared()
        self.is_possible = bool(self._bases)
        self._seen = self._attributes()
        self._ends = (
            dtype.category == 1
            and self.is_possible
            and not operation.sampled.values
            and gives_whole_numbers(operation, Maker(backend, dtype), bases_of(operation, Maker(backend, dtype)))
        )

    # -- what the declaration says ------------------------------------------------------------------------------------

    def _declared(self) -> list[_Base]:
        given = declared_samples(self.operation)
        found: list[_Base] = []
        if given is None:
            return found
        iterator = in_this_dtype(given(self.make), self.make.dtype)
        while True:
            self.make.indices.clear()
            self.make.reseed(seed_of(self.operation.name, len(found), self.make.dtype, 0))
            sample = next(iterator, None)
            if sample is None:
                return found
            arguments = (sample.args, sample.kwargs)
            tensors = tensors_in(arguments)
            if sum(t.array.size for t in tensors) <= 2 * MOST_ELEMENTS and has_source(arguments):
                found.append(_Base(sample.args, sample.kwargs, tuple(self.make.indices), sample.values_only))

    def _attributes(self) -> dict[str, list[Any]]:
        """What the samples have for each attribute, and its default."""
        seen: dict[str, list[Any]] = {}
        for base in self._bases:
            for name, value in self._named(base):
                if not tensors_in(value) and not isinstance(value, Tensor | Positions | Generator):
                    values = seen.setdefault(name, [])
                    if not any(value is v or (type(value) is type(v) and value == v) for v in values):
                        values.append(value)
        if isinstance(self.operation, Operation):
            for name, value in self.operation.defaults.items():
                if name in seen and value not in seen[name]:
                    seen[name].append(value)
        return seen

    def _named(self, base: _Base) -> list[tuple[str, Any]]:
        # Those of several operands without names of their own have the last parameter's.
        names = (*self._names, *[self._names[-1] if self._names else ""] * len(base.args))
        return [*zip(names, base.args, strict=False), *base.kwargs.items()]

    # -- drawing ------------------------------------------------------------------------------------------------------

    def call(self, choices: Choices) -> Arguments | None:
        """One call; None where what it gives is left open."""
        base = choices.one_of(self._bases)
        made = self._elementwise(choices, base) if self._is_elementwise else self._other(choices, base)
        return None if _converts_what_is_no_integer(made) else self._relaid(choices, made)

    def _elementwise(self, choices: Choices, base: _Base) -> Arguments:
        operation, make = self.operation, self.make
        tensors = base.tensors
        shapes = broadcast_together(choices, len(tensors))
        how = "values" if make.dtype.category < 2 else choices.one_of(("values", "smooth", "special", "values"))
        if sum(int(np.prod(s)) for s in shapes) > _MOST_DIFFERENTIATED and how == "smooth":
            how = "values"
        if how == "special" and (make.dtype.is_complex and len(tensors) > 1):
            how = "values"
        names = [name for name, value in self._named(base) if isinstance(value, Tensor)]
        if how == "smooth":
            drawn = []
            for number, (name, shape) in enumerate(zip(names, shapes, strict=True)):
                low, high = choices.one_of(self._intervals(name))
                drawn.append(smooth_values(choices, make, shape, low, high, number=number))
        elif how == "special":
            drawn = special_operands(choices, make, shapes)
        else:
            drawn = elementwise_values(choices, make, operation, shapes, names)
        of_dtype = [t.dtype is make.dtype and not base.is_index(t) for t in tensors]
        drawn = [
            new if is_plain else self._index_like(choices, old, new.shape)
            for new, old, is_plain in zip(drawn, tensors, of_dtype, strict=True)
        ]
        args, kwargs = _with_tensors((base.args, base.kwargs), drawn)
        args, kwargs = self._with_attributes(choices, args, kwargs)
        only = _OF_SPECIAL_VALUES if how == "special" else frozenset()
        return Arguments(NUMBER, "", args, kwargs, how != "smooth", only)

    def _intervals(self, name: str) -> tuple[tuple[float, float], ...]:
        """Where elements of an operand may lie that derivatives are asked at."""
        if isinstance(self.operation, Operation) and name in self.operation.operands:
            return smooth_intervals(self.operation, name, self.make.dtype)
        return ((0.3, 2.0),)

    def _other(self, choices: Choices, base: _Base) -> Arguments:
        operation, make = self.operation, self.make
        tensors = base.tensors
        changes_shapes = is_public(operation) and not operation.sampled.values
        shapes = [tuple(t.array.shape) for t in tensors]
        args, kwargs = base.args, base.kwargs
        if changes_shapes:
            keeps, is_any = (False, True) if self.is_free else (choices.whether(), not choices.whether())
            free, renaming = any_shape(choices), Renaming(choices, shapes)
            changes_shapes = not keeps
        if changes_shapes and len(tensors) == 1 and is_any:
            shapes = [free]
        elif changes_shapes:
            shapes = [limited(renaming.of_shape(shape)) for shape in shapes]
            args, kwargs = self._with_sizes(choices, args, kwargs, renaming, has_tensors=bool(tensors))
        is_smooth = choices.whether() and make.dtype.category >= 2 and not base.values_only
        is_smooth = is_smooth and sum(int(np.prod(s)) for s in shapes) <= _MOST_DIFFERENTIATED
        drawn = []
        moves = shapes != [tuple(t.array.shape) for t in tensors]
        for tensor, shape in zip(tensors, shapes, strict=True):
            if operation.sampled.values:
                drawn.append(Tensor._wrap(np.array(tensor.array), tensor.backend))
            elif tensor.dtype is not make.dtype or base.is_index(tensor):
                drawn.append(self._index_like(choices, tensor, shape, moves=moves))
            elif is_smooth:
                drawn.append(smooth_values(choices, make, shape, *_range_of(tensor), number=len(drawn)))
            else:
                made = other_values(choices, make, shape)
                drawn.append(with_special_values(choices, make, made, ends=self._ends))
        args, kwargs = _with_tensors((args, kwargs), drawn)
        # An attribute may say what becomes of a position that is named twice: with another one that may be left open.
        keeps_attributes = is_smooth and bool(base.indices) and not moves
        if is_public(operation) and not keeps_attributes:
            args, kwargs = self._with_attributes(choices, args, kwargs)
        return Arguments(NUMBER, "", args, kwargs, not is_smooth)

    def _with_sizes(
        self, choices: Choices, args: tuple[Any, ...], kwargs: dict[str, Any], renaming: Renaming, *, has_tensors: bool
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        def replaced(name: str, value: Any) -> Any:
            if names_dimensions(name) or not are_sizes(value):
                return value
            return other_sizes(value, renaming) if has_tensors else any_sizes(choices, value)

        changed = [replaced(name, value) for name, value in zip(self._names, args, strict=False)]
        return (*changed, *args[len(changed) :]), {name: replaced(name, value) for name, value in kwargs.items()}

    def _with_attributes(
        self, choices: Choices, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with other attributes, one in two of them, and some that the sample leaves out."""
        tensors = tensors_in((args, kwargs))
        ndim = tensors[0].array.ndim if tensors else 0

        def replaced(name: str, value: Any) -> Any:
            is_attribute = name in self._seen and not isinstance(value, Tensor | Positions | Generator)
            if not is_attribute or tensors_in(value):
                return value
            needed = names_dimensions(name) and tensors
            if not needed and not choices.whether():
                return value
            return other_attribute(choices, name, value, self._seen[name], ndim)

        changed = [replaced(name, value) for name, value in zip(self._names, args, strict=False)]
        changed += args[len(changed) :]
        given = {name: replaced(name, value) for name, value in kwargs.items()}
        for name in self._names[len(args) :]:
            if name in self._seen and name not in given and choices.seldom():
                given[name] = other_attribute(choices, name, self._seen[name][0], self._seen[name], ndim)
        return tuple(changed), given

    def _index_like(self, choices: Choices, tensor: Tensor, shape: tuple[int, ...], *, moves: bool = True) -> Tensor:
        """An index, or a mask at random.

        Parameters
        ----------
        moves : bool
            Whether any shape is another one than the sample's. Then no position is named twice along a dimension: what
            stays there is left open, and has no derivative that differences would give.
        """
        if tensor.dtype.category == 0:
            self.make.reseed(choices.below(16))
            return self.make.mask(*shape)
        array = np.array(tensor.array)
        if moves:
            array = np.asarray(sum(np.indices(shape), np.zeros(shape, np.int64)), array.dtype)
        return Tensor._wrap(array, tensor.backend)

    def _relaid(self, choices: Choices, arguments: Arguments) -> Arguments:
        """The arguments with some of the operands lying otherwise in memory."""
        if self.operation.sampled.layouts or not choices.whether():
            return arguments
        names = (None, *(LAYOUTS if arguments.values_only else _DIFFERENTIATED_LAYOUTS))

        def replace(tensor: Tensor) -> Tensor:
            name = choices.one_of(names)
            return tensor if name is None else Tensor._wrap(LAYOUTS[name](tensor.array), tensor.backend)

        args, kwargs = mapped((arguments.args, arguments.kwargs), replace)
        return arguments._replace(args=args, kwargs=kwargs)


def _converts_what_is_no_integer(arguments: Arguments) -> bool:
    """Whether floating numbers become integers of a dtype that does not hold them, which no standard defines."""
    tensors = [t for t in tensors_in((arguments.args, arguments.kwargs)) if t.dtype.category >= 2]
    for value in (*arguments.args, *arguments.kwargs.values()):
        if isinstance(value, DType) and value.category == 1:
            limits = iinfo(value)
            for tensor in tensors:
                real = np.asarray(tensor.array).real.astype(np.float64)
                if not np.all((real >= limits.min) & (real <= limits.max)):
                    return True
    return False


def _range_of(tensor: Tensor) -> tuple[float, float]:
    """An interval in which the values of a sample lie."""
    array = np.asarray(tensor.array)
    parts = np.concatenate([array.real.reshape(-1), array.imag.reshape(-1)]).astype(np.float64)
    parts = parts[np.isfinite(parts)] if array.dtype.kind == "c" else parts[: array.size]
    if not parts.size or np.min(parts) < 0 or not _LEAST < np.max(parts) < 1 / _LEAST:
        return -2.0, 2.0
    low, high = float(np.min(parts)), float(np.max(parts))
    return (low, high) if high > low else (low * 0.75, low * 1.25 + 0.25)


def _with_tensors(arguments: Any, drawn: list[Tensor]) -> Any:
    remaining = iter(drawn)
    return mapped(arguments, lambda tensor: next(remaining))

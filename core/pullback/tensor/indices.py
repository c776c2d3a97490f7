"""Tensors as indices: what they must be, which elements they name, and what is said of those that are not there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from pullback.backend.transfers import elements_read
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.meta.shapes import broadcast_shape, normalize_dim
from pullback.tensor import Tensor
from pullback.tensor.levels import is_mapped
from pullback.tensor.memory import version_of
from pullback.tensor.node import modified_error

if TYPE_CHECKING:
    from pullback.backend.base import Backend
    from pullback.dispatch.declaration import Array

_EVERYTHING = slice(None)
_INTEGERS = frozenset({dtypes.int32, dtypes.int64})
_MASKS = frozenset({dtypes.bool_, dtypes.uint8})


class Positions:
    """Index tensors, one for each leading dimension; None for a dimension taken whole.

    They are no operands, as no gradient flows to them, but a backward pass must still notice that one was written in
    place since. A mask may stand for its positions, where it is the only index.
    """

    __slots__ = ("parts", "versions")

    def __init__(self, parts: Sequence[Tensor | None]) -> None:
        self.parts = tuple(parts)
        self.versions = tuple(map(version_of, self.parts))

    def check(self) -> None:
        """Raise RuntimeError if an index tensor has been written in place."""
        for part, then in zip(self.parts, self.versions, strict=True):
            if part is not None and version_of(part) != then:
                raise modified_error(part.dtype, part.shape, part.edge, version_of(part), then)

    def native(self) -> tuple[Any, ...]:
        """The key for the backend's kernels.

        Raises
        ------
        RuntimeError
            If an index tensor has been written in place.
        """
        key = []
        for part, then in zip(self.parts, self.versions, strict=True):
            if part is None:
                key.append(_EVERYTHING)
                continue
            now = version_of(part)
            if now != then:
                raise modified_error(part.dtype, part.shape, part.edge, now, then)
            key.append(part.array)
        return tuple(key)

    def ndim_of_result(self, ndim: int) -> int:
        """How many dimensions the elements have that a tensor of ``ndim`` dimensions holds at these positions."""
        given = [part for part in self.parts if part is not None]
        if len(given) == 1 and given[0].dtype is dtypes.bool_:
            return ndim - given[0].ndim + 1
        return ndim - len(given) + max((part.ndim for part in given), default=0)


def located(indices: Sequence[Tensor | None], input: Tensor) -> Positions:
    """Checked positions: masks become the positions of what they keep, all on the backend of ``input``.

    Raises
    ------
    IndexError
        For too many indices, a dtype that is none of an index, a mask of another shape than what it indexes, or
        indices that do not broadcast against each other.
    """
    shape = input.array.shape
    if len(indices) > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)} (got {len(indices)})")
    given = [index for index in indices if index is not None]
    for each in given:
        if each.dtype not in _INTEGERS and each.dtype not in _MASKS:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    parts: list[Tensor | None] = []
    for index in indices:
        if index is None:
            parts.append(None)
        elif index.dtype in _MASKS:
            if index.dtype is dtypes.uint8:
                warnings.warn(
                    "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
                    UserWarning,
                    stacklevel=4,
                )
            check_mask_shape(index, shape, len(parts))
            index = _on_backend(index, input)
            if index.backend.level:
                _check_unmapped(index)
            if len(given) == 1 and index.ndim and index.dtype is dtypes.bool_ and input.backend.boolean_keys:
                parts.append(index)
            else:
                parts += _nonzero(index)
        else:
            parts.append(_on_backend(index, input))
    shapes = [tuple(part.array.shape) for part in parts if part is not None]
    if len(shapes) > 1:
        try:
            broadcast_shape(shapes)
        except RuntimeError:
            text = ", ".join(str(list(s)) for s in shapes)
            raise IndexError(
                f"shape mismatch: indexing tensors could not be broadcast together with shapes {text}"
            ) from None
    return Positions(parts)


def _nonzero(mask: Tensor) -> tuple[Tensor, ...]:
    return mask.nonzero(as_tuple=True) if mask.ndim else ()


def check_mask_shape(mask: Tensor, shape: Sequence[int], start: int) -> None:
    """Refuse a mask of another shape than the dimensions from ``start`` on."""
    for number, size in enumerate(mask.array.shape):
        place = start + number
        if place >= len(shape):
            normalize_dim(place, len(shape))  # raises
        if shape[place] != size:
            raise IndexError(
                f"The shape of the mask {list(mask.array.shape)} at index {number} does not match the shape of the"
                f" indexed tensor {list(shape)} at index {place}"
            )


def _check_unmapped(mask: Tensor) -> None:
    """Refuse a mask that may keep another number of elements for each example."""
    if is_mapped(mask):
        raise RuntimeError(
            "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch over"
            " indexing with a boolean mask."
        )


def _on_backend(index: Tensor, input: Tensor) -> Tensor:
    if index.backend is input.backend or index.backend.level or input.backend.level:
        return index
    raise RuntimeError(
        f"expected an index tensor on backend {input.backend.name!r}, as the tensor it indexes, but got one on"
        f" {index.backend.name!r}. Move it: .to({input.backend.name!r})"
    )


def refused(backend: Backend, input: Array, key: tuple[Any, ...], values: Array | None = None) -> tuple[int, ...]:
    """Raise what is wrong with a key, or with the values for its elements; else the shape of those elements.

    Where there are none, positions out of bounds are no mistake to PyTorch.

    Raises
    ------
    TypeError
        For a key with an array of another backend: where the positions are mapped over, only a batching rule may tell.
    IndexError
        For positions out of bounds.
    RuntimeError
        For values of another shape or dtype.
    """
    if not all(isinstance(part, slice) or backend.is_array(part) for part in key):
        raise TypeError(f"the key has positions that are no arrays of backend {backend.name!r}")
    parts = [p for part in key for p in (backend.nonzero(part) if _is_mask(backend, part) else (part,))]
    places = [place for place, part in enumerate(parts) if not isinstance(part, slice)]
    arrays = [parts[place] for place in places]
    sizes = [input.shape[place] for place in places]
    index_shape = broadcast_shape([tuple(array.shape) for array in arrays])
    if 0 in sizes and 0 not in index_shape:
        raise IndexError("index is out of bounds for dimension with size 0")
    others = [size for place, size in enumerate(input.shape) if place not in places]
    adjacent = places and places == list(range(places[0], places[0] + len(places)))
    before = places[0] if adjacent else 0
    shape = (*others[:before], *index_shape, *others[before:])
    if values is not None:
        check_values(backend, input, values, shape)
    if prod(shape):
        _check_bounds(backend, arrays, sizes, index_shape)
    return shape


def check_values(backend: Backend, input: Array, values: Array, shape: Sequence[int]) -> None:
    """Refuse values that do not broadcast to the elements of that shape, or are of another dtype."""
    fits = len(values.shape) <= len(shape) and all(
        own in (1, size) for own, size in zip(reversed(values.shape), reversed(shape), strict=False)
    )
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of"
            f" shape {list(shape)}"
        )
    kinds = [backend.dtypes[array.dtype] for array in (input, values)]
    if kinds[0] is not kinds[1]:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got {} for the destination and {} for the"
            " source.".format(*map(type_name, kinds))
        )


def _is_mask(backend: Backend, part: Any) -> bool:
    return not isinstance(part, slice) and backend.dtypes[part.dtype] is dtypes.bool_


def _check_bounds(backend: Backend, arrays: list[Array], sizes: list[int], shape: tuple[int, ...]) -> None:
    """Raise IndexError for the first position that is out of bounds."""
    vectors = [
        elements_read("an index, checked for its bounds,", backend, backend.broadcast_to(array, shape)).reshape(-1)
        for array in arrays
    ]
    wrong: Any = False
    for vector, size in zip(vectors, sizes, strict=True):
        wrong = wrong | (vector < -size) | (vector >= size)
    if not wrong.any():
        return
    first = int(wrong.argmax())
    for number, (vector, size) in enumerate(zip(vectors, sizes, strict=True)):
        position = int(vector[first])
        if not -size <= position < size:
            raise IndexError(f"index {position} is out of bounds for dimension {number} with size {size}")

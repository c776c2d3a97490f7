"""Where a tensor's elements lie in its storage, told without any array.

A :class:`Geometry` is a dtype, a shape, strides and an offset. :data:`GEOMETRIES` is a backend whose arrays are
geometries: a chain of view operations replayed on it says where the view's elements lie, so that strides, offsets and
aliasing follow PyTorch's rules on every backend, also where arrays have neither strides nor addresses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pullback.backend.base import Backend
from pullback.meta import dtypes
from pullback.meta.dtypes import DType
from pullback.meta.strides import contiguous_strides, is_contiguous, view_strides

#: Of geometries of more elements than this it is not counted out whether windows overlap.
_MOST_COUNTED = 2**20


class Geometry:
    """Shape, strides and offset of elements in a storage, counted in elements of ``dtype``.

    Examples
    --------
    >>> from pullback import float32
    >>> Geometry.contiguous(float32, (2, 3))
    Geometry(float32, shape=(2, 3), strides=(3, 1), offset=0)
    """

    __slots__ = ("dtype", "offset", "shape", "strides")

    def __init__(self, dtype: DType, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> None:
        self.dtype = dtype
        self.shape = tuple(shape)
        self.strides = tuple(strides)
        self.offset = offset

    @classmethod
    def contiguous(cls, dtype: DType, shape: Sequence[int]) -> Geometry:
        """Elements in row-major order from the beginning of the storage."""
        return cls(dtype, shape, contiguous_strides(shape))

    def __repr__(self) -> str:
        return f"Geometry({self.dtype.name}, shape={self.shape}, strides={self.strides}, offset={self.offset})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Geometry) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.dtype, self.shape, self.strides, self.offset

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def count(self) -> int:
        """The number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def extent(self) -> int:
        """How many elements the storage must have, at least."""
        if 0 in self.shape:
            return 0
        last = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        return self.offset + last + 1

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return is_contiguous(self.shape, self.strides)

    @property
    def is_dense(self) -> bool:
        """Whether the elements fill their part of the storage, in whatever order, each place once."""
        if 0 in self.shape:
            return True
        expected = 1
        for stride, size in sorted(zip(self.strides, self.shape, strict=True)):
            if size == 1:
                continue
            if stride != expected:
                return False
            expected *= size
        return True

    @property
    def may_overlap(self) -> bool:
        """Whether two elements may lie in one place: no dimension may step into what the shorter steps cover."""
        if 0 in self.shape:
            return False
        covered = 0
        for stride, size in sorted(zip(self.strides, self.shape, strict=True)):
            if size == 1:
                continue
            if stride <= covered:
                return True
            covered += (size - 1) * stride
        return False

    @property
    def repeats(self) -> bool:
        """Whether a dimension takes the same elements again and again, as an expanded one does."""
        return 0 not in self.shape and any(
            stride == 0 and size > 1 for stride, size in zip(self.strides, self.shape, strict=True)
        )

    @property
    def windowed(self) -> bool:
        """Whether two elements are one and the same place: ``repeats``, or windows that overlap."""
        if 0 in self.shape:
            return False
        reach, surely_apart = 0, True
        for size, stride in sorted(zip(self.shape, map(abs, self.strides), strict=True), key=lambda pair: pair[1]):
            if size > 1:
                surely_apart = surely_apart and stride > reach
                reach += (size - 1) * stride
        if surely_apart or math.prod(self.shape) > _MOST_COUNTED:
            return not surely_apart
        places = {0}
        for size, stride in zip(self.shape, self.strides, strict=True):
            places = {place + i * stride for place in places for i in range(size)}
        return len(places) < math.prod(self.shape)

    @property
    def order(self) -> tuple[int, ...]:
        """The dimensions from the one with the longest stride to that with the shortest."""
        return tuple(sorted(range(self.ndim), key=lambda d: (-self.strides[d], -self.shape[d], d)))

    def overlaps_partly(self, other: Geometry) -> bool:
        """Whether two geometries of one storage share some elements but are not the same, as far as is told cheaply.

        Answers no where one of them has gaps or repetitions, as PyTorch does
        (``at::get_overlap_status``, ATen/MemoryOverlap.cpp).
        """
        if not self.count or not other.count or not self.is_dense or not other.is_dense:
            return False
        begin, end = self.offset * self.dtype.itemsize, (self.offset + self.count) * self.dtype.itemsize
        other_begin = other.offset * other.dtype.itemsize
        other_end = (other.offset + other.count) * other.dtype.itemsize
        if (begin, end) == (other_begin, other_end):
            return self.strides != other.strides
        return begin < other_end and other_begin < end


class _GeometryBackend(Backend):
    """View kernels over geometries, which have no elements: nothing else runs on them. See the module."""

    name = "geometry"
    mutable = False
    array_type = Geometry

    def __init__(self) -> None:
        self.dtypes = {d: d for d in dtypes.ALL}
        self.native_dtypes = {d: d for d in dtypes.ALL}

    def as_array(self, obj: Any) -> Geometry:
        assert isinstance(obj, Geometry)
        return obj

    def strides(self, array: Geometry) -> tuple[int, ...]:
        return array.strides

    def is_contiguous(self, array: Geometry) -> bool:
        return array.is_contiguous

    def data_pointer(self, array: Geometry) -> int:
        return array.offset * array.dtype.itemsize

    # -- kernels

    def reshape(self, x: Geometry, shape: tuple[int, ...]) -> Geometry:
        strides = view_strides(x.shape, x.strides, shape)
        if strides is None:
            raise RuntimeError(f"no view of {x} has the shape {list(shape)}")
        return Geometry(x.dtype, shape, strides, x.offset)

    def permute_dims(self, x: Geometry, axes: tuple[int, ...]) -> Geometry:
        return Geometry(x.dtype, [x.shape[a] for a in axes], [x.strides[a] for a in axes], x.offset)

    def expand_dims(self, x: Geometry, *, axis: int) -> Geometry:
        stride = x.shape[axis] * x.strides[axis] if axis < x.ndim else 1
        return Geometry(
            x.dtype,
            (*x.shape[:axis], 1, *x.shape[axis:]),
            (*x.strides[:axis], stride, *x.strides[axis:]),
            x.offset,
        )

    def squeeze(self, x: Geometry, axis: tuple[int, ...]) -> Geometry:
        kept = [d for d in range(x.ndim) if d not in axis]
        return self.permute_dims(x, tuple(kept))

    def broadcast_to(self, x: Geometry, shape: tuple[int, ...]) -> Geometry:
        if not x.ndim:
            return Geometry(x.dtype, shape, (0,) * len(shape), x.offset)
        strides: list[int] = []
        following = 1  # size times stride of the dimension to the right
        for dim in range(1, len(shape) + 1):
            if dim <= x.ndim:
                size, stride = x.shape[-dim], x.strides[-dim]
            else:
                size, stride = 1, following
            if size != shape[-dim]:
                size, stride = shape[-dim], 0
            strides.append(stride)
            following = size * stride
        return Geometry(x.dtype, shape, strides[::-1], x.offset)

    def getitem(self, x: Geometry, key: Any) -> Geometry:
        parts = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in parts:
            at = parts.index(Ellipsis)
            rest = x.ndim - sum(part is not None for part in parts) + 1
            parts[at : at + 1] = [slice(None)] * rest
        shape, strides, offset, dim = [], [], x.offset, 0
        for part in parts:
            if part is None:
                shape.append(1)
                strides.append(x.shape[dim] * x.strides[dim] if dim < x.ndim else 1)
                continue
            size, stride = x.shape[dim], x.strides[dim]
            dim += 1
            if isinstance(part, slice):
                start, stop, step = _bounds(part, size)
                offset += start * stride
                shape.append(max(0, -((start - stop) // step)))
                strides.append(step * stride)
            else:
                offset += (part + size if part < 0 else part) * stride
        return Geometry(x.dtype, (*shape, *x.shape[dim:]), (*strides, *x.strides[dim:]), offset)

    def diagonal(self, x: Geometry) -> Geometry:
        return Geometry(x.dtype, x.shape[:-1], (*x.strides[:-2], x.strides[-2] + x.strides[-1]), x.offset)

    def unfold(self, x: Geometry, axis: int, size: int, step: int) -> Geometry:
        if not x.ndim:
            return Geometry(x.dtype, (size,), (1,), x.offset)
        shape, strides = list(x.shape), list(x.strides)
        shape[axis] = (shape[axis] - size) // step + 1
        strides[axis] *= step
        return Geometry(x.dtype, (*shape, size), (*strides, x.strides[axis]), x.offset)

    def view_as_real(self, x: Geometry) -> Geometry:
        return Geometry(x.dtype.to_real(), (*x.shape, 2), (*(2 * s for s in x.strides), 1), 2 * x.offset)

    def view_as_complex(self, x: Geometry) -> Geometry:
        return Geometry(x.dtype.to_complex(), x.shape[:-1], [s // 2 for s in x.strides[:-1]], x.offset // 2)

    def reinterpret(self, x: Geometry, dtype: DType) -> Geometry:
        """The same bytes as elements of another dtype; where its size differs, the last dimension shrinks or grows."""
        old, new = x.dtype.itemsize, dtype.itemsize
        if old == new:
            return Geometry(dtype, x.shape, x.strides, x.offset)
        *outer, _ = x.strides

        def rescaled(count: int) -> int:
            return count * old // new

        shape = (*x.shape[:-1], rescaled(x.shape[-1]))
        return Geometry(dtype, shape, (*map(rescaled, outer), 1), rescaled(x.offset))


def _bounds(part: slice, size: int) -> tuple[int, int, int]:
    """Start, stop and step of a slice as PyTorch clamps them: an empty one still has its start."""
    start, stop, step = 0 if part.start is None else part.start, part.stop, 1 if part.step is None else part.step
    start = min(max(start + size if start < 0 else start, 0), size)
    stop = size if stop is None else min(max(stop + size if stop < 0 else stop, start), size)
    return start, stop, step


#: The backend whose arrays are geometries.
GEOMETRIES = _GeometryBackend()

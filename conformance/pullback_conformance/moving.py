"""Moving the arguments of a sample between backends: same values, same layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pullback.extend import Backend, DType, MissingKernelError, Positions, Tensor, get_backend


def mapped(value: Any, function: Callable[[Tensor], Any], of_index: Callable[[Tensor], Any] | None = None) -> Any:
    """``value`` with each Tensor in it replaced, looking into lists, tuples, dicts, slices and positions of an index.

    Parameters
    ----------
    of_index : callable, optional
        What replaces the tensors of an index, where it is another function than for operands.
    """
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Positions):
        replace = of_index or function
        return Positions([None if part is None else replace(part) for part in value.parts])
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(mapped(item, function, of_index) for item in value)
    if isinstance(value, Mapping):
        return {key: mapped(item, function, of_index) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(mapped(part, function, of_index) for part in (value.start, value.stop, value.step)))
    return value


def tensors_in(value: Any) -> list[Tensor]:
    """Each Tensor in a tree of arguments, once for each place."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    mapped(value, note)
    return found


class Layout:
    """How the elements of an array lie in memory, as far as a sample can want it.

    Attributes
    ----------
    axes : tuple of int or None
        The permutation that gives the array from a row-major one; None where it is row-major itself.
    step : int
        Distance between elements along the last axis of the row-major one.
    offset : bool
        Whether the array begins inside of its memory: with the second row of the row-major one.
    repeated : tuple of int or None
        The shape to which the array is expanded; None where each element has its own memory.
    backwards : tuple of int
        The axes that run backwards in memory; the rest describes the array with those turned round.
    windows : tuple of int or None
        The strides, in elements, of an array whose rows overlap; None where they don't.
    """

    __slots__ = ("axes", "backwards", "offset", "repeated", "shape", "step", "windows")

    def __init__(self, array: Any) -> None:
        self.axes: tuple[int, ...] | None = None
        self.step = 1
        self.shape = array.shape
        self.backwards = tuple(a for a, s in enumerate(array.strides) if s < 0 and array.size > 1)
        array = _turned(array, self.backwards)
        self.offset = bool(array.ndim) and array.size > 0 and _begins_inside(array)
        self.repeated: tuple[int, ...] | None = None
        self.windows: tuple[int, ...] | None = None
        if array.size > 1 and 0 in array.strides and not array.flags.c_contiguous:
            self.repeated, self.offset = array.shape, False
        elif overlaps_itself(array):
            self.windows, self.offset = tuple(s // array.itemsize for s in array.strides), False
        if array.size < 2 or array.flags.c_contiguous or self.repeated is not None or self.windows is not None:
            return
        order = sorted(range(array.ndim), key=lambda axis: (-abs(array.strides[axis]), axis))
        base = array.transpose(order)
        if order != list(range(array.ndim)):
            self.axes = tuple(int(a) for a in np.argsort(order))
        if base.strides[-1] > array.itemsize:
            self.step = base.strides[-1] // array.itemsize

    @property
    def is_plain(self) -> bool:
        """Whether the array is row-major, in memory of its own."""
        return (
            self.axes is None
            and self.step == 1
            and not self.offset
            and self.repeated is None
            and not self.backwards
            and self.windows is None
        )

    def base_of(self, array: Any) -> Any:
        """A row-major array that :meth:`apply` makes ``array`` of, turned round where it runs backwards."""
        array = _turned(array, self.backwards)
        if self.repeated is not None:
            return np.ascontiguousarray(array[tuple(slice(None) if s else slice(1) for s in array.strides)])
        if self.windows is not None:
            extent = sum((n - 1) * s for n, s in zip(array.shape, self.windows, strict=True)) + 1
            return np.lib.stride_tricks.as_strided(array, (extent,), (array.itemsize,)).copy()
        base = array if self.axes is None else array.transpose(np.argsort(self.axes))
        if self.step > 1:
            base = np.repeat(base, self.step, axis=-1)
        return np.ascontiguousarray(np.concatenate([base[-1:], base]) if self.offset else base)

    def apply(self, backend: Backend, base: Any) -> Any:
        """The native array with this layout, beside axes that run backwards, from the native form of the base."""
        if self.repeated is not None:
            return backend.broadcast_to(base, self.repeated)
        if self.windows is not None:
            return backend.as_strided(base, self.shape, self.windows, 0)
        if self.offset:
            base = backend.getitem(base, (slice(1, None),))
        if self.step > 1:
            base = backend.getitem(base, (Ellipsis, slice(None, None, self.step)))
        return base if self.axes is None else backend.permute_dims(base, self.axes)


def _turned(array: Any, axes: tuple[int, ...]) -> Any:
    """The array with the elements along some axes in reverse order, in the same memory."""
    if not axes:
        return array
    return array[tuple(slice(None, None, -1) if a in axes else slice(None) for a in range(array.ndim))]


def overlaps_itself(array: Any) -> bool:
    """Whether several elements of a NumPy array lie in one place."""
    reach = 0
    steps = sorted((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1)
    for step, size in steps if array.size else ():
        if step <= reach:
            return True
        reach += step * (size - 1)
    return False


def _begins_inside(array: Any) -> bool:
    """Whether there is memory before an array's first element that belongs to what it is a view of."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return bool(array.__array_interface__["data"][0] > owner.__array_interface__["data"][0])


def moved(tensor: Tensor, backend: Backend, dtype: DType | None = None) -> Tensor:
    """A new tensor on ``backend`` with the values of a NumPy tensor and, on mutable backends, its layout.

    Axes that run backwards stay so where the backend shares the memory of such an array, and are copied by others.
    """
    array = tensor.array
    native = tensor.dtype if dtype is None else dtype
    if not backend.mutable:
        return Tensor._wrap(backend.from_data(np.ascontiguousarray(array).reshape(array.shape), native, None), backend)
    layout = Layout(array)
    base = layout.base_of(array)
    if not array.ndim:
        base = base.reshape(())  # np.ascontiguousarray makes 0-d arrays 1-d
    if layout.backwards:
        numpy_backend = get_backend("numpy")
        forwards = layout.apply(numpy_backend, numpy_backend.from_data(base, native, None))
        return Tensor._wrap(backend.from_numpy(_turned(forwards, layout.backwards)), backend)
    try:
        return Tensor._wrap(layout.apply(backend, backend.from_data(base, native, None)), backend)
    except MissingKernelError:
        if layout.windows is None:
            raise
        return Tensor._wrap(backend.from_data(np.array(array, order="C"), native, None), backend)


def bits_of(value: Any) -> Any:
    """A tensor's elements as what can be compared bit by bit, those of a list of results too; others as they are."""
    if isinstance(value, list):
        return [bits_of(v) for v in value]
    return np.ascontiguousarray(to_numpy(value)).tobytes() if isinstance(value, Tensor) else value


def to_numpy(tensor: Tensor) -> Any:
    """The elements of a tensor as a NumPy array of their own dtype (a copy: backends may share memory)."""
    return np.array(tensor.backend.to_numpy(tensor.array))


def widened(array: Any) -> Any:
    """A NumPy array in NumPy's longest floating or complex type; others as they are."""
    if array.dtype.kind == "c":
        return array.astype(np.clongdouble)
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        return array.astype(np.longdouble)
    return array

"""NumPy's functions that rearrange, join, split or choose elements, on Tensors: its names, arguments and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.interop.numpy_arguments import (
    NotGiven,
    as_dtype,
    axes_of,
    delivered,
    first_tensor,
    only_default,
    tensor_from,
)
from pullback.interop.numpy_registry import implements
from pullback.meta.shapes import normalize_dim, normalize_dims
from pullback.tensor import Tensor

# -- shape ------------------------------------------------------------------------------------------------------------


@implements("shape")
def shape(a: Tensor) -> tuple[int, ...]:
    """``numpy.shape``."""
    return tuple(a.shape)


@implements("ndim")
def ndim(a: Tensor) -> int:
    """``numpy.ndim``."""
    return a.ndim


@implements("size")
def size(a: Tensor, axis: Any = None) -> int:
    """``numpy.size``: the number of elements, or of those along an axis or several."""
    if axis is None:
        return a.numel()
    axes = axes_of(axis)
    return math.prod(a.shape[d] for d in (axes if isinstance(axes, tuple) else (axes,)))


@implements("reshape")
def reshape(a: Tensor, /, shape: Any = None, order: str = "C", *, copy: bool | None = None) -> Tensor:
    """``numpy.reshape``, in row-major order."""
    only_default("reshape", order=(order, "C"))
    sizes = axes_of(shape)
    if copy:
        return a.clone().reshape(sizes)
    return a.view(sizes) if copy is False else a.reshape(sizes)


@implements("ravel")
def ravel(a: Tensor, order: str = "C") -> Tensor:
    """``numpy.ravel``, in row-major order."""
    only_default("ravel", order=(order, "C"))
    return a.reshape(-1)


@implements("transpose")
def transpose(a: Tensor, axes: Any = None) -> Tensor:
    """``numpy.transpose``: all axes reversed unless given their order."""
    return a.permute(tuple(reversed(range(a.ndim))) if axes is None else axes_of(axes))


@implements("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Tensor, /) -> Tensor:
    """``numpy.matrix_transpose``."""
    return x.mT


@implements("swapaxes")
def swapaxes(a: Tensor, axis1: int, axis2: int) -> Tensor:
    """``numpy.swapaxes``."""
    return a.transpose(axis1, axis2)


@implements("moveaxis")
def moveaxis(a: Tensor, source: Any, destination: Any) -> Tensor:
    """``numpy.moveaxis``."""
    return pb.movedim(a, axes_of(source), axes_of(destination))


@implements("squeeze")
def squeeze(a: Tensor, axis: Any = None) -> Tensor:
    """``numpy.squeeze``: an axis that is named must be of size 1."""
    if axis is None:
        return a.squeeze()
    axes = axes_of(axis)
    axes = axes if isinstance(axes, tuple) else (axes,)
    if any(a.shape[d] != 1 for d in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return a.squeeze(axes)


@implements("expand_dims")
def expand_dims(a: Tensor, axis: Any) -> Tensor:
    """``numpy.expand_dims``: at one axis of the result or several."""
    axes = axes_of(axis)
    axes = axes if isinstance(axes, tuple) else (axes,)
    for dim in sorted(normalize_dims(axes, a.ndim + len(axes))):
        a = a.unsqueeze(dim)
    return a


@implements("broadcast_to")
def broadcast_to(array: Tensor, shape: Any, subok: bool = False) -> Tensor:
    """``numpy.broadcast_to``."""
    sizes = axes_of(shape)
    return array.broadcast_to(sizes if isinstance(sizes, tuple) else (sizes,))


@implements("broadcast_arrays")
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """``numpy.broadcast_arrays``; of None, which some pass among arrays, it is NumPy's array of objects."""
    numpy = get_backend("numpy")
    tensors = iter(pb.broadcast_tensors(*_tensors(arg for arg in args if arg is not None)))
    results = [next(tensors) if arg is not None else None for arg in args]
    shape = next(tuple(result.shape) for result in results if result is not None)
    return tuple(numpy.broadcast_to(numpy.as_array(None), shape) if result is None else result for result in results)


@implements("atleast_1d")
def atleast_1d(*arys: Any) -> Any:
    """``numpy.atleast_1d``."""
    return _each(pb.atleast_1d, arys)


@implements("atleast_2d")
def atleast_2d(*arys: Any) -> Any:
    """``numpy.atleast_2d``."""
    return _each(pb.atleast_2d, arys)


@implements("atleast_3d")
def atleast_3d(*arys: Any) -> Any:
    """``numpy.atleast_3d``."""
    return _each(pb.atleast_3d, arys)


def _each(function: Any, arrays: Sequence[Any]) -> Any:
    results = tuple(function(tensor) for tensor in _tensors(arrays))
    return results[0] if len(results) == 1 else results


def _tensors(values: Any) -> list[Tensor]:
    """The operands of a function of many, as Tensors of one backend."""
    values = list(values)
    like = first_tensor(values)
    assert like is not None
    return [tensor_from(value, like) for value in values]


# -- joining and splitting --------------------------------------------------------------------------------------------


def _joined(name: str, arrays: Any, out: Any, dtype: Any, casting: Any, join: Any) -> Tensor:
    only_default(name, casting=(casting, "same_kind"))
    tensors = _tensors(arrays)
    wanted = as_dtype(dtype)
    if wanted is not None:
        tensors = [tensor.to(wanted) for tensor in tensors]
    return delivered(join(tensors), out, function=name)  # type: ignore[no-any-return]


@implements("concatenate")
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Tensor:
    """``numpy.concatenate``: flattened for ``axis=None``."""

    def join(tensors: list[Tensor]) -> Tensor:
        ranks = {tensor.ndim for tensor in tensors}
        if axis is None:
            return pb.cat([tensor.reshape(-1) for tensor in tensors])
        if len(ranks) > 1:  # PyTorch leaves out an empty vector here
            raise ValueError(
                "all the input array dimensions except for the concatenation axis must match exactly, but the arrays"
                f" have {sorted(ranks)} dimensions"
            )
        return pb.cat(tensors, axis)

    return _joined("concatenate", arrays, out, dtype, casting, join)


@implements("stack")
def stack(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    """``numpy.stack``."""
    return _joined("stack", arrays, out, dtype, casting, lambda tensors: pb.stack(_promoted(tensors), axis))


def _promoted(tensors: list[Tensor]) -> list[Tensor]:
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = pb.promote_types(dtype, tensor.dtype)
    return [tensor.to(dtype) for tensor in tensors]


@implements("vstack")
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    """``numpy.vstack``."""
    return _joined("vstack", tup, None, dtype, casting, lambda tensors: pb.cat([pb.atleast_2d(t) for t in tensors], 0))


@implements("hstack")
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    """``numpy.hstack``."""

    def join(tensors: list[Tensor]) -> Tensor:
        tensors = [pb.atleast_1d(tensor) for tensor in tensors]
        return pb.cat(tensors, 0 if tensors[0].ndim == 1 else 1)

    return _joined("hstack", tup, None, dtype, casting, join)


@implements("dstack")
def dstack(tup: Any) -> Tensor:
    """``numpy.dstack``."""
    return pb.cat([pb.atleast_3d(tensor) for tensor in _tensors(tup)], 2)


@implements("column_stack")
def column_stack(tup: Any) -> Tensor:
    """``numpy.column_stack``."""
    return pb.column_stack(_tensors(tup))


@implements("append")
def append(arr: Any, values: Any, axis: Any = None) -> Tensor:
    """``numpy.append``: flattened unless given an axis."""
    return concatenate([arr, values], axis)


@implements("array_split")
def array_split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """``numpy.array_split``: into so many parts, or at the given places."""
    places = axes_of(indices_or_sections)
    return list(pb.tensor_split(ary, list(places) if isinstance(places, tuple) else places, axis))


@implements("split")
def split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """``numpy.split``: into so many equal parts, or at the given places, where PyTorch takes sizes."""
    places = axes_of(indices_or_sections)
    if isinstance(places, int) and (places == 0 or ary.shape[axis] % places):
        raise ValueError("array split does not result in an equal division")
    return array_split(ary, places, axis)


@implements("vsplit")
def vsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """``numpy.vsplit``."""
    if ary.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@implements("hsplit")
def hsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """``numpy.hsplit``."""
    if ary.ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@implements("dsplit")
def dsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """``numpy.dsplit``."""
    if ary.ndim < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


@implements("unstack")
def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """``numpy.unstack``."""
    return x.unbind(axis)


# -- order and repetition ---------------------------------------------------------------------------------------------


@implements("flip")
def flip(m: Tensor, axis: Any = None) -> Tensor:
    """``numpy.flip``: along all axes unless told which; a copy, as PyTorch's."""
    axes = tuple(range(m.ndim)) if axis is None else axes_of(axis)
    return pb.flip(m, axes)


@implements("fliplr")
def fliplr(m: Tensor) -> Tensor:
    """``numpy.fliplr``."""
    return pb.fliplr(m)


@implements("flipud")
def flipud(m: Tensor) -> Tensor:
    """``numpy.flipud``."""
    return pb.flipud(m)


@implements("rot90")
def rot90(m: Tensor, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    """``numpy.rot90``."""
    return pb.rot90(m, k, list(axes_of(axes)))


@implements("roll")
def roll(a: Tensor, shift: Any, axis: Any = None) -> Tensor:
    """``numpy.roll``: one shift may serve several axes, and several shifts one axis."""
    shifts, axes = axes_of(shift), axes_of(axis)
    if isinstance(axes, tuple) and not isinstance(shifts, tuple):
        shifts = (shifts,) * len(axes)
    if isinstance(shifts, tuple) and not isinstance(axes, tuple):
        if axes is None:
            return pb.roll(a, sum(shifts))
        axes = (axes,) * len(shifts)
    return pb.roll(a, shifts, axes)


@implements("tile")
def tile(A: Tensor, reps: Any) -> Tensor:
    """``numpy.tile``."""
    counts = axes_of(reps)
    return pb.tile(A, counts if isinstance(counts, tuple) else (counts,))


@implements("repeat")
def repeat(a: Tensor, repeats: Any, axis: Any = None) -> Tensor:
    """``numpy.repeat``: each element, of the flattened ones unless given an axis; PyTorch's ``repeat`` is ``tile``."""
    counts = axes_of(repeats)
    if isinstance(counts, tuple):
        counts = pb.tensor(counts, backend=a.backend, device=a.device)
    return pb.repeat_interleave(a, counts, axis)


@implements("pad")
def pad(array: Tensor, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Tensor:
    """``numpy.pad`` with one constant."""
    value = kwargs.pop("constant_values", 0)
    only_default("pad", mode=(mode, "constant"), **{name: (given, NotGiven) for name, given in kwargs.items()})
    widths = pb.tensor(pad_width.tolist() if hasattr(pad_width, "tolist") else pad_width, backend="numpy")
    pairs = widths.expand(array.ndim, 2).tolist()
    for dim, (before, after) in enumerate(pairs):
        sizes = list(array.shape)
        parts = [array]
        for at, count in ((0, before), (len(parts) + 1, after)):
            if count:
                sizes[dim] = count
                parts.insert(at, array.new_full(sizes, value))
        array = pb.cat(parts, dim) if len(parts) > 1 else array
    return array.clone() if not any(map(any, pairs)) else array


# -- choosing ---------------------------------------------------------------------------------------------------------


@implements("where")
def where(condition: Any, x: Any = NotGiven, y: Any = NotGiven, /) -> Any:
    """``numpy.where``: from one of two, or where there is something else than zero."""
    like = first_tensor((condition, x, y))
    assert like is not None
    if x is NotGiven and y is NotGiven:
        return condition.nonzero(as_tuple=True)
    if x is NotGiven or y is NotGiven:
        raise ValueError("either both or neither of x and y should be given")
    return pb.where(tensor_from(condition, like).to(pb.bool), _value(x, like), _value(y, like))


def _value(value: Any, like: Tensor) -> Any:
    return tensor_from(value, like) if isinstance(value, list | tuple) else value


@implements("nonzero")
def nonzero(a: Tensor) -> tuple[Tensor, ...]:
    """``numpy.nonzero``: the indices along each axis."""
    return a.nonzero(as_tuple=True)


@implements("argwhere")
def argwhere(a: Tensor) -> Tensor:
    """``numpy.argwhere``."""
    return pb.argwhere(a)


@implements("flatnonzero")
def flatnonzero(a: Tensor) -> Tensor:
    """``numpy.flatnonzero``."""
    return a.reshape(-1).nonzero(as_tuple=True)[0]


@implements("take")
def take(a: Tensor, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Tensor:
    """``numpy.take``: whole slices along an axis; of the flattened elements without one."""
    only_default("take", mode=(mode, "raise"))
    if axis is None:
        a, axis = a.reshape(-1), 0
    chosen = tensor_from(indices, a)
    dim = normalize_dim(axis, a.ndim)
    flat = a.index_select(dim, _wrapped(chosen.reshape(-1), a.shape[dim]))
    result = flat.reshape((*a.shape[:dim], *chosen.shape, *a.shape[dim + 1 :]))
    return delivered(result, out, function="take")  # type: ignore[no-any-return]


def _wrapped(indices: Tensor, size: int) -> Tensor:
    """Indices from the end as such from the beginning; what is out of bounds stays so."""
    return pb.where(indices < 0, indices + size, indices)


@implements("take_along_axis")
def take_along_axis(arr: Tensor, indices: Any, axis: Any = -1) -> Tensor:
    """``numpy.take_along_axis``."""
    chosen = tensor_from(indices, arr)
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    return pb.take_along_dim(arr, _wrapped(chosen, arr.shape[axis]), axis)


@implements("diag")
def diag(v: Tensor, k: int = 0) -> Tensor:
    """``numpy.diag``."""
    return pb.diag(v, k)


@implements("diagflat")
def diagflat(v: Tensor, k: int = 0) -> Tensor:
    """``numpy.diagflat``."""
    return pb.diagflat(v, k)


@implements("diagonal")
def diagonal(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """``numpy.diagonal``: a view that can be written, as PyTorch's."""
    return pb.diagonal(a, offset, axis1, axis2)


@implements("tril")
def tril(m: Tensor, k: int = 0) -> Tensor:
    """``numpy.tril``; it makes a matrix of a vector."""
    return pb.tril(m if m.ndim > 1 else m.expand(m.shape[0], m.shape[0]), k)


@implements("triu")
def triu(m: Tensor, k: int = 0) -> Tensor:
    """``numpy.triu``; it makes a matrix of a vector."""
    return pb.triu(m if m.ndim > 1 else m.expand(m.shape[0], m.shape[0]), k)


@implements("meshgrid")
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    """``numpy.meshgrid``: ``"xy"`` by default, where PyTorch has ``"ij"``."""
    only_default("meshgrid", sparse=(sparse, False))
    grids = pb.meshgrid(*_promoted(_tensors(xi)), indexing=indexing)
    return tuple(grid.clone() for grid in grids) if copy else grids


# -- copies and likes -------------------------------------------------------------------------------------------------


@implements("copy")
def copy(a: Tensor, order: str = "K", subok: bool = False) -> Tensor:
    """``numpy.copy``: gradients flow through it."""
    return a.clone()


@implements("astype")
def astype(x: Tensor, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """``numpy.astype``."""
    only_default("astype", device=(device, None))
    return x.to(as_dtype(dtype), copy=bool(copy))


@implements("copyto")
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """``numpy.copyto``: into a Tensor, with its graph, or an array, where there is none."""
    only_default("copyto", casting=(casting, "same_kind"))
    like = first_tensor((dst, src))
    assert like is not None
    delivered(tensor_from(src, like), dst, where, function="copyto")


def _like(make: Any, name: str, a: Tensor, values: tuple[Any, ...], dtype: Any, order: Any, shape: Any) -> Tensor:
    only_default(name, order=(order if order != "C" else "K", "K"))
    sizes = axes_of(shape)
    sizes = a.shape if sizes is None else sizes
    made: Tensor = getattr(a, make)(
        sizes if isinstance(sizes, tuple) else (sizes,), *values, dtype=as_dtype(dtype) or a.dtype
    )
    return made


@implements("zeros_like")
def zeros_like(
    a: Tensor, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Tensor:
    """``numpy.zeros_like``."""
    return _like("new_zeros", "zeros_like", a, (), dtype, order, shape)


@implements("ones_like")
def ones_like(
    a: Tensor, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Tensor:
    """``numpy.ones_like``."""
    return _like("new_ones", "ones_like", a, (), dtype, order, shape)


@implements("empty_like")
def empty_like(
    prototype: Tensor,
    /,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Tensor:
    """``numpy.empty_like``."""
    return _like("new_empty", "empty_like", prototype, (), dtype, order, shape)


@implements("full_like")
def full_like(
    a: Tensor,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Tensor:
    """``numpy.full_like``, with a number."""
    if isinstance(fill_value, Tensor | list | tuple):
        filled = _like("new_zeros", "full_like", a, (), dtype, order, shape)
        return filled.copy_(tensor_from(fill_value, filled))
    return _like("new_full", "full_like", a, (fill_value,), dtype, order, shape)

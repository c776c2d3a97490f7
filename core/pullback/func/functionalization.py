"""``functionalize``: a program that writes in place, run so that no kernel writes.

Inside, tensors are of a level whose backend has immutable arrays, whatever backend is beneath: a write makes a new
array, and the views that share the memory are made anew from it, as :mod:`pullback.tensor.views` does it for JAX.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pullback.backend.base import Backend
from pullback.backend.geometry import Geometry
from pullback.backend.selection import current_backend, use_backend
from pullback.batching.levels import Level, LevelArray, LevelBackend
from pullback.dispatch.inplace import change_view, check_writable
from pullback.meta.dtypes import DType
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.levels import in_transform
from pullback.tensor.registry import registry
from pullback.tensor.trees import flatten, unflatten
from pullback.tensor.views import strided_view

_REMOVES_VIEWS = {"mutations": False, "mutations_and_views": True}


class FunctionalLevel(Level):
    """A level that maps over nothing, and on which no tensor is written."""

    __slots__ = ("copies_views",)

    def __init__(self, copies_views: bool) -> None:
        super().__init__()
        self.copies_views = copies_views

    def backend_over(self, inner: Backend) -> LevelBackend:
        """The backend of this level's arrays that wrap tensors of ``inner``."""
        backend = self._backends.get(inner)
        if backend is None:
            backend = self._backends[inner] = FunctionalBackend(self, inner)
        return backend


class FunctionalBackend(LevelBackend):
    """The backend of a functional level's arrays: what :mod:`pullback.tensor.views` needs to write immutable ones."""

    mutable = False

    def _of(self, value: Tensor) -> LevelArray:
        return LevelArray(value, None, self)

    def strides(self, array: LevelArray) -> tuple[int, ...] | None:  # type: ignore[override]
        """The strides of what is wrapped, unless elements of other tensors lie between its own."""
        geometry = geometry_of(array.value)
        return geometry.strides if geometry.is_dense else None

    def laid_out(self, array: LevelArray, geometry: Geometry) -> LevelArray:
        """The elements in the order in memory that a geometry has, so that what it says of views holds for them."""
        if geometry_of(array.value).strides == geometry.strides:
            return array
        order = geometry.order
        ordered = array.value.permute(order).contiguous()
        return self._of(ordered.permute(tuple(order.index(d) for d in range(len(order)))))

    def reshape(self, array: LevelArray, shape: Sequence[int]) -> LevelArray:
        return self._of(array.value.reshape(tuple(shape)))

    def permute_dims(self, array: LevelArray, order: Sequence[int]) -> LevelArray:
        return self._of(array.value.permute(tuple(order)))

    def take(self, array: LevelArray, places: LevelArray, *, axis: int) -> LevelArray:
        return self._of(array.value.index_select(axis, places.value))

    def index_put(self, array: LevelArray, places: tuple[LevelArray], values: LevelArray) -> LevelArray:
        return self._of(array.value.index_put((places[0].value,), values.value))

    def add(self, array: LevelArray, other: Any) -> LevelArray:
        return self._of(array.value + (other.value if isinstance(other, LevelArray) else other))

    def reinterpret(self, array: LevelArray, dtype: DType) -> LevelArray:
        flat = array.value
        if flat.dtype.is_complex and dtype is flat.dtype.to_real():
            return self._of(registry["view_as_real"].call(flat).reshape(-1))
        if dtype.is_complex and flat.dtype is dtype.to_real():
            return self._of(registry["view_as_complex"].call(flat.reshape(-1, 2)))
        return self._of(flat.view(dtype))

    def concat(self, arrays: Sequence[LevelArray], *, axis: int) -> LevelArray:
        return self._of(registry["cat"].call([array.value for array in arrays], axis))


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """The function without writes in place: it computes the same, and no kernel that it runs writes into an array.

    The arguments it writes to are written once, after it has returned.

    Parameters
    ----------
    func : callable
        Takes and returns tensors in any structure, and what else it likes.
    remove : {"mutations", "mutations_and_views"}
        Whether views are copies too, so that no array that a kernel returns shares memory with another.

    Returns
    -------
    callable
        Takes what ``func`` takes.

    Raises
    ------
    RuntimeError
        When it is called, if ``func`` writes what it computes from its arguments into a tensor that is none of them
        and was not made inside. Where ``func`` raises, no argument has been written.

    Notes
    -----
    Interceptors (:func:`pullback.extend.intercept`) see the operations that the function calls;
    :class:`pullback.dispatch.interception.intercept_kernels` those that compute. A result that is an argument written
    to is a tensor of its own. Arguments that share memory are told apart, unless they are the same tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.dispatch.interception import intercept_kernels
    >>> def f(x):
    ...     y = pb.zeros(3)
    ...     y[1:].add_(x)
    ...     return y
    >>> def note(operation, operands, attributes, proceed):
    ...     names.append(operation.name)
    ...     return proceed()
    >>> names = []
    >>> with intercept_kernels(note):
    ...     pb.func.functionalize(f)(pb.ones(2))
    tensor([0., 1., 1.])
    >>> "index_put" in names
    True
    """
    if remove not in _REMOVES_VIEWS:
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
            "     remove='mutations': all inplace and out= operators will be removed from the program, and replaced"
            " with their out-of-place equivalents.\n"
            "     remove='mutations_and_views': In addition to the above, all aliasing operators {view} will be"
            " replaced with their non-aliasing counterparts, {view}_copy.\n"
        )

    @functools.wraps(func, updated=())
    def functional(*args: Any, **kwargs: Any) -> Any:
        given, structure = flatten((args, kwargs))
        arguments = list({id(leaf): leaf for leaf in given if isinstance(leaf, Tensor)}.values())
        with FunctionalLevel(_REMOVES_VIEWS[remove]) as level, use_backend(level.backend_over(current_backend())):
            wrapped = {id(argument): level.wrap(argument, None) for argument in arguments}
            inside, named = unflatten(structure, [wrapped.get(id(leaf), leaf) for leaf in given])
            leaves, result_structure = flatten(in_transform(func, *inside, **named))
            results = [_unwrapped(level, leaf) for leaf in leaves]
            _write_arguments([(argument, wrapped[id(argument)]) for argument in arguments])
        return unflatten(result_structure, results)

    return functional


def _unwrapped(level: Level, leaf: Any) -> Any:
    return leaf.array.value if isinstance(leaf, Tensor) and leaf.backend.level == level.number else leaf


def _write_arguments(pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Have the arguments hold what the function has written into the tensors that stood for them."""
    written = [(argument, inside) for argument, inside in pairs if inside.array.value is not argument]
    for argument, _ in written:
        check_writable(argument)
    # Every value before the first write: it may share memory with an argument.
    values = [inside.array.value.clone() for _, inside in written]
    for (argument, inside), value in zip(written, values, strict=True):
        own, target = geometry_of(argument), geometry_of(inside)
        if own.shape != target.shape:  # seen in another shape, as after t_() and unsqueeze_()
            moved = Geometry(own.dtype, target.shape, target.strides, own.offset + target.offset)
            change_view(argument, strided_view(argument, own, moved))
        argument.copy_(value)

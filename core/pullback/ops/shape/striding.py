"""Views by layout: any strides over a tensor's storage, sliding windows, complex numbers as pairs, other dtypes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.autograd.grad_mode import enable_grad
from pullback.backend.geometry import GEOMETRIES, Geometry
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, attach, composite, op
from pullback.dispatch.declaration_values import Accepts, Sampled, Shows
from pullback.dispatch.inplace import change_view, check_history, resize
from pullback.meta.allocation import element_count
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import COMPLEXES, DType, float32, float64
from pullback.meta.shapes import as_shape, normalize_dim
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of, put_at, taken_at
from pullback.tensor.memory import has_node
from pullback.tensor.views import attach_detached, strided_view

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray

# -- any strides ------------------------------------------------------------------------------------------------------


def _checked_target(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None) -> Geometry:
    """The geometry that :func:`as_strided` is asked for."""
    own = geometry_of(input)
    offset = own.offset if storage_offset is None else storage_offset
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if any(s < 0 for s in size):
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}: sizes may not be"
            " negative"
        )
    element_count(size)
    target = Geometry(input.dtype, size, stride, offset)
    available = input.untyped_storage().nbytes()
    itemsize = input.dtype.itemsize
    if target.extent * itemsize > available:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize {itemsize}"
            f" requiring a storage size of {target.extent * itemsize} are out of bounds for storage of size {available}"
        )
    return target


def _as_strided_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4), (2, 2), (2, 1))
    yield Sample(make(6), (2, 3), (1, 2))
    yield Sample(make(2, 3), (3,), (2,), 1)
    yield Sample(make(5), (3, 2), (1, 1))
    yield Sample(make(3), (), ())


@composite(samples=Sampled(_as_strided_samples, layouts="it reads memory as it lies"))
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """A view of the tensor's storage with the given size, strides and offset.

    Parameters
    ----------
    size, stride : sequence of int
        The shape, and how many elements of the storage lie between two neighbours along each dimension.
    storage_offset : int, optional
        How many elements of the storage come before the first; by default as many as before the tensor's.

    Raises
    ------
    RuntimeError
        If the storage does not reach that far, or a size or stride is negative.

    Notes
    -----
    Several elements of the result may be one and the same in memory; :func:`unfold` and the other views are safer. The
    gradient is that of a function of the elements that ``input`` shows, not of its whole storage.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(6).as_strided((2, 2), (3, 1), 1)
    tensor([[1, 2],
            [4, 5]])
    """
    target = _checked_target(input, tuple(size), tuple(stride), storage_offset)
    return strided_view(input, geometry_of(input), target)


def _from_zero(source: Geometry, target: Geometry) -> tuple[Geometry, Geometry, int]:
    """Two geometries moved to the beginning of the storage as far as possible, and the elements it must have."""
    first = min(source.offset, target.offset)
    moved = [Geometry(at.dtype, at.shape, at.strides, at.offset - first) for at in (source, target)]
    return moved[0], moved[1], max(at.extent for at in moved)


def _shared_among(backend: Backend, array: NativeArray, geometry: Geometry, count: int) -> NativeArray:
    """Each element divided by how many elements of its layout lie where it lies."""
    if not geometry.may_overlap:
        return array
    ones = backend.ones(geometry.shape, dtype=array.dtype)
    times = taken_at(backend, put_at(backend, ones, geometry, count, True), geometry)
    return backend.divide(array, times)


def _restride_samples(make: Any) -> Iterator[Sample]:
    tensor = make(2, 3)
    kind = tensor.dtype
    whole = Geometry.contiguous(kind, (2, 3))
    yield Sample(tensor, whole, Geometry(kind, (2, 2), (1, 2), 1))
    yield Sample(tensor, whole, Geometry(kind, (3, 2), (1, 1)))
    yield Sample(make(2, 2), Geometry(kind, (2, 2), (1, 1), 1), Geometry(kind, (3,), (1,)))


def _restride_backward_samples(make: Any) -> Iterator[Sample]:
    for sample in _restride_samples(make):
        _, source, target = sample.args
        yield Sample(make(*target.shape), source, target)


@op(
    batching="geometries",
    node="AsStridedBackward0",
    linear=True,
    vjp=lambda grad, source, target: restride_backward(grad, source, target),
    method=False,
    samples=_restride_samples,
    namespace=None,
    shows=Shows(
        hidden=("source", "target"),
        derived={
            "size": lambda saved: tuple(saved("target").shape),
            "stride": lambda saved: tuple(saved("target").strides),
            "storage_offset": lambda saved: saved("target").offset,
        },
    ),
)
def restride(backend: Backend, input: Array, source: Geometry, target: Geometry) -> Array:
    """What :func:`as_strided` computes, as a function of the tensor's elements: they lie at ``source`` in a storage.

    Where nothing of ``input`` lies the result is zero.
    """
    source, target, count = _from_zero(source, target)
    shared = _shared_among(backend, input, source, count)
    return taken_at(backend, put_at(backend, shared, source, count, True), target)


@op(
    batching="geometries",
    linear=True,
    vjp=lambda grad, source, target: restride(grad, source, target),
    method=False,
    samples=_restride_backward_samples,
    namespace=None,
)
def restride_backward(backend: Backend, input: Array, source: Geometry, target: Geometry) -> Array:
    """The gradient of :func:`restride`."""
    source, target, count = _from_zero(source, target)
    found = taken_at(backend, put_at(backend, input, target, count, True), source)
    return _shared_among(backend, found, source, count)


# -- sliding windows --------------------------------------------------------------------------------------------------


def _unfold_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5), 0, 2, 1)
    yield Sample(make(5, 2), 0, 2, 3)
    yield Sample(make(2, 4), -1, 3, 1)
    yield Sample(make(3, 2).mT, 0, 2, 1)
    yield Sample(make(4), 0, 0, 1)
    yield Sample(make(), 0, 1, 1)
    yield Sample(make(2, 5, 2), 1, 2, 2)
    yield Sample(make(3, 3), -1, 3, 2)
    yield sampling.values_only(make.values(130), 0, 64, 3)


@op(
    linear=True,
    vjp=lambda grad, input_shape, dimension, size, step: unfold_backward(grad, input_shape, dimension, size, step),
    view=True,
    samples=_unfold_samples,
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def unfold(backend: Backend, input: Array, dimension: int, size: int, step: int) -> Array:
    """Windows of ``size`` along a dimension, ``step`` apart, as a view: they are in a new last dimension.

    Raises
    ------
    RuntimeError
        If a window does not fit, or the step is not positive.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(5).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3],
            [3, 4]])
    """
    ndim = len(input.shape)
    dim = normalize_dim(dimension, ndim)
    available = input.shape[dim] if ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > available:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {available} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not ndim:
        return backend.getitem(backend.reshape(input, (1,)), (slice(0, size),))
    return backend.unfold(input, dim, size, step)


def _unfold_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4, 2), (5,), 0, 2, 1)
    yield Sample(make(2, 2, 3), (2, 4), -1, 3, 1)
    yield Sample(make(2, 2, 2, 2), (2, 5, 2), 1, 2, 2)


@op(
    batching="into shape",
    linear=True,
    vjp=lambda grad, dimension, size, step: unfold(grad, dimension, size, step),
    method=False,
    samples=_unfold_backward_samples,
    namespace=None,
    shows=Shows(renamed={"dimension": "dim"}),
)
def unfold_backward(
    backend: Backend, input: Array, shape: Sequence[int], dimension: int, size: int, step: int
) -> Array:
    """The gradient of :func:`unfold`: what each element of a tensor of that shape got in the windows it was in."""
    if not shape:
        return backend.sum(input)
    dim = normalize_dim(dimension, len(shape))
    count = 1
    for length in shape:
        count *= length
    windows = GEOMETRIES.unfold(Geometry.contiguous(backend.dtypes[input.dtype], shape), dim, size, step)
    return backend.reshape(put_at(backend, input, windows, count, True), tuple(shape))


# -- complex numbers as pairs -----------------------------------------------------------------------------------------


def _view_as_real_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3))
    yield Sample(make(2, 3).mT)
    yield Sample(make())
    yield Sample(make(0, 2))


@op(
    batching="batched already",
    dtypes=Accepts(COMPLEXES, unsupported="view_as_real is only supported for complex tensors"),
    linear=True,
    vjp=lambda grad: view_as_complex(ops.contiguous(grad)),
    view=True,
    method=False,
    samples=_view_as_real_samples,
)
def view_as_real(backend: Backend, input: Array) -> Array:
    """A complex tensor as a real one, whose last dimension holds the real and the imaginary part.

    Raises
    ------
    RuntimeError
        For a real tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.view_as_real(pb.tensor([1 + 2j, 3 - 4j]))
    tensor([[ 1.,  2.],
            [ 3., -4.]])
    """
    return backend.view_as_real(input)


def _view_as_complex_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2))
    yield Sample(make(2))
    yield Sample(make(2, 3, 2).transpose(0, 1))


def _check_pairs(input: Tensor) -> None:
    geometry = geometry_of(input)
    if not geometry.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if geometry.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if geometry.strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(stride % 2 for stride, size in zip(geometry.strides[:-1], geometry.shape[:-1], strict=True) if size != 1):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if geometry.offset % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")


@op(
    batching="batched already",
    dtypes=Accepts(
        frozenset((float32, float64)),
        unsupported=(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type:"
            " {kind}"
        ),
    ),
    linear=True,
    vjp=lambda grad: view_as_real(grad),
    view=True,
    method=False,
    check=_check_pairs,
    samples=Sampled(_view_as_complex_samples, layouts="the two parts of a number have to lie side by side"),
)
def view_as_complex(backend: Backend, input: Array) -> Array:
    """A real tensor as a complex one: its last dimension, of size 2, holds the real and the imaginary part.

    Raises
    ------
    RuntimeError
        If the last dimension is not of size 2, or its two elements do not lie side by side.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.view_as_complex(pb.tensor([[1., 2.], [3., -4.]]))
    tensor([1.+2.j, 3.-4.j])
    """
    return backend.view_as_complex(input)


# -- other dtypes -----------------------------------------------------------------------------------------------------


def view_as_dtype(input: Tensor, dtype: DType) -> Tensor:
    """The tensor's bytes as elements of another dtype, sharing memory but no gradients: ``x.view(dtype)``.

    Raises
    ------
    RuntimeError
        If the elements differ in size and the last dimension cannot be divided or multiplied accordingly.
    """
    old, new = input.dtype, dtype
    names = [type_name(d) for d in (old, new)]
    what = f"to view {names[0]} as {names[1]} (different element sizes)"
    if old.itemsize != new.itemsize:
        geometry = geometry_of(input)
        if not geometry.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 {what}")
        ratio = max(new.itemsize // old.itemsize, 1)
        if geometry.shape[-1] % ratio:
            raise RuntimeError(f"self.size(-1) must be divisible by {ratio} {what}, but got {geometry.shape[-1]}")
        if geometry.offset % ratio:
            raise RuntimeError(f"self.storage_offset() must be divisible by {ratio} {what}, but got {geometry.offset}")
        if geometry.strides[-1] != 1:
            raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {geometry.strides[-1]}")
        if ratio > 1:
            for dim, stride in enumerate(geometry.strides[:-1]):
                if stride % ratio:
                    raise RuntimeError(f"self.stride({dim}) must be divisible by {ratio} {what}, but got {stride}")
    out = Tensor._wrap(input.backend.reinterpret(input.array, dtype), input.backend)
    attach_detached(out, input, shares_version=True, steps=((view_as_dtype, (dtype,)),))
    return out


# -- in place ---------------------------------------------------------------------------------------------------------


def _attach_in_place(name: str, view: Any, node_name: str | None) -> None:
    """The method that has a tensor itself show what the view operation would."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_history(self)
        try:
            # Also where nothing is recorded: gradients of another shape would fit no node.
            with enable_grad() if has_node(self) else nullcontext():
                shown = view(self, *args, **kwargs)
        except RuntimeError as error:
            text, *rest = error.args
            if text.startswith(f"{name}() "):  # its message names the method that was called
                error.args = (f"{name}_{text[len(name) :]}", *rest)
            raise
        return change_view(self, shown, node_name)

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"In-place version of :func:`{name}`: the tensor itself has the new shape and is returned."
    attach(method.__name__, method)


def _resize(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Give the tensor another number of elements, in place; new ones are not initialised.

    Parameters
    ----------
    *sizes : ints or sequence of int

    Raises
    ------
    RuntimeError
        If the tensor requires gradients, or its storage is too small and others share it: they would be torn from it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(6).resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    return resize(self, as_shape(sizes))


def _resize_as(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Give the tensor the shape of another, in place; see :meth:`Tensor.resize_`."""
    return resize(self, tuple(the_template.array.shape))


_resize.__name__ = _resize.__qualname__ = "resize_"
_resize_as.__name__ = _resize_as.__qualname__ = "resize_as_"
attach("resize_", _resize)
attach("resize_as_", _resize_as)


for _name, _view, _node_name in (
    ("t", ops.t, "TBackward1"),
    ("transpose", ops.transpose, "TransposeBackward1"),
    ("swapaxes", ops.transpose, "TransposeBackward1"),
    ("swapdims", ops.transpose, "TransposeBackward1"),
    ("unsqueeze", ops.unsqueeze, "UnsqueezeBackward1"),
    ("squeeze", ops.squeeze, None),
    ("as_strided", as_strided, "AsStridedBackward1"),
):
    _attach_in_place(_name, _view, _node_name)

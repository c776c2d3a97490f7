"""The shape of a tensor: other sizes, another order of dimensions, dimensions of size 1; nearly all of them views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Memory, Sample, attach, composite, op
from pullback.dispatch.declaration_values import Sampled, Shows
from pullback.meta.dtypes import DType
from pullback.meta.formats import MemoryFormat, check_memory_format, contiguous_format, preserve_format
from pullback.meta.shapes import as_shape, given_shape, normalize_dim, normalize_dims
from pullback.meta.strides import view_strides
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_INCOMPATIBLE = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two"
    " contiguous subspaces). Use .reshape(...) instead."
)


def variadic_method(name: str, keyword: str) -> None:
    """Give Tensor the method ``name`` of the operation ``name``, which takes its sizes one by one or as a sequence."""
    call: Callable[..., Tensor] = registry[name].call

    def method(self: Tensor, *sizes: Any, **named: Any) -> Tensor:
        if named:
            sizes = (named.pop(keyword),) if not sizes and keyword in named else sizes
            if named:
                raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
        if len(sizes) == 1:
            # A sequence, or one number in place of one.
            return call(self, tuple(sizes[0]) if isinstance(sizes[0], list | tuple) else sizes)
        if not sizes:
            raise TypeError(f'{name}() missing 1 required positional arguments: "{keyword}"')
        return call(self, sizes)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = call.__doc__
    setattr(Tensor, name, method)
    registry[name].method_names = (name,)


# -- other sizes ------------------------------------------------------------------------------------------------------


def inferred_shape(sizes: Sequence[Any], numel: int) -> tuple[int, ...]:
    """A shape for ``numel`` elements with its one -1, if any, replaced by the size that fits.

    Raises
    ------
    RuntimeError
        If the number of elements differs, or -1 is ambiguous.
    """
    shape = as_shape(tuple(sizes))
    known = 1
    unknown = None
    for dim, size in enumerate(shape):
        if size >= 0:
            known *= size
        elif size < -1:
            raise RuntimeError(f"invalid shape dimension {size} at index {dim} of shape {list(shape)}")
        elif unknown is not None:
            raise RuntimeError("only one dimension can be inferred")
        else:
            unknown = dim
    if unknown is None:
        if known == numel:
            return shape
    elif known:
        if numel % known == 0:
            return (*shape[:unknown], numel // known, *shape[unknown + 1 :])
    elif numel == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1"
            " can be any value and is ambiguous"
        )
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")


def has_contiguous_memory(input: Tensor) -> bool:
    """Whether any shape is a view of the tensor: its elements lie in row-major order without gaps."""
    backend = input.backend
    if backend.mutable:
        return backend.is_contiguous(input.array)
    return (input.alias is None and not backend.level) or geometry_of(input).is_contiguous


def _is_viewable(input: Tensor, shape: tuple[int, ...]) -> bool:
    return (
        has_contiguous_memory(input) or view_strides(input.array.shape, geometry_of(input).strides, shape) is not None
    )


_LIES = "it reads memory as it lies"


def _view_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), (3, 2))
    yield Sample(make(2, 3), (6,))
    yield Sample(make(4), (2, 1, 2))
    yield Sample(make(), (1, 1))
    yield Sample(make(1), ())
    yield Sample(make(0, 3), (3, 0))


@op(
    batching="new shape",
    linear=True,
    vjp=lambda grad, input_shape: reshape(grad, input_shape),
    view=True,
    method=False,
    samples=Sampled(_view_samples, layouts=_LIES),
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def view(backend: Backend, input: Array, size: Sequence[int]) -> Array:
    """The same elements with another shape, sharing memory.

    Parameters
    ----------
    size : ints or sequence of int
        The new shape; one size may be -1 and is inferred.

    Raises
    ------
    RuntimeError
        If the number of elements differs, or the memory of ``input`` does not allow it.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.arange(4)
    >>> x.view(2, -1)
    tensor([[0, 1],
            [2, 3]])
    """
    return backend.reshape(input, tuple(size))


def _view_method(self: Tensor, *size: Any) -> Tensor:
    if len(size) == 1 and isinstance(size[0], DType):
        return ops.view_as_dtype(self, size[0])
    shape = inferred_shape(size, self.numel())
    if not _is_viewable(self, shape):
        raise RuntimeError(_INCOMPATIBLE)
    return view(self, shape)


_view_method.__name__ = _view_method.__qualname__ = "view"
_view_method.__doc__ = view.__doc__
attach("view", _view_method)
registry["view"].method_names = ("view",)


@op(
    batching="new shape",
    linear=True,
    vjp=lambda grad, input_shape: reshape(grad, input_shape),
    view=True,
    method=False,
    samples=Sampled(_view_samples, layouts=_LIES),
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def reshape_alias(backend: Backend, input: Array, size: Sequence[int]) -> Array:
    """What :func:`reshape` records where elements with gaps between them can be viewed in another shape."""
    return backend.reshape(input, tuple(size))


#: Of ``Memory``: a literal would be text to mypy in this cycle of modules.
_SHARED: Memory = "shared"


@op(
    batching="new shape",
    name="unsafe_view",
    node="UnsafeViewBackward0",
    linear=True,
    vjp=lambda grad, input_shape: reshape(grad, input_shape),
    method=False,
    samples=_view_samples,
    namespace=None,
    shows=Shows(sizes=("input",)),
    accuracy="exact",
    memory=_SHARED,
)
def unsafe_view(backend: Backend, input: Array, size: Sequence[int]) -> Array:
    """Another shape for a tensor that nothing else refers to, so that no view need be kept track of."""
    return backend.reshape(input, tuple(size))


def _reshape_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), (3, -1))
    yield Sample(make(3, 2).mT, (6,))
    yield Sample(make(2, 3, 2).permute(1, 0, 2), (3, 4))
    yield Sample(make(), (1,))
    yield Sample(make(0, 3), (0, 5))
    yield Sample(make(2, 2, 3).mT, (-1,))
    yield Sample(make(2, 1, 3, 2, 2), (6, 2, 2))
    yield Sample(make(1, 1), ())
    yield sampling.values_only(make.values(33, 65).mT, (-1,))


@composite(samples=_reshape_samples, accuracy="exact")
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements with another shape: a view where memory allows it, else a copy.

    Parameters
    ----------
    *shape : ints or sequence of int
        The new shape; one size may be -1 and is inferred.

    Raises
    ------
    RuntimeError
        If the number of elements differs.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.reshape(pb.arange(4), (2, -1))
    tensor([[0, 1],
            [2, 3]])
    """
    if not shape:
        given_shape("reshape", "shape", shape)
    size = inferred_shape(shape, input.numel())
    if has_contiguous_memory(input):
        return view(input, size)
    if _is_viewable(input, size):
        return reshape_alias(input, size)
    return unsafe_view(ops.clone(input, memory_format=contiguous_format), size)


@composite(
    namespace=None,
    samples=Sampled(sampling.several(((2, 3), (6,)), ((4,), (2, 2))), layouts=_LIES),
    accuracy="exact",
)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor viewed with the shape of ``other``."""
    return input.view(other.array.shape)


@composite(namespace=None, samples=sampling.several(((2, 3), (6,)), ((4,), (2, 2))), accuracy="exact")
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor with the shape of ``other``: a view where memory allows it, else a copy."""
    return reshape(input, other.array.shape)


@composite(namespace=None, samples=sampling.of_shapes((2, 3), (), (2, 3, 2), (0, 3), (3, 65)), accuracy="exact")
def contiguous(input: Tensor, *, memory_format: MemoryFormat = contiguous_format) -> Tensor:
    """The tensor itself where its elements lie in row-major order, else a copy where they do."""
    if memory_format is contiguous_format:
        return input if has_contiguous_memory(input) else ops.clone(input, memory_format=contiguous_format)
    check_memory_format(memory_format, "contiguous")
    if input.is_contiguous(memory_format):
        return input
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return ops.clone(input, memory_format=memory_format)


def _flatten_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3, 2))
    yield Sample(make(2, 3, 2), 1)
    yield Sample(make(2, 3, 2), 0, -2)
    yield Sample(make(3, 2).mT)
    yield Sample(make())
    yield Sample(make(2, 1, 3, 2, 2), 1, 3)
    yield Sample(make(2, 0, 3))
    yield Sample(make(2, 3, 2), -2, -1)


@composite(samples=_flatten_samples, accuracy="exact")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` made one.

    Raises
    ------
    RuntimeError
        If ``start_dim`` comes after ``end_dim``.
    IndexError
        If there is no such dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2, 3, 4).flatten(1).shape
    torch.Size([2, 12])
    """
    shape = tuple(input.array.shape)
    start, end = normalize_dim(start_dim, len(shape)), normalize_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, (1,))
    if start == end:
        return input
    middle = 1
    for size in shape[start : end + 1]:
        middle *= size
    return reshape(input, (*shape[:start], middle, *shape[end + 1 :]))


def _unflatten_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 6), 1, (2, -1))
    yield Sample(make(6), 0, (3, 2))
    yield Sample(make(4, 3), -2, (2, 1, 2))
    yield Sample(make(2, 0), 1, (0, 3))
    yield Sample(make(6, 2).mT, -1, (3, 2))


@composite(samples=_unflatten_samples, accuracy="exact")
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """The dimension ``dim`` made several, of the given sizes; one of them may be -1.

    Raises
    ------
    RuntimeError
        If the sizes don't multiply to that of the dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(3, 4).unflatten(1, (2, -1)).shape
    torch.Size([3, 2, 2])
    """
    shape = tuple(input.array.shape)
    dim = normalize_dim(dim, len(shape))
    sizes = tuple(sizes)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if not shape:
        raise RuntimeError(
            f"unflatten got an unexpected error:\nDimension specified as {dim} but tensor has no dimensions"
        )
    known = 1
    for size in sizes:
        known *= 1 if size == -1 else size
    if (known != shape[dim]) if -1 not in sizes else (not known or shape[dim] % known):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]}) in the"
            " input tensor"
        )
    return input.view((*shape[:dim], *inferred_shape(sizes, shape[dim]), *shape[dim + 1 :]))


@composite(samples=sampling.of_shapes((2, 3), (), (0, 3), (2, 3, 2)), accuracy="exact")
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension: a view where memory allows it, else a copy.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ravel(pb.ones(2, 2))
    tensor([1., 1., 1., 1.])
    """
    return contiguous(input).view(-1)


# -- dimensions of size 1 ---------------------------------------------------------------------------------------------


def _squeeze_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(1, 3, 1))
    yield Sample(make(1, 3, 1), 0)
    yield Sample(make(1, 3, 1), (0, -1))
    yield Sample(make(2, 3), 1)
    yield Sample(make())
    yield Sample(make(1, 0))
    yield Sample(make(1, 2, 1, 3, 1), -3)
    yield Sample(make(1, 2, 1, 3, 1), (0, 2, 4))


def _squeeze_node(dim: Any) -> str:
    return f"SqueezeBackward{0 if dim is None else 2 if isinstance(dim, tuple | list) else 1}"


@op(
    batching="squeeze",
    linear=True,
    vjp=lambda grad, input_shape: reshape(grad, input_shape),
    view=True,
    node=_squeeze_node,
    samples=_squeeze_samples,
    shows=Shows(sizes=("input",)),
)
def squeeze(backend: Backend, input: Array, dim: int | Sequence[int] | None = None) -> Array:
    """The tensor without its dimensions of size 1, or without those among ``dim`` that have size 1.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(1, 3, 1).squeeze().shape
    torch.Size([3])
    >>> pb.ones(1, 3, 1).squeeze(0).shape
    torch.Size([3, 1])
    """
    shape = tuple(input.shape)
    dims = () if isinstance(dim, tuple | list) and not dim else normalize_dims(dim, len(shape))
    dropped = tuple(d for d in dims if shape[d] == 1)
    return backend.squeeze(input, dropped) if dropped else backend.getitem(input, ...)


def _unsqueeze_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3), 0)
    yield Sample(make(3), -1)
    yield Sample(make(2, 3), 1)
    yield Sample(make(), 0)
    yield Sample(make(3, 2).mT, -2)
    yield Sample(make(2, 3, 2), 2)
    yield Sample(make(0, 2), 1)


@op(
    batching="new dim",
    linear=True,
    vjp=lambda grad, dim: _unsqueeze_vjp(grad, dim),
    view=True,
    samples=_unsqueeze_samples,
)
def unsqueeze(backend: Backend, input: Array, dim: int) -> Array:
    """The tensor with a new dimension of size 1 at ``dim``.

    Raises
    ------
    IndexError
        If there is no such place.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(3).unsqueeze(0).shape
    torch.Size([1, 3])
    """
    return backend.expand_dims(input, axis=normalize_dim(dim, len(input.shape) + 1))


def _unsqueeze_vjp(grad: Tensor, dim: int) -> Tensor:
    return squeeze(grad, dim)


# -- another order of dimensions --------------------------------------------------------------------------------------


# -- broadcasting -----------------------------------------------------------------------------------------------------


def _at_least(tensors: tuple[Any, ...], raised: Callable[[Tensor], Tensor]) -> Any:
    if len(tensors) == 1:
        if isinstance(tensors[0], Tensor):
            return raised(tensors[0])
        tensors = tuple(tensors[0])
    return tuple(raised(tensor) for tensor in tensors)


@composite(method=False, samples=sampling.of_shapes((), (2,), (2, 3), (0,)), accuracy="exact")
def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.atleast_1d(pb.tensor(1))
    tensor([1])
    """
    return _at_least(tensors, lambda x: x if x.ndim else reshape(x, (1,)))


@composite(method=False, samples=sampling.of_shapes((), (2,), (2, 3), (2, 3, 2), (0,)), accuracy="exact")
def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions; a vector becomes a row.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.atleast_2d(pb.tensor([1, 2]))
    tensor([[1, 2]])
    """
    return _at_least(tensors, lambda x: x if x.ndim > 1 else unsqueeze(x, 0) if x.ndim else reshape(x, (1, 1)))


@composite(method=False, samples=sampling.of_shapes((), (2,), (2, 3), (2, 3, 2), (2, 1, 2, 2), (0,)), accuracy="exact")
def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions; those of a matrix come first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.atleast_3d(pb.ones(2, 3)).shape
    torch.Size([2, 3, 1])
    """

    def raised(x: Tensor) -> Tensor:
        if x.ndim > 2:
            return x
        if x.ndim == 2:
            return unsqueeze(x, -1)
        return unsqueeze(unsqueeze(x, 0), -1) if x.ndim else reshape(x, (1, 1, 1))

    return _at_least(tensors, raised)

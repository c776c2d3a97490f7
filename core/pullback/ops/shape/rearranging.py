"""The same elements elsewhere: reversed, rotated, repeated; diagonals and triangles of matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Shows
from pullback.meta.allocation import check_size
from pullback.meta.dtypes import int64
from pullback.meta.formats import contiguous_format
from pullback.meta.shapes import as_shape, given_shape, normalize_dim, normalize_dims
from pullback.ops.shape.reshaping import reshape, variadic_method
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

# -- reversed, rotated ------------------------------------------------------------------------------------------------


def _flip_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), (0,))
    yield Sample(make(3, 2), (0, -1))
    yield Sample(make(2, 3).mT, (1,))
    yield Sample(make(3), ())
    yield Sample(make(0, 2), (1,))
    yield Sample(make(2, 3, 2), (1,))
    yield Sample(make(2, 1, 3, 2, 2), (2, 4, 0))
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(size), (0,))
        yield sampling.values_only(make.values(2, size), (-1,))


@op(linear=True, vjp=lambda grad, dims: flip(grad, dims), method=False, samples=_flip_samples)
def flip(backend: Backend, input: Array, dims: int | Sequence[int]) -> Array:
    """A copy with the elements in reverse order along the given dimensions.

    Raises
    ------
    IndexError, RuntimeError
        If there is no such dimension, or one is named twice.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.flip(pb.tensor([1, 2, 3]), (0,))
    tensor([3, 2, 1])
    """
    axes = normalize_dims(dims, len(input.shape)) if not isinstance(dims, list | tuple) or dims else ()
    return backend.flip(input, axis=axes) if axes else backend.copy(input)


variadic_method("flip", "dims")


@composite(samples=sampling.of_shapes((2, 3), (2, 3, 2), (0, 3), (3, 65)))
def fliplr(input: Tensor) -> Tensor:
    """A copy with the columns, the second dimension, in reverse order.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).fliplr()
    tensor([[2, 1],
            [4, 3]])
    """
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@composite(samples=sampling.of_shapes((2, 3), (4,), (2, 3, 2), (0, 3), (65, 3)))
def flipud(input: Tensor) -> Tensor:
    """A copy with the rows, the first dimension, in reverse order.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).flipud()
    tensor([[3, 4],
            [1, 2]])
    """
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


def _opposite(shifts: int | Sequence[int]) -> int | tuple[int, ...]:
    return -shifts if isinstance(shifts, int) else tuple(-s for s in shifts)


def _roll_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5), 2)
    yield Sample(make(3, 2), 1)
    yield Sample(make(3, 2), -1, 0)
    yield Sample(make(3, 4), (1, 2), (0, -1))
    yield Sample(make(2, 3, 2), -4, 1)
    yield Sample(make(2, 2, 3), (1, -1, 7), (0, 1, 2))
    yield Sample(make(3, 3), (1, 1), (0, 0))
    yield Sample(make(0, 3), 1, 1)
    yield Sample(make(), 1)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(size), 1, 0)
        yield sampling.values_only(make.values(2, size), -3)


@op(
    batching="roll",
    linear=True,
    vjp=lambda grad, shifts, dims: roll(grad, _opposite(shifts), dims),
    samples=_roll_samples,
    shows=Shows(dims="empty for all"),
)
def roll(backend: Backend, input: Array, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Array:
    """The elements shifted along dimensions; those that leave at one end come in at the other.

    Without ``dims`` all elements are shifted as one vector.

    Raises
    ------
    RuntimeError
        If there are not as many shifts as dimensions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.roll(pb.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    steps = tuple(shifts) if isinstance(shifts, tuple | list) else (shifts,)
    axes = () if dims is None else tuple(dims) if isinstance(dims, tuple | list) else (dims,)
    if not steps:
        raise RuntimeError("`shifts` required")
    if len(steps) != len(axes) and (axes or len(steps) != 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(axes)}")
    if axes and not input.shape:
        raise IndexError(f"Dimension specified as {axes[0]} but tensor has no dimensions")
    if not axes:
        flat = backend.roll(backend.reshape(input, (-1,)), steps[0], axis=0)
        return backend.reshape(flat, input.shape)
    return backend.roll(input, steps, axis=tuple(normalize_dim(d, len(input.shape)) for d in axes))


def _rot90_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))
    yield Sample(make(2, 3), 2)
    yield Sample(make(2, 3), -1, (1, 0))
    yield Sample(make(2, 3, 2), 4, (0, 2))
    yield Sample(make(2, 3), 3)
    yield Sample(make(2, 3, 2), 1, (2, 1))
    yield Sample(make(3, 3), 5)
    yield Sample(make(0, 3))
    yield sampling.values_only(make.values(33, 65))


@op(linear=True, vjp=lambda grad, k, dims: rot90(grad, -k, dims), samples=_rot90_samples)
def rot90(backend: Backend, input: Array, k: int = 1, dims: Sequence[int] = (0, 1)) -> Array:
    """The tensor turned ``k`` times by 90 degrees in the plane of two dimensions, from the first to the second.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.rot90(pb.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    ndim = len(input.shape)
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = (normalize_dim(d, ndim) for d in dims)
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    if k == 0:
        return backend.copy(input)
    if k == 2:
        return backend.flip(input, axis=(first, second))
    axes = list(range(ndim))
    axes[first], axes[second] = second, first
    return backend.permute_dims(backend.flip(input, axis=(second if k == 1 else first,)), tuple(axes))


# -- repeated ---------------------------------------------------------------------------------------------------------


def _blocks(shape: Sequence[int], repeats: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A shape with a dimension of its own for each repetition, as it is before repeating and after."""
    padded = (1,) * (len(repeats) - len(shape)) + tuple(shape)
    before = tuple(n for size in padded for n in (1, size))
    after = tuple(n for count, size in zip(repeats, padded, strict=True) for n in (count, size))
    return before, after


def _repeat_vjp(grad: Tensor, shape: Sequence[int], repeats: Sequence[int]) -> Tensor:
    _, after = _blocks(shape, repeats)
    if not after:
        return grad
    summed = reshape(grad, after).sum(tuple(range(0, len(after), 2)))
    return reshape(summed, tuple(shape))


def _repeat_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), (2, 1))
    yield Sample(make(2, 3), (2, 2, 2))
    yield Sample(make(3), (1,))
    yield Sample(make(), (2,))
    yield Sample(make(1, 2), (3, 0))
    yield Sample(make(2, 1, 3), (1, 2, 2))
    yield Sample(make(0, 3), (2, 2))
    yield sampling.values_only(make.values(65), (3,))
    yield sampling.values_only(make.values(3, 43), (2, 3))


@op(
    batching="repeat",
    linear=True,
    vjp=lambda grad, input_shape, repeats: _repeat_vjp(grad, input_shape, repeats),
    method=False,
    samples=_repeat_samples,
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def repeat(backend: Backend, input: Array, repeats: Sequence[int]) -> Array:
    """Copies of the tensor side by side: ``repeats[d]`` of them along dimension ``d``.

    Raises
    ------
    RuntimeError
        If ``repeats`` has fewer numbers than the tensor dimensions, or a negative one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    repeats = as_shape((repeats,))
    shape = tuple(input.shape)
    if len(repeats) < len(shape):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    before, after = _blocks(shape, repeats)
    whole = tuple(after[i] * after[i + 1] for i in range(0, len(after), 2))
    if any(count < 0 for count in repeats):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(whole)}: {list(whole)}")
    check_size(whole, backend.dtypes[input.dtype].itemsize)
    return backend.reshape(backend.copy(backend.broadcast_to(backend.reshape(input, before), after)), whole)


variadic_method("repeat", "repeats")


@composite(samples=sampling.with_arguments(((2, 3), (2, 1)), ((3,), (2, 2)), ((2, 3), (2,)), ((), (2,)), ((65,), (3,))))
def tile(input: Tensor, *dims: Any) -> Tensor:
    """Copies of the tensor side by side, as NumPy's ``tile``: missing numbers count as 1.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tile(pb.tensor([[1, 2]]), (2,))
    tensor([[1, 2, 1, 2]])
    """
    counts = given_shape("tile", "dims", dims)
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


@composite(samples=sampling.repeat_interleave)
def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (or each slice along ``dim``) several times in a row.

    Parameters
    ----------
    repeats : int or Tensor
        How often; one number for all or one for each. With a single argument that argument is ``repeats`` and the
        positions are returned.
    dim : int, optional
        By default the tensor is flattened first.

    Raises
    ------
    RuntimeError
        If ``repeats`` has a negative number or as many as neither 1 nor the dimension's size.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2]).repeat_interleave(2)
    tensor([1, 1, 2, 2])
    >>> pb.tensor([1, 2]).repeat_interleave(pb.tensor([1, 2]))
    tensor([1, 2, 2])
    """
    if repeats is None:
        return _positions_repeated(input, input)
    if dim is None:
        input, dim = reshape(input, (-1,)), 0
    if isinstance(repeats, Tensor) and repeats.numel() == 1:
        repeats = int(repeats.item())
    given, dim = dim, normalize_dim(dim, input.ndim)
    if isinstance(repeats, Tensor):
        if repeats.ndim != 1 or repeats.array.shape[0] != input.array.shape[dim]:
            raise RuntimeError(
                "repeats must have the same size as input along dim, but got repeats.size(0) ="
                f" {repeats.numel()} and input.size({dim}) = {input.array.shape[dim]}"
            )
        return ops.index_select(input, given, _positions_repeated(repeats, input))
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    shape = tuple(input.array.shape)
    stretched = ops.expand(ops.unsqueeze(input, dim + 1), (*shape[: dim + 1], repeats, *shape[dim + 1 :]))
    return reshape(
        ops.clone(stretched, memory_format=contiguous_format), (*shape[:dim], shape[dim] * repeats, *shape[dim + 1 :])
    )


def _positions_repeated(repeats: Tensor, like: Tensor) -> Tensor:
    counts = repeats.tolist()
    if any(count < 0 for count in counts):
        raise RuntimeError("repeats can not be negative")
    check_size((sum(counts),), 8)
    positions = [position for position, count in enumerate(counts) for _ in range(count)]
    return ops.tensor(positions, dtype=int64, backend=like.backend)


# -- triangles --------------------------------------------------------------------------------------------------------


# -- diagonals --------------------------------------------------------------------------------------------------------


# -- grids ------------------------------------------------------------------------------------------------------------

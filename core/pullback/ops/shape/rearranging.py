"""The same elements elsewhere: reversed, rotated, repeated; diagonals and triangles of matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, Arrays, Sample, attach, composite, op
from pullback.dispatch.declaration_values import Shows
from pullback.dispatch.out_rules import EXACT
from pullback.meta.allocation import check_size
from pullback.meta.dtypes import int64
from pullback.meta.formats import contiguous_format
from pullback.meta.shapes import as_shape, given_shape, normalize_dim, normalize_dims
from pullback.ops.shape.reshaping import inverse_permutation, reshape, variadic_method
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


@composite()
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


@composite()
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


@composite()
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


@composite()
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
    dim = normalize_dim(dim, input.ndim)
    if isinstance(repeats, Tensor):
        if repeats.ndim != 1 or repeats.array.shape[0] != input.array.shape[dim]:
            raise RuntimeError(
                "repeats must have the same size as input along dim, but got repeats.size(0) ="
                f" {repeats.numel()} and input.size({dim}) = {input.array.shape[dim]}"
            )
        return ops.index_select(input, dim, _positions_repeated(repeats, input))
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


def _triangle_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 3))
    yield Sample(make(3, 4), 1)
    yield Sample(make(2, 3, 2), -1)
    yield Sample(make(3, 2).mT, 5)


@op(
    batching="batched already",
    linear=True,
    vjp=lambda grad, diagonal: tril(grad, diagonal),
    inplace=True,
    samples=_triangle_samples,
    out=EXACT,
)
def tril(backend: Backend, input: Array, diagonal: int = 0) -> Array:
    """The lower triangle of each matrix, zeros above the given diagonal.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tril(pb.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    if len(input.shape) < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return backend.tril(input, k=diagonal)


@op(
    batching="batched already",
    linear=True,
    vjp=lambda grad, diagonal: triu(grad, diagonal),
    inplace=True,
    samples=_triangle_samples,
    out=EXACT,
)
def triu(backend: Backend, input: Array, diagonal: int = 0) -> Array:
    """The upper triangle of each matrix, zeros below the given diagonal.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.triu(pb.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """
    if len(input.shape) < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    return backend.triu(input, k=diagonal)


# -- diagonals --------------------------------------------------------------------------------------------------------


def _diagonal_dims(ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return first, second


def _matrices(backend: Backend, input: Array, first: int, second: int) -> tuple[Array, tuple[int, ...]]:
    """The array with the two dimensions last, and the order of dimensions that did it."""
    order = (*(d for d in range(len(input.shape)) if d not in (first, second)), first, second)
    return backend.permute_dims(input, order), order


def _diagonal_length(matrices: Array, offset: int) -> int:
    rows, columns = matrices.shape[-2:]
    return int(max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0))


def _diagonal_key(backend: Backend, length: int, offset: int) -> tuple[Any, ...]:
    integer = backend.native_dtypes[int64]
    positions = backend.arange(0, length, 1, dtype=integer)
    return (..., positions + max(-offset, 0), positions + max(offset, 0))


def _diagonal_of(backend: Backend, input: Array, offset: int, first: int, second: int) -> Array:
    matrices, _ = _matrices(backend, input, first, second)
    length = _diagonal_length(matrices, offset)
    kernel = backend.kernel("diagonal")
    if kernel is None:
        return backend.getitem(matrices, _diagonal_key(backend, length, offset))
    row, column = (max(-offset, 0), max(offset, 0)) if length else (0, 0)
    return kernel(backend.getitem(matrices, (..., slice(row, row + length), slice(column, column + length))))


def _diagonal_embedded(
    backend: Backend, part: Array, shape: Sequence[int], offset: int, first: int, second: int
) -> Array:
    """Zeros of the given shape with ``part`` on the diagonal."""
    whole = backend.zeros(tuple(shape), dtype=part.dtype, device=backend.device_of(part))
    if backend.mutable and backend.kernel("diagonal") is not None:
        backend.assign(_diagonal_of(backend, whole, offset, first, second), part)
        return whole
    matrices, order = _matrices(backend, whole, first, second)
    length = _diagonal_length(matrices, offset)
    written = backend.index_put(matrices, _diagonal_key(backend, length, offset), part)
    return backend.permute_dims(written, inverse_permutation(order))


def _diagonal_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 3))
    yield Sample(make(3, 4), 1)
    yield Sample(make(4, 2), -1)
    yield Sample(make(2, 3, 4), 0, 0, -1)
    yield Sample(make(2, 3), 5)
    yield Sample(make(3, 2).mT)


@op(
    linear=True,
    vjp=lambda grad, input_shape, offset, dim1, dim2: diagonal_backward(grad, input_shape, offset, dim1, dim2),
    view=True,
    samples=_diagonal_samples,
    shows=Shows(sizes=("input",)),
)
def diagonal(backend: Backend, input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """The diagonal of the matrices that two dimensions span, as the last dimension of a view.

    Parameters
    ----------
    offset : int
        How far above the main diagonal.

    Raises
    ------
    IndexError, RuntimeError
        If there are no such dimensions, or they are the same.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.diagonal(pb.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return _diagonal_of(backend, input, offset, *_diagonal_dims(len(input.shape), dim1, dim2))


def _diagonal_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3), (3, 4), 1, 0, 1)
    yield Sample(make(3, 2), (2, 3, 4), 0, 0, -1)


@op(
    batching="into shape",
    linear=True,
    vjp=lambda grad, offset, dim1, dim2: diagonal(grad, offset, dim1, dim2),
    method=False,
    samples=_diagonal_backward_samples,
    namespace=None,
)
def diagonal_backward(backend: Backend, input: Array, shape: Sequence[int], offset: int, dim1: int, dim2: int) -> Array:
    """Zeros of the given shape with ``input`` where :func:`diagonal` would take it from."""
    return _diagonal_embedded(backend, input, shape, offset, *_diagonal_dims(len(shape), dim1, dim2))


@op(
    linear=True,
    vjp=lambda grad, input_shape, offset, dim1, dim2: diagonal_backward(grad, input_shape, offset, dim1, dim2),
    node="DiagonalBackward0_copy",
    method=False,
    samples=_diagonal_samples,
    out=EXACT,
    shows=Shows(sizes=("input",)),
)
def diagonal_copy(backend: Backend, input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """A copy of :func:`diagonal`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.diagonal_copy(pb.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return backend.copy(_diagonal_of(backend, input, offset, *_diagonal_dims(len(input.shape), dim1, dim2)))


def _diag_embed_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3))
    yield Sample(make(2, 3), 1)
    yield Sample(make(2, 3), -1, 0, 2)


@op(
    batching="new dim",
    linear=True,
    vjp=lambda grad, offset, dim1, dim2: diagonal(grad, offset, dim1, dim2),
    samples=_diag_embed_samples,
)
def diag_embed(backend: Backend, input: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """Matrices with the last dimension of ``input`` on a diagonal and zeros elsewhere.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.diag_embed(pb.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    ndim = len(input.shape) + 1
    first, second = _diagonal_dims(ndim, dim1, dim2)
    size = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for dim in sorted((first, second)):
        shape.insert(dim, size)
    check_size(shape, backend.dtypes[input.dtype].itemsize)
    return _diagonal_embedded(backend, input, shape, offset, first, second)


@composite(out=EXACT)
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with the vector ``input`` on its diagonal, or a copy of the diagonal of the matrix ``input``.

    Raises
    ------
    RuntimeError
        If ``input`` is neither a vector nor a matrix.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.diag(pb.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim == 2:
        return diagonal_copy(input, diagonal)
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")


@composite()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of ``input`` on its diagonal.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.diagflat(pb.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(reshape(input, (-1,)), offset)


def _trace_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 3))
    yield Sample(make(2, 3))
    yield Sample(make(3, 0))


def _trace_vjp(grad: Tensor, shape: Sequence[int]) -> Tensor:
    return diagonal_backward(ops.expand(grad, (min(shape),)), tuple(shape), 0, 0, 1)


@op(
    batching="trace",
    linear=True,
    vjp=lambda grad, input_shape: _trace_vjp(grad, input_shape),
    samples=_trace_samples,
    shows=Shows(sizes=("input",)),
)
def trace(backend: Backend, input: Array) -> Array:
    """The sum of the elements on the diagonal of a matrix; of integers as int64.

    Raises
    ------
    RuntimeError
        If ``input`` is no matrix.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.trace(pb.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if len(input.shape) != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {len(input.shape)}")
    found = _diagonal_of(backend, input, 0, 0, 1)
    if backend.dtypes[input.dtype].category < 2:
        return backend.sum(found, dtype=backend.native_dtypes[int64])
    return backend.sum(found)


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write one value to the main diagonal, of a tensor of more dimensions where all positions are equal.

    Raises
    ------
    RuntimeError
        For a vector, or unequal sizes of more than two dimensions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(2, 2).fill_diagonal_(1)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.array.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    on_diagonal = self
    while on_diagonal.ndim > 1:
        on_diagonal = diagonal(on_diagonal)
    on_diagonal.fill_(fill_value)
    rows, columns = self.array.shape[:2]
    if wrap and self.ndim == 2 and rows > columns + 1:
        fill_diagonal_(ops.slice_(self, 0, columns + 1), fill_value, wrap)
    return self


attach("fill_diagonal_", fill_diagonal_)


# -- grids ------------------------------------------------------------------------------------------------------------


def _block_shapes(shapes: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Each shape as that of a matrix: a vector is one row."""
    return [(1, 1) if not shape else (1, shape[0]) if len(shape) == 1 else (shape[0], shape[1]) for shape in shapes]


def _block_diag_vjp(grad: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
    grads, row, column = [], 0, 0
    for shape, (height, width) in zip(shapes, _block_shapes(shapes), strict=True):
        block = ops.slice_(ops.slice_(grad, 0, row, row + height), 1, column, column + width)
        grads.append(reshape(block, tuple(shape)))
        row, column = row + height, column + width
    return grads


def _blocks_samples(make: Any) -> Iterator[Sample]:
    yield Sample([make(2, 2), make(1, 3)])
    yield Sample([make(), make(2), make(2, 1)])
    yield Sample([make(0, 2), make(1, 0)])


@op(
    batching="diagonal blocks",
    node="BlockDiagBackward0",
    promotion="promote",
    linear=True,
    vjp=lambda grad, tensors_shape: _block_diag_vjp(grad, tensors_shape),
    method=False,
    samples=_blocks_samples,
    namespace=None,
)
def blocks_along_diagonal(backend: Backend, tensors: Arrays) -> Array:
    """The matrices along the diagonal of one matrix; what :func:`block_diag` records."""
    shapes = _block_shapes([tuple(block.shape) for block in tensors])
    columns = sum(width for _, width in shapes)
    rows, start = [], 0
    for block, (height, width) in zip(tensors, shapes, strict=True):
        device = backend.device_of(block)
        left = backend.zeros((height, start), dtype=block.dtype, device=device)
        right = backend.zeros((height, columns - start - width), dtype=block.dtype, device=device)
        rows.append(backend.concat([left, backend.reshape(block, (height, width)), right], axis=1))
        start += width
    return backend.concat(rows, axis=0)


@composite(method=False)
def block_diag(*tensors: Any) -> Tensor:
    """The matrices along the diagonal of one matrix, zeros elsewhere; vectors are matrices of one row.

    Raises
    ------
    RuntimeError
        For a tensor of more than two dimensions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.block_diag(pb.tensor([[1, 2]]), pb.tensor([[3]]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    for place, block in enumerate(tensors):
        if not isinstance(block, Tensor):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(block).__name__}")
        if block.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has {block.ndim}"
                " dimensions"
            )
    return blocks_along_diagonal(list(tensors)) if tensors else ops.empty(1, 0)

"""Diagonals and triangles of matrices: taking them out, putting them in, and sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Arrays, Sample, attach, composite, op
from pullback.dispatch.declaration_values import Shows
from pullback.dispatch.out_rules import EXACT
from pullback.meta.allocation import check_size
from pullback.meta.dtypes import int64
from pullback.meta.shapes import normalize_dim
from pullback.ops.shape.reshaping import reshape
from pullback.ops.shape.transposing import inverse_permutation
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _triangle_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 3))
    yield Sample(make(3, 4), 1)
    yield Sample(make(2, 3, 2), -1)
    yield Sample(make(3, 2).mT, 5)
    yield Sample(make(3, 4), -5)
    yield Sample(make(4, 3), 2)
    yield Sample(make(2, 1, 3, 3), -2)
    yield Sample(make(0, 3))
    yield Sample(make(3, 0), 1)
    yield sampling.values_only(make.values(34, 34))
    yield sampling.values_only(make.values(65, 67), 1)
    yield sampling.values_only(make.values(3, 130), -1)


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
    yield Sample(make(2, 3, 4), -1, 2, 1)
    yield Sample(make(2, 1, 3, 2, 2), 0, 1, 3)
    yield Sample(make(0, 3))
    yield sampling.values_only(make.values(65, 66), 1)


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
    yield Sample(make(2), (4, 2), -2, 0, 1)
    yield Sample(make(0), (0, 3), 0, 0, 1)
    yield sampling.values_only(make.values(65), (65, 66), 1, 0, 1)


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
    yield Sample(make(2, 3), -2, -1, 0)
    yield Sample(make(0))
    yield Sample(make(2, 0), 1)
    yield sampling.values_only(make.values(65))


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


@composite(
    out=EXACT,
    samples=sampling.with_arguments(((3,),), ((3, 3),), ((2, 3), 1), ((2,), -1), ((3, 2), -2), ((0,),), ((2, 0), 1)),
)
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


@composite(samples=sampling.with_arguments(((3,),), ((2, 2),), ((2,), 1), ((2, 1), -2), ((0,),)))
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
    yield Sample(make(4, 2))
    yield Sample(make(1, 1))
    yield sampling.values_only(make.constant(3, 3, value=100))
    yield sampling.values_only(make.values(65, 66))
    yield sampling.values_only(make.values(257, 257))


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
    yield Sample([make(2, 1)])
    yield Sample([make(1, 2), make(3), make(2, 2), make()])
    yield sampling.values_only([make.values(33, 2), make.values(3, 65)])


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


@composite(method=False, samples=sampling.several(((2, 2), (1, 3)), ((2,), (), (1, 2)), ((0, 2), (1, 1))))
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

"""Reading the elements or slices that index tensors name: ``gather``, ``index_select``, ``take``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, in_namespace, op
from pullback.dispatch.declaration_values import Shows
from pullback.dispatch.methods import attach_method
from pullback.dispatch.out_rules import EXACT, Out
from pullback.dispatch.overwriting import overwrite
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.meta.shapes import broadcast_shape, normalize_dim
from pullback.ops.indexing.checks import check_positions, first_outside, outside, vector_of
from pullback.ops.indexing.reading_and_writing import add_at
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.indices import Positions

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_EVERYTHING = slice(None)


# -- elements along a dimension ---------------------------------------------------------------------------------------


def _check_index_shape(index: Array, input: Array, dim: int) -> None:
    if max(len(index.shape), 1) != max(len(input.shape), 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    for d, (own, size) in enumerate(zip(index.shape, input.shape, strict=False)):
        if d != dim and own > size:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self"
                f" {list(input.shape)} apart from dimension {dim}"
            )


def _gather_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.integers(3, 2, low=0, high=3), 0)
    yield Sample(make(3, 4), make.integers(2, 6, low=0, high=4), -1)
    yield Sample(make(4), make.integers(2, low=0, high=4), 0)
    yield Sample(make(), make.integers(low=0, high=1), 0)
    yield Sample(make(4, 3).mT, make.integers(3, 2, low=0, high=4), 1)
    yield Sample(make(3, 2), make.integers(0, 2, low=0, high=3), 0)
    yield Sample(make(2, 3, 2), make.integers(2, 4, 2, low=0, high=3), 1)
    yield Sample(make(2, 1, 3, 2), make.integers(1, 1, 5, 2, low=0, high=3), -2)
    yield sampling.values_only(make.values(65, 2), make.integers(129, 2, low=0, high=65), 0)
    yield sampling.values_only(make.values(2, 257), make.integers(2, sampling.block_size(make), low=0, high=257), 1)


@op(
    batching="gather",
    name="gather",
    linear=True,
    vjp={"input": lambda grad, input_shape, index, dim: _added("scatter_add", grad, input_shape, index, dim)},
    method=False,
    samples=_gather_samples,
    out=EXACT,
    namespace=None,
    shows=Shows(derived={"sparse_grad": False}),
)
def gather_elements(backend: Backend, input: Array, index: Array, dim: int) -> Array:
    """The elements that ``index`` names along a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).gather(1, pb.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    dim = normalize_dim(dim, len(input.shape))
    check_positions(backend, index, "gather")
    if 0 in index.shape:  # it names no element, whatever the rest of its shape
        return backend.reshape(backend.getitem(backend.reshape(input, (-1,)), (slice(0, 0),)), index.shape)
    _check_index_shape(index, input, dim)
    size = input.shape[dim] if input.shape else 1
    if backend.any_negative(index):
        raise RuntimeError(outside(backend, index, size, dim))
    if not input.shape or not index.shape:
        try:
            flat = backend.take(backend.reshape(input, (-1,)), backend.reshape(index, (-1,)), axis=0)
        except IndexError:
            raise RuntimeError(outside(backend, index, size, dim)) from None
        return backend.reshape(flat, index.shape)
    if any(own < size for d, (own, size) in enumerate(zip(index.shape, input.shape, strict=True)) if d != dim):
        key = tuple(_EVERYTHING if d == dim else slice(0, size) for d, size in enumerate(index.shape))
        input = backend.getitem(input, key)
    try:
        return backend.take_along_axis(input, index, dim)
    except IndexError:
        raise RuntimeError(outside(backend, index, size, dim)) from None


def _added(name: str, grad: Tensor, shape: Sequence[int], index: Tensor, dim: int) -> Tensor:
    """``grad`` added where ``index`` took it from, in zeros of that shape."""
    return overwrite(name, zeros_of(grad, shape), index, grad, dim)  # type: ignore[no-any-return]


@in_namespace("pullback")
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """The elements that ``index`` names along a dimension: ``out[i, j] = input[index[i, j], j]`` for ``dim=0``.

    Parameters
    ----------
    index : Tensor
        Positions, of as many dimensions as ``input``; the result has its shape.
    sparse_grad : bool
        Accepted as PyTorch takes it; gradients are dense.

    Raises
    ------
    RuntimeError
        If dtype or shape of ``index`` doesn't fit, or a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.gather(pb.tensor([[1, 2], [3, 4]]), 1, pb.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    return gather_elements(input, index, dim)


attach_method("gather", gather)


@composite(out=EXACT, samples=sampling.take_along)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """The elements that ``indices`` names along a dimension, the others broadcast; of all elements without ``dim``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([[3, 1], [2, 4]])
    >>> pb.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 3],
            [2, 4]])
    """
    if indices.dtype is not dtypes.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {type_name(indices.dtype)}"
        )
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1))
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.ndim}"
            f" dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = normalize_dim(dim, input.ndim)

    def others(shape: Sequence[int]) -> tuple[int, ...]:
        return (*shape[:dim], 1, *shape[dim + 1 :])

    shape = broadcast_shape([others(input.array.shape), others(indices.array.shape)])

    def fitted(tensor: Tensor) -> Tensor:
        return tensor.expand((*shape[:dim], tensor.array.shape[dim], *shape[dim + 1 :]))

    size = input.array.shape[dim]
    if indices.backend.any_negative(indices.array):  # these count from the end, as they do not for gather()
        indices = indices % size
    return gather(fitted(input), dim, fitted(indices))


# -- whole slices -----------------------------------------------------------------------------------------------------


def index_select_samples(make: Any) -> Iterator[Sample]:
    """Calls that select along a dimension, some positions twice."""
    yield Sample(make(3, 2), make.integers(4, low=0, high=3), 0)
    yield Sample(make(3, 4), make.integers(2, low=0, high=4), -1)
    yield Sample(make(4), make.integers(low=0, high=4), 0)
    yield Sample(make(3, 2).mT, make.integers(0, low=0, high=3), 1)
    yield Sample(make(2, 3, 2), make.positions([2, 0, 2]), 1)
    yield Sample(make(2, 1, 3, 2, 2), make.positions([1, 1]), -3)
    yield Sample(make(3, 0), make.positions([1, 2]), 0)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(70), make.integers(size, low=0, high=70), 0)
    yield sampling.values_only(make.values(129, 2), make.positions(range(128, -1, -1)), 0)


@op(
    batching="index select",
    name="index_select",
    linear=True,
    vjp={"input": lambda grad, input_shape, index, dim: _added("index_add", grad, input_shape, index, dim)},
    method=False,
    samples=index_select_samples,
    out=Out("index_select(): self and result must have the same scalar type"),
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def select_slices(backend: Backend, input: Array, index: Array, dim: int) -> Array:
    """The slices at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).index_select(1, pb.tensor([1]))
    tensor([[2],
            [4]])
    """
    dim = normalize_dim(dim, len(input.shape))
    index = vector_of(backend, index, "index_select")
    check_positions(backend, index, "index_select", "int32 or int64 for index")
    count = index.shape[0]
    if not input.shape and count != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {count} value(s)")
    shape = input.shape or (1,)
    if not shape[dim] and count:
        if len(shape) == 1:
            raise IndexError("index out of range in self")
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    if backend.any_negative(index):
        raise IndexError("index out of range in self")
    try:
        if not input.shape:
            return backend.reshape(backend.take(backend.reshape(input, (1,)), index, axis=0), ())
        if 0 in shape and count and first_outside(backend, index, 0, shape[dim]) is not None:
            raise IndexError  # with no element to take, a library need not look
        return backend.take(input, index, axis=dim)
    except IndexError:
        if dim or 0 in shape:
            position = first_outside(backend, index, 0, shape[dim])
            raise RuntimeError(f"INDICES element is out of DATA bounds, id={position} axis_dim={shape[dim]}") from None
        raise IndexError("index out of range in self") from None


@in_namespace("pullback")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at the positions ``index`` of a dimension, in their order.

    Raises
    ------
    IndexError
        If a position is out of bounds or ``index`` is no vector.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.index_select(pb.tensor([[1, 2], [3, 4]]), 1, pb.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    return select_slices(input, index, dim)


attach_method("index_select", index_select)


# -- all elements as one vector ---------------------------------------------------------------------------------------


def _take_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.integers(2, 2, low=0, high=6))
    yield Sample(make(4), make.integers(low=-4, high=4))
    yield Sample(make(3, 2).mT, make.integers(3, low=0, high=6))
    yield Sample(make(3, 2), make.positions([-1, -6, 5, 0, -1]))
    yield Sample(make(3, 2), make.integers(0, 2, low=0, high=6))
    yield sampling.values_only(make.values(65), make.integers(sampling.block_size(make), low=-65, high=65))


@op(
    batching="take",
    linear=True,
    vjp={
        "input": lambda grad, input_shape, index: ops.reshape(
            add_at(zeros_of(grad, (math.prod(input_shape),)), grad, Positions((index,))), input_shape
        )
    },
    samples=_take_samples,
    out=Out(
        "take(): self and out expected to have the same dtype, but got self.dtype = {result} and out.dtype = {out}"
    ),
)
def take(backend: Backend, input: Array, index: Array) -> Array:
    """The elements at positions in the flattened tensor, in the shape of ``index``.

    Raises
    ------
    IndexError
        If a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.take(pb.tensor([[1, 2], [3, 4]]), pb.tensor([0, 3]))
    tensor([1, 4])
    """
    if backend.dtypes[index.dtype] is not dtypes.int64:
        kind = type_name(backend.dtypes[index.dtype])
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {kind}")
    flat = backend.reshape(input, (-1,))
    if not flat.shape[0] and 0 not in index.shape:
        raise IndexError("take(): tried to take from an empty tensor")
    try:
        return backend.reshape(backend.take(flat, backend.reshape(index, (-1,)), axis=0), index.shape)
    except IndexError:
        raise IndexError(not_among(backend, index, flat.shape[0])) from None


def not_among(backend: Backend, index: Array, count: int) -> str:
    """What is said of the first position that is not one of ``count`` elements."""
    position = first_outside(backend, index, -count, count)
    return f"out of range: tried to access index {position} on a tensor of {count} elements."

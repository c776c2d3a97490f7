"""Copies of a tensor with some elements replaced: ``put``, and those a view shows: ``select_scatter`` and the like."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, op
from pullback.dispatch.declaration_values import Sampled
from pullback.dispatch.methods import attach_method, run_inplace
from pullback.dispatch.out_rules import EXACT
from pullback.dispatch.overwriting import overwrites
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.ops.indexing.gathering import not_among, take
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_EVERYTHING = slice(None)


# -- elements of the flattened tensor ---------------------------------------------------------------------------------


def _put_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.positions([4, 0]), make(2))
    yield Sample(make(3, 2), make.positions([[4], [-1]]), make(2))
    yield Sample(make(3, 2).mT, make.positions([4, 4, 1]), make(3), True)
    yield Sample(make(), make.positions([0]), make(1))
    yield Sample(make(2, 3), make.positions([-1, 1, -1, 1, 1]), make(5), True)
    yield Sample(make(2, 2), make.integers(0, low=0, high=4), make(0))
    yield sampling.values_only(
        sampling.whole(make, 65), make.integers(129, low=-65, high=65), sampling.whole(make, 129), True
    )


@op(
    batching="put",
    vjp={
        "input": lambda grad, index, accumulate: grad if accumulate else _without(grad, index),
        "source": lambda grad, index, source_shape: ops.reshape(take(grad, index), source_shape),
    },
    jvp={
        "input": "vjp",
        "source": lambda tangent, input_shape, index, accumulate: put(
            zeros_of(tangent, input_shape), index, tangent, accumulate
        ),
    },
    samples=Sampled(_put_samples, distinct="index"),
    accuracy="sum",
)
def put(backend: Backend, input: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    """A copy of the tensor with the elements of ``source`` at positions in the flattened tensor, or added there.

    Parameters
    ----------
    index : Tensor
        Positions, int64; negative ones count from the end.
    source : Tensor
        As many elements as positions.
    accumulate : bool
        Add; several values for one position add up. Otherwise one of them stays.

    Raises
    ------
    IndexError
        If a position is out of bounds, or there are not as many positions as elements.
    RuntimeError
        If dtypes don't fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.put(pb.zeros(2, 2), pb.tensor([0, 3]), pb.tensor([1., 2.]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    return _put(backend, backend.index_put, input, index, source, accumulate)


@overwrites("put")
def _put_into(backend: Backend, input: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    if not (backend.mutable and backend.is_contiguous(input)):
        return _put(backend, backend.index_put, input, index, source, accumulate)
    _put(backend, backend.index_put_into, input, index, source, accumulate)  # into a flat view
    return input


def _put(backend: Backend, put_at: Any, input: Array, index: Array, source: Array, accumulate: bool) -> Array:
    kind = backend.dtypes[index.dtype]
    if kind is not dtypes.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {type_name(kind)}")
    own, other = backend.dtypes[input.dtype], backend.dtypes[source.dtype]
    if own is not other:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {type_name(own)} and"
            f" source.dtype = {type_name(other)}"
        )
    given, count = math.prod(source.shape), math.prod(index.shape)
    if given != count:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() ="
            f" {given}, index.numel() = {count}"
        )
    size = math.prod(input.shape)
    if not size and count:
        raise IndexError("put_(): Tried to put elements into an empty tensor")
    flat = backend.reshape(input, (-1,))
    try:
        out = put_at(flat, (backend.reshape(index, (-1,)),), backend.reshape(source, (-1,)), accumulate)
    except IndexError:
        raise IndexError(not_among(backend, index, size)) from None
    return backend.reshape(out, tuple(input.shape))


def _without(grad: Tensor, index: Tensor) -> Tensor:
    return put(grad, index, zeros_of(grad, index.shape))


def _put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of :func:`put`."""
    return run_inplace("put", self, index, source, accumulate)


# -- the part that a view shows ---------------------------------------------------------------------------------------


def _with_part(backend: Backend, input: Array, src: Array, part: Callable[[Array], Array]) -> Array:
    """A copy of the array with ``src`` in the part of it that a view shows."""
    copied = backend.copy(input)
    shape = tuple(part(copied).shape)
    if tuple(src.shape) != shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size ="
            f" {list(src.shape)}, slice size = {list(shape)}"
        )
    if src.dtype != input.dtype:
        src = backend.astype(src, backend.dtypes[input.dtype])
    if backend.mutable:
        backend.assign(part(copied), src)
        return copied
    count = math.prod(input.shape)
    positions = backend.arange(0, count, 1, dtype=backend.native_dtypes[dtypes.int64])
    where = backend.reshape(part(backend.reshape(positions, tuple(input.shape))), (-1,))
    out = backend.index_put(backend.reshape(input, (-1,)), (where,), backend.reshape(src, (-1,)))
    return backend.reshape(out, tuple(input.shape))


def _select_scatter_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make(2), 0, 1)
    yield Sample(make(3, 2).mT, make(2), -1, -2)
    yield Sample(make(3), make(), 0, 2)
    yield Sample(make(2, 3, 2), make(2, 2), 1, 2)
    yield Sample(make(3, 0), make(0), 0, 1)


@op(
    batching="into first operand",
    linear=True,
    vjp={
        "input": lambda grad, src_shape, dim, index: select_scatter(grad, zeros_of(grad, src_shape), dim, index),
        "src": lambda grad, src_dtype, dim, index: ops.cast_gradient(ops.select(grad, dim, index), src_dtype),
    },
    samples=_select_scatter_samples,
)
def select_scatter(backend: Backend, input: Array, src: Array, dim: int, index: int) -> Array:
    """A copy of the tensor with ``src`` at one index of a dimension.

    Raises
    ------
    IndexError
        If there is no such dimension or index.
    RuntimeError
        If ``src`` has another shape than that part.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.select_scatter(pb.zeros(2, 2), pb.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    index = operator.index(index)
    return _with_part(backend, input, src, lambda array: _body("select")(backend, array, dim, index))


def _slice_scatter_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4, 2), make(2, 2), 0, 1, 3)
    yield Sample(make(2, 5).mT, make(2, 2), 0, 1, 9, 3)
    yield Sample(make(3), make(3))
    yield Sample(make(2, 3, 2), make(2, 2, 2), 1, -2)
    yield Sample(make(0, 2), make(0, 2))
    yield Sample(make(2, 3, 2), make(2, 3, 1), 2, 0, None, 2)


@op(
    batching="into first operand",
    linear=True,
    vjp={
        "input": lambda grad, src_shape, dim, start, end, step: slice_scatter(
            grad, zeros_of(grad, src_shape), dim, start, end, step
        ),
        "src": lambda grad, src_dtype, dim, start, end, step: ops.cast_gradient(
            ops.slice_(grad, dim, start, end, step), src_dtype
        ),
    },
    samples=_slice_scatter_samples,
    out=EXACT,
)
def slice_scatter(
    backend: Backend,
    input: Array,
    src: Array,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Array:
    """A copy of the tensor with ``src`` in a range of a dimension.

    Raises
    ------
    IndexError
        If there is no such dimension.
    RuntimeError
        If ``src`` has another shape than that part, or the step is not positive.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.slice_scatter(pb.zeros(3), pb.ones(2), 0, 1)
    tensor([0., 1., 1.])
    """
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    return _with_part(backend, input, src, lambda array: _body("slice")(backend, array, dim, start, end, step))


def _diagonal_scatter_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 3), make(3))
    yield Sample(make(3, 4), make(3), 1)
    yield Sample(make(2, 3, 4), make(3, 2), 0, 0, -1)
    yield Sample(make(4, 3), make(2), -2)
    yield Sample(make(3, 2, 3), make(2, 2), 1, 0, 2)
    yield Sample(make(3, 2, 3), make(3, 2), 0, 2, 1)


@op(
    batching="into first operand",
    linear=True,
    vjp={
        "input": lambda grad, src_shape, offset, dim1, dim2: diagonal_scatter(
            grad, zeros_of(grad, src_shape), offset, dim1, dim2
        ),
        "src": lambda grad, src_dtype, offset, dim1, dim2: ops.cast_gradient(
            ops.diagonal(grad, offset, dim1, dim2), src_dtype
        ),
    },
    samples=_diagonal_scatter_samples,
)
def diagonal_scatter(
    backend: Backend, input: Array, src: Array, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Array:
    """A copy of the tensor with ``src`` on the diagonal of the matrices that two dimensions span.

    Raises
    ------
    IndexError, RuntimeError
        If there are no such dimensions, or they are the same, or ``src`` has another shape than the diagonal.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.diagonal_scatter(pb.zeros(2, 2), pb.tensor([1., 2.]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    return _with_part(backend, input, src, lambda array: _body("diagonal")(backend, array, offset, dim1, dim2))


def _body(name: str) -> Callable[..., Array]:
    """What the operation ``name`` does with native arrays."""
    operation: Any = registry[name]
    return operation.body  # type: ignore[no-any-return]


attach_method("put_", _put_)

"""Tensors put together: end to end, or along a new dimension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Arrays, Sample, composite, op
from pullback.dispatch.out_rules import JOINED
from pullback.meta.shapes import normalize_dim
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _is_skipped(shape: Sequence[int]) -> bool:
    """Empty vectors take part in no concatenation, whatever the shape of the others."""
    return len(shape) == 1 and not shape[0]


def _check_cat(tensors: Sequence[Tensor], dim: int) -> None:
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    first: tuple[int, ...] | None = None
    for position, tensor in enumerate(tensors):
        shape = tuple(tensor.array.shape)
        if not shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
        if _is_skipped(shape):
            continue
        if first is None:
            first = shape
            along = normalize_dim(dim, len(shape))
            continue
        if len(shape) != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        for d, (expected, size) in enumerate(zip(first, shape, strict=True)):
            if d != along and size != expected:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {along}. Expected size {expected} but got size"
                    f" {size} for tensor number {position} in the list."
                )


def _cat_vjp(grad: Tensor, shapes: Sequence[Sequence[int]], dim: int) -> list[Tensor]:
    dim = normalize_dim(dim, grad.ndim)
    grads, start = [], 0
    for shape in shapes:
        if _is_skipped(shape):
            grads.append(zeros_of(grad, shape))
            continue
        grads.append(ops.slice_(grad, dim, start, start + shape[dim]))
        start += shape[dim]
    return grads


def _cat_samples(make: Any) -> Iterator[Sample]:
    yield Sample([make(2, 3), make(1, 3)])
    yield Sample([make(2, 3), make(2, 1), make(2, 2)], -1)
    yield Sample([make(2), make(0), make(3)])
    yield Sample([make(2, 2), make(0)], 1)
    yield Sample([make(2, 3).mT, make(3, 2)], 1)
    yield Sample([make(2, 1, 2), make(2, 2, 2), make(2, 3, 2), make(2, 1, 2)], -2)
    yield Sample([make(0, 2), make(0, 3)], 1)
    yield Sample([make(2, 0), make(2, 3), make(2, 0)], 1)
    yield Sample([make(3)])
    yield Sample([make(2, 1, 1, 2, 2), make(2, 1, 2, 2, 2)], 2)
    for size in sampling.block_sizes(make):
        yield sampling.values_only([make.values(size), make.values(65), make.values(8)])
        yield sampling.values_only([make.values(size, 2), make.values(1, 2)])


@op(
    batching="cat",
    promotion="promote",
    linear=True,
    vjp=lambda grad, tensors_shape, dim: _cat_vjp(grad, tensors_shape, dim),
    method=False,
    aliases=("concat", "concatenate"),
    check=_check_cat,
    samples=_cat_samples,
    out=JOINED,
    accuracy="exact",
)
def cat(backend: Backend, tensors: Arrays, dim: int = 0) -> Array:
    """The tensors end to end along a dimension; they agree in all others and promote to a common dtype.

    Raises
    ------
    ValueError
        For no tensors.
    RuntimeError
        If sizes differ in another dimension than ``dim``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.cat([pb.tensor([1, 2]), pb.tensor([3])])
    tensor([1, 2, 3])
    """
    joined = [tensor for tensor in tensors if not _is_skipped(tensor.shape)]
    if not joined:
        return backend.copy(tensors[0])
    return backend.concat(joined, axis=normalize_dim(dim, len(joined[0].shape)))


def _check_stack(tensors: Sequence[Tensor], dim: int) -> None:
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    first = list(tensors[0].array.shape)
    normalize_dim(dim, len(first) + 1)
    for position, tensor in enumerate(tensors):
        if list(tensor.array.shape) != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {first} at entry 0 and"
                f" {list(tensor.array.shape)} at entry {position}"
            )


def _stack_samples(make: Any) -> Iterator[Sample]:
    yield Sample([make(2, 3), make(2, 3)])
    yield Sample([make(2), make(2), make(2)], 1)
    yield Sample([make(), make()])
    yield Sample([make(2, 3).mT, make(3, 2)], -2)
    yield Sample([make(0), make(0)])
    yield Sample([make(2, 3), make(2, 3), make(2, 3), make(2, 3)], 2)
    yield Sample([make(2, 1, 2, 2), make(2, 1, 2, 2)], -3)
    yield Sample([make(3)])
    yield Sample([make(0, 2), make(0, 2), make(0, 2)], 1)
    for size in sampling.block_sizes(make):
        yield sampling.values_only([make.values(size), make.values(size), make.values(size)], size % 2)


@op(
    batching="new dim",
    promotion="promote",
    linear=True,
    vjp=lambda grad, dim: ops.unbind(grad, dim),
    method=False,
    check=_check_stack,
    samples=_stack_samples,
    out=JOINED,
    accuracy="exact",
)
def stack(backend: Backend, tensors: Arrays, dim: int = 0) -> Array:
    """The tensors, of one shape, along a new dimension.

    Raises
    ------
    RuntimeError
        For no tensors, or if their shapes differ.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.stack([pb.tensor([1, 2]), pb.tensor([3, 4])], 1)
    tensor([[1, 3],
            [2, 4]])
    """
    return backend.stack(list(tensors), axis=normalize_dim(dim, len(tensors[0].shape) + 1))


def _checked(tensors: Any, name: str) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, list | tuple):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return list(tensors)


@composite(
    method=False,
    out=JOINED,
    samples=sampling.listed(
        ((2, 3), (2, 1)), ((2,), (3,)), ((), (2,)), ((2, 1, 2), (2, 2, 2), (2, 1, 2)), ((0,), (3,))
    ),
    accuracy="exact",
)
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors side by side: along their second dimension, vectors along their only one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.hstack([pb.tensor([1]), pb.tensor([2])])
    tensor([1, 2])
    """
    raised = ops.atleast_1d(_checked(tensors, "hstack"))
    return cat(raised, int(raised[0].ndim > 1))


@composite(
    method=False,
    aliases=("row_stack",),
    out=JOINED,
    samples=sampling.listed(((2, 3), (1, 3)), ((3,), (3,)), ((), ()), ((1, 2, 2), (2, 2, 2)), ((0, 3), (1, 3))),
    accuracy="exact",
)
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one below the other: along their first dimension, vectors as rows.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.vstack([pb.tensor([1, 2]), pb.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat(ops.atleast_2d(_checked(tensors, "vstack")), 0)


@composite(
    method=False,
    out=JOINED,
    samples=sampling.listed(((2, 3), (2, 3)), ((2,), (2,)), ((), ()), ((2, 2, 1), (2, 2, 2))),
    accuracy="exact",
)
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one behind the other: along their third dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.dstack([pb.tensor([1, 2]), pb.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    return cat(ops.atleast_3d(_checked(tensors, "dstack")), 2)


@composite(
    method=False,
    out=JOINED,
    samples=sampling.listed(((2,), (2, 2)), ((), ()), ((3,), (3,), (3, 1)), ((2, 0), (2, 1))),
    accuracy="exact",
)
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors side by side, vectors as columns.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.column_stack([pb.tensor([1, 2]), pb.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    columns = [
        tensor if tensor.ndim > 1 else ops.reshape(tensor, (tensor.numel(), 1))
        for tensor in _checked(tensors, "column_stack")
    ]
    return cat(columns, 1)

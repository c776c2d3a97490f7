"""Parts of a tensor as views: one index, a range, or all the pieces along a dimension."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, attach, composite, in_namespace, op
from pullback.dispatch.declaration_values import Shows
from pullback.meta.allocation import check_count
from pullback.meta.dtypes import INTEGER
from pullback.meta.shapes import normalize_dim
from pullback.ops.shared.options import checked_integer
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_EVERYTHING = slice(None)


def embedded(backend: Backend, part: Array, shape: Sequence[int], key: tuple[Any, ...]) -> Array:
    """Zeros of the given shape with ``part`` at the basic index ``key``."""
    whole = backend.zeros(tuple(shape), dtype=part.dtype, device=backend.device_of(part))
    if backend.mutable:
        backend.assign(backend.getitem(whole, key), part)
        return whole
    return backend.index_put(whole, key, part)


# -- one index --------------------------------------------------------------------------------------------------------


def _select_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), 0, 1)
    yield Sample(make(3, 2), -1, -2)
    yield Sample(make(3), 0, 2)
    yield Sample(make(3, 2, 2).mT, 1, 0)
    yield Sample(make(3, 0), 0, 1)
    yield Sample(make(2, 3, 2), 1, -1)
    yield Sample(make(2, 1, 3, 2, 2), 2, 2)


def _select_key(dim: int, index: int) -> tuple[Any, ...]:
    return (*((_EVERYTHING,) * dim), index, ...)


@op(
    linear=True,
    vjp=lambda grad, input_shape, dim, index: select_backward(grad, input_shape, dim, index),
    view=True,
    samples=_select_samples,
    shows=Shows(sizes=("input",)),
)
def select(backend: Backend, input: Array, dim: int, index: int) -> Array:
    """The part of the tensor at one index of a dimension, which the result lacks.

    Raises
    ------
    IndexError
        If there is no such dimension or index.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])
    """
    shape = input.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, len(shape))
    size = shape[dim]
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    return backend.getitem(input, _select_key(dim, operator.index(index)))


def _select_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), (3, 2), 0, 1)
    yield Sample(make(3), (3, 2), -1, -2)
    yield Sample(make(2, 2), (2, 3, 2), 1, 0)
    yield Sample(make(0), (3, 0), 0, 1)


@op(
    batching="into shape",
    linear=True,
    vjp=lambda grad, dim, index: select(grad, dim, index),
    method=False,
    samples=_select_backward_samples,
    namespace=None,
)
def select_backward(backend: Backend, input: Array, shape: Sequence[int], dim: int, index: int) -> Array:
    """Zeros of the given shape with ``input`` where :func:`select` would take it from."""
    return embedded(backend, input, shape, _select_key(normalize_dim(dim, len(shape)), index))


# -- a range ----------------------------------------------------------------------------------------------------------


def _slice_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4, 2), 0, 1, 3)
    yield Sample(make(4, 2), 0, 0, 4, 2)
    yield Sample(make(4, 2), -1, -1, None)
    yield Sample(make(4), 0, 3, 1)
    yield Sample(make(2, 5).mT, 0, 1, 9, 3)
    yield Sample(make(2, 3, 2), 1, 0, None, 2)
    yield Sample(make(9), 0, 0, 9, 3)
    yield Sample(make(9), 0, -8, -1, 4)
    yield Sample(make(0, 2), 0, 0, 5)
    yield sampling.values_only(make.values(130), 0, 1, None, 2)


def _slice_key(dim: int, start: int | None, end: int | None, step: int) -> tuple[Any, ...]:
    return (*((_EVERYTHING,) * dim), slice(start, end, step), ...)


@op(
    linear=True,
    vjp=lambda grad, input_shape, dim, start, end, step: slice_backward(grad, input_shape, dim, start, end, step),
    view=True,
    method=False,
    samples=_slice_samples,
    namespace=None,
    shows=Shows(
        sizes=("input",),
        derived={
            "start": lambda saved: saved("start") or 0,
            "end": lambda saved: 2**63 - 1 if saved("end") is None else saved("end"),
        },
    ),
)
def slice_(
    backend: Backend, input: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """The indices from ``start`` up to but not including ``end`` of a dimension, ``step`` apart.

    Raises
    ------
    IndexError
        If there is no such dimension.
    ValueError
        If the step is not positive.
    """
    if step <= 0:
        raise ValueError("step must be greater than zero")
    if not input.shape:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    return backend.getitem(input, _slice_key(normalize_dim(dim, len(input.shape)), start, end, step))


def _slice_backward_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 2), (4, 2), 0, 1, 3, 1)
    yield Sample(make(2, 2), (4, 2), 0, 0, 4, 2)
    yield Sample(make(2, 1, 2), (2, 3, 2), 1, 1, 3, 2)
    yield Sample(make(0, 2), (4, 2), 0, 3, 1, 1)


@op(
    batching="into shape",
    linear=True,
    vjp=lambda grad, dim, start, end, step: slice_(grad, dim, start, end, step),
    method=False,
    samples=_slice_backward_samples,
    namespace=None,
)
def slice_backward(
    backend: Backend,
    input: Array,
    shape: Sequence[int],
    dim: int,
    start: int | None,
    end: int | None,
    step: int,
) -> Array:
    """Zeros of the given shape with ``input`` where a slice would take it from."""
    return embedded(backend, input, shape, _slice_key(normalize_dim(dim, len(shape)), start, end, step))


def front_of_zeros(grad: Tensor, shape: Sequence[int]) -> Tensor:
    """``grad`` at the front of zeros of the given, larger shape; one element and a 0-d tensor stand for each other."""
    if 0 in grad.array.shape:  # of any shape
        return zeros_of(grad, shape)
    if not shape and grad.ndim:
        return ops.reshape(grad, ())
    if shape and not grad.ndim:
        grad = ops.reshape(grad, (1,) * len(shape))
    for dim, (own, size) in enumerate(zip(grad.array.shape, shape, strict=True)):
        if own != size:
            whole = (*grad.array.shape[:dim], size, *grad.array.shape[dim + 1 :])
            grad = slice_backward(grad, whole, dim, 0, own, 1)
    return grad


def _narrow_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4, 2), 0, 1, 2)
    yield Sample(make(4, 2), -1, -1, 1)
    yield Sample(make(4), 0, 4, 0)
    yield Sample(make(2, 3, 2), 1, 1, 2)
    yield Sample(make(0, 2), 0, 0, 0)


@composite(samples=_narrow_samples)
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """``length`` indices of a dimension, from ``start`` on.

    Raises
    ------
    RuntimeError, IndexError
        If they reach beyond the dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(5).narrow(0, 1, 2)
    tensor([1, 2])
    """
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = normalize_dim(dim, input.ndim)
    size = input.array.shape[dim]
    start = operator.index(start)
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    if start < 0:
        start += size
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return slice_(input, dim, start, start + length)


# -- all the pieces ---------------------------------------------------------------------------------------------------


def _joined(grads: Mapping[int, Tensor], shape: Sequence[int], dim: int, sizes: Sequence[int]) -> Tensor:
    """The gradient of a tensor from those of its pieces; the missing ones are zero."""
    given = next(iter(grads.values()))
    dim = normalize_dim(dim, len(shape))
    parts = [
        grads[number] if number in grads else zeros_of(given, (*shape[:dim], size, *shape[dim + 1 :]))
        for number, size in enumerate(sizes)
    ]
    return ops.cat(parts, dim)


def _piece_sizes(size: int, split_size: int) -> list[int]:
    if not split_size:
        return [0]
    pieces = max(-(-size // split_size), 1)
    return [split_size] * (pieces - 1) + [size - split_size * (pieces - 1)]


def _pieces(backend: Backend, input: Array, dim: int, sizes: Sequence[int]) -> list[Array]:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(backend.getitem(input, _slice_key(dim, start, start + size, 1)))
        start += size
    return pieces


def _split_backward(grads: Any, shape: Sequence[int], split_size: int, dim: int) -> Tensor:
    return _joined(grads, shape, dim, _piece_sizes(shape[dim], split_size))


def _split_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5, 2), 2)
    yield Sample(make(4, 2), 2, -1)
    yield Sample(make(3), 5)
    yield Sample(make(2, 3).mT, 2)
    yield Sample(make(2, 5, 2), 3, 1)
    yield Sample(make(0, 2), 2)
    yield sampling.values_only(make.values(130, 2), 64)


@op(
    name="split",
    linear=True,
    vjp=lambda grads, input_shape, split_size, dim: _split_backward(grads, input_shape, split_size, dim),
    view=True,
    outputs=("*",),
    method=False,
    samples=_split_samples,
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def _split_evenly(backend: Backend, input: Array, split_size: int, dim: int = 0) -> Sequence[Array]:
    """The tensor in pieces of ``split_size`` along a dimension; the last may be smaller.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if not input.shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, len(input.shape))
    size = input.shape[dim]
    if split_size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size}")
    if not split_size and size:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    return _pieces(backend, input, dim, _piece_sizes(size, split_size))


def _split_with_sizes_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5, 2), (2, 3))
    yield Sample(make(4, 3), (1, 0, 2), -1)
    yield Sample(make(2, 4, 2), (3, 1), 1)
    yield sampling.values_only(make.values(130), (64, 1, 65))


@op(
    linear=True,
    vjp=lambda grads, input_shape, split_sizes, dim: _joined(grads, input_shape, dim, split_sizes),
    view=True,
    outputs=("*",),
    samples=_split_with_sizes_samples,
    shows=Shows(sizes=("input",)),
)
def split_with_sizes(backend: Backend, input: Array, split_sizes: Sequence[int], dim: int = 0) -> Sequence[Array]:
    """The tensor in pieces of the given sizes along a dimension.

    Raises
    ------
    RuntimeError
        If the sizes don't add up to that of the dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(3).split_with_sizes((1, 2))
    (tensor([0]), tensor([1, 2]))
    """
    if not input.shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, len(input.shape))
    size = input.shape[dim]
    if min(split_sizes, default=0) < 0:
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got"
            f" split_sizes={list(split_sizes)}"
        )
    if sum(split_sizes) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension {dim}),"
            f" but got split_sizes={list(split_sizes)}"
        )
    return _pieces(backend, input, dim, split_sizes)


@in_namespace("pullback")
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor in pieces along a dimension, which are views of it.

    Parameters
    ----------
    split_size_or_sections : int or sequence of int
        The size of each piece but perhaps the last, which takes what is left; or the sizes one by one.

    Raises
    ------
    RuntimeError
        If the sizes don't add up to that of the dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.split(pb.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if isinstance(split_size_or_sections, list | tuple):
        return split_with_sizes(tensor, tuple(split_size_or_sections), dim)
    _refuse_bools("split", split_size_or_sections)
    return _split_evenly(tensor, operator.index(split_size_or_sections), dim)


def _split_method(self: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    return split(self, split_size, dim)


_split_method.__name__ = _split_method.__qualname__ = "split"
_split_method.__doc__ = split.__doc__
attach("split", _split_method)


def _refuse_bools(name: str, given: Any) -> None:
    """Refuse a bool for a number of pieces, or for one of the places where to cut."""
    items = given if isinstance(given, list | tuple) else (given,)
    if any(isinstance(item, bool) for item in items):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (Tensor, {type(given).__name__}), but"
            " expected an int or a tuple of ints"
        )


def _number_of_pieces(name: str, argument: str, given: Any) -> int:
    if isinstance(given, Tensor) and (given.ndim or given.dtype.category != INTEGER):
        raise TypeError(f"{name}(): argument '{argument}' (position 2) must be int, not Tensor")
    number = checked_integer(name, argument, given, 2)
    if number >= 1 << 63:
        raise ValueError("Overflow when unpacking long long")
    return number


@composite(samples=sampling.with_arguments(((5, 2), 2), ((2, 4), 3, 1), ((2, 5, 2), 2, -2), ((0, 2), 2)))
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor in at most ``chunks`` pieces of equal size along a dimension; the last may be smaller.

    Raises
    ------
    RuntimeError
        If ``chunks`` is not positive.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    chunks = _number_of_pieces("chunk", "chunks", chunks)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.array.shape[normalize_dim(dim, input.ndim)]
    if not size:
        check_count(chunks)
        return split_with_sizes(input, (0,) * chunks, dim)
    return _split_evenly(input, -(-size // chunks), dim)


def _unbind_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2))
    yield Sample(make(3, 2), 1)
    yield Sample(make(2))
    yield Sample(make(2, 3, 2).mT, -1)
    yield Sample(make(2, 3, 2), 1)
    yield Sample(make(3, 0))


def _unbind_backward(grads: Mapping[int, Tensor], shape: Sequence[int], dim: int) -> Tensor:
    given = next(iter(grads.values()))
    dim = normalize_dim(dim, len(shape))
    rest = (*shape[:dim], *shape[dim + 1 :])
    return ops.stack([grads[n] if n in grads else zeros_of(given, rest) for n in range(shape[dim])], dim)


@op(
    linear=True,
    vjp=lambda grads, input_shape, dim: _unbind_backward(grads, input_shape, dim),
    view=True,
    outputs=("*",),
    samples=_unbind_samples,
)
def unbind(backend: Backend, input: Array, dim: int = 0) -> Sequence[Array]:
    """The parts at each index of a dimension, without that dimension.

    Raises
    ------
    IndexError
        If there is no such dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).unbind()
    (tensor([1, 2]), tensor([3, 4]))
    """
    if not input.shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = normalize_dim(dim, len(input.shape))
    return [backend.getitem(input, _select_key(dim, index)) for index in range(input.shape[dim])]


def _tensor_split_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5, 2), 2)
    yield Sample(make(5), (1, 3))
    yield Sample(make(2, 4), 3, -1)
    yield Sample(make(2, 5, 2), (-2, 4), 1)
    yield Sample(make(3), 5)
    yield Sample(make(0, 2), 2)


@composite(samples=_tensor_split_samples)
def tensor_split(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor in a number of nearly equal pieces along a dimension, or cut at the given indices.

    Raises
    ------
    RuntimeError
        If the number of pieces is not positive.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(5).tensor_split(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> pb.arange(5).tensor_split((1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    size = input.array.shape[normalize_dim(dim, input.ndim)]
    _refuse_bools("tensor_split", indices_or_sections)
    cuts = indices_or_sections.tolist() if isinstance(indices_or_sections, Tensor) else indices_or_sections
    if isinstance(cuts, int):
        if cuts <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {cuts}")
        check_count(cuts)
        each, longer = divmod(size, cuts)
        cuts = [each * n + min(n, longer) for n in range(1, cuts)]
    starts, ends = [0, *cuts], [*cuts, size]
    return tuple(slice_(input, dim, start, end) for start, end in zip(starts, ends, strict=True))


def _split_along(input: Tensor, cuts: Any, dim: int, name: str, least: int) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {input.ndim}"
            " dimensions!"
        )
    _refuse_bools(name, cuts)
    if isinstance(cuts, Tensor):
        cuts = _number_of_pieces(name, "indices_or_sections", cuts)
    if isinstance(cuts, int):
        size = input.array.shape[dim]
        if not cuts or size % cuts:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not"
                f" divisible by the split_size {cuts}!"
            )
    return tensor_split(input, cuts, dim)


@composite(samples=sampling.with_arguments(((2, 4), 2), ((4,), [1, 3])))
def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The tensor in pieces along its columns: the second dimension, or the only one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(4).hsplit(2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _split_along(input, indices_or_sections, int(input.ndim > 1), "hsplit", 1)


@composite(samples=sampling.with_arguments(((4, 2), 2), ((4, 2), [1])))
def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The tensor in pieces along its rows: the first dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(4).reshape(2, 2).vsplit(2)
    (tensor([[0, 1]]), tensor([[2, 3]]))
    """
    return _split_along(input, indices_or_sections, 0, "vsplit", 2)


@composite(samples=sampling.with_arguments(((1, 2, 4), 2)))
def dsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The tensor in pieces along the third dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> [piece.shape for piece in pb.ones(1, 2, 4).dsplit(2)]
    [torch.Size([1, 2, 2]), torch.Size([1, 2, 2])]
    """
    return _split_along(input, indices_or_sections, 2, "dsplit", 3)

"""Dimensions repeated without a copy: expand and broadcasting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback.autograd.gradient_accumulation import sum_to_size
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Shows, Unsampled
from pullback.meta.allocation import check_size, element_count
from pullback.meta.shapes import Size, broadcast_shape, given_shape
from pullback.ops.shape.reshaping import variadic_method
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _expand_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 1), (3, 4))
    yield Sample(make(3, 1), (2, -1, 4))
    yield Sample(make(3), (2, 3))
    yield Sample(make(), (2, 2))
    yield Sample(make(2, 3), (2, 3))
    yield Sample(make(1), (0,))
    yield Sample(make(2, 1, 2), (2, 3, 2))
    yield Sample(make(1, 3, 1), (2, 3, 2))
    yield Sample(make(2, 1, 3, 1, 2), (2, 2, 3, 2, 2))
    yield Sample(make(1, 1), (3, 2, 0, 1))
    yield sampling.values_only(make.values(65, 1), (2, 65, 129))


@op(
    batching="expand",
    linear=True,
    vjp=lambda grad, input_shape: sum_to_size(grad, tuple(input_shape)),
    view=True,
    method=False,
    samples=_expand_samples,
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def expand(backend: Backend, input: Array, size: Sequence[int]) -> Array:
    """The tensor with its dimensions of size 1 stretched to ``size``, without a copy; -1 keeps a dimension's size.

    Raises
    ------
    RuntimeError
        If a dimension of another size than 1 differs.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    shape = expanded_shape(backend, input, size)
    element_count(shape)
    check_size(shape, backend.dtypes[input.dtype].itemsize, held=not backend.mutable)  # spread out there
    # A broadcast array is read-only where it repeats nothing, too: that one must stay a plain view.
    if backend.mutable and _count(shape) == _count(input.shape) and 0 not in shape:
        return backend.reshape(input, shape)
    return backend.broadcast_to(input, shape)


variadic_method("expand", "size")


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def expanded_shape(backend: Backend, input: Array, size: Sequence[int]) -> tuple[int, ...]:
    """The shape that ``input`` expands to, with each -1 replaced.

    Raises
    ------
    RuntimeError
        If it cannot be expanded to that shape.
    """
    old = tuple(input.shape)
    extra = len(size) - len(old)
    if extra < 0:
        kind = backend.dtypes[input.dtype].tensor_type_name
        raise RuntimeError(
            f"expand(torch.{kind}{{{list(old)}}}, size={list(size)}): the number of sizes provided ({len(size)}) must"
            f" be greater or equal to the number of dimensions in the tensor ({len(old)})"
        )
    shape = []
    for dim, new in reversed([*enumerate(size)]):
        if dim < extra:
            if new < 0:
                raise RuntimeError(
                    f"The expanded size of the tensor ({new}) isn't allowed in a leading, non-existing dimension {dim}"
                )
            shape.append(new)
            continue
        own = old[dim - extra]
        if new == -1:
            new = own
        if own not in (1, new):
            raise RuntimeError(
                f"The expanded size of the tensor ({new}) must match the existing size ({own}) at non-singleton"
                f" dimension {dim}.  Target sizes: {list(size)}.  Tensor sizes: {list(old)}"
            )
        if new < 0:
            raise RuntimeError(f"expand: the size {new} is negative: {list(size)}")
        shape.append(new)
    return tuple(reversed(shape))


@composite(
    namespace=None,
    samples=sampling.several(((3, 1), (3, 4)), ((3,), (2, 3)), ((2, 1, 2), (2, 3, 2)), ((1,), (0,))),
    accuracy="exact",
)
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor expanded to the shape of ``other``."""
    return expand(input, tuple(other.array.shape))


@composite(
    samples=sampling.with_arguments(((3, 1), (3, 4)), ((), (2, 2)), ((2, 1, 2), (2, 3, 2)), ((1,), (0,))),
    accuracy="exact",
)
def broadcast_to(input: Tensor, *size: Any) -> Tensor:
    """The tensor expanded to the shape ``size``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.broadcast_to(pb.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, given_shape("broadcast_to", "size", size))


@composite(
    method=False,
    samples=sampling.several(((3, 1), (4,)), ((2,), ()), ((2, 1, 2), (3, 1)), ((1,), (0,))),
    accuracy="exact",
)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to the shape they broadcast to.

    Raises
    ------
    RuntimeError
        If two sizes differ and neither is 1.

    Examples
    --------
    >>> import pullback as pb
    >>> a, b = pb.broadcast_tensors(pb.ones(2, 1), pb.ones(3))
    >>> a.shape, b.shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    shape = broadcast_shape([tuple(tensor.array.shape) for tensor in tensors])
    return tuple(t if tuple(t.array.shape) == shape else expand(t, shape) for t in tensors)


@composite(
    method=False, samples=Unsampled("it takes shapes and gives a shape: no backend takes part"), accuracy="exact"
)
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that the given shapes broadcast to.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.broadcast_shapes((2, 1), (3,))
    torch.Size([2, 3])
    """
    return Size(broadcast_shape([(s,) if isinstance(s, int) else tuple(s) for s in shapes]))

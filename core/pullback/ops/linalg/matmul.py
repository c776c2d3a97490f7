"""Products of tensors of any number of dimensions: matmul, tensordot and inner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Check, Promotes, Shows
from pullback.dispatch.out_rules import EXACT, Out
from pullback.dispatch.shown_values import sizes_and_strides
from pullback.meta.dtypes import NUMERIC
from pullback.meta.shapes import broadcast_shape, normalize_dims
from pullback.ops.linalg.products import bmm, check_mm, dot, mm, mm_left, mm_right, mv, require_tensors
from pullback.tensor import Tensor

if TYPE_CHECKING:
    pass


def _matmul_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3), make(3))
    yield Sample(make(2, 3), make(3))
    yield Sample(make(3), make(3, 2))
    yield Sample(make(2, 3), make(3, 2))
    yield Sample(make(2, 2, 3), make(3, 2))
    yield Sample(make(2, 3), make(2, 3, 2))
    yield Sample(make(2, 1, 2, 3), make(3, 3, 2))
    yield Sample(make(0, 2, 3), make(3))
    yield Sample(make(3, 3), make(3, 3))
    yield Sample(make(2, 3, 3).mT, make(3, 3).mT)
    yield Sample(make(3), make(2, 3, 2))
    yield Sample(make(2, 2, 3), make(3))
    yield Sample(make(2, 0), make(0, 3))
    yield Sample(make(1, 2, 1, 3), make(2, 1, 3, 2))
    yield Sample(make(0), make(0))
    yield sampling.values_only(sampling.whole(make, 3, 2, 130), sampling.whole(make, 130, 2))
    yield sampling.values_only(
        sampling.whole(make, sampling.block_size(make)), sampling.whole(make, sampling.block_size(make))
    )
    yield sampling.values_only(sampling.whole(make, 2, 2, 65), sampling.whole(make, 2, 65, 3))


def _matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of two tensors that are not both matrices, composed as PyTorch composes it."""
    require_tensors("matmul", input=input, other=other)
    dims, other_dims = input.ndim, other.ndim
    if not dims or not other_dims:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {dims}D and {other_dims}D")
    product: Tensor
    if dims == 1 and other_dims == 1:
        product = dot(input, other)
    elif dims == 2 and other_dims == 1:
        product = mv(input, other)
    elif dims == 2 and other_dims == 2:
        product = mm(input, other)
    elif dims == 1 and other_dims == 2:
        product = mm(ops.unsqueeze(input, 0), other).squeeze_(0)
    elif _folds(input, other):
        product = _folded_product(input, other)
    else:
        product = _batched_product(input, other)
    return product


@op(
    batching="matmul",
    operator="matmul",
    kernel="mm",
    node="MmBackward0",
    dtypes=Accepts(NUMERIC, unsupported="addmm_impl_cpu_", refuses=check_mm, takes_nothing=True),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={"input": lambda grad, other: mm_right(grad, other), "other": lambda grad, input: mm_left(input, grad)},
    check=Check(check_mm, kernel_checks=True, ndim=2, otherwise=_matmul),
    samples=_matmul_samples,
    out=EXACT,
    shows=Shows(renamed={"other": "mat2"}, derived=sizes_and_strides("self", "mat2")),
)
def matmul(input: Array, other: Array) -> Array:
    """Product of two tensors: of vectors, matrices, or batches of matrices whose leading dimensions broadcast.

    Parameters
    ----------
    input : Tensor
        A vector counts as a row, and the result loses that dimension.
    other : Tensor
        A vector counts as a column, and the result loses that dimension.

    Raises
    ------
    RuntimeError
        If one has no dimensions, or sizes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(5, 2, 3).matmul(pb.ones(3)).shape
    torch.Size([5, 2])
    """


def _folds(input: Tensor, other: Tensor) -> bool:
    """Whether a batch times one matrix or vector becomes one product, the batch's dimensions folded into its rows."""
    larger, smaller = (input, other) if input.ndim >= other.ndim else (other, input)
    if larger.ndim < 3 or smaller.ndim > 2:
        return False
    if smaller.requires_grad:
        return True  # otherwise its gradient would be as large as the batch before it is summed
    if input.ndim == 2:
        return False
    if larger is other:
        larger = larger.mT
    shape, strides = larger.shape, larger.stride()
    return not larger.numel() or all(strides[d] == strides[d + 1] * shape[d + 1] for d in range(larger.ndim - 2))


def _folded_product(input: Tensor, other: Tensor) -> Tensor:
    transposed = other.ndim > input.ndim
    larger: Tensor
    smaller: Tensor
    if transposed:
        larger, smaller = other.mT, ops.t(input) if input.ndim == 2 else input
    else:
        larger, smaller = input, other
    *leading, inner = larger.shape
    rows = 1
    for size in leading:
        rows *= size
    folded = ops.reshape(larger, (rows, inner))
    if smaller.ndim == 1:
        return ops.unsafe_view(mv(folded, smaller), tuple(leading))
    product = ops.unsafe_view(mm(folded, smaller), (*leading, smaller.array.shape[1]))
    return product.mT.contiguous() if transposed else product


def _batched_product(input: Tensor, other: Tensor) -> Tensor:
    dims, other_dims = input.ndim, other.ndim
    if dims == 3 and other_dims == 3 and input.shape[0] != other.shape[0]:
        if input.shape[0] == 1 and input.requires_grad:
            return matmul(ops.squeeze(input, 0), other)
        if other.shape[0] == 1 and other.requires_grad:
            return matmul(input, ops.squeeze(other, 0))
    n = input.shape[-2] if dims > 1 else 1
    m = input.shape[-1]
    k = other.shape[-2] if other_dims > 1 else other.shape[-1]
    p = other.shape[-1] if other_dims > 1 else 1
    batch = broadcast_shape([tuple(input.shape[:-2]), tuple(other.shape[:-2])])
    count = 1
    for size in batch:
        count *= size
    left = ops.reshape(ops.expand(input, (*batch, n, m)), (count, n, m))
    vector = other_dims == 1
    if vector:
        right = ops.unsqueeze(ops.reshape(ops.expand(other, (*batch, k)), (count, k)), 2)
    else:
        right = ops.reshape(ops.expand(other, (*batch, k, p)), (count, k, p))
    product = bmm(left, right)
    if vector:
        product = ops.squeeze(product, -1)
    shape = (*batch, *((n,) if dims > 1 else ()), *((p,) if other_dims > 1 else ()))
    return ops.unsafe_view(product, shape)


def _tensordot_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(3, 2), 1)
    yield Sample(make(2, 3), make(2, 3))
    yield Sample(make(2, 3, 4), make(4, 2), ([2, 0], [0, 1]))
    yield Sample(make(2), make(3), 0)
    yield Sample(make(2, 3, 2), make(3, 2, 2), ([1, -1], [0, 1]))
    yield Sample(make(2, 0), make(0, 3), 1)
    yield sampling.values_only(sampling.whole(make, 2, 65), sampling.whole(make, 65, 3), 1)


@composite(
    method=False,
    samples=_tensordot_samples,
    out=Out("tensordot: Expected the output tensor to have dtype {result}, but got an output tensor with dtype {out}"),
)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sum of products over several dimensions of two tensors.

    Parameters
    ----------
    dims : int or (sequence of int, sequence of int)
        How many of the last dimensions of ``a`` meet the first of ``b``, or which of ``a`` meet which of ``b``.

    Raises
    ------
    RuntimeError
        If sizes that meet differ.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensordot(pb.ones(2, 3), pb.ones(2, 3), dims=([1], [1]))
    tensor([[3., 3.],
            [3., 3.]])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (list(range(-dims, 0)), list(range(dims)))
    elif not isinstance(dims, tuple | list):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists,"
            f" but got dims={dims}"
        )
    first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(first) != len(second):
        raise RuntimeError("both dimension lists should have same length")
    meeting, others = normalize_dims(first, a.ndim) if first else (), normalize_dims(second, b.ndim) if second else ()
    inner = 1
    for place, (d, e) in enumerate(zip(meeting, others, strict=True)):
        size, other_size = a.array.shape[d], b.array.shape[e]
        if other_size == 1:
            a = ops.sum(a, d, True, dtype=a.dtype)
        elif size == 1:
            b = ops.sum(b, e, True, dtype=b.dtype)
        elif size != other_size:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {size} in dim {first[place]} and second has"
                f" size {other_size} in dim {second[place]}"
            )
        else:
            inner *= size
    rows = [d for d in range(a.ndim) if d not in meeting]
    columns = [d for d in range(b.ndim) if d not in others]
    row_sizes, column_sizes = [a.array.shape[d] for d in rows], [b.array.shape[d] for d in columns]
    left = ops.reshape(ops.permute(a, (*rows, *meeting)), (_product(row_sizes), inner))
    right = ops.reshape(ops.permute(b, (*others, *columns)), (inner, _product(column_sizes)))
    return ops.reshape(mm(left, right), (*row_sizes, *column_sizes))


def _product(sizes: Sequence[int]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


@composite(
    out=Out("tensordot: Expected the output tensor to have dtype {result}, but got an output tensor with dtype {out}"),
    samples=sampling.several(
        ((3,), (3,)), ((2, 3), (4, 3)), ((), (2, 3)), ((2, 2, 3), (3,)), ((2, 0), (3, 0)), ((2, 65), (65,))
    ),
)
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sum of products over the last dimension of two tensors.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.inner(pb.tensor([1., 2.]), pb.tensor([3., 4.]))
    tensor(11.)
    """
    if not input.ndim or not other.ndim:
        return ops.mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes"
            f" {list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))

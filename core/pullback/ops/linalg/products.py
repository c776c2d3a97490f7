"""Products of vectors and matrices.

Gradients of a matrix product are products with an adjoint (the conjugate transpose). Those are operations of their own
here, so that a backward pass makes no transposed Tensors and their gradients stay within the same family.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.autograd.gradient_accumulation import sum_to_size
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Check, Promotes, Shows
from pullback.dispatch.out_rules import CAST, EXACT, Out
from pullback.dispatch.shown_values import sizes_and_strides
from pullback.meta.dtype_names import full_c_name, type_name
from pullback.meta.dtypes import NUMERIC
from pullback.meta.shapes import broadcast_shape, normalize_dims
from pullback.ops.shared.precision import number
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


# -- errors -----------------------------------------------------------------------------------------------------------


def _require_tensors(function: str, **operands: Any) -> None:
    for position, (name, value) in enumerate(operands.items(), start=1):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )


def _check_mm(input: Any, mat2: Any) -> None:
    _require_tensors("mm", input=input, mat2=mat2)
    if input.dtype is not mat2.dtype:
        raise RuntimeError(
            "expected m1 and m2 to have the same dtype, but got:"
            f" {full_c_name(input.dtype)} != {full_c_name(mat2.dtype)}"
        )
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _check_inner_sizes(input, mat2)


def _check_inner_sizes(mat1: Tensor, mat2: Tensor) -> None:
    (n, m), (k, p) = mat1.shape, mat2.shape
    if m != k:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {k}x{p})")


def _check_mv(input: Any, vec: Any) -> None:
    _require_tensors("mv", input=input, vec=vec)
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec"
            f" ({vec.shape[0]})"
        )
    if input.dtype is not vec.dtype:
        found = type_name(vec.dtype)
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {found}, {type_name(input.dtype)}, and {found}"
        )


def _check_dot(input: Any, tensor: Any) -> None:
    _require_tensors("dot", input=input, tensor=tensor)
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(
            "dot : expected both vectors to have same dtype, but found"
            f" {type_name(input.dtype)} and {type_name(tensor.dtype)}"
        )
    if input.shape != tensor.shape:
        n, m = input.shape[0], tensor.shape[0]
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements, but"
            f" got {n} and {m} elements respectively"
        )


def _check_bmm(input: Any, mat2: Any) -> None:
    _require_tensors("bmm", input=input, mat2=mat2)
    for name, batch in (("batch1", input), ("batch2", mat2)):
        if batch.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    expected = [input.shape[0], input.shape[2]]
    if expected != list(mat2.shape[:2]):
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {expected} but got:"
            f" {list(mat2.shape[:2])}."
        )
    if input.dtype is not mat2.dtype:
        raise RuntimeError(f"expected scalar type {type_name(input.dtype)} but found {type_name(mat2.dtype)}")


def check_addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> None:
    """Raise what :func:`addmm` does for operands whose shapes or dtypes do not fit."""
    _require_tensors("addmm", input=input, mat1=mat1, mat2=mat2)
    for name, matrix in (("mat1", mat1), ("mat2", mat2)):
        if matrix.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {matrix.ndim}-D tensor")
    for name, other in (("self", input), ("mat1", mat1)):
        if other.dtype is not mat2.dtype:
            raise RuntimeError(
                f"{name} and mat2 must have the same dtype, but got {type_name(other.dtype)} and"
                f" {type_name(mat2.dtype)}"
            )
    _check_inner_sizes(mat1, mat2)
    ops.expanded_shape(input.backend, input.array, (mat1.shape[0], mat2.shape[1]))


# -- matrix times matrix ----------------------------------------------------------------------------------------------


def _adjoint(backend: Backend, x: NativeArray) -> NativeArray:
    """The conjugate transpose of a matrix, or of each of a batch."""
    transposed = backend.permute_dims(x, (1, 0) if x.ndim == 2 else (0, 2, 1))
    return backend.conj(transposed) if backend.dtypes[x.dtype].is_complex else transposed


# Formulas name operations declared further down through functions, whose bodies are read once all are known.


def _mm_right(input: Tensor, mat2: Tensor) -> Tensor:
    return mm_adjoint_right(input, mat2)


def _mm_left(input: Tensor, mat2: Tensor) -> Tensor:
    return mm_adjoint_left(input, mat2)


def _bmm_right(input: Tensor, mat2: Tensor) -> Tensor:
    return bmm_adjoint_right(input, mat2)


def _bmm_left(input: Tensor, mat2: Tensor) -> Tensor:
    return bmm_adjoint_left(input, mat2)


def _mv_adjoint(input: Tensor, vec: Tensor) -> Tensor:
    return mv_adjoint(input, vec)


def _outer(input: Tensor, vec2: Tensor) -> Tensor:
    return outer(input, ops.conj(vec2))


def _mm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(3, 4))
    yield Sample(make(3, 2).mT, make(4, 3).mT)
    yield Sample(make(1, 1), make(1, 1))
    yield Sample(make(0, 3), make(3, 2))
    yield Sample(make(2, 0), make(0, 3))


def _right_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(4, 3))
    yield Sample(make(2, 3), make(3, 4).mT)


def _left_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make(3, 4))
    yield Sample(make(2, 3).mT, make(3, 4))


@op(
    batching="matmul",
    dtypes=Accepts(NUMERIC, unsupported="addmm_impl_cpu_", refuses=_check_mm, takes_nothing=True),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={
        "input": lambda grad, mat2: _mm_right(grad, mat2),
        "mat2": lambda grad, input: _mm_left(input, grad),
    },
    check=Check(_check_mm, kernel_checks=True, ndim=2),
    samples=_mm_samples,
    out=EXACT,
    shows=Shows(renamed={"other": "mat2"}, derived=sizes_and_strides("self", "mat2")),
)
def mm(input: Array, mat2: Array) -> Array:
    """Product of two matrices.

    Parameters
    ----------
    input : Tensor
        Of shape (n, m).
    mat2 : Tensor
        Of shape (m, p), and the same dtype.

    Raises
    ------
    RuntimeError
        If one is no matrix, or their shapes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.mm(pb.tensor([[1., 2.]]), pb.tensor([[3.], [4.]]))
    tensor([[11.]])
    """


@op(
    batching="times adjoint",
    name="mm_adjoint_right",
    node="MmBackward0",
    dtypes=NUMERIC,
    promotion="promote",
    linear="each",
    vjp={"input": lambda grad, mat2: mm(grad, mat2), "mat2": lambda grad, input: _mm_left(grad, input)},
    samples=_right_adjoint_samples,
    method=False,
    namespace=None,
    shows=Shows(renamed={"other": "mat2"}, derived=sizes_and_strides("self", "mat2"), adjoint="mat2"),
)
def mm_adjoint_right(backend: Backend, input: Array, mat2: Array) -> Array:
    """``input @ mat2.mH`` for matrices."""
    return backend.mm(input, _adjoint(backend, mat2))


@op(
    batching="adjoint times",
    name="mm_adjoint_left",
    node="MmBackward0",
    dtypes=NUMERIC,
    promotion="promote",
    linear="each",
    vjp={"input": lambda grad, mat2: mm_adjoint_right(mat2, grad), "mat2": lambda grad, input: mm(input, grad)},
    samples=_left_adjoint_samples,
    method=False,
    namespace=None,
    shows=Shows(renamed={"other": "mat2"}, derived=sizes_and_strides("self", "mat2"), adjoint="self"),
)
def mm_adjoint_left(backend: Backend, input: Array, mat2: Array) -> Array:
    """``input.mH @ mat2`` for matrices."""
    return backend.mm(_adjoint(backend, input), mat2)


def _bmm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 2, 3), make(2, 3, 4))
    yield Sample(make(2, 3, 2).mT, make(2, 3, 1))
    yield Sample(make(0, 2, 3), make(0, 3, 2))
    yield Sample(make(2, 2, 0), make(2, 0, 2))


def _bmm_right_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 2, 3), make(2, 4, 3))


def _bmm_left_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3, 2), make(2, 3, 4))


@op(
    batching="matmul",
    dtypes=Accepts(NUMERIC, unsupported="bmm", refuses=_check_bmm, takes_nothing=True),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={
        "input": lambda grad, mat2: _bmm_right(grad, mat2),
        "mat2": lambda grad, input: _bmm_left(input, grad),
    },
    check=_check_bmm,
    samples=_bmm_samples,
    out=EXACT,
    shows=Shows(renamed={"other": "mat2"}),
)
def bmm(backend: Backend, input: Array, mat2: Array) -> Array:
    """Product of each matrix of a batch with the matrix of the same number in another.

    Parameters
    ----------
    input : Tensor
        Of shape (b, n, m).
    mat2 : Tensor
        Of shape (b, m, p), and the same dtype.

    Raises
    ------
    RuntimeError
        If one is no batch of matrices, or shapes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.bmm(pb.ones(2, 1, 3), pb.ones(2, 3, 1)).squeeze()
    tensor([3., 3.])
    """
    if input.ndim != 3 or mat2.ndim != 3 or input.shape[0] != mat2.shape[0]:
        raise RuntimeError("bmm() expects two batches of matrices")
    return backend.matmul(input, mat2)


@op(
    batching="times adjoint",
    name="bmm_adjoint_right",
    node="BmmBackward0",
    dtypes=NUMERIC,
    promotion="promote",
    linear="each",
    vjp={"input": lambda grad, mat2: bmm(grad, mat2), "mat2": lambda grad, input: _bmm_left(grad, input)},
    samples=_bmm_right_adjoint_samples,
    method=False,
    namespace=None,
    shows=Shows(renamed={"other": "mat2"}, adjoint="mat2"),
)
def bmm_adjoint_right(backend: Backend, input: Array, mat2: Array) -> Array:
    """``input @ mat2.mH`` for two batches of matrices."""
    return backend.matmul(input, _adjoint(backend, mat2))


@op(
    batching="adjoint times",
    name="bmm_adjoint_left",
    node="BmmBackward0",
    dtypes=NUMERIC,
    promotion="promote",
    linear="each",
    vjp={"input": lambda grad, mat2: bmm_adjoint_right(mat2, grad), "mat2": lambda grad, input: bmm(input, grad)},
    samples=_bmm_left_adjoint_samples,
    method=False,
    namespace=None,
    shows=Shows(renamed={"other": "mat2"}, adjoint="self"),
)
def bmm_adjoint_left(backend: Backend, input: Array, mat2: Array) -> Array:
    """``input.mH @ mat2`` for two batches of matrices."""
    return backend.matmul(_adjoint(backend, input), mat2)


# -- vectors ----------------------------------------------------------------------------------------------------------


def _mv_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(3))
    yield Sample(make(3, 2).mT, make(3))
    yield Sample(make(2, 0), make(0))
    yield Sample(make(0, 2), make(2))


@op(
    batching="matmul",
    dtypes=Accepts(NUMERIC, unsupported="addmv_impl_cpu", refuses=_check_mv, takes_nothing=True),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={
        "input": lambda grad, vec: _outer(grad, vec),
        "vec": lambda grad, input: _mv_adjoint(input, grad),
    },
    check=_check_mv,
    samples=_mv_samples,
    out=Out("addmv input tensors must have the same dtype, but got {out}, {result}, and {result}"),
    shows=Shows(renamed={"other": "vec"}),
)
def mv(backend: Backend, input: Array, vec: Array) -> Array:
    """Product of a matrix and a vector.

    Raises
    ------
    RuntimeError
        If their numbers of dimensions, sizes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.mv(pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([1., 1.]))
    tensor([3., 7.])
    """
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError("mv() expects a matrix and a vector")
    return backend.matmul(input, vec)


def _mv_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make(3))


@op(
    batching="adjoint times",
    name="mv_adjoint",
    node="MvBackward0",
    dtypes=NUMERIC,
    promotion="promote",
    linear="each",
    vjp={"input": lambda grad, vec: _outer(vec, grad), "vec": lambda grad, input: mv(input, grad)},
    samples=_mv_adjoint_samples,
    method=False,
    namespace=None,
    shows=Shows(renamed={"other": "vec"}, adjoint="self"),
)
def mv_adjoint(backend: Backend, input: Array, vec: Array) -> Array:
    """``input.mH @ vec`` for a matrix and a vector."""
    return backend.matmul(_adjoint(backend, input), vec)


def _dot_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3), make(3))
    yield Sample(make(0), make(0))
    yield Sample(make(1), make(1))


@op(
    batching="matmul",
    dtypes=Accepts(NUMERIC, unsupported="dot", refuses=_check_dot),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={"input": lambda grad, tensor: grad * ops.conj(tensor), "tensor": lambda grad, input: grad * ops.conj(input)},
    check=_check_dot,
    samples=_dot_samples,
    out=Out("result dtype {out} does not match input dtype {result}"),
    shows=Shows(renamed={"other": "tensor"}),
)
def dot(backend: Backend, input: Array, tensor: Array) -> Array:
    """Sum of the products of two vectors' elements; nothing is conjugated.

    Raises
    ------
    RuntimeError
        If they are no vectors of one size and dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.dot(pb.tensor([2., 3.]), pb.tensor([2., 1.]))
    tensor(7.)
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError("dot() expects two vectors")
    return backend.matmul(input, tensor)


@composite(samples=_dot_samples, out=Out("result dtype {out} does not match input dtype {result}"))
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Sum of the products of two vectors' elements, those of ``input`` conjugated.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.vdot(pb.tensor([1j]), pb.tensor([1j]))
    tensor(1.+0.j)
    """
    return dot(ops.conj(input), other)


def _outer_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), make(3))
    yield Sample(make(0), make(3))


@composite(aliases=("ger",), samples=_outer_samples, out=CAST)
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Matrix of the products of each element of one vector with each of another.

    Raises
    ------
    RuntimeError
        If one is no vector.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.outer(pb.tensor([1., 2.]), pb.tensor([1., 10.]))
    tensor([[ 1., 10.],
            [ 2., 20.]])
    """
    _require_tensors("outer", input=input, vec2=vec2)
    for name, vector in (("self", input), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return ops.mul(ops.reshape(input, (input.array.shape[0], 1)), vec2)


# -- products of any dimensions ---------------------------------------------------------------------------------------


def _matmul_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3), make(3))
    yield Sample(make(2, 3), make(3))
    yield Sample(make(3), make(3, 2))
    yield Sample(make(2, 3), make(3, 2))
    yield Sample(make(2, 2, 3), make(3, 2))
    yield Sample(make(2, 3), make(2, 3, 2))
    yield Sample(make(2, 1, 2, 3), make(3, 3, 2))
    yield Sample(make(0, 2, 3), make(3))


def _matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of two tensors that are not both matrices, composed as PyTorch composes it."""
    _require_tensors("matmul", input=input, other=other)
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
    dtypes=Accepts(NUMERIC, unsupported="addmm_impl_cpu_", refuses=_check_mm, takes_nothing=True),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={"input": lambda grad, other: _mm_right(grad, other), "other": lambda grad, input: _mm_left(input, grad)},
    check=Check(_check_mm, kernel_checks=True, ndim=2, otherwise=_matmul),
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


# -- a sum and a product ----------------------------------------------------------------------------------------------


def scaled(value: Tensor, factor: Any) -> Tensor:
    """A gradient or tangent times a number; itself where that is 1."""
    return value if factor == 1 else ops.mul(value, factor)


def summed_to(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The gradient of a summand that was broadcast over a matrix's rows."""
    if len(shape) == 1 and grad.array.ndim == 2 and shape[0] == grad.array.shape[1]:
        return column_sums(grad)
    return sum_to_size(grad, tuple(shape))


def _column_sums_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))


@op(
    batching="column sums",
    name="column_sums",
    linear=True,
    node="SumBackward1",
    vjp=lambda grad, input_shape: ops.expand(grad, input_shape),
    samples=_column_sums_samples,
    method=False,
    namespace=None,
    shows=Shows(sizes=("input",), derived={"dim": (0,), "keepdim": False}, dims="tuple"),
)
def column_sums(backend: Backend, input: Array) -> Array:
    """The sum of a matrix's rows: the gradient of a bias."""
    return backend.sum(input, axis=0)


def plus_product(backend: Backend, product: NativeArray, summand: NativeArray) -> NativeArray:
    """The sum of a fresh product and a summand that broadcasts, written into the product where the backend can."""
    if "add" in backend.inplace_kernels:
        return backend.add(product, summand, out=product)
    return backend.add(product, summand)


def _addmm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4), make(2, 3), make(3, 4))
    yield Sample(make(2, 4), make(2, 3), make(3, 4))
    yield Sample(make(2, 1), make(2, 3), make(3, 4), beta=2.0, alpha=0.5)
    yield Sample(make(), make(3, 2).mT, make(3, 1))
    yield Sample(make(2), make(0, 3), make(3, 2))


@op(
    batching="plus product",
    dtypes=NUMERIC,
    promotion=Promotes(numbers=False),
    vjp={
        "input": lambda grad, input_shape, beta: summed_to(scaled(grad, ops.conj(beta)), input_shape),
        "mat1": lambda grad, mat2, alpha: mm_adjoint_right(scaled(grad, ops.conj(alpha)), mat2),
        "mat2": lambda grad, mat1, alpha: mm_adjoint_left(mat1, scaled(grad, ops.conj(alpha))),
    },
    jvp={
        "input": lambda tangent, out, beta: ops.expand(scaled(tangent, beta), out.array.shape),
        "mat1": lambda tangent, mat2, alpha: scaled(mm(tangent, mat2), alpha),
        "mat2": lambda tangent, mat1, alpha: scaled(mm(mat1, tangent), alpha),
    },
    check=check_addmm,
    samples=_addmm_samples,
    inplace=True,
    out=EXACT,
    shows=Shows(derived=sizes_and_strides("mat1", "mat2")),
)
def addmm(backend: Backend, input: Array, mat1: Array, mat2: Array, *, beta: complex = 1, alpha: complex = 1) -> Array:
    """``beta * input + alpha * (mat1 @ mat2)``; ``input`` broadcasts to the product's shape.

    Parameters
    ----------
    beta : number
        Where it is 0, ``input`` is ignored, NaN and infinities in it too.
    alpha : number

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.addmm(pb.tensor([1., 2.]), pb.ones(2, 3), pb.ones(3, 2))
    tensor([[4., 5.],
            [4., 5.]])
    """
    if mat1.ndim != 2 or mat2.ndim != 2 or input.ndim > 2:
        raise RuntimeError("addmm() expects matrices")
    product = backend.matmul(mat1, mat2)
    if alpha != 1:
        product = backend.multiply(product, number(backend, alpha, product))
    if beta == 0:
        return product
    if beta != 1:
        input = backend.multiply(input, number(backend, beta, input))
    return plus_product(backend, product, input)


def _check_baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> None:
    _check_bmm(batch1, batch2)
    ops.expanded_shape(input.backend, input.array, (*batch1.shape[:2], batch2.shape[2]))


def _baddbmm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 2, 4), make(2, 2, 3), make(2, 3, 4))
    yield Sample(make(4), make(2, 2, 3), make(2, 3, 4), beta=2.0, alpha=0.5)


@op(
    batching="plus product",
    dtypes=NUMERIC,
    promotion=Promotes(numbers=False),
    vjp={
        "input": lambda grad, input_shape, beta: sum_to_size(scaled(grad, ops.conj(beta)), tuple(input_shape)),
        "batch1": lambda grad, batch2, alpha: bmm_adjoint_right(scaled(grad, ops.conj(alpha)), batch2),
        "batch2": lambda grad, batch1, alpha: bmm_adjoint_left(batch1, scaled(grad, ops.conj(alpha))),
    },
    jvp={
        "input": lambda tangent, out, beta: ops.expand(scaled(tangent, beta), out.array.shape),
        "batch1": lambda tangent, batch2, alpha: scaled(bmm(tangent, batch2), alpha),
        "batch2": lambda tangent, batch1, alpha: scaled(bmm(batch1, tangent), alpha),
    },
    check=_check_baddbmm,
    samples=_baddbmm_samples,
    inplace=True,
    out=EXACT,
)
def baddbmm(
    backend: Backend, input: Array, batch1: Array, batch2: Array, *, beta: complex = 1, alpha: complex = 1
) -> Array:
    """``beta * input + alpha * bmm(batch1, batch2)``; ``input`` broadcasts to the product's shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.baddbmm(pb.ones(1), pb.ones(1, 1, 3), pb.ones(1, 3, 1))
    tensor([[[4.]]])
    """
    product = backend.matmul(batch1, batch2)
    if alpha != 1:
        product = backend.multiply(product, number(backend, alpha, product))
    if beta == 0:
        return product
    if beta != 1:
        input = backend.multiply(input, number(backend, beta, input))
    return plus_product(backend, product, input)


# -- contractions -----------------------------------------------------------------------------------------------------


def _tensordot_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(3, 2), 1)
    yield Sample(make(2, 3), make(2, 3))
    yield Sample(make(2, 3, 4), make(4, 2), ([2, 0], [0, 1]))
    yield Sample(make(2), make(3), 0)


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
    out=Out("tensordot: Expected the output tensor to have dtype {result}, but got an output tensor with dtype {out}")
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

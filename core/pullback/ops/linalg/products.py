"""Products of vectors and matrices.

Gradients of a matrix product are products with an adjoint (the conjugate transpose). Those are operations of their own
here, so that a backward pass makes no transposed Tensors and their gradients stay within the same family.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Check, Promotes, Shows
from pullback.dispatch.out_rules import CAST, EXACT, Out
from pullback.dispatch.shown_values import sizes_and_strides
from pullback.meta.dtype_names import full_c_name, type_name
from pullback.meta.dtypes import NUMERIC
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


# -- errors -----------------------------------------------------------------------------------------------------------


def require_tensors(function: str, **operands: Any) -> None:
    """Refuse operands that are no tensors, by the name of the function and of the argument."""
    for position, (name, value) in enumerate(operands.items(), start=1):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )


def check_mm(input: Any, mat2: Any) -> None:
    """Refuse operands of :func:`mm` whose dtypes, dimensions or sizes do not fit."""
    require_tensors("mm", input=input, mat2=mat2)
    if input.dtype is not mat2.dtype:
        raise RuntimeError(
            "expected m1 and m2 to have the same dtype, but got:"
            f" {full_c_name(input.dtype)} != {full_c_name(mat2.dtype)}"
        )
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    check_inner_sizes(input, mat2)


def check_inner_sizes(mat1: Tensor, mat2: Tensor) -> None:
    """Refuse matrices of which one has not as many rows as the other has columns."""
    (n, m), (k, p) = mat1.shape, mat2.shape
    if m != k:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {k}x{p})")


def _check_mv(input: Any, vec: Any) -> None:
    require_tensors("mv", input=input, vec=vec)
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
    require_tensors("dot", input=input, tensor=tensor)
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


def check_bmm(input: Any, mat2: Any) -> None:
    """Refuse operands of :func:`bmm` whose dtypes, dimensions or sizes do not fit."""
    require_tensors("bmm", input=input, mat2=mat2)
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


# -- matrix times matrix ----------------------------------------------------------------------------------------------


def _adjoint(backend: Backend, x: NativeArray) -> NativeArray:
    """The conjugate transpose of a matrix, or of each of a batch."""
    transposed = backend.permute_dims(x, (1, 0) if x.ndim == 2 else (0, 2, 1))
    return backend.conj(transposed) if backend.dtypes[x.dtype].is_complex else transposed


# Formulas name operations declared further down through functions, whose bodies are read once all are known.


def mm_right(input: Tensor, mat2: Tensor) -> Tensor:
    """The product with the second operand's adjoint, for formulas that stand before its declaration."""
    return mm_adjoint_right(input, mat2)


def mm_left(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of the first operand's adjoint, for formulas that stand before its declaration."""
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
    yield Sample(make(3, 3), make(3, 3))
    yield Sample(make(2, 3), make(3, 4))
    yield Sample(make(3, 2).mT, make(4, 3).mT)
    yield Sample(make(1, 1), make(1, 1))
    yield Sample(make(0, 3), make(3, 2))
    yield Sample(make(2, 0), make(0, 3))
    yield Sample(make(3, 3).mT, make(3, 3))
    yield Sample(make(3, 3), make(3, 3).mT)
    yield Sample(make(0, 0), make(0, 2))
    for size in sampling.block_sizes(make):
        yield sampling.values_only(sampling.whole(make, 2, size), sampling.whole(make, size, 3))
    yield sampling.values_only(sampling.whole(make, 65, 3), sampling.whole(make, 3, 67))
    yield sampling.values_only(sampling.whole(make, 129, 2), sampling.whole(make, 2, 9))
    yield sampling.values_only(make.constant(2, 2000, value=0.125), make.constant(2000, 2, value=0.125))


def _right_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(4, 3))
    yield Sample(make(2, 3), make(3, 4).mT)
    yield Sample(make(3, 3).mT, make(3, 3))
    yield Sample(make(2, 0), make(3, 0))
    yield sampling.values_only(sampling.whole(make, 2, 130), sampling.whole(make, 65, 130))


def _left_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make(3, 4))
    yield Sample(make(2, 3).mT, make(3, 4))
    yield Sample(make(3, 3), make(3, 3).mT)
    yield Sample(make(0, 2), make(0, 3))
    yield sampling.values_only(sampling.whole(make, 130, 2), sampling.whole(make, 130, 65))


@op(
    batching="matmul",
    dtypes=Accepts(NUMERIC, unsupported="addmm_impl_cpu_", refuses=check_mm, takes_nothing=True),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={
        "input": lambda grad, mat2: mm_right(grad, mat2),
        "mat2": lambda grad, input: mm_left(input, grad),
    },
    check=Check(check_mm, kernel_checks=True, ndim=2),
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
    vjp={"input": lambda grad, mat2: mm(grad, mat2), "mat2": lambda grad, input: mm_left(grad, input)},
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
    yield Sample(make(2, 3, 3), make(2, 3, 3).mT)
    yield Sample(make(3, 0, 2), make(3, 2, 2))
    for size in sampling.block_sizes(make):
        yield sampling.values_only(sampling.whole(make, 2, 1, size), sampling.whole(make, 2, size, 2))
    yield sampling.values_only(sampling.whole(make, 65, 2, 3), sampling.whole(make, 65, 3, 2))
    yield sampling.values_only(make.constant(1, 1, 2000, value=0.125), make.constant(1, 2000, 1, value=0.125))


def _bmm_right_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 2, 3), make(2, 4, 3))
    yield Sample(make(2, 3, 3), make(2, 3, 3).mT)
    yield sampling.values_only(sampling.whole(make, 2, 2, 130), sampling.whole(make, 2, 3, 130))


def _bmm_left_adjoint_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3, 2), make(2, 3, 4))
    yield Sample(make(2, 3, 3).mT, make(2, 3, 3))
    yield sampling.values_only(sampling.whole(make, 2, 130, 2), sampling.whole(make, 2, 130, 3))


@op(
    batching="matmul",
    dtypes=Accepts(NUMERIC, unsupported="bmm", refuses=check_bmm, takes_nothing=True),
    promotion=Promotes(numbers=False),
    linear="each",
    vjp={
        "input": lambda grad, mat2: _bmm_right(grad, mat2),
        "mat2": lambda grad, input: _bmm_left(input, grad),
    },
    check=check_bmm,
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
    yield Sample(make(3, 3).mT, make(3))
    for size in sampling.block_sizes(make):
        yield sampling.values_only(sampling.whole(make, 2, size), sampling.whole(make, size))
    yield sampling.values_only(sampling.whole(make, 130, 3), sampling.whole(make, 3))


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
    yield Sample(make(3, 3).mT, make(3))
    yield sampling.values_only(sampling.whole(make, 130, 3), sampling.whole(make, 130))


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
    for size in sampling.block_sizes(make):
        yield sampling.values_only(sampling.whole(make, size), sampling.whole(make, size))


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
    yield Sample(make(1), make(4))
    yield Sample(make(3), make(0))
    yield sampling.values_only(sampling.whole(make, 65), sampling.whole(make, 33))


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
    require_tensors("outer", input=input, vec2=vec2)
    for name, vector in (("self", input), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return ops.mul(ops.reshape(input, (input.array.shape[0], 1)), vec2)


# -- products of any dimensions ---------------------------------------------------------------------------------------


# -- a sum and a product ----------------------------------------------------------------------------------------------


# -- contractions -----------------------------------------------------------------------------------------------------

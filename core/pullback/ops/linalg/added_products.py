"""A tensor plus a product: of a matrix and a vector, of two vectors, of a batch of matrices summed up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.autograd.gradient_accumulation import sum_to_size
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, op
from pullback.dispatch.declaration_values import Promotes, Shows
from pullback.dispatch.numbers import fitted
from pullback.dispatch.out_rules import CAST, EXACT, Out
from pullback.dispatch.shown_values import sizes_and_strides
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import NUMERIC, DType
from pullback.ops.linalg.products import (
    bmm,
    bmm_adjoint_left,
    bmm_adjoint_right,
    check_bmm,
    check_inner_sizes,
    mm,
    mm_adjoint_left,
    mm_adjoint_right,
    mv,
    mv_adjoint,
    outer,
)
from pullback.ops.shared.precision import number
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray

from typing import TYPE_CHECKING

from pullback.dispatch.declaration_values import Inplace
from pullback.dispatch.shown_values import size_of
from pullback.ops.shared.reducing import in_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend, NativeArray


def _require_tensors(function: str, **operands: Any) -> None:
    for position, (name, value) in enumerate(operands.items(), start=1):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )


def _factor(backend: Backend, value: complex, array: NativeArray) -> Any:
    """A coefficient as a kernel takes it beside ``array``; an integer that its dtype must hold, or wrap around."""
    return number(backend, fitted(value, backend.dtypes[array.dtype]) if isinstance(value, int) else value, array)


def _whole(value: complex, dtype: DType) -> complex:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value) or (not dtype.is_signed and value <= -1):
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")
    return int(value)


def _added(backend: Backend, input: NativeArray, product: NativeArray, beta: complex, alpha: complex) -> NativeArray:
    """``beta * input + alpha * product``; without ``input`` where ``beta`` is 0.

    Products of whole numbers take the whole parts of numbers that are not, as PyTorch's do.
    """
    if isinstance(alpha, float) or isinstance(beta, float):
        dtype = backend.dtypes[product.dtype]
        if dtype.category < 2:
            alpha, beta = _whole(alpha, dtype), _whole(beta, dtype)
    if alpha != 1:
        product = backend.multiply(product, _factor(backend, alpha, product))
    if beta == 0:
        return product
    if beta != 1:
        input = backend.multiply(input, _factor(backend, beta, input))
    return plus_product(backend, product, input)


# -- matrix times vector ----------------------------------------------------------------------------------------------


def _check_addmv(input: Any, mat: Any, vec: Any, *, beta: complex = 1, alpha: complex = 1) -> None:
    _require_tensors("addmv", input=input, mat=mat, vec=vec)
    if mat.ndim != 2 or vec.ndim != 1 or input.ndim > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}")
    (rows, columns), (length,) = mat.shape, vec.shape
    if columns != length or input.numel() not in (1, rows):
        raise RuntimeError(f"size mismatch, got input ({input.numel()}), mat ({rows}x{columns}), vec ({length})")
    if not input.dtype is mat.dtype is vec.dtype:
        names = [type_name(t.dtype) for t in (input, mat, vec)]
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {names[0]}, {names[1]}, and {names[2]}"
        )


def _addmv_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), make(2, 3), make(3))
    yield Sample(make(1), make(2, 3), make(3), beta=2.0, alpha=0.5)
    yield Sample(make(), make(3, 2).mT, make(3))
    yield Sample(make(2), make(2, 0), make(0))
    yield Sample(make(2), make(2, 3), make(3), beta=-1, alpha=3)
    yield sampling.values_only(sampling.whole(make, 3), sampling.whole(make, 3, 129), sampling.whole(make, 129))
    yield sampling.values_only(sampling.whole(make, 65), sampling.whole(make, 65, 2), sampling.whole(make, 2), beta=2)


@op(
    batching="plus product",
    dtypes=NUMERIC,
    promotion=Promotes(numbers=False),
    vjp={
        "input": lambda grad, input_shape, beta: sum_to_size(scaled(grad, ops.conj(beta)), tuple(input_shape)),
        "mat": lambda grad, vec, alpha: outer(scaled(grad, ops.conj(alpha)), ops.conj(vec)),
        "vec": lambda grad, mat, alpha: mv_adjoint(mat, scaled(grad, ops.conj(alpha))),
    },
    jvp={
        "input": lambda tangent, out, beta: ops.expand(scaled(tangent, beta), out.array.shape),
        "mat": lambda tangent, vec, alpha: scaled(mv(tangent, vec), alpha),
        "vec": lambda tangent, mat, alpha: scaled(mv(mat, tangent), alpha),
    },
    check=_check_addmv,
    samples=_addmv_samples,
    inplace=Inplace(functions=True),
    out=EXACT,
)
def addmv(backend: Backend, input: Array, mat: Array, vec: Array, *, beta: complex = 1, alpha: complex = 1) -> Array:
    """``beta * input + alpha * (mat @ vec)``; ``input`` broadcasts to the product's shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.addmv(pb.tensor([1., 2.]), pb.ones(2, 3), pb.ones(3))
    tensor([4., 5.])
    """
    return _added(backend, input, backend.matmul(mat, vec), beta, alpha)


# -- vector times vector ----------------------------------------------------------------------------------------------


def _check_addr(input: Any, vec1: Any, vec2: Any, *, beta: complex = 1, alpha: complex = 1) -> None:
    _require_tensors("addr", input=input, vec1=vec1, vec2=vec2)
    for name, vector in (("vec1", vec1), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {vector.ndim}-D")
    ops.expanded_shape(input.backend, input.array, (vec1.shape[0], vec2.shape[0]))


def _addr_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(2), make(3))
    yield Sample(make(3), make(2), make(3), beta=2.0, alpha=0.5)
    yield Sample(make(), make(2), make(3))
    yield Sample(make(0, 3), make(0), make(3))
    yield Sample(make(2, 3), make(2), make(3), beta=-1, alpha=3)
    yield sampling.values_only(sampling.whole(make, 65), sampling.whole(make, 9), sampling.whole(make, 65))


@op(
    batching="plus outer product",
    dtypes=NUMERIC,
    promotion=Promotes(numbers=False),
    vjp={
        "input": lambda grad, input_shape, beta: sum_to_size(scaled(grad, ops.conj(beta)), tuple(input_shape)),
        "vec1": lambda grad, vec2, alpha: mv(scaled(grad, ops.conj(alpha)), ops.conj(in_dtype(vec2, grad.dtype))),
        "vec2": lambda grad, vec1, alpha: mv(scaled(grad, ops.conj(alpha)).mT, ops.conj(in_dtype(vec1, grad.dtype))),
    },
    jvp={
        "input": lambda tangent, out, beta: ops.expand(scaled(tangent, beta), out.array.shape),
        "vec1": lambda tangent, vec2, alpha: scaled(outer(tangent, vec2), alpha),
        "vec2": lambda tangent, vec1, alpha: scaled(outer(vec1, tangent), alpha),
    },
    check=_check_addr,
    samples=_addr_samples,
    inplace=True,
    out=CAST,
)
def addr(backend: Backend, input: Array, vec1: Array, vec2: Array, *, beta: complex = 1, alpha: complex = 1) -> Array:
    """``beta * input + alpha * outer(vec1, vec2)``; ``input`` broadcasts to the product's shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.addr(pb.zeros(2, 2), pb.tensor([1., 2.]), pb.tensor([1., 10.]))
    tensor([[ 1., 10.],
            [ 2., 20.]])
    """
    product = backend.multiply(backend.expand_dims(vec1, axis=1), backend.expand_dims(vec2, axis=0))
    if backend.dtypes[product.dtype].category < 2:
        for name, value in (("beta", beta), ("alpha", alpha)):
            if isinstance(value, float):
                raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    return _added(backend, input, product, beta, alpha)


# -- a batch of products ----------------------------------------------------------------------------------------------


def _check_addbmm(input: Any, batch1: Any, batch2: Any, *, beta: complex = 1, alpha: complex = 1) -> None:
    _require_tensors("addbmm", input=input, batch1=batch1, batch2=batch2)
    for name, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    (count, n, m), (other_count, k, p) = batch1.shape, batch2.shape
    if count != other_count:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {count} and {other_count}")
    if m != k:
        raise RuntimeError(f"Incompatible matrix sizes for bmm ({n}x{m} and {k}x{p})")
    ops.expanded_shape(input.backend, input.array, (n, p))
    for name, other in (("self", input), ("mat1", batch1)):
        if other.dtype is not batch2.dtype:
            raise RuntimeError(
                f"{name} and mat2 must have the same dtype, but got {type_name(other.dtype)} and"
                f" {type_name(batch2.dtype)}"
            )


def _addbmm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 4), make(2, 2, 3), make(2, 3, 4))
    yield Sample(make(4), make(2, 2, 3), make(2, 3, 4), beta=2.0, alpha=0.5)
    yield Sample(make(2, 4), make(0, 2, 3), make(0, 3, 4))
    yield Sample(make(2, 4), make(2, 2, 3), make(2, 3, 4), beta=-1, alpha=3)
    yield sampling.values_only(
        sampling.whole(make, 2, 3), sampling.whole(make, 9, 2, 65), sampling.whole(make, 9, 65, 3)
    )


def _for_each(grad: Tensor, batch_shape: tuple[int, ...], alpha: Any) -> Tensor:
    """The gradient of a sum over a batch, for each of its products."""
    each = ops.unsqueeze(scaled(grad, ops.conj(alpha)), 0)
    return ops.expand(each, (batch_shape[0], *grad.array.shape))


@op(
    batching="plus sum of products",
    dtypes=NUMERIC,
    promotion=Promotes(numbers=False),
    vjp={
        "input": lambda grad, input_shape, beta: sum_to_size(scaled(grad, ops.conj(beta)), tuple(input_shape)),
        "batch1": lambda grad, batch2, batch1_shape, alpha: bmm_adjoint_right(
            _for_each(grad, batch1_shape, alpha), batch2
        ),
        "batch2": lambda grad, batch1, batch1_shape, alpha: bmm_adjoint_left(
            batch1, _for_each(grad, batch1_shape, alpha)
        ),
    },
    jvp={
        "input": lambda tangent, out, beta: ops.expand(scaled(tangent, beta), out.array.shape),
        "batch1": lambda tangent, batch2, alpha: scaled(tangent.bmm(batch2).sum(0), alpha),
        "batch2": lambda tangent, batch1, alpha: scaled(batch1.bmm(tangent).sum(0), alpha),
    },
    check=_check_addbmm,
    samples=_addbmm_samples,
    inplace=True,
    out=Out("self and mat2 must have the same dtype, but got {out} and {result}", resizing=""),
    shows=Shows(
        derived={
            "batch1_sym_argsize_0": size_of("batch1_shape", 0),
            "batch1_sym_argsize_1": size_of("batch1_shape", 1),
            "batch2_sym_argsize_2": size_of("batch2", 2),
        }
    ),
)
def addbmm(
    backend: Backend, input: Array, batch1: Array, batch2: Array, *, beta: complex = 1, alpha: complex = 1
) -> Array:
    """``beta * input + alpha * bmm(batch1, batch2).sum(0)``; ``input`` broadcasts to the sum's shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.addbmm(pb.ones(1, 1), pb.ones(2, 1, 3), pb.ones(2, 3, 1))
    tensor([[7.]])
    """
    return _added(backend, input, backend.sum(backend.matmul(batch1, batch2), axis=0), beta, alpha)


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
    check_inner_sizes(mat1, mat2)
    ops.expanded_shape(input.backend, input.array, (mat1.shape[0], mat2.shape[1]))


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
    yield Sample(make(0, 3))
    for size in sampling.block_sizes(make):
        yield sampling.values_only(sampling.whole(make, size, 3))
    yield sampling.values_only(sampling.whole(make, 2, 129))


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
    yield Sample(make(3, 3), make(3, 3), make(3, 3).mT, beta=-1, alpha=3)
    yield Sample(make(2, 3), make(2, 0), make(0, 3), beta=2)
    yield sampling.values_only(sampling.whole(make, 3), sampling.whole(make, 2, 129), sampling.whole(make, 129, 3))
    yield sampling.values_only(
        sampling.whole(make, 65, 1), sampling.whole(make, 65, 2), sampling.whole(make, 2, 9), alpha=2
    )


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
    if beta == 1 == alpha:
        return plus_product(backend, product, input)
    return _added(backend, input, product, beta, alpha)


def _check_baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> None:
    check_bmm(batch1, batch2)
    ops.expanded_shape(input.backend, input.array, (*batch1.shape[:2], batch2.shape[2]))


def _baddbmm_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 2, 4), make(2, 2, 3), make(2, 3, 4))
    yield Sample(make(4), make(2, 2, 3), make(2, 3, 4), beta=2.0, alpha=0.5)
    yield Sample(make(2, 3, 3), make(2, 3, 3), make(2, 3, 3).mT, beta=-1, alpha=3)
    yield Sample(make(2, 2, 3), make(2, 2, 0), make(2, 0, 3), beta=2)
    yield sampling.values_only(
        sampling.whole(make, 3), sampling.whole(make, 2, 2, 129), sampling.whole(make, 2, 129, 3)
    )


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
    return _added(backend, input, backend.matmul(batch1, batch2), beta, alpha)

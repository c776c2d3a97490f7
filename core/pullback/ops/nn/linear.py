"""Affine maps: ``linear``, in :mod:`pullback.nn.functional`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Shows
from pullback.dispatch.shown_values import sizes_and_strides
from pullback.meta.dtypes import FLOATS, INEXACT
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _check_affine(bias: Any, input: Any, weight: Any) -> None:
    if not (isinstance(bias, Tensor) and isinstance(input, Tensor) and isinstance(weight, Tensor)):
        wrong, value = next(
            (n, v) for n, v in (("input", input), ("weight", weight), ("bias", bias)) if not isinstance(v, Tensor)
        )
        raise TypeError(f"linear(): argument '{wrong}' must be Tensor, not {type(value).__name__}")
    ops.check_addmm(bias, input, weight.mT if weight.ndim == 2 else weight)


def _affine_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4), make(2, 3), make(4, 3))
    yield Sample(make(4), make(0, 3), make(4, 3))
    yield Sample(make(1), make(2, 3), make(4, 3))
    yield Sample(make(4), make(3, 2).mT, make(3, 4).mT)
    yield Sample(make(3), make(3, 3).mT, make(3, 3))
    yield sampling.values_only(sampling.whole(make, 65), sampling.whole(make, 3, 129), sampling.whole(make, 65, 129))


@op(  # type: ignore[call-overload, untyped-decorator]  # mypy meets it before what its formulas call
    batching="affine",
    node="AddmmBackward0",
    dtypes=FLOATS,
    promotion="promote",
    vjp={
        "bias": lambda grad, bias_shape: ops.summed_to(grad, bias_shape),
        "input": lambda grad, weight: ops.mm(grad, weight),
        "weight": lambda grad, input: ops.mm_adjoint_left(grad, input),
    },
    jvp={
        "bias": lambda tangent, out: ops.expand(tangent, out.array.shape),
        "input": lambda tangent, weight: ops.mm_adjoint_right(tangent, weight),
        "weight": lambda tangent, input: ops.mm_adjoint_right(input, tangent),
    },
    check=_check_affine,
    samples=_affine_samples,
    method=False,
    namespace=None,
    shows=Shows(
        renamed={"input": "mat1", "weight": "mat2"},
        derived={**sizes_and_strides("mat1", "mat2"), "alpha": 1, "beta": 1},
        adjoint="mat2",
    ),
)
def affine(backend: Backend, bias: Array, input: Array, weight: Array) -> Array:
    """``input @ weight.mT + bias`` for real matrices, in one operation; what :func:`linear` runs."""
    if input.ndim != 2 or weight.ndim != 2 or bias.ndim > 2:
        raise RuntimeError("affine() expects matrices and a bias")
    return ops.plus_product(backend, backend.matmul(input, backend.permute_dims(weight, (1, 0))), bias)


def _linear_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(4, 3))
    yield Sample(make(2, 3), make(4, 3), make(4))
    yield Sample(make(3), make(4, 3), make(4))
    yield Sample(make(2, 2, 3), make(4, 3), make(4))
    yield Sample(make(2, 3, 2).mT, make(4, 3), make(4))
    yield Sample(make(2, 2, 3), make(4, 3))
    yield Sample(make(3, 3), make(3, 3).mT, make(3))
    yield Sample(make(0, 3), make(2, 3), make(2))
    yield sampling.values_only(sampling.whole(make, 3, 129), sampling.whole(make, 65, 129), sampling.whole(make, 65))


@composite(method=False, dtypes=INEXACT, samples=_linear_samples, namespace="pullback.nn.functional")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map of the last dimension: ``input @ weight.T + bias``.

    Parameters
    ----------
    input : Tensor
        Of shape (..., in_features).
    weight : Tensor
        Of shape (out_features, in_features).
    bias : Tensor, optional
        Of shape (out_features,).

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.linear(pb.ones(1, 2), pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([0., 1.]))
    tensor([[3., 8.]])
    """
    if input.array.ndim == 2 and not input.dtype.is_complex:
        if bias is not None:
            return affine(bias, input, weight)  # type: ignore[no-any-return]
        if weight.array.ndim == 2:
            _check_product(input, weight)
            return ops.mm_adjoint_right(input, weight)
    if bias is None or weight.ndim != 2:
        product = ops.matmul(input, ops.t(weight))
        return product if bias is None else product + bias
    if input.ndim == 2:
        return ops.addmm(bias, input, ops.t(weight))
    if not input.ndim or not ops.has_contiguous_memory(input):
        return ops.matmul(input, ops.t(weight)) + bias
    *leading, features = input.shape
    rows = linear(ops.view(input, (math.prod(leading), features)), weight, bias)
    return ops.view(rows, (*leading, rows.array.shape[1]))


def _check_product(input: Tensor, weight: Tensor) -> None:
    if input.array.shape[1] != weight.array.shape[1] or input.array.dtype != weight.array.dtype:
        ops.mm(input, ops.t(weight))  # raises

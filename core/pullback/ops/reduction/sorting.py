"""Elements in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Outputs, Shows
from pullback.dispatch.out_rules import EXACT
from pullback.meta.dtypes import REAL, DType, bool_
from pullback.meta.shapes import normalize_dim
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_ORDERED = REAL | {bool_}
_NO_COMPLEX = " Sort does not support complex dtypes on CPU"


def _refuse_topk(dtype: DType) -> Exception:
    if dtype.is_complex:
        return RuntimeError(" topk does not support complex dtypes on CPU")
    return RuntimeError("topk does not support bool dtypes on CPU")


def _sort_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5))
    yield Sample(make(3, 4), 0, True)
    yield Sample(make(3, 4), -1, stable=True)
    yield Sample(make(4, 3).mT, 1)
    yield Sample(make())
    yield Sample(make(0, 2), 0)
    yield Sample(make(2, 3, 2), 1)
    yield Sample(make(2, 1, 3, 2, 2), -3, True)
    yield Sample(make(0))
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(size))
        yield sampling.values_only(make.values(size, 2), 0, True, stable=True)


def _selected_gradient(grad: Tensor, shape: Sequence[int], indices: Tensor, dim: int) -> Tensor:
    """The gradient of a tensor some of whose elements along ``dim`` were taken, none of them twice."""
    return ops.add_elements(zeros_of(grad, shape), indices, grad, dim)


def _ordered(backend: Backend, input: Array, dim: int, descending: bool, stable: bool) -> tuple[Array, Array]:
    if not input.shape:
        indices = backend.argsort(backend.reshape(input, (1,)), axis=0, descending=descending, stable=stable)
        return backend.copy(input), backend.reshape(indices, ())
    indices = backend.argsort(input, axis=dim, descending=descending, stable=stable)
    return backend.take_along_axis(input, indices, dim), indices


@op(
    dtypes=Accepts(_ORDERED, unsupported=_NO_COMPLEX),
    vjp=lambda grad, input_shape, indices, dim: _selected_gradient(grad, input_shape, indices, dim),
    jvp=lambda tangent, indices, dim: ops.gather_elements(tangent, indices, dim),
    node=lambda stable: "SortBackward0" if stable is None else "SortBackward1",
    outputs=Outputs("values", "indices", differentiable=("values",)),
    samples=_sort_samples,
    out=EXACT,
    shows=Shows(sizes=("input",)),
    accuracy="exact",
)
def sort(
    backend: Backend, input: Array, dim: int = -1, descending: bool = False, stable: bool | None = None
) -> tuple[Array, Array]:
    """The elements in order along a dimension, and where each of them was. NaN counts as greatest.

    Parameters
    ----------
    descending : bool
        The greatest first.
    stable : bool, optional
        Equal elements keep their order; they always do, so this is for PyTorch's sake.

    Returns
    -------
    values, indices

    Examples
    --------
    >>> import pullback as pb
    >>> values, indices = pb.tensor([3, 1, 2]).sort()
    >>> values, indices
    (tensor([1, 2, 3]), tensor([1, 2, 0]))
    """
    return _ordered(backend, input, normalize_dim(dim, len(input.shape)), descending, True)


@op(
    dtypes=Accepts(_ORDERED, unsupported=_NO_COMPLEX),
    nondifferentiable="its results are positions",
    samples=_sort_samples,
    out=EXACT,
    accuracy="exact",
)
def argsort(backend: Backend, input: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> Array:
    """The positions of the elements in their order along a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.argsort(pb.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return _ordered(backend, input, normalize_dim(dim, len(input.shape)), descending, True)[1]


@composite(out=EXACT, samples=sampling.of_shapes((3, 2), (4,), (2, 3, 2), (0, 2), (65, 2)), accuracy="exact")
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.msort(pb.tensor([3, 1, 2]))
    tensor([1, 2, 3])
    """
    return sort(input, 0)[0]  # type: ignore[no-any-return]


def _topk_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(5), 2)
    yield Sample(make(3, 4), 2, 0)
    yield Sample(make(3, 4), 4, -1, False)
    yield Sample(make(4, 3).mT, 1)
    yield Sample(make(3), 0)
    yield Sample(make(2, 3, 2), 2, 1, True, False)
    yield Sample(make(0, 2), 1)
    yield Sample(make(), 1)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(size), (size + 1) // 2)
        yield sampling.values_only(make.values(2, size), 1, -1, False)


@op(
    dtypes=Accepts(REAL, unsupported=_refuse_topk),
    vjp=lambda grad, input_shape, indices, dim: _selected_gradient(grad, input_shape, indices, dim),
    jvp=lambda tangent, indices, dim: ops.gather_elements(tangent, indices, dim),
    outputs=Outputs("values", "indices", differentiable=("values",)),
    samples=_topk_samples,
    out=EXACT,
    shows=Shows(sizes=("input",)),
    accuracy="exact",
)
def topk(
    backend: Backend, input: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Array, Array]:
    """The ``k`` greatest (or least) elements along a dimension, in order, and where each of them was.

    Raises
    ------
    RuntimeError
        If there are fewer than ``k``.

    Examples
    --------
    >>> import pullback as pb
    >>> values, indices = pb.tensor([3, 1, 2]).topk(2)
    >>> values, indices
    (tensor([3, 2]), tensor([0, 2]))
    """
    dim = normalize_dim(dim, len(input.shape))
    if not 0 <= k <= (input.shape[dim] if input.shape else 1):
        raise RuntimeError("selected index k out of range")
    values, indices = _ordered(backend, input, dim, largest, True)
    if not input.shape:
        return values, indices
    key = (*((slice(None),) * dim), slice(0, k))
    return backend.copy(backend.getitem(values, key)), backend.copy(backend.getitem(indices, key))

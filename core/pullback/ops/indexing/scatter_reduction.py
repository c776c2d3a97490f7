"""Reducing what goes to one position: ``scatter_reduce`` and ``index_reduce``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, in_namespace, op
from pullback.dispatch.declaration_values import Inplace
from pullback.dispatch.methods import attach_method, run_inplace
from pullback.dispatch.out_rules import EXACT
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.meta.shapes import normalize_dim
from pullback.ops.indexing.checks import vector_of
from pullback.ops.indexing.scattering import add_elements, check_scatter, scatter_number, scattered
from pullback.ops.indexing.slices import check_slices
from pullback.ops.shared.precision import in_float32
from pullback.ops.shared.reducing import in_dtype
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

#: How the backend's ``scatter`` combines.
_KERNELS = {"sum": "add", "prod": "multiply", "mean": "add", "amax": "max", "amin": "min"}


def _reduced(
    backend: Backend, input: Array, index: Array, src: Array, dim: int, reduce: str, include_self: bool
) -> Array:
    """The elements reduced with those of ``src`` that ``index`` sends to them."""

    def reduced(input: Array, src: Array) -> Array:
        return _reduced_in_own_dtype(backend, input, index, src, dim, reduce, include_self)

    return in_float32(backend, reduced, input, src) if reduce == "mean" else reduced(input, src)


def _reduced_in_own_dtype(
    backend: Backend, input: Array, index: Array, src: Array, dim: int, reduce: str, include_self: bool
) -> Array:
    dtype = backend.dtypes[input.dtype]
    if 0 in index.shape:
        return backend.copy(input)
    if not include_self:
        start = backend.broadcast_to(constant(backend, _neutral(reduce, dtype), dtype), index.shape)
        input = scattered(backend, backend.scatter, input, index, start, dim)
    out = scattered(backend, backend.scatter, input, index, src, dim, _KERNELS[reduce])
    if reduce != "mean":
        return out
    one = backend.ones(index.shape, dtype=input.dtype, device=backend.device_of(input))
    counts = (backend.ones if include_self else backend.zeros)(
        input.shape, dtype=input.dtype, device=backend.device_of(input)
    )
    counts = scattered(backend, backend.scatter, counts, index, one, dim, "add")
    if not include_self:
        counts = backend.where(counts == 0, backend.ones(counts.shape, dtype=counts.dtype), counts)
    return (backend.divide if dtype.category >= dtypes.FLOATING else backend.floor_divide)(out, counts)


def _neutral(reduce: str, dtype: dtypes.DType) -> Any:
    """What a reduction of nothing is."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    if dtype.category >= dtypes.FLOATING:
        return float("-inf") if reduce == "amax" else float("inf")
    if dtype is dtypes.bool_:
        return reduce == "amin"
    bits = 8 * dtype.itemsize - dtype.is_signed
    return (-(1 << bits) if dtype.is_signed else 0) if reduce == "amax" else (1 << bits) - 1


def _check_dtype(backend: Backend, input: Array, reduce: str) -> None:
    dtype = backend.dtypes[input.dtype]
    if (reduce == "mean" and dtype is dtypes.bool_) or (reduce in ("amax", "amin") and dtype.is_complex):
        raise NotImplementedError(
            f"\"scatter_gather_tensor_cpu_reduce_{reduce}\" not implemented for '{type_name(dtype)}'"
        )


# -- the derivatives: each element's share in the result --------------------------------------------------------------


def _share_of_input(
    input: Tensor, src: Tensor, out: Tensor, index: Tensor, dim: int, reduce: str, include_self: bool
) -> Any:
    """What one element of the tensor contributes to the result at its place."""
    share: Any = 1
    if reduce == "prod":
        others = ops.masked_fill(input, input == 0, 1)
        share = _reduce(others, index, src, dim, reduce, include_self) / others
    elif reduce == "mean":
        share = _part_of_mean(_counts(input, index, dim, include_self), input)
    elif reduce != "sum":
        share = _is_result(input, out) / _ties(input, src, out, index, dim)
    if not include_self:
        whole = share if isinstance(share, Tensor) else ops.ones_like(input)
        share = scatter_number(whole, index, dim, 0)
    return share


def _share_of_source(
    input: Tensor, src: Tensor, out: Tensor, index: Tensor, dim: int, reduce: str, include_self: bool
) -> Any:
    """What each element of ``src`` that is sent somewhere contributes there."""
    src = _sent(src, index)
    if reduce == "prod":
        zero = src == 0
        zeros = ops.gather(add_elements(zeros_of(input, input.shape), index, zero.to(input.dtype), dim), dim, index)
        only = zero & (zeros == 1)
        others = ops.gather(_reduce(input, index, ops.masked_fill(src, only, 1), dim, reduce, include_self), dim, index)
        return ops.where(only, others, ops.gather(out, dim, index) / ops.masked_fill(src, zero, 1))
    if reduce == "mean":
        return _part_of_mean(ops.gather(_counts(input, index, dim, include_self), dim, index), input)
    if reduce == "sum":
        return 1
    return _is_result(src, ops.gather(out, dim, index)) / ops.gather(_ties(input, src, out, index, dim), dim, index)


def _counts(input: Tensor, index: Tensor, dim: int, include_self: bool) -> Tensor:
    like = input.detach() if input.dtype.itemsize > 2 else in_dtype(input.detach(), dtypes.float32)
    counts = ops.ones_like(like) if include_self else zeros_of(like, like.shape)
    counts = add_elements(counts, index, like.new_ones(index.shape), dim)
    return counts if include_self else ops.masked_fill(counts, counts == 0, 1)


def _part_of_mean(counts: Tensor, input: Tensor) -> Any:
    return in_dtype(1 / counts, input.dtype)  # half precision cannot count beyond 2,048


def _is_result(values: Tensor, out: Tensor) -> Tensor:
    return (values == out).to(values.dtype)


def _ties(input: Tensor, src: Tensor, out: Tensor, index: Tensor, dim: int) -> Tensor:
    """How many elements are the extreme value of each place: it is shared among them."""
    return add_elements(_is_result(input, out), index, _is_result(_sent(src, index), ops.gather(out, dim, index)), dim)


def _sent(src: Tensor, index: Tensor) -> Tensor:
    """Those elements of ``src`` that ``index`` names a place for."""
    if 0 in index.shape:
        return zeros_of(src, index.shape)
    for dim, (own, size) in enumerate(zip(index.shape, src.shape, strict=False)):
        if own != size:
            src = src.narrow(dim, 0, own)
    return src if src.ndim == index.ndim else src.reshape(index.shape)


def _times_share(grad: Tensor, share: Any, adjoint: bool = True) -> Tensor:
    """A gradient or, where it is no ``adjoint``, a tangent times the shares of elements in the result."""
    if not isinstance(share, Tensor):
        return grad
    return grad * (share.conj() if adjoint and share.dtype.is_complex else share)


def _to_input(
    grad: Tensor,
    input: Tensor,
    src: Tensor,
    out: Tensor,
    index: Tensor,
    dim: int,
    reduce: str,
    include_self: bool,
    adjoint: bool = True,
) -> Tensor:
    return _times_share(grad, _share_of_input(input, src, out, index, dim, reduce, include_self), adjoint)


def _to_source(
    grad: Tensor, input: Tensor, src: Tensor, out: Tensor, index: Tensor, dim: int, reduce: str, include_self: bool
) -> Tensor:
    share = _share_of_source(input, src, out, index, dim, reduce, include_self)
    given = _times_share(ops.gather(grad, dim, index), share)
    return ops.front_of_zeros(given, src.shape)


def _from_source(
    tangent: Tensor, input: Tensor, src: Tensor, out: Tensor, index: Tensor, dim: int, reduce: str, include_self: bool
) -> Tensor:
    share = _share_of_source(input, src, out, index, dim, reduce, include_self)
    sent = _times_share(_sent(tangent, index), share, False)
    return add_elements(zeros_of(tangent, input.shape), index, sent, dim)


# -- elements along a dimension ---------------------------------------------------------------------------------------


def _means(make: Any) -> tuple[str, ...]:
    """Integers' means are rounded down, of which exact arithmetic knows nothing."""
    return ("mean",) if make.dtype.category >= dtypes.FLOATING else ()


def _extremes(make: Any) -> tuple[str, ...]:
    """Complex numbers have no order."""
    return () if make.dtype.is_complex else ("amax", "amin")


def _own(make: Any, shape: tuple[int, ...], include_self: bool) -> Tensor:
    """The tensor's own elements: where they don't take part, none that is equal to a result, which PyTorch counts."""
    made: Tensor = make(*shape) if include_self else make(*shape, low=3.0, high=5.0)
    return made


def _scatter_reduce_samples(make: Any) -> Iterator[Sample]:
    index = make.positions([[0, 0, 1], [1, 0, 1]])
    for reduce in ("sum", "prod", *_extremes(make), *_means(make)):
        for include_self in (True, False):
            yield Sample(_own(make, (2, 3), include_self), index, make(3, 3), 0, reduce, include_self)
    yield Sample(make(4), make.positions([2, 0, 2]), make(3), -1, "sum", True)
    yield Sample(make(3, 2).mT, make.positions([[2, 0]]), make(1, 2), 1, "prod", True)
    for extreme in _extremes(make):
        yield Sample(make(2, 3, 2), make.integers(2, 4, 2, low=0, high=3), make(2, 4, 2), 1, extreme, True)
        yield sampling.values_only(
            sampling.whole(make, 9), make.integers(129, low=0, high=9), sampling.whole(make, 129), 0, extreme, True
        )
    yield Sample(make(3, 2), make.integers(0, 2, low=0, high=3), make(0, 2), 0, "sum", False)
    yield sampling.values_only(
        sampling.whole(make, 9), make.integers(129, low=0, high=9), sampling.whole(make, 129), 0, "sum", False
    )


@op(
    batching="scatter",
    name="scatter_reduce",
    vjp={
        "input": lambda grad, input, src, out, index, dim, reduce, include_self: _to_input(
            grad, input, src, out, index, dim, reduce, include_self
        ),
        "src": lambda grad, input, src, out, index, dim, reduce, include_self: _to_source(
            grad, input, src, out, index, dim, reduce, include_self
        ),
    },
    jvp={
        "input": lambda tangent, input, src, out, index, dim, reduce, include_self: _to_input(
            tangent, input, src, out, index, dim, reduce, include_self, False
        ),
        "src": lambda tangent, input, src, out, index, dim, reduce, include_self: _from_source(
            tangent, input, src, out, index, dim, reduce, include_self
        ),
    },
    method=False,
    samples=_scatter_reduce_samples,
    out=EXACT,
    namespace=None,
    inplace=Inplace(refused_by="name", method=False),
    accuracy="sum",
)
def _reduce(
    backend: Backend, input: Array, index: Array, src: Array, dim: int, reduce: str, include_self: bool = True
) -> Array:
    """The tensor reduced with elements of ``src`` at the positions ``index`` names along a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).scatter_reduce(0, pb.tensor([0, 0, 2]), pb.tensor([1., 2., 3.]), "amax")
    tensor([2., 0., 3.])
    """
    if reduce not in _KERNELS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    dim = normalize_dim(dim, len(input.shape))
    check_scatter(backend, input, index, src, dim)
    _check_dtype(backend, input, reduce)
    return _reduced(backend, input, index, src, dim, reduce, include_self)


@in_namespace("pullback")
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The tensor with each element reduced with those of ``src`` that ``index`` sends to it along a dimension.

    Parameters
    ----------
    index : Tensor
        Positions, of as many dimensions as ``input``.
    reduce : {"sum", "prod", "mean", "amax", "amin"}
    include_self : bool
        Whether the elements of ``input`` take part where something is sent to them.

    Raises
    ------
    RuntimeError
        If dtype or shape of ``index`` or ``src`` doesn't fit, or a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> index = pb.tensor([0, 0, 2])
    >>> pb.scatter_reduce(pb.ones(3), 0, index, pb.tensor([2., 3., 4.]), "prod")
    tensor([6., 1., 4.])
    >>> pb.scatter_reduce(pb.ones(3), 0, index, pb.tensor([2., 3., 4.]), "mean", include_self=False)
    tensor([2.5000, 1.0000, 4.0000])
    """
    return _reduce(input, index, src, dim, reduce, include_self)


def _scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place version of :func:`scatter_reduce`."""
    return run_inplace("scatter_reduce", self, index, src, dim, reduce, include_self)


attach_method("scatter_reduce", scatter_reduce)
attach_method("scatter_reduce_", _scatter_reduce_)


# -- whole slices -----------------------------------------------------------------------------------------------------


def _everywhere(index: Tensor, shape: Sequence[int], dim: int) -> Tensor:
    """The positions of slices as those of each of their elements."""
    if not shape:
        return index.reshape(())
    dim = normalize_dim(dim, len(shape))
    return index.reshape([-1 if d == dim else 1 for d in range(len(shape))]).expand(tuple(shape))


def _index_reduce_samples(make: Any) -> Iterator[Sample]:
    for reduce in ("prod", *_extremes(make), *_means(make)):
        for include_self in (True, False):
            own = _own(make, (3, 2), include_self)
            yield Sample(own, make.positions([2, 0, 2]), make(3, 2), 0, reduce, include_self)
    yield Sample(make(2, 3), make.positions([1]), make(2, 1), -1, "prod", True)
    for extreme in _extremes(make):
        yield Sample(make(2, 3, 2, low=3.0, high=5.0), make.positions([1, 1]), make(2, 2, 2), 1, extreme, False)
    yield Sample(make(3, 2), make.integers(0, low=0, high=3), make(0, 2), 0, "prod", True)


@op(
    batching="index write",
    name="index_reduce",
    vjp={
        "input": lambda grad, input, source, out, index, dim, reduce, include_self: _to_input(
            grad, input, source, out, _everywhere(index, source.shape, dim), dim, reduce, include_self
        ),
        "source": lambda grad, input, source, out, index, dim, reduce, include_self: _to_source(
            grad, input, source, out, _everywhere(index, source.shape, dim), dim, reduce, include_self
        ),
    },
    jvp={
        "input": lambda tangent, input, source, out, index, dim, reduce, include_self: _to_input(
            tangent, input, source, out, _everywhere(index, source.shape, dim), dim, reduce, include_self, False
        ),
        "source": lambda tangent, input, source, out, index, dim, reduce, include_self: _from_source(
            tangent, input, source, out, _everywhere(index, source.shape, dim), dim, reduce, include_self
        ),
    },
    method=False,
    samples=_index_reduce_samples,
    out=EXACT,
    namespace=None,
    accuracy="sum",
)
def _reduce_slices(
    backend: Backend, input: Array, index: Array, source: Array, dim: int, reduce: str, include_self: bool = True
) -> Array:
    """The tensor reduced with the slices of ``source`` at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(3).index_reduce(0, pb.tensor([0, 0, 2]), pb.tensor([2., 3., 4.]), "prod")
    tensor([6., 1., 4.])
    """
    if reduce not in _KERNELS or reduce == "sum":
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = normalize_dim(dim, len(input.shape))
    check_slices(backend, input, index, source, dim, "index_reduce_")
    _check_dtype(backend, input, reduce)
    index = vector_of(backend, index, "index_reduce_")
    size = input.shape[dim] if input.shape else 1
    last = constant(backend, size - 1, backend.dtypes[index.dtype])
    if backend.any_negative(index) or backend.any_negative(backend.subtract(last, index)):
        raise IndexError("index out of range in self")
    shape = tuple(source.shape)
    whole = backend.reshape(index, tuple(-1 if d == dim else 1 for d in range(len(shape))))
    return _reduced(backend, input, backend.broadcast_to(whole, shape), source, dim, reduce, include_self)


@in_namespace("pullback")
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The tensor with slices reduced with those of ``source``, at the positions ``index`` of a dimension.

    Parameters
    ----------
    reduce : {"prod", "mean", "amax", "amin"}
    include_self : bool
        Whether the slices of ``input`` take part where something is sent to them.

    Raises
    ------
    RuntimeError, IndexError
        If ``index`` or ``source`` doesn't fit, or a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.index_reduce(pb.ones(3), 0, pb.tensor([0, 0, 2]), pb.tensor([2., 3., 4.]), "amax")
    tensor([3., 1., 4.])
    """
    return _reduce_slices(input, index, source, dim, reduce, include_self)


def _index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place version of :func:`index_reduce`."""
    return run_inplace("index_reduce", self, index, source, dim, reduce, include_self)


attach_method("index_reduce", index_reduce)
attach_method("index_reduce_", _index_reduce_)

"""Reading and writing the elements where a mask is true: ``masked_fill``, ``masked_select``, ``masked_scatter``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.autograd.gradient_accumulation import sum_to_size
from pullback.backend.transfers import elements_read
from pullback.dispatch import sampling
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, in_namespace, op
from pullback.dispatch.declaration_values import Inplace, Shows
from pullback.dispatch.methods import attach_method, run_inplace
from pullback.dispatch.numbers import fitted, python_number
from pullback.dispatch.out_rules import Out
from pullback.dispatch.overwriting import overwrites
from pullback.meta import dtypes
from pullback.meta.dtype_names import full_c_name, type_name
from pullback.meta.shapes import broadcast_shape
from pullback.ops.indexing.reading_and_writing import nonzero, put_elements
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.indices import Positions
from pullback.tensor.levels import plain

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _check_mask(input: Tensor, mask: Tensor, *_: Any, **__: Any) -> None:
    broadcast_shape([tuple(mask.array.shape), tuple(input.array.shape)])


def _check_mask_in_place(input: Tensor, mask: Tensor, *_: Any, **__: Any) -> None:
    shape = tuple(input.array.shape)
    whole = broadcast_shape([shape, tuple(mask.array.shape)])
    if whole != shape:
        raise RuntimeError(f"output with shape {list(shape)} doesn't match the broadcast shape {list(whole)}")


def _checked_mask(backend: Backend, mask: Array) -> Array:
    kind = backend.dtypes[mask.dtype]
    if kind is not dtypes.bool_:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {full_c_name(kind)}")
    return mask


def _filled(backend: Backend, input: Array, mask: Array, value: Array) -> Array:
    """The elements with a 0-d value where the mask is true."""
    mask = _checked_mask(backend, mask)
    if backend.mutable and mask.shape == input.shape:
        return backend.fill_where_into(backend.copy(input), mask, value)
    return backend.where(mask, value, input)


def _filled_into(backend: Backend, input: Array, mask: Array, value: Array) -> Array:
    return backend.fill_where_into(input, _checked_mask(backend, mask), value)


def _masked_fill_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.mask(3, 2), 1.5)
    yield Sample(make(3, 2), make.mask(2), 0)
    yield Sample(make(2), make.mask(3, 2), -1)
    yield Sample(make(), make.mask(), 1)
    yield Sample(make(2, 3).mT, make.mask(3, 1), 1.5)
    yield Sample(make(3, 1), make.mask(3, 1), 1.5)
    yield Sample(make(2, 3, 2), make.mask(3, 1), 2)
    yield Sample(make(0, 2), make.mask(2), 1)
    yield sampling.values_only(make.values(130, 2), make.mask(130, 2), 1)
    yield sampling.values_only(make.values(2, sampling.block_size(make)), make.mask(sampling.block_size(make)), 2)


@op(
    batching="masked fill",
    name="masked_fill",
    vjp={"input": lambda grad, mask, input_shape: sum_to_size(_masked_fill(grad, mask, 0), tuple(input_shape))},
    jvp={"input": lambda tangent, mask: _masked_fill(tangent, mask, 0)},
    method=False,
    check=_check_mask,
    samples=_masked_fill_samples,
    namespace=None,
    inplace=Inplace(refused_by="arithmetic", method=False),
    accuracy="exact",
)
def _masked_fill(backend: Backend, input: Array, mask: Array, value: Any) -> Array:
    """The tensor with a number where ``mask`` is true.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([1., -2.])
    >>> x.masked_fill(x < 0, 0.)
    tensor([1., 0.])
    """
    return _filled(backend, input, mask, constant(backend, value, backend.dtypes[input.dtype]))


@overwrites("masked_fill", check=_check_mask_in_place)
def _masked_fill_into(backend: Backend, input: Array, mask: Array, value: Any) -> Array:
    return _filled_into(backend, input, mask, constant(backend, value, backend.dtypes[input.dtype]))


def _masked_fill_tensor_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.mask(3, 2), make())
    yield Sample(make(3, 2), make.mask(2), make())
    yield Sample(make(3, 1), make.mask(3, 1), make())
    yield Sample(make(0), make.mask(0), make())
    yield sampling.values_only(make.values(130), make.mask(130), make())


@op(
    batching="masked fill",
    name="masked_fill_tensor",
    node="MaskedFillBackward1",
    vjp={
        "input": lambda grad, mask, input_shape: sum_to_size(_masked_fill(grad, mask, 0), tuple(input_shape)),
        "value": lambda grad, mask, value_dtype: ops.cast_gradient(
            _masked_fill(grad, mask.logical_not(), 0).sum(), value_dtype
        ),
    },
    jvp={
        "input": lambda tangent, mask: _masked_fill(tangent, mask, 0),
        "value": lambda tangent, mask, input_shape: _masked_fill_tensor(zeros_of(tangent, input_shape), mask, tangent),
    },
    method=False,
    check=_check_mask,
    samples=_masked_fill_tensor_samples,
    namespace=None,
)
def _masked_fill_tensor(backend: Backend, input: Array, mask: Array, value: Array) -> Array:
    """The tensor with one element's value where ``mask`` is true."""
    return _filled(backend, input, mask, _element(backend, input, value))


@overwrites("masked_fill_tensor", check=_check_mask_in_place)
def _masked_fill_tensor_into(backend: Backend, input: Array, mask: Array, value: Array) -> Array:
    return _filled_into(backend, input, mask, _element(backend, input, value))


def _element(backend: Backend, input: Array, value: Array) -> Array:
    """The element of a 0-d array in the dtype of ``input``."""
    if value.shape:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with"
            f" {len(value.shape)} dimension(s)."
        )
    own, kind = backend.dtypes[input.dtype], backend.dtypes[value.dtype]
    if own is kind:
        return value
    if kind.category > own.category or (kind.category == own.category and kind.itemsize > own.itemsize):
        try:
            number = elements_read("masked_fill_()", backend, value).item()
        except TypeError:  # known only when the compiled program runs
            number = 0
        fitted(number, own)  # refuses what does not fit
    return backend.astype(value, own)


@in_namespace("pullback")
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of the tensor with ``value`` where ``mask`` is true; the two broadcast.

    Parameters
    ----------
    value : number or 0-d Tensor

    Raises
    ------
    RuntimeError
        If ``mask`` is not bool, or ``value`` has dimensions.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([1., 2., 3.])
    >>> x.masked_fill(x > 1, 0)
    tensor([1., 0., 0.])
    """
    if isinstance(value, Tensor):
        return _masked_fill_tensor(input, mask, value)
    return _masked_fill(input, mask, _number("masked_fill", input, mask, value))


def _number(name: str, input: Tensor, mask: Any, value: Any) -> Any:
    """The value, if it is a number that the tensor can hold."""
    number = python_number(value)
    if number is None or not isinstance(mask, Tensor):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({type(mask).__name__},"
            f" {type(value).__name__}), but expected one of:\n * (Tensor mask, Tensor value)\n * (Tensor mask, Number"
            " value)\n"
        )
    return fitted(number, input.dtype)


def _masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place version of :func:`masked_fill`."""
    if isinstance(value, Tensor):
        return run_inplace("masked_fill_tensor", self, mask, value)
    return run_inplace("masked_fill", self, mask, _number("masked_fill_", self, mask, value))


attach_method("masked_fill", masked_fill)
attach_method("masked_fill_", _masked_fill_)


def _kept(mask: Tensor, shape: tuple[int, ...]) -> Positions:
    """Where a mask broadcast to ``shape`` is true."""
    return Positions(nonzero(mask.expand(shape), as_tuple=True))


def _masked_select_vjp(grad: Tensor, mask: Tensor, input_shape: Sequence[int]) -> Tensor:
    shape = broadcast_shape([tuple(input_shape), tuple(mask.array.shape)])
    whole = put_elements(zeros_of(grad, shape or (1,)), grad, _kept(mask, shape))
    return sum_to_size(ops.reshape(whole, shape), tuple(input_shape))


def _masked_select_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.mask(3, 2))
    yield Sample(make(3, 2), make.mask(2))
    yield Sample(make(2), make.mask(3, 2))
    yield Sample(make(2, 3).mT, make.mask(3, 1))
    yield Sample(make(), make.mask())
    yield Sample(make(0, 3), make.mask(3))
    yield Sample(make(2, 3, 2), make.mask(3, 1))
    yield sampling.values_only(make.values(sampling.block_size(make), 2), make.mask(sampling.block_size(make), 2))


@op(
    batching="masked select",
    linear=True,
    vjp={"input": lambda grad, mask, input_shape: _masked_select_vjp(grad, mask, input_shape)},
    check=_check_mask,
    samples=_masked_select_samples,
    out=Out("masked_select(): self and result must have the same scalar type"),
)
def masked_select(backend: Backend, input: Array, mask: Array) -> Array:
    """The elements where ``mask`` is true, as a vector; the two broadcast.

    Raises
    ------
    RuntimeError
        If ``mask`` is not bool.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([1., 2., 3.])
    >>> pb.masked_select(x, x > 1)
    tensor([2., 3.])
    """
    if backend.dtypes[mask.dtype] is not dtypes.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shape([tuple(mask.shape), tuple(input.shape)])
    input, mask = (backend.reshape(backend.broadcast_to(a, shape), (-1,)) for a in (input, mask))
    return backend.getitem(input, (mask,))


def _masked_scatter_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.mask(3, 2), make(6))
    yield Sample(make(3, 2), make.mask(2), make(2, 4))
    yield Sample(make(2, 3, 2), make.mask(3, 1), make(12))
    yield Sample(make(0), make.mask(0), make(2))
    yield sampling.values_only(make.values(130), make.mask(130), make.values(130))


@op(
    batching="masked scatter",
    vjp={
        "input": lambda grad, mask, input_shape: sum_to_size(_masked_fill(grad, mask, 0), tuple(input_shape)),
        "source": lambda grad, mask, source_shape: _source_gradient(grad, mask, source_shape),
    },
    jvp={
        "input": lambda tangent, mask: _masked_fill(tangent, mask, 0),
        "source": lambda tangent, mask, input_shape: masked_scatter(zeros_of(tangent, input_shape), mask, tangent),
    },
    check=lambda input, mask, source: _check_mask(input, mask),
    samples=_masked_scatter_samples,
    shows=Shows(sizes=("source",)),
)
def masked_scatter(backend: Backend, input: Array, mask: Array, source: Array) -> Array:
    """A copy of the tensor with the elements of ``source``, in their order, where ``mask`` is true.

    Raises
    ------
    RuntimeError
        If ``source`` has too few elements.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).masked_scatter(pb.tensor([True, False, True]), pb.tensor([1., 2.]))
    tensor([1., 0., 2.])
    """
    shape = broadcast_shape([tuple(mask.shape), tuple(input.shape)])
    where, values = _scattered(backend, input, mask, source, shape)
    flat = backend.reshape(backend.broadcast_to(input, shape), (-1,))
    return backend.reshape(backend.index_put(flat, (where,), values), shape)


@overwrites("masked_scatter", check=lambda input, mask, source: mask.expand(tuple(input.array.shape)))
def _masked_scatter_into(backend: Backend, input: Array, mask: Array, source: Array) -> Array:
    shape = tuple(input.shape)
    where, values = _scattered(backend, input, mask, source, shape)
    if backend.mutable and backend.is_contiguous(input):
        backend.index_put_into(backend.reshape(input, (-1,)), (where,), values)
        return input
    return backend.reshape(backend.index_put(backend.reshape(input, (-1,)), (where,), values), shape)


def _scattered(
    backend: Backend, input: Array, mask: Array, source: Array, shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """Where in the flattened tensor the mask is true, and what goes there."""
    own, other = backend.dtypes[input.dtype], backend.dtypes[source.dtype]
    if own is not other:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got{type_name(own)} and"
            f" {type_name(other)}"
        )
    kind = backend.dtypes[mask.dtype]
    if kind is not dtypes.bool_:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {type_name(kind)}")
    (where,) = backend.nonzero(backend.reshape(backend.broadcast_to(mask, shape), (-1,)))
    if where.shape[0] > math.prod(source.shape):
        raise RuntimeError("Number of elements of source < number of ones in mask")
    return where, backend.getitem(backend.reshape(source, (-1,)), (slice(0, where.shape[0]),))


def _source_gradient(grad: Tensor, mask: Tensor, shape: Sequence[int]) -> Tensor:
    count = math.prod(shape)
    if not mask.backend.level or not count:
        return ops.reshape(ops.front_of_zeros(masked_select(grad, mask), (count,)), shape)
    # Inside vmap each example may have a mask of its own: what it would select has no shape.

    mask = mask.expand(tuple(grad.array.shape)).reshape(-1)
    positions = numbers_of_true(mask)[0].clamp(0, count - 1)
    kept = _masked_fill(ops.reshape(grad, (-1,)), ~mask, 0)
    return ops.reshape(zeros_of(grad, (count,)).scatter_add(0, positions, kept), shape)


def _masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place version of :func:`masked_scatter`."""
    return run_inplace("masked_scatter", self, mask, source)


attach_method("masked_scatter_", _masked_scatter_)


def numbers_of_true(mask: Tensor) -> tuple[Tensor, int | None]:
    """For each element of the rows of a mask, how many before it in its row are true; and the most that a row has.

    The latter is None where nobody can tell, as the mask is being traced.
    """
    counts = mask.to(dtypes.int64).cumsum(-1)
    if not prod(counts.array.shape):
        return counts, 0
    every = plain(counts)
    try:
        most = int(elements_read("masked_scatter_()", every.backend, every.array).max())
    except TypeError:
        most = None
    return counts - 1, most

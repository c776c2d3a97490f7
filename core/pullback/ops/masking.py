"""Reading and writing the elements where a mask is true: ``masked_fill``, ``masked_select``, ``masked_scatter``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import dtypes
from pullback.op import Array, Sample, op
from pullback.op_general import broadcast_shape, constant
from pullback.ops.dtype_names import c_name
from pullback.ops.indexing import Positions, nonzero, put_elements
from pullback.ops.methods import attach_method, run_inplace
from pullback.ops.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _check_mask(input: Tensor, mask: Tensor, *_: Any, **__: Any) -> None:
    broadcast_shape([tuple(mask.array.shape), tuple(input.array.shape)])


def _checked_mask(backend: Backend, mask: Array) -> Array:
    if backend.dtypes[mask.dtype] is not dtypes.bool_:
        name = backend.dtypes[mask.dtype].tensor_type_name.removesuffix("Tensor").lower()
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {name}")
    return mask


def _masked_fill_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.mask(3, 2), 1.5)
    yield Sample(make(3, 2), make.mask(2), 0)
    yield Sample(make(2), make.mask(3, 2), -1)
    yield Sample(make(), make.mask(), 1)
    yield Sample(make(2, 3).mT, make.mask(3, 1), 1.5)


@op(
    name="masked_fill",
    vjp={"input": lambda grad, mask, input_shape: sum_to_size(_masked_fill(grad, mask, 0), tuple(input_shape))},
    jvp={"input": lambda tangent, mask: _masked_fill(tangent, mask, 0)},
    method=False,
    check=_check_mask,
    samples=_masked_fill_samples,
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
    return backend.where(_checked_mask(backend, mask), constant(backend, value, backend.dtypes[input.dtype]), input)


def _masked_fill_tensor_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.mask(3, 2), make())
    yield Sample(make(3, 2), make.mask(2), make())


@op(
    name="masked_fill_tensor",
    node="MaskedFillBackward1",
    vjp={
        "input": lambda grad, mask, input_shape: sum_to_size(_masked_fill(grad, mask, 0), tuple(input_shape)),
        "value": lambda grad, mask: _masked_fill(grad, mask.logical_not(), 0).sum(),
    },
    jvp={
        "input": lambda tangent, mask: _masked_fill(tangent, mask, 0),
        "value": lambda tangent, mask, input_shape: _masked_fill_tensor(zeros_of(tangent, input_shape), mask, tangent),
    },
    method=False,
    check=_check_mask,
    samples=_masked_fill_tensor_samples,
)
def _masked_fill_tensor(backend: Backend, input: Array, mask: Array, value: Array) -> Array:
    """The tensor with one element's value where ``mask`` is true."""
    if value.shape:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with"
            f" {len(value.shape)} dimension(s)."
        )
    if value.dtype != input.dtype:
        value = backend.astype(value, backend.dtypes[input.dtype])
    return backend.where(_checked_mask(backend, mask), value, input)


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
    return _masked_fill(input, mask, _fitting(input, value))


def _fitting(input: Tensor, value: Any) -> Any:
    if isinstance(value, complex) and not input.dtype.is_complex:
        raise RuntimeError(f"value cannot be converted to type {c_name(input.dtype)} without overflow")
    return value


def _masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place version of :func:`masked_fill`."""
    if isinstance(value, Tensor):
        return run_inplace("masked_fill_tensor", self, mask, value)
    return run_inplace("masked_fill", self, mask, _fitting(self, value))


attach_method("masked_fill", masked_fill)
attach_method("masked_fill_", _masked_fill_)


def _kept(mask: Tensor, shape: tuple[int, ...]) -> Positions:
    """Where a mask broadcast to ``shape`` is true."""
    return Positions(nonzero(mask.expand(shape), as_tuple=True))


def _masked_select_vjp(grad: Tensor, mask: Tensor, input_shape: Sequence[int]) -> Tensor:
    shape = broadcast_shape([tuple(input_shape), tuple(mask.array.shape)])
    whole = put_elements(zeros_of(grad, shape or (1,)), grad, _kept(mask, shape))
    return sum_to_size(reshape(whole, shape), tuple(input_shape))


def _masked_select_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.mask(3, 2))
    yield Sample(make(3, 2), make.mask(2))
    yield Sample(make(2), make.mask(3, 2))
    yield Sample(make(2, 3).mT, make.mask(3, 1))


@op(
    linear=True,
    vjp={"input": lambda grad, mask, input_shape: _masked_select_vjp(grad, mask, input_shape)},
    check=_check_mask,
    samples=_masked_select_samples,
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


@op(
    vjp={
        "input": lambda grad, mask, input_shape: sum_to_size(_masked_fill(grad, mask, 0), tuple(input_shape)),
        "source": lambda grad, mask, source_shape: _source_gradient(masked_select(grad, mask), source_shape),
    },
    jvp={
        "input": lambda tangent, mask: _masked_fill(tangent, mask, 0),
        "source": lambda tangent, mask, input_shape: masked_scatter(zeros_of(tangent, input_shape), mask, tangent),
    },
    check=lambda input, mask, source: _check_mask(input, mask),
    samples=_masked_scatter_samples,
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
    flat, keep = (backend.reshape(backend.broadcast_to(a, shape), (-1,)) for a in (input, _checked_mask(backend, mask)))
    (where,) = backend.nonzero(keep)
    if where.shape[0] > math.prod(source.shape):
        raise RuntimeError("Number of elements of source < number of ones in mask")
    values = backend.getitem(backend.reshape(source, (-1,)), (slice(0, where.shape[0]),))
    return backend.reshape(backend.index_put(flat, (where,), values), shape)


def _source_gradient(grad: Tensor, shape: Sequence[int]) -> Tensor:
    return reshape(front_of_zeros(grad, (math.prod(shape),)), shape)


def _masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place version of :func:`masked_scatter`."""
    return run_inplace("masked_scatter", self, mask, source)


attach_method("masked_scatter_", _masked_scatter_)


from pullback.autograd.engine import sum_to_size  # noqa: E402
from pullback.ops.shape import reshape  # noqa: E402
from pullback.ops.slicing import front_of_zeros  # noqa: E402

"""Slices written where an index of one dimension says: index_add, index_copy, index_fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, in_namespace, op
from pullback.dispatch.declaration_values import Inplace, Sampled, Shows
from pullback.dispatch.inplace import apply_inplace
from pullback.dispatch.methods import attach_method, run_inplace
from pullback.dispatch.numbers import fitted, python_number
from pullback.dispatch.out_rules import EXACT
from pullback.dispatch.overwriting import overwrites
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.meta.shapes import normalize_dim
from pullback.ops.indexing.checks import check_positions, first_outside, outside, vector_of
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.indices import Positions
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend


_EVERYTHING = slice(None)


_COMPLEX_VALUE = "index_fill_(): Converting complex Scalar to non-complex type is not supported"


def _key(index: Array, dim: int) -> tuple[Any, ...]:
    return (*((_EVERYTHING,) * dim), index)


def _put_slices(
    backend: Backend, put: Any, input: Array, index: Array, values: Array, dim: int, accumulate: bool = False
) -> Array:
    """The tensor with slices written by ``put``: the backend's ``index_put`` or ``index_put_into``."""
    if not input.shape:
        return backend.reshape(
            put(backend.reshape(input, (1,)), (index,), backend.reshape(values, (-1,)), accumulate), ()
        )
    return put(input, _key(index, dim), values, accumulate)


def check_slices(backend: Backend, input: Array, index: Array, source: Array, dim: int, name: str) -> None:
    """Refuse an index, or slices to combine with those of a tensor, that do not fit it."""
    kind = type_name(backend.dtypes[index.dtype])
    if len(index.shape) > 1:
        raise IndexError(
            f"{name}(): Index is supposed to be a vector, but got dim: {len(index.shape)} with type: {kind} and size:"
            f" {list(index.shape)}"
        )
    check_positions(backend, index, name, f"int32/int64 for index but got: {kind}")
    own, other = backend.dtypes[input.dtype], backend.dtypes[source.dtype]
    if own is not other:
        raise RuntimeError(
            f"{name}(): self ({type_name(own)}) and source ({type_name(other)}) must have the same scalar type"
        )
    if dim and dim >= len(source.shape):
        raise RuntimeError(
            f"{name}(): Indexing dim {dim} is out of bounds of the source tensor with dim {len(source.shape)}"
        )
    count = index.shape[0] if index.shape else 1
    size = source.shape[dim] if source.shape else 1
    if count != size:
        raise RuntimeError(
            f"{name}(): Number of indices ({count}) should be equal to source.size(dim): ({size}), for dim: {dim}"
        )
    shapes = [tuple(input.shape), tuple(source.shape)]
    if all(shapes):
        shapes = [(*shape[:dim], *shape[dim + 1 :]) for shape in shapes]
    if shapes[0] != shapes[1]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape ="
            f" {list(input.shape)} source.shape = {list(source.shape)}"
        )


def _index_add_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.integers(4, low=0, high=3), make(4, 2), 0)
    yield Sample(make(3, 4), make.integers(2, low=0, high=4), make(3, 2), -1, alpha=2)
    yield Sample(make(4), make.integers(3, low=0, high=4), make(3), 0)
    yield Sample(make(2, 3, 2), make.positions([2, 2]), make(2, 2, 2), 1, alpha=-3)
    yield Sample(make(3, 2), make.integers(0, low=0, high=3), make(0, 2), 0)
    yield sampling.values_only(
        sampling.whole(make, 9, 2), make.integers(129, low=0, high=9), sampling.whole(make, 129, 2), 0
    )


@op(
    batching="index write",
    name="index_add",
    vjp={
        "input": lambda grad: grad,
        "source": lambda grad, source_shape, index, dim, alpha: _times(
            ops.reshape(ops.select_slices(grad, index, dim), source_shape), alpha
        ),
    },
    jvp={
        "input": "vjp",
        "source": lambda tangent, input_shape, index, dim, alpha: add_slices(
            zeros_of(tangent, input_shape), index, tangent, dim, alpha=alpha
        ),
    },
    method=False,
    samples=_index_add_samples,
    out=EXACT,
    namespace=None,
    shows=Shows(derived={"source_dim": lambda saved: len(saved("source_shape"))}),
    inplace=Inplace(refused_by="name", method=False),
    accuracy="sum",
)
def add_slices(backend: Backend, input: Array, index: Array, source: Array, dim: int, *, alpha: float = 1) -> Array:
    """The tensor plus the slices of ``source`` at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).index_add(0, pb.tensor([0, 0, 2]), pb.tensor([1., 2., 3.]))
    tensor([3., 0., 3.])
    """
    return _slices_added(backend, backend.index_put, input, index, source, dim, alpha)


@overwrites("index_add")
def _add_slices_into(
    backend: Backend, input: Array, index: Array, source: Array, dim: int, *, alpha: float = 1
) -> Array:
    return _slices_added(backend, backend.index_put_into, input, index, source, dim, alpha)


def _slices_added(
    backend: Backend, put: Any, input: Array, index: Array, source: Array, dim: int, alpha: float
) -> Array:
    dim = normalize_dim(dim, len(input.shape))
    check_slices(backend, input, index, source, dim, "index_add_")
    if alpha != 1:
        source = backend.multiply(source, constant(backend, alpha, backend.dtypes[source.dtype]))
    index = vector_of(backend, index, "index_add_")
    size = input.shape[dim] if input.shape else 1
    try:
        if backend.any_negative(index):
            raise IndexError
        return _put_slices(backend, put, input, index, source, dim, True)
    except IndexError:
        if len(input.shape) < 2:
            raise IndexError("index out of range in self") from None
        raise RuntimeError(outside(backend, index, size, dim)) from None


def _times(tensor: Tensor, factor: Any) -> Tensor:
    return tensor if factor == 1 else tensor * factor


@in_namespace("pullback")
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """The tensor plus ``alpha`` times the slices of ``source`` at the positions ``index`` of a dimension.

    Raises
    ------
    RuntimeError
        If ``index`` and ``source`` differ in size, or a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.index_add(pb.zeros(3), 0, pb.tensor([0, 0, 2]), pb.ones(3))
    tensor([2., 0., 1.])
    """
    return add_slices(input, index, source, dim, alpha=alpha)


def _index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """In-place version of :func:`index_add`."""
    return apply_inplace(registry["index_add"], self, (index, source, dim), {"alpha": alpha})  # type: ignore[arg-type]


attach_method("index_add", index_add)


attach_method("index_add_", _index_add_)


def _index_copy_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.positions([2, 0]), make(2, 2), 0)
    yield Sample(make(3, 4), make.positions([1]), make(3, 1), -1)
    yield Sample(make(2, 3, 2), make.positions([2, 0]), make(2, 2, 2), 1)
    yield Sample(make(3, 2), make.integers(0, low=0, high=3), make(0, 2), 0)
    yield sampling.values_only(make.values(130), make.positions(range(128, -1, -1)), make.values(129), 0)


@op(
    batching="index write",
    name="index_copy",
    vjp={
        "input": lambda grad, index, dim: _index_fill(grad, index, dim, 0),
        "source": lambda grad, source_shape, index, dim: ops.reshape(ops.select_slices(grad, index, dim), source_shape),
    },
    jvp={
        "input": "vjp",
        "source": lambda tangent, input_shape, index, dim: _index_copy(
            zeros_of(tangent, input_shape), index, tangent, dim
        ),
    },
    method=False,
    samples=Sampled(_index_copy_samples, distinct="index"),
    out=EXACT,
    namespace=None,
    shows=Shows(derived={"source_dim": lambda saved: len(saved("source_shape"))}),
)
def _index_copy(backend: Backend, input: Array, index: Array, source: Array, dim: int) -> Array:
    """The tensor with the slices of ``source`` at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).index_copy(0, pb.tensor([2, 0]), pb.tensor([1., 2.]))
    tensor([2., 0., 1.])
    """
    return _slices_copied(backend, backend.index_put, input, index, source, dim)


@overwrites("index_copy")
def _index_copy_into(backend: Backend, input: Array, index: Array, source: Array, dim: int) -> Array:
    return _slices_copied(backend, backend.index_put_into, input, index, source, dim)


def _slices_copied(backend: Backend, put: Any, input: Array, index: Array, source: Array, dim: int) -> Array:
    dim = normalize_dim(dim, len(input.shape))
    _check_copied(backend, input, index, source, dim)
    index = vector_of(backend, index, "index_copy_")
    try:
        if backend.any_negative(index):
            raise IndexError
        return _put_slices(backend, put, input, index, source, dim)
    except IndexError:
        text = outside(backend, index, input.shape[dim] if input.shape else 1, dim)
        raise IndexError(f"index_copy_(): {text}") from None


def _check_copied(backend: Backend, input: Array, index: Array, source: Array, dim: int) -> None:
    if len(index.shape) > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {len(index.shape)})")
    count = index.shape[0] if index.shape else 1
    if not source.shape and count != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {count})")
    if source.shape and input.shape and len(source.shape) != len(input.shape):
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source"
            f" dimensionality ({len(source.shape)}), destination dimensionality ({len(input.shape)})"
        )
    kind = backend.dtypes[index.dtype]
    if kind is not dtypes.int64:
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {type_name(kind)}")
    own, other = backend.dtypes[input.dtype], backend.dtypes[source.dtype]
    if own is not other:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {type_name(own)} and"
            f" (source) {type_name(other)}"
        )
    shapes = [(*shape[:dim], *shape[dim + 1 :]) for shape in (tuple(input.shape), tuple(source.shape))]
    if shapes[0] != shapes[1]:
        texts = [" ".join(map(str, shape)) for shape in shapes]
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape:"
            f" {texts[0]} at dimension {dim} and source slice shape: {texts[1]} at dimension 0."
        )
    size = source.shape[dim] if source.shape else 1
    if source.shape and count != size:
        raise IndexError(f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) ({size})")


@in_namespace("pullback")
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of the tensor with the slices of ``source`` at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.index_copy(pb.zeros(3), 0, pb.tensor([2, 0]), pb.tensor([1., 2.]))
    tensor([2., 0., 1.])
    """
    return _index_copy(input, index, source, dim)


def _index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """In-place version of :func:`index_copy`."""
    return run_inplace("index_copy", self, index, source, dim)


attach_method("index_copy", index_copy)


attach_method("index_copy_", _index_copy_)


def _index_fill_samples(make: Any) -> Iterator[Sample]:
    for sample in ops.index_select_samples(make):
        yield Sample(*sample.args, 1.5)
    yield Sample(make(3, 2), make.positions([-1, 0]), 0, 2)


@op(
    batching="index write",
    name="index_fill",
    vjp={"input": lambda grad, index, dim: _index_fill(grad, index, dim, 0)},
    jvp="vjp",
    method=False,
    samples=_index_fill_samples,
    namespace=None,
    inplace=Inplace(refused_by="name", method=False),
)
def _index_fill(backend: Backend, input: Array, index: Array, dim: int, value: Any) -> Array:
    """The tensor with one number in the slices at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).index_fill(0, pb.tensor([0, 2]), 5.)
    tensor([5., 0., 5.])
    """
    filled = constant(backend, value, backend.dtypes[input.dtype])
    return _filled_slices(backend, backend.index_put, input, index, filled, dim)


@overwrites("index_fill")
def _index_fill_into(backend: Backend, input: Array, index: Array, dim: int, value: Any) -> Array:
    filled = constant(backend, value, backend.dtypes[input.dtype])
    return _filled_slices(backend, backend.index_put_into, input, index, filled, dim)


def _filled_slices(backend: Backend, put: Any, input: Array, index: Array, value: Array, dim: int) -> Array:
    if backend.dtypes[index.dtype] is not dtypes.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    dim = normalize_dim(dim, len(input.shape))
    if len(index.shape) > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    index = vector_of(backend, index, "index_fill_")
    try:
        return _put_slices(backend, put, input, index, value, dim)
    except IndexError:
        size = input.shape[dim] if input.shape else 1
        position = first_outside(backend, index, -size, size)
        raise IndexError(f"index {position} is out of bounds for dimension {dim} with size {size}") from None


def _index_fill_tensor_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.positions([2, 0]), make(), 0)
    yield Sample(make(2, 3, 2), make.positions([1, -1]), make(), 1)
    yield Sample(make(3), make.integers(0, low=0, high=3), make(), 0)


@op(
    batching="index write",
    name="index_fill_tensor",
    node="IndexFillBackward1",
    vjp={
        "input": lambda grad, index, dim: _index_fill(grad, index, dim, 0),
        "value": lambda grad, index, dim, value_dtype: ops.cast_gradient(
            index_where(grad, index, dim).sum(), value_dtype
        ),
    },
    jvp={
        "input": "vjp",
        "value": lambda tangent, input_shape, index, dim: _index_fill_tensor(
            zeros_of(tangent, input_shape), index, tangent, dim
        ),
    },
    method=False,
    samples=_index_fill_tensor_samples,
    namespace=None,
    inplace=Inplace(refused_by="name", method=False),
)
def _index_fill_tensor(backend: Backend, input: Array, index: Array, value: Array, dim: int) -> Array:
    """The tensor with one element's value in the slices at the positions ``index`` of a dimension."""
    return _filled_slices(backend, backend.index_put, input, index, _element(backend, input, value), dim)


@overwrites("index_fill_tensor")
def _index_fill_tensor_into(backend: Backend, input: Array, index: Array, value: Array, dim: int) -> Array:
    return _filled_slices(backend, backend.index_put_into, input, index, _element(backend, input, value), dim)


def _element(backend: Backend, input: Array, value: Array) -> Array:
    """The element of a 0-d array in the dtype of ``input``."""
    if value.shape:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with"
            f" {len(value.shape)} dimension(s)."
        )
    if backend.dtypes[value.dtype].is_complex and not backend.dtypes[input.dtype].is_complex:
        raise RuntimeError(_COMPLEX_VALUE)
    return backend.astype(value, backend.dtypes[input.dtype])


def index_where(grad: Tensor, index: Tensor, dim: int) -> Tensor:
    """The slices at positions that may count from the end."""
    return ops.index(grad, Positions((*((None,) * normalize_dim(dim, grad.ndim)), index))) if grad.ndim else grad


@in_namespace("pullback")
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of the tensor with one value in the slices at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.index_fill(pb.zeros(3), 0, pb.tensor([0, 2]), 1)
    tensor([1., 0., 1.])
    """
    if isinstance(value, Tensor):
        return _index_fill_tensor(input, index, value, dim)
    return _index_fill(input, index, dim, _number("index_fill", input, dim, index, value))


def _number(name: str, input: Tensor, dim: Any, index: Any, value: Any) -> Any:
    """The value, if it is a number that the tensor can hold."""
    number = python_number(value)
    if number is None or not isinstance(index, Tensor):
        given = ", ".join(type(a).__name__ for a in (dim, index, value))
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({given}), but expected one of:\n"
            " * (int dim, Tensor index, Tensor value)\n * (int dim, Tensor index, Number value)\n"
        )
    if isinstance(number, complex) and not input.dtype.is_complex:
        raise RuntimeError(_COMPLEX_VALUE)
    return fitted(number, input.dtype)


def _index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place version of :func:`index_fill`."""
    if isinstance(value, Tensor):
        return run_inplace("index_fill_tensor", self, index, value, dim)
    return run_inplace("index_fill", self, index, dim, _number("index_fill_", self, dim, index, value))


attach_method("index_fill", index_fill)


attach_method("index_fill_", _index_fill_)

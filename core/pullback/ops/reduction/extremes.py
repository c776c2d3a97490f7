"""The largest, the smallest and the middle element, and where they lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, overload

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Outputs, Shows
from pullback.dispatch.out_rules import CAST, EXACT, Out
from pullback.meta import dtypes
from pullback.meta.dtype_names import not_implemented
from pullback.meta.dtypes import REAL, REAL_AND_BOOL, DType
from pullback.meta.limits import iinfo
from pullback.meta.shapes import Dims, normalize_dim, normalize_dims
from pullback.ops.shared.reducing import axis_of, keep_dims, mean_of_some, over_count, samples_around_blocks
from pullback.ops.shared.zeros import zeros_of
from pullback.return_types import return_type
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullback.backend.base import Backend
    from pullback.return_types import MinAndMax, ValuesAndIndices


# -- extremes ---------------------------------------------------------------------------------------------------------


def _check_some(name: str, input: Any, dim: Any) -> None:
    """Refuse to look for an extreme among no elements."""
    shape = tuple(input.array.shape)
    if dim is None or dim == ():
        if 0 in shape:
            hint = "" if name.startswith("arg") else " Specify the reduction dim with the 'dim' argument."
            error = IndexError if name.startswith("arg") else RuntimeError
            raise error(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{hint}")
        return
    for d in normalize_dims(dim, len(shape)):
        if shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


def _chosen(input: Tensor, out: Tensor, dim: Dims, keepdim: bool) -> Any:
    """Which elements the result is: equal ones share its gradient evenly."""
    return ops.logical_or(ops.eq(input, keep_dims(out, input.array.shape, dim, keepdim)), ops.isnan(input))


def _shared_gradient(grad: Tensor, input: Tensor, out: Tensor, dim: Dims, keepdim: bool) -> Any:
    chosen = _chosen(input, out, dim, keepdim)
    share = over_count(keep_dims(grad, input.array.shape, dim, keepdim), ops.sum(chosen, dim, True))
    return ops.where(chosen, share, 0)  # selected, not multiplied: it may be infinite


def _shared_tangent(tangent: Tensor, input: Tensor, out: Tensor, dim: Dims, keepdim: bool) -> Any:
    chosen = _chosen(input, out, dim, keepdim)
    return mean_of_some(ops.where(chosen, tangent, 0), ops.sum(chosen, dim, keepdim), dim, keepdim)


def _selected_gradient(grad: Tensor, indices: Tensor, shape: tuple[int, ...], dim: int, keepdim: bool) -> Any:
    """The gradient at the elements that were selected along ``dim``, zero elsewhere."""
    if not shape:
        return grad
    if not keepdim:
        grad, indices = ops.unsqueeze(grad, dim), ops.unsqueeze(indices, dim)
    return ops.scatter(zeros_of(grad, shape), dim, indices, grad)


def _selected_tangent(tangent: Tensor, indices: Tensor, dim: int, keepdim: bool) -> Any:
    if not tangent.array.shape:
        return tangent
    if keepdim:
        return ops.gather(tangent, dim, indices)
    return ops.squeeze(ops.gather(tangent, dim, ops.unsqueeze(indices, dim)), dim)


def _extreme_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(5))
    yield Sample(make(3, 2).mT)
    yield Sample(make())
    yield Sample(make(2, 1, 3, 2))
    yield sampling.values_only(make.values(257))
    yield sampling.values_only(make.values(5, 13).mT)
    yield sampling.values_only(make.values(2, 2, 2, 2, 2))
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(size))


def _median_samples(make: Any) -> Iterator[Sample]:
    yield from _extreme_samples(make)
    yield Sample(make(2, 3), 1)
    yield Sample(make(2, 3, 2), -2, True)


def _three_forms_samples(make: Any) -> Iterator[Sample]:
    yield from _extreme_samples(make)
    yield Sample(make(2, 3), 1)
    yield Sample(make(2, 3, 2), -2, True)
    yield Sample(make(2, 3), make(3))
    yield Sample(make(2, 3), other=make(2, 1))


def _extreme_samples_along_dim(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), 0)
    yield Sample(make(2, 3, 4), -2, True)
    yield Sample(make(3, 2).mT, 1)
    yield Sample(make(), 0)
    yield Sample(make(0, 3), 1)
    yield Sample(make(2, 1, 3, 2, 2), 2)
    yield Sample(make(2, 3, 2), -3)
    yield sampling.values_only(make.values(2, 65), 1)
    yield sampling.values_only(make.values(129, 2), 0, True)
    yield Sample(make(3, 3, 3), 1)
    yield Sample(make(2, 2, 2, 2, 2), -4, True)
    yield sampling.values_only(make(3, 0), 0)
    for size in sampling.block_sizes(make):
        yield sampling.values_only(make.values(2, size), -1)
        yield sampling.values_only(make.values(size, 2), 0)


@op(
    batching="extreme of all",
    dtypes=Accepts(REAL_AND_BOOL, unsupported="max_all"),
    node="MaxBackward1",
    vjp=lambda grad, input, out: _shared_gradient(grad, input, out, None, False),
    jvp=lambda tangent, input, out: _shared_tangent(tangent, input, out, None, False),
    check=lambda input: _check_some("max", input, None),
    samples=_extreme_samples,
    method=False,
    namespace=None,
)
def max_of_all(backend: Backend, input: Array) -> Array:
    """:func:`max` of all elements."""
    return backend.max(input)


@op(
    batching="extreme of all",
    dtypes=Accepts(REAL_AND_BOOL, unsupported="min_all"),
    node="MinBackward1",
    vjp=lambda grad, input, out: _shared_gradient(grad, input, out, None, False),
    jvp=lambda tangent, input, out: _shared_tangent(tangent, input, out, None, False),
    check=lambda input: _check_some("min", input, None),
    samples=_extreme_samples,
    method=False,
    namespace=None,
)
def min_of_all(backend: Backend, input: Array) -> Array:
    """:func:`min` of all elements."""
    return backend.min(input)


@op(
    dtypes=Accepts(REAL_AND_BOOL, unsupported="max(): does not support complex input"),
    node="MaxBackward0",
    outputs=Outputs("values", "indices", differentiable=("values",)),
    vjp=lambda grad, indices, input_shape, dim, keepdim: _selected_gradient(grad, indices, input_shape, dim, keepdim),
    jvp=lambda tangent, indices, dim, keepdim: _selected_tangent(tangent, indices, dim, keepdim),
    check=lambda input, dim, keepdim: _check_some("max", input, dim),
    samples=_extreme_samples_along_dim,
    method=False,
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def max_along_dim(backend: Backend, input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """:func:`max` along a dimension, and where each lies."""
    if not input.ndim:
        return backend.copy(input), _zero_index(backend)
    axis = normalize_dim(dim, input.ndim)
    return backend.max(input, axis=axis, keepdims=keepdim), backend.argmax(input, axis=axis, keepdims=keepdim)


@op(
    dtypes=Accepts(REAL_AND_BOOL, unsupported="min(): does not support complex input"),
    node="MinBackward0",
    outputs=Outputs("values", "indices", differentiable=("values",)),
    vjp=lambda grad, indices, input_shape, dim, keepdim: _selected_gradient(grad, indices, input_shape, dim, keepdim),
    jvp=lambda tangent, indices, dim, keepdim: _selected_tangent(tangent, indices, dim, keepdim),
    check=lambda input, dim, keepdim: _check_some("min", input, dim),
    samples=_extreme_samples_along_dim,
    method=False,
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def min_along_dim(backend: Backend, input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """:func:`min` along a dimension, and where each lies."""
    if not input.ndim:
        return backend.copy(input), _zero_index(backend)
    axis = normalize_dim(dim, input.ndim)
    return backend.min(input, axis=axis, keepdims=keepdim), backend.argmin(input, axis=axis, keepdims=keepdim)


def _zero_index(backend: Backend) -> Array:
    return backend.zeros((), dtype=backend.native_dtypes[dtypes.int64])


def _extreme(
    name: str, pairwise: Any, of_all: Any, along_dim: Any, input: Any, dim: Any, keepdim: bool, other: Any
) -> Any:
    """What ``max`` and ``min`` do: of two tensors, along a dimension, or of all elements."""
    if isinstance(dim, Tensor):
        other, dim = dim, None
    if other is not None:
        return pairwise(input, other)
    if dim is None:
        return of_all(input)
    if isinstance(dim, list | tuple):
        raise TypeError(f"{name}() takes one dim, got {dim!r}; a{name}() takes several")
    if type(dim) is not int and (isinstance(dim, bool) or not hasattr(dim, "__index__")):
        raise TypeError(f"{name}(): argument 'dim' (position 2) must be int, not {type(dim).__name__}")
    return return_type(name, ("values", "indices"))(*along_dim(input, dim, keepdim))


@overload
def max(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...


@overload
def max(input: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...


@overload
def max(input: Tensor, dim: Tensor, /) -> Tensor: ...


@overload
def max(input: Tensor, *, other: Tensor) -> Tensor: ...


@composite(dtypes=REAL_AND_BOOL, samples=_three_forms_samples, out=CAST)
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The largest element; along a dimension, the largest ones and their indices; of two tensors, each larger element.

    Parameters
    ----------
    dim : int or Tensor, optional
        Along which dimension; a Tensor means ``other``.
    keepdim : bool
        Keep the reduced dimension, with size 1.
    other : Tensor, optional
        Compare with it, as :func:`maximum`.

    Returns
    -------
    Tensor or (values, indices)
        Equal elements share the gradient evenly; along a dimension the first of them has it all.

    Raises
    ------
    RuntimeError, IndexError
        Where there are no elements to choose from.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([[1., 4.], [3., 2.]])
    >>> x.max()
    tensor(4.)
    >>> x.max(1).indices
    tensor([1, 0])
    """
    return _extreme("max", ops.maximum, max_of_all, max_along_dim, input, dim, keepdim, other)


@overload
def min(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...


@overload
def min(input: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...


@overload
def min(input: Tensor, dim: Tensor, /) -> Tensor: ...


@overload
def min(input: Tensor, *, other: Tensor) -> Tensor: ...


@composite(dtypes=REAL_AND_BOOL, samples=_three_forms_samples, out=CAST)
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The smallest element; along a dimension, the smallest ones and their indices; of two tensors, each smaller one.

    Takes, returns and raises what :func:`max` does.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([[1., 4.], [3., 2.]])
    >>> x.min()
    tensor(1.)
    >>> x.min(1).values
    tensor([1., 2.])
    """
    return _extreme("min", ops.minimum, min_of_all, min_along_dim, input, dim, keepdim, other)


def _nonempty_samples_over_dims(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4))
    yield Sample(make(3, 4), 0)
    yield Sample(make(2, 3, 4), (0, -1))
    yield Sample(make(2, 3, 4), -2, True)
    yield Sample(make(3, 2).mT, 1)
    yield Sample(make())
    yield Sample(make(2, 0, 3), 0)
    yield Sample(make(2, 1, 3, 2, 2), (1, 3))
    yield Sample(make(3, 3, 3), 1)
    yield Sample(make(2, 2, 2, 2, 2), (0, 3))
    yield sampling.values_only(make(2, 0, 3), (0, 2), True)
    yield sampling.values_only(make.values(3, 129, 2), 1)
    yield from samples_around_blocks(make)


@op(
    dtypes=Accepts(REAL_AND_BOOL, unsupported="max_values_cpu", takes_nothing=True),
    vjp=lambda grad, input, out, dim, keepdim: _shared_gradient(grad, input, out, dim, keepdim),
    jvp=lambda tangent, input, out, dim, keepdim: _shared_tangent(tangent, input, out, dim, keepdim),
    check=lambda input, dim, keepdim: _check_some("amax", input, dim),
    samples=_nonempty_samples_over_dims,
    out=Out(
        "Expected the dtype for input and out to match, but got {result} for input's dtype and {out} for out's dtype."
    ),
    shows=Shows(dims="empty for all"),
)
def amax(backend: Backend, input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """The largest element, over all or several dimensions; equal ones share the gradient evenly.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1., 4.], [3., 2.]]).amax((0, 1))
    tensor(4.)
    """
    return backend.max(input, axis=axis_of(dim, input), keepdims=keepdim)


@op(
    dtypes=Accepts(REAL_AND_BOOL, unsupported="min_values_cpu", takes_nothing=True),
    vjp=lambda grad, input, out, dim, keepdim: _shared_gradient(grad, input, out, dim, keepdim),
    jvp=lambda tangent, input, out, dim, keepdim: _shared_tangent(tangent, input, out, dim, keepdim),
    check=lambda input, dim, keepdim: _check_some("amin", input, dim),
    samples=_nonempty_samples_over_dims,
    out=Out(
        "Expected the dtype for input and out to match, but got {result} for input's dtype and {out} for out's dtype."
    ),
    shows=Shows(dims="empty for all"),
)
def amin(backend: Backend, input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """The smallest element, over all or several dimensions; equal ones share the gradient evenly.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1., 4.], [3., 2.]]).amin(0)
    tensor([1., 2.])
    """
    return backend.min(input, axis=axis_of(dim, input), keepdims=keepdim)


def _aminmax_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))
    yield Sample(make(4))
    yield Sample(make(2, 3), dim=1)
    yield Sample(make(2, 3, 2), dim=-2, keepdim=True)
    yield Sample(make())
    yield sampling.values_only(make.values(2, sampling.block_size(make)), dim=-1)


@composite(dtypes=REAL_AND_BOOL, out=EXACT, samples=_aminmax_samples)
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinAndMax:
    """:func:`amin` and :func:`amax`, as ``min`` and ``max`` of a named tuple.

    Examples
    --------
    >>> import pullback as pb
    >>> low, high = pb.tensor([3., 1., 2.]).aminmax()
    >>> low, high
    (tensor(1.), tensor(3.))
    """
    if input.dtype.is_complex:
        raise not_implemented("aminmax_cpu", input.dtype)
    make: Callable[[Tensor, Tensor], MinAndMax] = return_type("aminmax", ("min", "max"))
    return make(amin(input, dim, keepdim), amax(input, dim, keepdim))


_INDICES = "indices are not differentiable"


def _refuse_position(name: str) -> Callable[[DType], Exception]:
    return lambda dtype: RuntimeError(f"{name}(): does not support {'complex' if dtype.is_complex else 'bool'} input")


@op(
    batching="reduction of one dim",
    dtypes=Accepts(REAL, unsupported=_refuse_position("argmax")),
    nondifferentiable=_INDICES,
    check=lambda input, dim, keepdim: _check_some("argmax", input, dim),
    samples=_extreme_samples_along_dim,
    out=EXACT,
)
def argmax(backend: Backend, input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Where the largest element lies: in the flattened tensor, or along a dimension; of equal ones, the first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1., 4.], [3., 2.]]).argmax()
    tensor(1)
    """
    axis = None if dim is None else normalize_dim(dim, input.ndim)
    return backend.argmax(input, axis=axis if input.ndim else None, keepdims=keepdim)


@op(
    batching="reduction of one dim",
    dtypes=Accepts(REAL, unsupported=_refuse_position("argmin")),
    nondifferentiable=_INDICES,
    check=lambda input, dim, keepdim: _check_some("argmin", input, dim),
    samples=_extreme_samples_along_dim,
    out=EXACT,
)
def argmin(backend: Backend, input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Where the smallest element lies: in the flattened tensor, or along a dimension; of equal ones, the first.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1., 4.], [3., 2.]]).argmin(0)
    tensor([0, 1])
    """
    axis = None if dim is None else normalize_dim(dim, input.ndim)
    return backend.argmin(input, axis=axis if input.ndim else None, keepdims=keepdim)


# -- median -----------------------------------------------------------------------------------------------------------


@op(
    dtypes=Accepts(REAL, unsupported="median_out"),
    node="MedianBackward1",
    outputs=Outputs("values", "indices", differentiable=("values",)),
    vjp=lambda grad, indices, input_shape, dim, keepdim: _selected_gradient(grad, indices, input_shape, dim, keepdim),
    jvp=lambda tangent, indices, dim, keepdim: _selected_tangent(tangent, indices, dim, keepdim),
    check=lambda input, dim, keepdim: _check_some("median", input, dim),
    samples=_extreme_samples_along_dim,
    method=False,
    namespace=None,
    shows=Shows(sizes=("input",)),
)
def median_along_dim(backend: Backend, input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """:func:`median` along a dimension, and where each lies."""
    if not input.ndim:
        return backend.copy(input), _zero_index(backend)
    axis = normalize_dim(dim, input.ndim)
    order = backend.argsort(input, axis=axis)
    key: list[Any] = [slice(None)] * input.ndim
    key[axis] = slice((input.shape[axis] - 1) // 2, (input.shape[axis] + 1) // 2)
    indices = backend.getitem(order, tuple(key))
    if backend.dtypes[input.dtype].is_floating_point:
        undefined = backend.isnan(input)
        first = backend.argmax(undefined, axis=axis, keepdims=True)
        indices = backend.where(backend.any(undefined, axis=axis, keepdims=True), first, indices)
    values = backend.take_along_axis(input, indices, axis)
    return (values, indices) if keepdim else (backend.squeeze(values, axis), backend.squeeze(indices, axis))


def _median_of_all(backend: Backend, x: Array) -> Array:
    flat = backend.reshape(x, (-1,))
    count = flat.shape[0]
    ordered = backend.sort(flat, axis=0)  # NaN comes last
    last = backend.getitem(ordered, count - 1)
    middle = backend.getitem(ordered, (count - 1) // 2)
    return backend.copy(backend.where(backend.not_equal(last, last), last, middle))


@op(
    batching="extreme of all",
    dtypes=Accepts(REAL, unsupported="median_cpu", takes_nothing=True),
    node="MedianBackward0",
    vjp=lambda grad, input, out: _shared_gradient(grad, input, out, None, False),
    jvp=lambda tangent, input, out: _shared_tangent(tangent, input, out, None, False),
    samples=_extreme_samples,
    method=False,
    namespace=None,
)
def median_of_all(backend: Backend, input: Array) -> Array:
    """:func:`median` of all elements; NaN where there are none."""
    if 0 in input.shape:
        return _undefined(backend, input)
    return _median_of_all(backend, input)


@overload
def median(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...


@overload
def median(input: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...


@composite(dtypes=REAL, samples=_median_samples, out=EXACT)
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The element in the middle of the order, the lower one of two; along a dimension, those and their indices.

    NaN where one of the elements is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([3., 1., 2., 4.]).median()
    tensor(2.)
    """
    if dim is None:
        return median_of_all(input)
    return return_type("median", ("values", "indices"))(*median_along_dim(input, dim, keepdim))


def _undefined(backend: Backend, like: Array) -> Array:
    """What stands for the element in the middle of none: NaN, True or the least integer, as PyTorch converts NaN."""
    native = backend.dtypes[like.dtype]
    value = True if native is dtypes.bool_ else math.nan if native.category >= dtypes.FLOATING else iinfo(native).min
    return backend.full((), value, dtype=like.dtype)

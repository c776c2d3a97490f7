"""``x[...]`` and ``x[...] = y``: what an index means, and gathering and writing elements at positions.

Integers, slices, None and Ellipsis are view operations (:mod:`pullback.ops.shape.slicing`); tensors, lists and NumPy
arrays as indices gather elements into a new tensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Literal, overload

from pullback import ops
from pullback.autograd.gradient_accumulation import sum_to_size
from pullback.dispatch import sampling
from pullback.dispatch.arguments import class_name
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, attach, composite, in_namespace, op
from pullback.dispatch.declaration_values import Inplace, Shows, Unsampled
from pullback.dispatch.inplace import apply_inplace, check_writable
from pullback.dispatch.methods import attach_method
from pullback.dispatch.numbers import fitted, python_number
from pullback.dispatch.out_rules import Out
from pullback.dispatch.overwriting import overwrite, overwrites
from pullback.meta import dtypes
from pullback.ops.indexing.checks import refuse_overlap
from pullback.ops.indexing.keys import bounds, is_integer, parsed, selected
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.indices import Positions, check_mask_shape, check_values, located, refused
from pullback.tensor.rebasing import zero_part
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_MASKS = frozenset({dtypes.bool_, dtypes.uint8})


# -- tensors as indices -----------------------------------------------------------------------------------------------


def _index_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4, 3), Positions([make.integers(5, low=0, high=4)]))
    yield Sample(make(4, 3), Positions([None, make.integers(2, 2, low=0, high=3)]))
    yield Sample(make(4, 3), Positions([make.integers(3, low=-4, high=4), make.integers(2, 1, low=0, high=3)]))
    yield Sample(make(3, 2, 3), Positions([make.integers(2, low=0, high=3), None, make.integers(2, low=0, high=3)]))
    yield Sample(make(4), Positions([make.integers(0, low=0, high=4)]))
    yield Sample(make(4, 3), Positions([make.positions([-1, 0, -4, -1, 3, -1])]))
    yield Sample(make(3, 2), Positions([make.mask(3, 2)]))
    yield Sample(make(2, 3, 2), Positions([None, make.mask(3), make.positions([-1])]))
    yield Sample(make(3, 3), Positions([make.positions([2, 0, 1]), make.positions([0, 2, 0])]))
    yield Sample(make(2, 3, 2), Positions([make.mask(2, 3), make.positions([1])]))
    yield Sample(make(3, 2), Positions([make.integers(2, 0, low=0, high=3)]))
    yield Sample(make(2, 2, 3, 2), Positions([None, make.positions([1, 1]), make.positions([[2], [-3]])]))
    yield Sample(make(0, 3), Positions([None, make.positions([2, 2])]))
    yield sampling.values_only(
        make.values(70, 2), Positions([make.integers(sampling.block_size(make), low=-70, high=70)])
    )


@op(
    batching="index",
    linear=True,
    vjp=lambda grad, input_shape, indices: add_at(zeros_of(grad, input_shape), grad, indices),
    method=False,
    samples=_index_samples,
    namespace=None,
    shows=Shows(sizes=("input",)),
    accuracy="exact",
)
def index(backend: Backend, input: Array, indices: Positions) -> Array:
    """The elements at the given positions; what a tensor as index does."""
    key = indices.native()
    axis = len(key) - 1
    last = indices.parts[axis]
    try:
        if last is not None and all(part is None for part in indices.parts[:-1]):
            array = last.array
            if last.dtype is dtypes.bool_:  # its positions, where the dimensions it covers are one
                shape, ndim = input.shape, len(array.shape)
                input = backend.reshape(input, (*shape[:axis], prod(array.shape), *shape[axis + ndim :]))
                (array,) = backend.nonzero(backend.reshape(array, (-1,)))
            return backend.take(input, array, axis=axis)
        found = backend.getitem(input, key)
    except IndexError:
        shape = refused(backend, input, key)
        return backend.zeros(shape, dtype=input.dtype, device=backend.device_of(input))
    # A library may lay the elements out in another order: here a result is row-major.
    return found if backend.is_contiguous(found) else backend.copy(found)


def add_at(zeros: Tensor, values: Tensor, indices: Positions) -> Tensor:
    """``values`` added at the positions of zeros that nobody else has."""
    return overwrite("index_put", zeros, values, indices, True)  # type: ignore[no-any-return]


def _index_put_samples(make: Any) -> Iterator[Sample]:
    for sample in _index_samples(make):
        input, positions = sample.args
        part = index(input, positions)
        yield Sample(input, make(*part.shape), positions, True)
    yield Sample(make(4, 3), make(2, 3), Positions([make.integers(2, low=0, high=4)]), True)
    yield Sample(make(4, 3), make(), Positions([make.integers(1, low=0, high=4)]))
    yield Sample(make(4), make(4), Positions([make.positions([1, 1, -3, 1])]), True)
    yield sampling.values_only(
        sampling.whole(make, 70), sampling.whole(make, 129), Positions([make.integers(129, low=0, high=70)]), True
    )


@op(
    batching="index put",
    name="index_put",
    vjp={
        "input": lambda grad, indices, accumulate: grad if accumulate else put_elements(grad, _zero(grad), indices),
        "values": lambda grad, values_shape, indices: sum_to_size(index(grad, indices), tuple(values_shape)),
    },
    jvp={
        "input": "vjp",
        "values": lambda tangent, input_shape, indices, accumulate: put_elements(
            zeros_of(tangent, input_shape), tangent, indices, accumulate
        ),
    },
    method=False,
    samples=_index_put_samples,
    namespace=None,
    inplace=Inplace(refused_by="name", method=False),
    accuracy="sum",
)
def put_elements(backend: Backend, input: Array, values: Array, indices: Positions, accumulate: bool = False) -> Array:
    """A copy of the tensor with ``values`` at the given positions, or added there.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).index_put((pb.tensor([0, 2]),), pb.tensor([1., 2.]))
    tensor([1., 0., 2.])
    """
    return _put(backend, backend.index_put, input, values, indices, accumulate)


@overwrites("index_put")
def _put_into(backend: Backend, input: Array, values: Array, indices: Positions, accumulate: bool = False) -> Array:
    return _put(backend, backend.index_put_into, input, values, indices, accumulate)


def _put(backend: Backend, put: Any, input: Array, values: Array, indices: Positions, accumulate: bool) -> Array:
    key = indices.native()
    if not key:
        check_values(backend, input, values, input.shape)
        whole = backend.broadcast_to(values, input.shape)
        return put(input, ..., backend.add(input, whole) if accumulate else whole, False)
    if values.dtype != input.dtype or len(values.shape) > indices.ndim_of_result(len(input.shape)):
        refused(backend, input, key, values)
    try:
        return put(input, key, values, accumulate)
    except (IndexError, ValueError, TypeError):
        if 0 in refused(backend, input, key, values):
            return input if put == backend.index_put_into else backend.copy(input)
        raise


@op(
    batching="zero part",
    name="zero_part",
    linear=True,
    vjp=lambda grad, steps, layout: _zero_part(grad, steps, layout),
    method=False,
    namespace=None,
    samples=Unsampled("it serves as a step of indexing, which is checked"),
    accuracy="exact",
)
def _zero_part(backend: Backend, input: Array, steps: Any, layout: Any) -> Array:
    """The tensor with zeros where the steps of a view's chain lead to, from a tensor of that layout."""
    return zero_part(backend, input, steps, layout)


def _zero(like: Tensor) -> Tensor:
    return zeros_of(like, ())


@in_namespace("pullback")
def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the tensor with ``values`` at the positions ``indices``, or added there.

    Parameters
    ----------
    indices : sequence of Tensor
        One for each leading dimension; they broadcast against each other.
    accumulate : bool
        Add; several values for one position add up. Otherwise one of them stays.

    Raises
    ------
    IndexError
        If a position is out of bounds, or there are too many.
    RuntimeError
        If dtypes or shapes don't fit.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.index_put(pb.zeros(3), (pb.tensor([0, 0, 2]),), pb.ones(3), accumulate=True)
    tensor([2., 0., 1.])
    """
    _check_index_tensors("index_put", indices, values)
    return put_elements(input, _one_value(input, indices, values, accumulate), located(indices, input), accumulate)


def _index_put_method_(self: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of :func:`index_put`."""
    _check_index_tensors("index_put_", indices, values)
    return _written(self, indices, values, accumulate)


def _check_index_tensors(name: str, indices: Any, values: Any) -> None:
    if not isinstance(indices, list | tuple):
        raise TypeError(
            f"{name}(): argument 'indices' (position 1) must be tuple of Tensors, not {type(indices).__name__}"
        )
    for number, part in enumerate(indices):
        if not isinstance(part, Tensor):
            raise TypeError(f"expected Tensor as element {number} in argument 0, but got {type(part).__name__}")
    if not isinstance(values, Tensor):
        raise TypeError(f"{name}(): argument 'values' (position 2) must be Tensor, not {type(values).__name__}")


def _fills(indices: Sequence[Tensor | None], values: Tensor, accumulate: bool) -> bool:
    """Whether a single mask gets a single value: to PyTorch that is ``masked_fill_``."""
    given = [part for part in indices if part is not None]
    return not accumulate and len(given) == 1 and given[0].dtype in _MASKS and values.numel() == 1


def _one_value(input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool) -> Tensor:
    """The values; a single one for a mask is the one case where PyTorch casts it."""
    if not _fills(indices, values, accumulate):
        return values
    given = [part for part in indices if part is not None]
    check_mask_shape(given[0], input.array.shape, len(indices) - 1)
    if given[0].dtype is dtypes.uint8:
        raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
    if values.dtype is input.dtype:
        return values
    if values.edge is None:
        return _element(fitted(values.item(), input.dtype), input).reshape(values.shape)
    return values.to(input.dtype)


def _written(view: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False) -> Tensor:
    """Write ``values`` at the positions, or add them there."""
    try:
        values = _one_value(view, indices, values, accumulate)
        if not _fills(indices, values, accumulate):
            refuse_overlap(view, values, *indices)
        positions = located(indices, view)
    except (IndexError, RuntimeError):
        check_writable(view, (values,))  # comes before what is wrong with the indices
        raise
    return apply_inplace(registry["index_put"], view, (values, positions, accumulate), {})  # type: ignore[arg-type]


attach_method("index_put", index_put)
attach_method("index_put_", _index_put_method_)


# -- x[...] -----------------------------------------------------------------------------------------------------------


@op(
    batching="any shape",
    linear=True,
    vjp=lambda grad: grad,
    view=True,
    method=False,
    namespace=None,
    samples=sampling.of_shapes((2, 3), ()),
)
def alias(backend: Backend, input: Array) -> Array:
    """The tensor as a view of itself: ``x[...]``."""
    return backend.getitem(input, ...)


def _getitem(self: Tensor, key: Any) -> Tensor:
    """The elements an index selects: a view for integers, slices, None and Ellipsis, else a copy.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([[1, 2], [3, 4]])
    >>> x[0]
    tensor([1, 2])
    >>> x[:, 1]
    tensor([2, 4])
    >>> x[x > 1]
    tensor([2, 3, 4])
    """
    kind = type(key)
    if kind is int:
        return selected(self, 0, key)
    if kind is slice:
        start, stop, step = bounds(key)
        return ops.slice_(self, 0, start, stop, step)
    if not self.array.shape and kind is not bool and is_integer(key):
        return selected(self, 0, int(key))
    view, pending = parsed(self, key)
    if pending:
        return index(view, located(pending, view))
    return alias(view) if view is self else view


def _setitem(self: Tensor, key: Any, value: Any) -> None:
    """Write ``value``, broadcast and cast, to the elements an index selects.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.zeros(2, 2)
    >>> x[0] = 1
    >>> x[x == 0] = 5
    >>> x
    tensor([[1., 1.],
            [5., 5.]])
    """
    if not isinstance(value, Tensor):
        value = _element(_assigned_number(self, value), self)
    elif value.backend is not self.backend:
        value = value.to(self.backend)
    if key is False:
        return
    kind = type(key)
    pending: list[Tensor | None] = []
    if kind is int or (not self.array.shape and kind is not bool and is_integer(key)):
        view = selected(self, 0, int(key))
    elif key is True:
        view = ops.unsqueeze(self, 0)
    elif kind is slice and not self.array.shape:
        view = ops.slice_(self, 0)  # raises
    else:
        view, pending = parsed(self, key)
    if pending:
        _written(view, pending, _without_leading_ones(value))
    elif value.array.shape == view.array.shape:
        view.copy_(value)
    elif not value.array.shape:
        view.fill_(value)
    else:
        view.copy_(_without_leading_ones(value).expand(tuple(view.array.shape)))


def _assigned_number(self: Tensor, value: Any) -> Any:
    """The value of an assignment that is no tensor, as a number that the dtype can hold."""
    number = python_number(value)
    if number is None or not (isinstance(value, int | float | complex) or is_integer(value)):
        raise TypeError(f"can't assign a {class_name(value)} to a torch.{self.dtype.tensor_type_name}")
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return number if self.dtype in _UNCHECKED else fitted(number, self.dtype)


_UNCHECKED = frozenset({dtypes.float16, dtypes.bfloat16})


def _element(number: Any, like: Tensor) -> Tensor:
    """A 0-d tensor with one number, of the dtype and on the backend of ``like``."""
    backend = like.backend
    return Tensor._wrap(constant(backend, number, like.dtype), backend)


def _without_leading_ones(value: Tensor) -> Tensor:
    """``value`` without the dimensions of size 1 it begins with."""
    shape = tuple(value.array.shape)
    extra = 0
    while extra < len(shape) and shape[extra] == 1:
        extra += 1
    return ops.reshape(value, shape[extra:]) if extra else value


attach("__getitem__", _getitem)
attach("__setitem__", _setitem)


# -- positions of what is not zero ------------------------------------------------------------------------------------


@overload
def nonzero(input: Tensor, *, as_tuple: Literal[False] = False) -> Tensor: ...


@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...


@in_namespace("pullback")
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Tensor | tuple[Tensor, ...]:
    """The positions of the elements that are not zero: a row each, or with ``as_tuple`` a vector per dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nonzero(pb.tensor([[1, 0], [0, 2]]))
    tensor([[0, 0],
            [1, 1]])
    >>> pb.nonzero(pb.tensor([0, 3]), as_tuple=True)
    (tensor([1]),)
    """
    vectors = _nonzero(ops.reshape(input, (1,)) if as_tuple and not input.ndim else input)
    return vectors if as_tuple else _as_rows(input, vectors)


def _nonzero_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))
    yield Sample(make(4))
    yield Sample(make.values(2, 3, 4))
    yield Sample(make())
    yield Sample(make(0, 3))
    yield sampling.values_only(make.values(sampling.block_size(make), 2))


@op(
    batching="refused",
    name="nonzero",
    nondifferentiable="its results are positions",
    outputs=("*",),
    method=False,
    out=Out("nonzero: Expected out tensor to have scalar type {result} but got scalar type{out}"),
    namespace=None,
    samples=_nonzero_samples,
    accuracy="exact",
)
def _nonzero(backend: Backend, input: Array) -> Sequence[Array]:
    """The positions of the elements that are not zero, a vector for each dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([0, 3, 4]).nonzero()
    tensor([[1],
            [2]])
    """
    if not input.shape:
        return []
    return list(backend.nonzero(input))


def _as_rows(input: Tensor, vectors: Sequence[Tensor]) -> Tensor:
    if vectors:
        return ops.stack(list(vectors), 1)
    count = int(bool(input.item() != 0))
    return ops.tensor([], dtype=dtypes.int64, backend=input.backend).reshape(0, 0) if not count else _empty_row(input)


def _empty_row(input: Tensor) -> Tensor:
    backend = input.backend
    return Tensor._wrap(backend.zeros((1, 0), dtype=backend.native_dtypes[dtypes.int64]), backend)


attach_method("nonzero", nonzero)


@composite(samples=_nonzero_samples, accuracy="exact")
def argwhere(input: Tensor) -> Tensor:
    """The positions of the elements that are not zero, a row for each.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.argwhere(pb.tensor([0, 3, 4]))
    tensor([[1],
            [2]])
    """
    return nonzero(input)


@composite(method=False, namespace="pullback.nn.functional", samples=sampling.integer_operand, accuracy="exact")
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A one at the position each element names, zeros elsewhere, along a new last dimension.

    Parameters
    ----------
    tensor : Tensor
        Class numbers, int64.
    num_classes : int
        The size of the new dimension; by default one more than the greatest class number.

    Raises
    ------
    RuntimeError
        For negative classes, ones that exceed ``num_classes``, or another dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.one_hot(pb.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if tensor.dtype is not dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    seen = tensor
    while seen.backend.level and seen.array.batch_dim is None:
        seen = seen.array.value
    if seen.backend.level:  # its elements may be others for each example: nobody can look at them
        if num_classes <= 0:
            raise RuntimeError(
                "When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument."
            )
    elif not tensor.numel():
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
    else:
        backend = seen.backend
        if int(backend.min(seen.array)) < 0:
            raise RuntimeError("Class values must be non-negative.")
        greatest = int(backend.max(seen.array))
        if num_classes == -1:
            num_classes = greatest + 1
        elif num_classes < 1:
            raise RuntimeError("num_classes should be positive")
        elif greatest >= num_classes:
            raise RuntimeError("Class values must be smaller than num_classes.")
    classes = ops.arange(num_classes, backend=tensor.backend)
    return (ops.unsqueeze(tensor, -1) == classes).to(dtypes.int64)

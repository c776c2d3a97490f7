"""``x[...]`` and ``x[...] = y``: what an index means, and gathering and writing elements at positions.

Integers, slices, None and Ellipsis are view operations (:mod:`pullback.ops.slicing`); tensors, lists and NumPy arrays
as indices gather elements into a new tensor.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from pullback import dtypes
from pullback.autograd.node import modified_error
from pullback.inplace import apply_inplace
from pullback.op import Array, Sample, attach, composite, op, registry
from pullback.op_general import broadcast_shape, python_number
from pullback.ops.dtype_names import c_name
from pullback.ops.methods import attach_method
from pullback.ops.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.views import version_of, zero_part

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_EVERYTHING = slice(None)
_POSITIONS = frozenset({dtypes.int32, dtypes.int64})


# -- tensors as indices -----------------------------------------------------------------------------------------------


class Positions:
    """Index tensors, one for each leading dimension; None for a dimension taken whole.

    They are no operands, as no gradient flows to them, but a backward pass must still notice that one was written in
    place since.
    """

    __slots__ = ("parts", "versions")

    def __init__(self, parts: Sequence[Tensor | None]) -> None:
        self.parts = tuple(parts)
        self.versions = tuple(map(version_of, self.parts))

    def native(self) -> tuple[Any, ...]:
        """The key for the backend's kernels.

        Raises
        ------
        RuntimeError
            If an index tensor has been written in place.
        """
        key = []
        for part, then in zip(self.parts, self.versions, strict=True):
            if part is None:
                key.append(_EVERYTHING)
                continue
            now = version_of(part)
            if now != then:
                raise modified_error(part.dtype, part.shape, part.edge, now, then)
            key.append(part.array)
        return tuple(key)


def _located(indices: Sequence[Any], input: Tensor) -> Positions:
    """Checked positions: masks become the positions of what they keep, all on the backend of ``input``."""
    parts: list[Tensor | None] = []
    shape = input.array.shape
    for index in indices:
        if index is None:
            parts.append(None)
            continue
        if not isinstance(index, Tensor):
            raise TypeError(f"expected Tensor as element {len(parts)} in argument 0, but got {type(index).__name__}")
        kind = index.dtype
        if kind is dtypes.bool_ or kind is dtypes.uint8:
            if kind is dtypes.uint8:
                import warnings

                warnings.warn(
                    "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
                    UserWarning,
                    stacklevel=4,
                )
            start = len(parts)
            for number, size in enumerate(index.array.shape):
                if start + number >= len(shape) or shape[start + number] != size:
                    raise IndexError(
                        f"The shape of the mask {list(index.array.shape)} at index {number} does not match the shape of"
                        f" the indexed tensor {list(shape)} at index {start + number}"
                    )
            parts += nonzero(_on_backend(index, input), as_tuple=True)
        elif kind in _POSITIONS:
            parts.append(_on_backend(index, input))
        else:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if len(parts) > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)} (got {len(parts)})")
    given = [tuple(part.array.shape) for part in parts if part is not None]
    if len(given) > 1:
        try:
            broadcast_shape(given)
        except RuntimeError:
            shapes = ", ".join(str(list(s)) for s in given)
            raise IndexError(
                f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
            ) from None
    return Positions(parts)


def _on_backend(index: Tensor, input: Tensor) -> Tensor:
    if index.backend is input.backend:
        return index
    raise RuntimeError(
        f"expected an index tensor on backend {input.backend.name!r}, as the tensor it indexes, but got one on"
        f" {index.backend.name!r}. Move it: .to({input.backend.name!r})"
    )


def _gathered(backend: Backend, input: Array, key: tuple[Any, ...]) -> Array:
    try:
        return backend.getitem(input, key)
    except IndexError as error:
        raise IndexError(str(error).replace(" for axis ", " for dimension ")) from None


def _index_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4, 3), Positions([make.integers(5, low=0, high=4)]))
    yield Sample(make(4, 3), Positions([None, make.integers(2, 2, low=0, high=3)]))
    yield Sample(make(4, 3), Positions([make.integers(3, low=-4, high=4), make.integers(2, 1, low=0, high=3)]))
    yield Sample(make(3, 2, 3), Positions([make.integers(2, low=0, high=3), None, make.integers(2, low=0, high=3)]))
    yield Sample(make(4), Positions([make.integers(0, low=0, high=4)]))


@op(
    linear=True,
    vjp=lambda grad, input_shape, indices: put_elements(zeros_of(grad, input_shape), grad, indices, True),
    method=False,
    samples=_index_samples,
)
def index(backend: Backend, input: Array, indices: Positions) -> Array:
    """The elements at the given positions; what a tensor as index does."""
    return _gathered(backend, input, indices.native())


def _index_put_samples(make: Any) -> Iterator[Sample]:
    for sample in _index_samples(make):
        input, positions = sample.args
        part = index(input, positions)
        yield Sample(input, make(*part.shape), positions, True)
    yield Sample(make(4, 3), make(2, 3), Positions([make.integers(2, low=0, high=4)]), True)
    yield Sample(make(4, 3), make(), Positions([make.integers(1, low=0, high=4)]))


@op(
    name="index_put",
    vjp={
        "input": lambda grad, indices, accumulate: grad if accumulate else put_elements(grad, _zero(grad), indices),
        "values": lambda grad, values_shape, indices: sum_to_size(index(grad, indices), tuple(values_shape)),
    },
    jvp={
        "input": lambda tangent, indices, accumulate: (
            tangent if accumulate else put_elements(tangent, _zero(tangent), indices)
        ),
        "values": lambda tangent, input_shape, indices, accumulate: put_elements(
            zeros_of(tangent, input_shape), tangent, indices, accumulate
        ),
    },
    method=False,
    samples=_index_put_samples,
)
def put_elements(backend: Backend, input: Array, values: Array, indices: Positions, accumulate: bool = False) -> Array:
    """A copy of the tensor with ``values`` at the given positions, or added there.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).index_put((pb.tensor([0, 2]),), pb.tensor([1., 2.]))
    tensor([1., 0., 2.])
    """
    if backend.dtypes[values.dtype] is not backend.dtypes[input.dtype]:
        names = [backend.dtypes[a.dtype].tensor_type_name.removesuffix("Tensor") for a in (input, values)]
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got {} for the destination and {} for the"
            " source.".format(*names)
        )
    key = indices.native()
    try:
        return backend.index_put(input, key, values, accumulate)
    except IndexError as error:
        raise IndexError(str(error).replace(" for axis ", " for dimension ")) from None
    except (ValueError, TypeError):
        shape = list(_gathered(backend, input, key).shape)
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of"
            f" shape {shape}"
        ) from None


@op(
    name="zero_part",
    linear=True,
    vjp=lambda grad, steps: _zero_part(grad, steps),
    method=False,
)
def _zero_part(backend: Backend, input: Array, steps: Any) -> Array:
    """The tensor with zeros where the steps of a view's chain lead to."""
    return zero_part(backend, input, steps)


def _zero(like: Tensor) -> Tensor:
    return zeros_of(like, ())


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
    return put_elements(input, values, _located(indices, input), accumulate)


def _index_put_method_(self: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of :func:`index_put`."""
    return apply_inplace(registry["index_put"], self, (values, _located(indices, self), accumulate), {})  # type: ignore[arg-type]


attach_method("index_put", index_put)
attach_method("index_put_", _index_put_method_)


# -- x[...] -----------------------------------------------------------------------------------------------------------


def _is_sequence_of_indices(key: Any) -> bool:
    """Whether a list stands for a tuple of indices: it holds something that is an index by itself but no number."""
    if not isinstance(key, list) or len(key) >= 32:
        return False
    return any(
        part is None or part is Ellipsis or isinstance(part, slice | Tensor | list | tuple | range) for part in key
    )


def _is_plain_integer(part: Any) -> bool:
    if isinstance(part, bool):
        return False
    if isinstance(part, int):
        return True
    return getattr(part, "shape", None) == () and not isinstance(part, Tensor) and hasattr(part, "__index__")


def _as_index_tensor(part: Any, input: Tensor) -> Tensor:
    """A list, range or array used as an index, as a Tensor on the backend of the tensor it indexes."""
    if isinstance(part, Tensor):
        return part
    if not hasattr(part, "__len__") or isinstance(part, dict | set | frozenset):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got"
            f" {type(part).__name__})"
        )
    if hasattr(part, "dtype"):
        made = as_tensor(part)
    else:
        if isinstance(part, range):
            part = list(part)
        made = tensor(part, backend=input.backend)
        if not made.numel():
            made = made.to(dtypes.int64)
    return made if made.backend is input.backend else made.to(input.backend)


def _consumed(part: Any) -> int:
    """How many dimensions one part of an index stands for."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    if isinstance(part, Tensor) and part.dtype in (dtypes.bool_, dtypes.uint8):
        return part.ndim
    return 1


def _truth_index(truth: bool, input: Tensor) -> Tensor:
    """What a single truth value selects of a dimension of size 1: its element, or nothing."""
    return tensor([0] if truth else [], dtype=dtypes.int64, backend=input.backend)


def _selected(input: Tensor, dim: int, index: int) -> Tensor:
    size = input.array.shape[dim]
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")
    return select(input, dim, index)


def _bounds(part: slice) -> tuple[int | None, int | None, int]:
    def bound(value: Any) -> int | None:
        if value is None or type(value) is int:
            return value
        try:
            return operator.index(value)
        except TypeError:
            raise TypeError("slice indices must be integers or None or have an __index__ method") from None

    step = bound(part.step)
    if step is not None and step <= 0:
        raise ValueError("slice step cannot be zero" if step == 0 else "step must be greater than zero")
    return bound(part.start), bound(part.stop), 1 if step is None else step


def _sliced(input: Tensor, dim: int, part: slice) -> Tensor:
    """A range of a dimension; the tensor itself where that is all of it."""
    start, stop, step = _bounds(part)
    size = input.array.shape[dim]
    if step == 1 and (start is None or start == 0 or start <= -size) and (stop is None or stop >= size):
        return input
    return slice_(input, dim, start, stop, step)


def parsed(input: Tensor, key: Any) -> tuple[Tensor, list[Tensor | None]]:
    """What an index means: a view of ``input``, and the index tensors still to apply to its dimensions.

    Raises
    ------
    IndexError
        For too many indices, one out of bounds, or something that is no index.
    """
    if not isinstance(key, tuple):
        key = tuple(key) if _is_sequence_of_indices(key) else (key,)
    parts = [
        part
        if part is None or part is Ellipsis or isinstance(part, bool | slice) or _is_plain_integer(part)
        else _as_index_tensor(part, input)
        for part in key
    ]
    used = sum(map(_consumed, parts))
    ndim = input.ndim
    if used > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    view = input
    dim = 0
    pending: list[Tensor | None] = []

    def apply_later(index: Tensor) -> None:
        pending.extend([None] * (dim - len(pending)))
        pending.append(index)

    for part in parts:
        if part is None:
            view = unsqueeze(view, dim)
            dim += 1
        elif part is Ellipsis:
            dim += ndim - used
        elif isinstance(part, bool):
            view = unsqueeze(view, dim)
            apply_later(_truth_index(part, input))
            dim += 1
        elif isinstance(part, slice):
            view = _sliced(view, dim, part)
            dim += 1
        elif not isinstance(part, Tensor):
            view = _selected(view, dim, operator.index(part))
        elif part.ndim or part.dtype.category > dtypes.INTEGER:
            apply_later(part)
            dim += max(_consumed(part), 1)
        elif part.dtype is dtypes.bool_ or part.dtype is dtypes.uint8:
            view = unsqueeze(view, dim)
            apply_later(_truth_index(bool(part.item()), input))
            dim += 1
        else:
            view = _selected(view, dim, int(part.item()))
    return view, pending


@op(linear=True, vjp=lambda grad: grad, view=True, method=False)
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
        if not self.array.shape:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert"
                " a 0-dim tensor to a number"
            )
        return _selected(self, 0, key)
    if kind is slice:
        start, stop, step = _bounds(key)
        return slice_(self, 0, start, stop, step)
    view, pending = parsed(self, key)
    if pending:
        return index(view, _located(pending, view))
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
        number = python_number(value)
        if number is None:
            raise TypeError(f"can't assign a {_type_name(value)} to a torch.{self.dtype.tensor_type_name}")
        value = number
        if isinstance(number, complex) and not self.dtype.is_complex:
            raise RuntimeError(f"value cannot be converted to type {c_name(self.dtype)} without overflow")
    if type(key) is int and not self.array.shape:
        _getitem(self, key)  # raises
    view, pending = parsed(self, key)
    if not pending:
        if isinstance(value, Tensor):
            view.copy_(_without_leading_ones(value, view.ndim))
        else:
            view.fill_(value)
        return
    positions = _located(pending, view)
    if not isinstance(value, Tensor):
        value = tensor(value, backend=view.backend).to(view.dtype)
    elif value.backend is not view.backend:
        value = value.to(view.backend)
    value = _without_leading_ones(value, view.ndim + max(p.ndim for p in positions.parts if p is not None))
    apply_inplace(registry["index_put"], view, (value, positions), {})  # type: ignore[arg-type]


def _without_leading_ones(value: Tensor, least: int) -> Tensor:
    """``value`` without the dimensions of size 1 it begins with."""
    shape = tuple(value.array.shape)
    extra = 0
    while extra < len(shape) and shape[extra] == 1:
        extra += 1
    return value if not extra or len(shape) <= 1 else reshape(value, shape[extra:])


def _type_name(value: Any) -> str:
    kind = type(value)
    return f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__


attach("__getitem__", _getitem)
attach("__setitem__", _setitem)


# -- positions of what is not zero ------------------------------------------------------------------------------------


@overload
def nonzero(input: Tensor, *, as_tuple: Literal[False] = False) -> Tensor: ...


@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...


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
    vectors = _nonzero(reshape(input, (1,)) if as_tuple and not input.ndim else input)
    return vectors if as_tuple else _as_rows(input, vectors)


@op(name="nonzero", nondifferentiable="its results are positions", outputs=("*",), method=False)
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
        return stack(list(vectors), 1)
    count = int(bool(input.item() != 0))
    return tensor([], dtype=dtypes.int64, backend=input.backend).reshape(0, 0) if not count else _empty_row(input)


def _empty_row(input: Tensor) -> Tensor:
    backend = input.backend
    return Tensor._wrap(backend.zeros((1, 0), dtype=backend.native_dtypes[dtypes.int64]), backend)


attach_method("nonzero", nonzero)


@composite()
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


@composite(method=False)
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
    if not tensor.numel():
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
    else:
        backend = tensor.backend
        if int(backend.min(tensor.array)) < 0:
            raise RuntimeError("Class values must be non-negative.")
        greatest = int(backend.max(tensor.array))
        if num_classes == -1:
            num_classes = greatest + 1
        elif num_classes < 1:
            raise RuntimeError("num_classes should be positive")
        elif greatest >= num_classes:
            raise RuntimeError("Class values must be smaller than num_classes.")
    classes = arange(num_classes, backend=tensor.backend)
    return (unsqueeze(tensor, -1) == classes).to(dtypes.int64)


from pullback.autograd.engine import sum_to_size  # noqa: E402
from pullback.ops.creation import arange, as_tensor, tensor  # noqa: E402
from pullback.ops.joining import stack  # noqa: E402
from pullback.ops.shape import reshape, unsqueeze  # noqa: E402
from pullback.ops.slicing import select, slice_  # noqa: E402

"""Reading and writing the elements that index tensors or masks name: ``gather``, ``scatter``, ``masked_fill``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import dtypes
from pullback.inplace import apply_inplace
from pullback.op import Array, Sample, composite, op, registry
from pullback.op_general import broadcast_shape, constant
from pullback.ops.dims import normalize_dim
from pullback.ops.indexing import Positions, _attach, _index_put, nonzero
from pullback.ops.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_POSITIONS = frozenset({dtypes.int32, dtypes.int64})
_EVERYTHING = slice(None)


def _inplace(name: str, self: Tensor, *arguments: Any) -> Tensor:
    return apply_inplace(registry[name], self, arguments, {})  # type: ignore[arg-type]


def _in_words(error: IndexError) -> str:
    return str(error).replace(" for axis ", " for dimension ")


def _checked_positions(backend: Backend, index: Array, name: str, expected: str = "int32/int64") -> None:
    if backend.dtypes[index.dtype] not in _POSITIONS:
        raise RuntimeError(f"{name}(): Expected dtype {expected} for index")


def _fitted(grad: Tensor, shape: Sequence[int]) -> Tensor:
    """``grad`` at the front of zeros of the given, larger shape."""
    for dim, (own, size) in enumerate(zip(grad.array.shape, shape, strict=True)):
        if own != size:
            whole = (*grad.array.shape[:dim], size, *grad.array.shape[dim + 1 :])
            grad = slice_backward(grad, whole, dim, 0, own, 1)
    return grad


# -- gather and scatter -----------------------------------------------------------------------------------------------


def _check_index_shape(index: Array, input: Array, dim: int) -> None:
    if max(len(index.shape), 1) != max(len(input.shape), 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    for d, (own, size) in enumerate(zip(index.shape, input.shape, strict=False)):
        if d != dim and own > size:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self"
                f" {list(input.shape)} apart from dimension {dim}"
            )


def _gather_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.integers(3, 2, low=0, high=3), 0)
    yield Sample(make(3, 4), make.integers(2, 6, low=0, high=4), -1)
    yield Sample(make(4), make.integers(2, low=0, high=4), 0)
    yield Sample(make(), make.integers(low=0, high=1), 0)
    yield Sample(make(4, 3).mT, make.integers(3, 2, low=0, high=4), 1)
    yield Sample(make(3, 2), make.integers(0, 2, low=0, high=3), 0)


@op(
    name="gather",
    linear=True,
    vjp={"input": lambda grad, input_shape, index, dim: _scatter_add(zeros_of(grad, input_shape), index, grad, dim)},
    method=False,
    samples=_gather_samples,
)
def _gather(backend: Backend, input: Array, index: Array, dim: int) -> Array:
    """The elements that ``index`` names along a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    _checked_positions(backend, index, "gather")
    _check_index_shape(index, input, dim)
    if not input.shape or not index.shape:
        flat = backend.take(backend.reshape(input, (-1,)), backend.reshape(index, (-1,)), axis=0)
        return backend.reshape(flat, index.shape)
    if any(own < size for d, (own, size) in enumerate(zip(index.shape, input.shape, strict=True)) if d != dim):
        key = tuple(_EVERYTHING if d == dim else slice(0, size) for d, size in enumerate(index.shape))
        input = backend.getitem(input, key)
    try:
        return backend.take_along_axis(input, index, dim)
    except IndexError as error:
        raise RuntimeError(_in_words(error)) from None


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The elements that ``index`` names along a dimension: ``out[i, j] = input[index[i, j], j]`` for ``dim=0``.

    Parameters
    ----------
    index : Tensor
        Positions, of as many dimensions as ``input``; the result has its shape.

    Raises
    ------
    RuntimeError
        If dtype or shape of ``index`` doesn't fit, or a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.gather(pb.tensor([[1, 2], [3, 4]]), 1, pb.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    return _gather(input, index, dim)


_attach("gather", gather)


def _check_scatter(backend: Backend, input: Array, index: Array, src: Array | None, dim: int) -> None:
    _checked_positions(backend, index, "scatter")
    if src is not None and backend.dtypes[src.dtype] is not backend.dtypes[input.dtype]:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not index.shape or 0 in index.shape:
        return
    same = max(len(index.shape), 1) == max(len(input.shape), 1)
    if not same or (src is not None and len(index.shape) != len(src.shape)):
        other = "src" if same else "self"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {other} tensor")
    too_large = any(
        own > size and d != dim for d, (own, size) in enumerate(zip(index.shape, input.shape, strict=False))
    )
    if too_large or (src is not None and any(o > s for o, s in zip(index.shape, src.shape, strict=True))):
        end = "" if src is None else f" and to be no larger size than src {list(src.shape)}"
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension"
            f" {dim}{end}"
        )


def _scattered(backend: Backend, input: Array, index: Array, src: Array, dim: int, reduce: str | None = None) -> Array:
    if 0 in index.shape:
        return backend.copy(input)
    try:
        return backend.scatter(input, dim, index, src, reduce)
    except IndexError as error:
        raise RuntimeError(_in_words(error)) from None


def _scatter_samples(make: Any) -> Iterator[Sample]:
    # Every position once: which of several values stays is not defined.
    yield Sample(make(2, 3), tensor_like(make, [[1, 0, 1], [0, 1, 0]]), make(2, 3), 0)
    yield Sample(make(3, 4), tensor_like(make, [[3, 1]]), make(2, 3), -1)
    yield Sample(make(4), tensor_like(make, [2, 0]), make(2), 0)
    yield Sample(make(3, 2).mT, tensor_like(make, [[2, 0]]), make(1, 2), 1)


def tensor_like(make: Any, data: Any) -> Tensor:
    """An int64 tensor with these elements, on the backend under test."""
    return tensor(data, dtype=dtypes.int64, backend=make(1).backend)


@op(
    name="scatter",
    vjp={
        "input": lambda grad, index, dim: _scatter_value(grad, index, dim, 0),
        "src": lambda grad, src_shape, index, dim: _fitted(_gather(grad, index, dim), src_shape),
    },
    jvp={
        "input": lambda tangent, index, dim: _scatter_value(tangent, index, dim, 0),
        "src": lambda tangent, input_shape, index, dim: _scatter(zeros_of(tangent, input_shape), index, tangent, dim),
    },
    method=False,
    samples=_scatter_samples,
)
def _scatter(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    """A copy of the tensor with elements of ``src`` at the positions ``index`` names along a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    _check_scatter(backend, input, index, src, dim)
    return _scattered(backend, input, index, src, dim)


def _scatter_value_samples(make: Any) -> Iterator[Sample]:
    for sample in _scatter_samples(make):
        input, index, _, dim = sample.args
        yield Sample(input, index, dim, 1.5)


@op(
    name="scatter_value",
    node="ScatterBackward1",
    vjp={"input": lambda grad, index, dim: _scatter_value(grad, index, dim, 0)},
    jvp={"input": lambda tangent, index, dim: _scatter_value(tangent, index, dim, 0)},
    method=False,
    samples=_scatter_value_samples,
)
def _scatter_value(backend: Backend, input: Array, index: Array, dim: int, value: Any) -> Array:
    """A copy of the tensor with one value at the positions ``index`` names along a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    _check_scatter(backend, input, index, None, dim)
    filled = backend.broadcast_to(constant(backend, value, backend.dtypes[input.dtype]), index.shape)
    return _scattered(backend, input, index, filled, dim)


def _scatter_add_samples(make: Any) -> Iterator[Sample]:
    yield from _scatter_samples(make)
    yield Sample(make(3, 2), make.integers(4, 2, low=0, high=3), make(4, 2), 0)


@op(
    name="scatter_add",
    vjp={
        "input": lambda grad: grad,
        "src": lambda grad, src_shape, index, dim: _fitted(_gather(grad, index, dim), src_shape),
    },
    jvp={
        "input": lambda tangent: tangent,
        "src": lambda tangent, input_shape, index, dim: _scatter_add(
            zeros_of(tangent, input_shape), index, tangent, dim
        ),
    },
    method=False,
    samples=_scatter_add_samples,
)
def _scatter_add(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    """The tensor plus elements of ``src`` at the positions ``index`` names along a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    _check_scatter(backend, input, index, src, dim)
    return _scattered(backend, input, index, src, dim, "add")


@op(
    name="scatter_multiply",
    nondifferentiable="scatter with reduce='multiply' has no derivative, as in PyTorch",
    method=False,
)
def _scatter_multiply(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    """The tensor times elements of ``src`` at the positions ``index`` names along a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    _check_scatter(backend, input, index, src, dim)
    return _scattered(backend, input, index, src, dim, "multiply")


def _scatter_call(
    input: Tensor, dim: int, index: Tensor, src: Any, value: Any, reduce: str | None
) -> tuple[str, tuple[Any, ...]]:
    """The operation that a call of ``scatter`` means, and its arguments after ``input``."""
    src = value if src is None else src
    if reduce is None:
        return ("scatter", (index, src, dim)) if isinstance(src, Tensor) else ("scatter_value", (index, dim, src))
    if not isinstance(src, Tensor):
        src = full(tuple(index.array.shape), src, dtype=input.dtype, backend=input.backend)
    if reduce == "add":
        return "scatter_add", (index, src, dim)
    if reduce != "multiply":
        raise RuntimeError("reduce argument must be either add or multiply.")
    if is_grad_enabled() and (input.requires_grad or src.requires_grad):
        raise NotImplementedError("scatter() with reduce='multiply' has no derivative: detach() its tensors first")
    return "scatter_multiply", (index, src, dim)


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """A copy with ``src`` at positions along a dimension: ``out[index[i, j], j] = src[i, j]`` for ``dim=0``.

    Parameters
    ----------
    index : Tensor
        Positions, of as many dimensions as ``input``.
    src : Tensor or number
        What to write; also given as ``value``.
    reduce : {None, "add", "multiply"}
        Combine with what is there instead.

    Raises
    ------
    RuntimeError
        If dtype or shape of ``index`` or ``src`` doesn't fit, or a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.scatter(pb.zeros(2, 2), 1, pb.tensor([[1], [0]]), 5)
    tensor([[0., 5.],
            [5., 0.]])
    """
    name, arguments = _scatter_call(input, dim, index, src, value, reduce)
    return registry[name].call(input, *arguments)  # type: ignore[no-any-return]


def _scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """In-place version of :func:`scatter`."""
    name, arguments = _scatter_call(self, dim, index, src, value, reduce)
    return _inplace(name, self, *arguments)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """The tensor plus ``src`` at positions along a dimension: ``out[index[i, j], j] += src[i, j]`` for ``dim=0``.

    Raises
    ------
    RuntimeError
        If dtype or shape of ``index`` or ``src`` doesn't fit, or a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.scatter_add(pb.zeros(2), 0, pb.tensor([0, 0, 1]), pb.ones(3))
    tensor([2., 1.])
    """
    return _scatter_add(input, index, src, dim)


def _scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place version of :func:`scatter_add`."""
    return _inplace("scatter_add", self, index, src, dim)


_attach("scatter", scatter)
_attach("scatter_", _scatter_)
_attach("scatter_add", scatter_add)
_attach("scatter_add_", _scatter_add_)


@composite()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """The elements that ``indices`` names along a dimension, the others broadcast; of all elements without ``dim``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([[3, 1], [2, 4]])
    >>> pb.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 3],
            [2, 4]])
    """
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.ndim}"
            f" dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = normalize_dim(dim, input.ndim)

    def others(shape: Sequence[int]) -> tuple[int, ...]:
        return (*shape[:dim], 1, *shape[dim + 1 :])

    shape = broadcast_shape([others(input.array.shape), others(indices.array.shape)])

    def fitted(tensor: Tensor) -> Tensor:
        return tensor.expand((*shape[:dim], tensor.array.shape[dim], *shape[dim + 1 :]))

    return gather(fitted(input), dim, fitted(indices))


# -- whole slices -----------------------------------------------------------------------------------------------------


def _key(index: Array, dim: int) -> tuple[Any, ...]:
    return (*((_EVERYTHING,) * dim), index)


def _vector(backend: Backend, index: Array, name: str) -> Array:
    if len(index.shape) > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    return index if index.shape else backend.reshape(index, (1,))


def _put_slices(
    backend: Backend, input: Array, index: Array, values: Array, dim: int, accumulate: bool = False
) -> Array:
    if not input.shape:
        flat = backend.index_put(backend.reshape(input, (1,)), (index,), backend.reshape(values, (-1,)), accumulate)
        return backend.reshape(flat, ())
    try:
        return backend.index_put(input, _key(index, dim), values, accumulate)
    except IndexError as error:
        raise RuntimeError(_in_words(error)) from None


def _index_select_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.integers(4, low=0, high=3), 0)
    yield Sample(make(3, 4), make.integers(2, low=0, high=4), -1)
    yield Sample(make(4), make.integers(low=0, high=4), 0)
    yield Sample(make(3, 2).mT, make.integers(0, low=0, high=3), 1)


@op(
    name="index_select",
    linear=True,
    vjp={"input": lambda grad, input_shape, index, dim: _index_add(zeros_of(grad, input_shape), index, grad, dim)},
    method=False,
    samples=_index_select_samples,
)
def _index_select(backend: Backend, input: Array, index: Array, dim: int) -> Array:
    """The slices at the positions ``index`` of a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    index = _vector(backend, index, "index_select")
    _checked_positions(backend, index, "index_select", "int32 or int64")
    try:
        if not input.shape:
            return backend.reshape(backend.take(backend.reshape(input, (1,)), index, axis=0), ())
        return backend.take(input, index, axis=dim)
    except IndexError:
        raise IndexError("index out of range in self") from None


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at the positions ``index`` of a dimension, in their order.

    Raises
    ------
    IndexError
        If a position is out of bounds or ``index`` is no vector.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.index_select(pb.tensor([[1, 2], [3, 4]]), 1, pb.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    return _index_select(input, index, dim)


_attach("index_select", index_select)


def _check_source(backend: Backend, input: Array, index: Array, source: Array, dim: int, name: str) -> None:
    _checked_positions(backend, index, name, "int32/int64")
    own, other = backend.dtypes[input.dtype], backend.dtypes[source.dtype]
    if own is not other:
        kinds = [kind.tensor_type_name.removesuffix("Tensor") for kind in (own, other)]
        raise RuntimeError("{}(): self ({}) and source ({}) must have the same scalar type".format(name, *kinds))
    count = index.shape[0] if index.shape else 1
    size = source.shape[dim] if source.shape else 1
    if count != size:
        if name == "index_copy_":
            raise IndexError(f"{name}(): Number of indices ({count}) should be equal to source.size(dim) ({size})")
        raise RuntimeError(
            f"{name}(): Number of indices ({count}) should be equal to source.size(dim): ({size}), for dim: {dim}"
        )


def _index_add_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.integers(4, low=0, high=3), make(4, 2), 0)
    yield Sample(make(3, 4), make.integers(2, low=0, high=4), make(3, 2), -1, alpha=2)
    yield Sample(make(4), make.integers(3, low=0, high=4), make(3), 0)


@op(
    name="index_add",
    vjp={
        "input": lambda grad: grad,
        "source": lambda grad, source_shape, index, dim, alpha: _times(
            reshape(_index_select(grad, index, dim), source_shape), alpha
        ),
    },
    jvp={
        "input": lambda tangent: tangent,
        "source": lambda tangent, input_shape, index, dim, alpha: _index_add(
            zeros_of(tangent, input_shape), index, tangent, dim, alpha=alpha
        ),
    },
    method=False,
    samples=_index_add_samples,
)
def _index_add(backend: Backend, input: Array, index: Array, source: Array, dim: int, *, alpha: float = 1) -> Array:
    """The tensor plus the slices of ``source`` at the positions ``index`` of a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    _check_source(backend, input, index, source, dim, "index_add_")
    if alpha != 1:
        source = backend.multiply(source, constant(backend, alpha, backend.dtypes[source.dtype]))
    return _put_slices(backend, input, _vector(backend, index, "index_add_"), source, dim, True)


def _times(tensor: Tensor, factor: Any) -> Tensor:
    return tensor if factor == 1 else tensor * factor


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
    return _index_add(input, index, source, dim, alpha=alpha)


def _index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """In-place version of :func:`index_add`."""
    return apply_inplace(registry["index_add"], self, (index, source, dim), {"alpha": alpha})  # type: ignore[arg-type]


_attach("index_add", index_add)
_attach("index_add_", _index_add_)


def _index_copy_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), tensor_like(make, [2, 0]), make(2, 2), 0)
    yield Sample(make(3, 4), tensor_like(make, [1]), make(3, 1), -1)


@op(
    name="index_copy",
    vjp={
        "input": lambda grad, index, dim: _index_fill(grad, index, dim, 0),
        "source": lambda grad, source_shape, index, dim: reshape(_index_select(grad, index, dim), source_shape),
    },
    jvp={
        "input": lambda tangent, index, dim: _index_fill(tangent, index, dim, 0),
        "source": lambda tangent, input_shape, index, dim: _index_copy(
            zeros_of(tangent, input_shape), index, tangent, dim
        ),
    },
    method=False,
    samples=_index_copy_samples,
)
def _index_copy(backend: Backend, input: Array, index: Array, source: Array, dim: int) -> Array:
    """The tensor with the slices of ``source`` at the positions ``index`` of a dimension."""
    dim = normalize_dim(dim, len(input.shape))
    _check_source(backend, input, index, source, dim, "index_copy_")
    return _put_slices(backend, input, _vector(backend, index, "index_copy_"), source, dim)


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
    return _inplace("index_copy", self, index, source, dim)


_attach("index_copy", index_copy)
_attach("index_copy_", _index_copy_)


def _index_fill_samples(make: Any) -> Iterator[Sample]:
    for sample in _index_select_samples(make):
        yield Sample(*sample.args, 1.5)


@op(
    name="index_fill",
    vjp={"input": lambda grad, index, dim: _index_fill(grad, index, dim, 0)},
    jvp={"input": lambda tangent, index, dim: _index_fill(tangent, index, dim, 0)},
    method=False,
    samples=_index_fill_samples,
)
def _index_fill(backend: Backend, input: Array, index: Array, dim: int, value: Any) -> Array:
    """The tensor with one number in the slices at the positions ``index`` of a dimension."""
    filled = constant(backend, value, backend.dtypes[input.dtype])
    return _filled_slices(backend, input, index, filled, dim)


def _filled_slices(backend: Backend, input: Array, index: Array, value: Array, dim: int) -> Array:
    dim = normalize_dim(dim, len(input.shape))
    _checked_positions(backend, index, "index_fill_")
    return _put_slices(backend, input, _vector(backend, index, "index_fill_"), value, dim)


def _index_fill_tensor_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), tensor_like(make, [2, 0]), make(), 0)


@op(
    name="index_fill_tensor",
    node="IndexFillBackward1",
    vjp={
        "input": lambda grad, index, dim: _index_fill(grad, index, dim, 0),
        "value": lambda grad, index, dim: _index_select(grad, index, dim).sum(),
    },
    jvp={
        "input": lambda tangent, index, dim: _index_fill(tangent, index, dim, 0),
        "value": lambda tangent, input_shape, index, dim: _index_fill_tensor(
            zeros_of(tangent, input_shape), index, tangent, dim
        ),
    },
    method=False,
    samples=_index_fill_tensor_samples,
)
def _index_fill_tensor(backend: Backend, input: Array, index: Array, value: Array, dim: int) -> Array:
    """The tensor with one element's value in the slices at the positions ``index`` of a dimension."""
    if value.shape:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with"
            f" {len(value.shape)} dimension(s)."
        )
    return _filled_slices(backend, input, index, backend.astype(value, backend.dtypes[input.dtype]), dim)


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
    return _index_fill(input, index, dim, value)


def _index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place version of :func:`index_fill`."""
    if isinstance(value, Tensor):
        return _inplace("index_fill_tensor", self, index, value, dim)
    return _inplace("index_fill", self, index, dim, value)


_attach("index_fill", index_fill)
_attach("index_fill_", _index_fill_)


# -- all elements as one vector ---------------------------------------------------------------------------------------


def _take_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), make.integers(2, 2, low=0, high=6))
    yield Sample(make(4), make.integers(low=-4, high=4))
    yield Sample(make(3, 2).mT, make.integers(3, low=0, high=6))


@op(
    linear=True,
    vjp={
        "input": lambda grad, input_shape, index: reshape(
            _index_put(zeros_of(grad, (_count(input_shape),)), grad, Positions((index,)), True), input_shape
        )
    },
    samples=_take_samples,
)
def take(backend: Backend, input: Array, index: Array) -> Array:
    """The elements at positions in the flattened tensor, in the shape of ``index``.

    Raises
    ------
    IndexError
        If a position is out of bounds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.take(pb.tensor([[1, 2], [3, 4]]), pb.tensor([0, 3]))
    tensor([1, 4])
    """
    if backend.dtypes[index.dtype] is not dtypes.int64:
        kind = backend.dtypes[index.dtype].tensor_type_name.removesuffix("Tensor")
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {kind}")
    flat = backend.reshape(input, (-1,))
    try:
        return backend.reshape(backend.take(flat, backend.reshape(index, (-1,)), axis=0), index.shape)
    except IndexError as error:
        position = str(error).partition("index ")[2].partition(" ")[0]
        raise IndexError(
            f"out of range: tried to access index {position} on a tensor of {flat.shape[0]} elements."
        ) from None


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


# -- masks ------------------------------------------------------------------------------------------------------------


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
    """The tensor with a number where ``mask`` is true."""
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
        raise RuntimeError(f"value cannot be converted to type {_c_name(input)} without overflow")
    return value


def _masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place version of :func:`masked_fill`."""
    if isinstance(value, Tensor):
        return _inplace("masked_fill_tensor", self, mask, value)
    return _inplace("masked_fill", self, mask, _fitting(self, value))


_attach("masked_fill", masked_fill)
_attach("masked_fill_", _masked_fill_)


def _kept(mask: Tensor, shape: tuple[int, ...]) -> Positions:
    """Where a mask broadcast to ``shape`` is true."""
    return Positions(nonzero(mask.expand(shape), as_tuple=True))


def _masked_select_vjp(grad: Tensor, mask: Tensor, input_shape: Sequence[int]) -> Tensor:
    shape = broadcast_shape([tuple(input_shape), tuple(mask.array.shape)])
    whole = _index_put(zeros_of(grad, shape or (1,)), grad, _kept(mask, shape))
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
    if where.shape[0] > _count(source.shape):
        raise RuntimeError("Number of elements of source < number of ones in mask")
    values = backend.getitem(backend.reshape(source, (-1,)), (slice(0, where.shape[0]),))
    return backend.reshape(backend.index_put(flat, (where,), values), shape)


def _source_gradient(grad: Tensor, shape: Sequence[int]) -> Tensor:
    return reshape(_fitted(grad, (_count(shape),)), shape)


def _masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place version of :func:`masked_scatter`."""
    return _inplace("masked_scatter", self, mask, source)


_attach("masked_scatter_", _masked_scatter_)


from pullback.autograd.engine import sum_to_size  # noqa: E402
from pullback.autograd.grad_mode import is_grad_enabled  # noqa: E402
from pullback.ops.creation import full, tensor  # noqa: E402
from pullback.ops.indexing import _c_name  # noqa: E402
from pullback.ops.shape import reshape  # noqa: E402
from pullback.ops.slicing import slice_backward  # noqa: E402

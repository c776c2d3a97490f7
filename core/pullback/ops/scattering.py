"""Writing at the positions that index tensors name: ``scatter``, ``index_add``, ``index_copy``, ``index_fill``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import dtypes
from pullback.inplace import apply_inplace
from pullback.op import Array, Sample, op, registry
from pullback.op_general import constant
from pullback.ops.dims import normalize_dim
from pullback.ops.index_checks import check_positions, dimension_message, vector_of
from pullback.ops.methods import attach_method, run_inplace
from pullback.ops.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_EVERYTHING = slice(None)


# -- elements along a dimension ---------------------------------------------------------------------------------------


def _check_scatter(backend: Backend, input: Array, index: Array, src: Array | None, dim: int) -> None:
    check_positions(backend, index, "scatter")
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
        raise RuntimeError(dimension_message(error)) from None


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
        "src": lambda grad, src_shape, index, dim: front_of_zeros(gather_elements(grad, index, dim), src_shape),
    },
    jvp={
        "input": lambda tangent, index, dim: _scatter_value(tangent, index, dim, 0),
        "src": lambda tangent, input_shape, index, dim: _scatter(zeros_of(tangent, input_shape), index, tangent, dim),
    },
    method=False,
    samples=_scatter_samples,
)
def _scatter(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    """A copy of the tensor with elements of ``src`` at the positions ``index`` names along a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).scatter(0, pb.tensor([2, 0]), pb.tensor([1., 2.]))
    tensor([2., 0., 1.])
    """
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
        "src": lambda grad, src_shape, index, dim: front_of_zeros(gather_elements(grad, index, dim), src_shape),
    },
    jvp={
        "input": lambda tangent: tangent,
        "src": lambda tangent, input_shape, index, dim: add_elements(
            zeros_of(tangent, input_shape), index, tangent, dim
        ),
    },
    method=False,
    samples=_scatter_add_samples,
)
def add_elements(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    """The tensor plus elements of ``src`` at the positions ``index`` names along a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).scatter_add(0, pb.tensor([0, 0, 2]), pb.ones(3))
    tensor([2., 0., 1.])
    """
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
    return run_inplace(name, self, *arguments)


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
    return add_elements(input, index, src, dim)


def _scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place version of :func:`scatter_add`."""
    return run_inplace("scatter_add", self, index, src, dim)


attach_method("scatter", scatter)
attach_method("scatter_", _scatter_)
attach_method("scatter_add", scatter_add)
attach_method("scatter_add_", _scatter_add_)


# -- whole slices -----------------------------------------------------------------------------------------------------


def _key(index: Array, dim: int) -> tuple[Any, ...]:
    return (*((_EVERYTHING,) * dim), index)


def _put_slices(
    backend: Backend, input: Array, index: Array, values: Array, dim: int, accumulate: bool = False
) -> Array:
    if not input.shape:
        flat = backend.index_put(backend.reshape(input, (1,)), (index,), backend.reshape(values, (-1,)), accumulate)
        return backend.reshape(flat, ())
    try:
        return backend.index_put(input, _key(index, dim), values, accumulate)
    except IndexError as error:
        raise RuntimeError(dimension_message(error)) from None


def _check_source(backend: Backend, input: Array, index: Array, source: Array, dim: int, name: str) -> None:
    check_positions(backend, index, name, "int32/int64")
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
            reshape(select_slices(grad, index, dim), source_shape), alpha
        ),
    },
    jvp={
        "input": lambda tangent: tangent,
        "source": lambda tangent, input_shape, index, dim, alpha: add_slices(
            zeros_of(tangent, input_shape), index, tangent, dim, alpha=alpha
        ),
    },
    method=False,
    samples=_index_add_samples,
)
def add_slices(backend: Backend, input: Array, index: Array, source: Array, dim: int, *, alpha: float = 1) -> Array:
    """The tensor plus the slices of ``source`` at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).index_add(0, pb.tensor([0, 0, 2]), pb.tensor([1., 2., 3.]))
    tensor([3., 0., 3.])
    """
    dim = normalize_dim(dim, len(input.shape))
    _check_source(backend, input, index, source, dim, "index_add_")
    if alpha != 1:
        source = backend.multiply(source, constant(backend, alpha, backend.dtypes[source.dtype]))
    return _put_slices(backend, input, vector_of(backend, index, "index_add_"), source, dim, True)


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
    return add_slices(input, index, source, dim, alpha=alpha)


def _index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """In-place version of :func:`index_add`."""
    return apply_inplace(registry["index_add"], self, (index, source, dim), {"alpha": alpha})  # type: ignore[arg-type]


attach_method("index_add", index_add)
attach_method("index_add_", _index_add_)


def _index_copy_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), tensor_like(make, [2, 0]), make(2, 2), 0)
    yield Sample(make(3, 4), tensor_like(make, [1]), make(3, 1), -1)


@op(
    name="index_copy",
    vjp={
        "input": lambda grad, index, dim: _index_fill(grad, index, dim, 0),
        "source": lambda grad, source_shape, index, dim: reshape(select_slices(grad, index, dim), source_shape),
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
    """The tensor with the slices of ``source`` at the positions ``index`` of a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).index_copy(0, pb.tensor([2, 0]), pb.tensor([1., 2.]))
    tensor([2., 0., 1.])
    """
    dim = normalize_dim(dim, len(input.shape))
    _check_source(backend, input, index, source, dim, "index_copy_")
    return _put_slices(backend, input, vector_of(backend, index, "index_copy_"), source, dim)


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
    for sample in index_select_samples(make):
        yield Sample(*sample.args, 1.5)


@op(
    name="index_fill",
    vjp={"input": lambda grad, index, dim: _index_fill(grad, index, dim, 0)},
    jvp={"input": lambda tangent, index, dim: _index_fill(tangent, index, dim, 0)},
    method=False,
    samples=_index_fill_samples,
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
    return _filled_slices(backend, input, index, filled, dim)


def _filled_slices(backend: Backend, input: Array, index: Array, value: Array, dim: int) -> Array:
    dim = normalize_dim(dim, len(input.shape))
    check_positions(backend, index, "index_fill_")
    return _put_slices(backend, input, vector_of(backend, index, "index_fill_"), value, dim)


def _index_fill_tensor_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 2), tensor_like(make, [2, 0]), make(), 0)


@op(
    name="index_fill_tensor",
    node="IndexFillBackward1",
    vjp={
        "input": lambda grad, index, dim: _index_fill(grad, index, dim, 0),
        "value": lambda grad, index, dim: select_slices(grad, index, dim).sum(),
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
        return run_inplace("index_fill_tensor", self, index, value, dim)
    return run_inplace("index_fill", self, index, dim, value)


attach_method("index_fill", index_fill)
attach_method("index_fill_", _index_fill_)


from pullback.autograd.grad_mode import is_grad_enabled  # noqa: E402
from pullback.ops.creation import full, tensor  # noqa: E402
from pullback.ops.gathering import gather_elements, index_select_samples, select_slices  # noqa: E402
from pullback.ops.shape import reshape  # noqa: E402
from pullback.ops.slicing import front_of_zeros  # noqa: E402

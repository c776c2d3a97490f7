"""Writing at the positions that index tensors name: ``scatter``, ``index_add``, ``index_copy``, ``index_fill``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, in_namespace, op
from pullback.dispatch.declaration_values import Inplace, Sampled
from pullback.dispatch.methods import attach_method, run_inplace
from pullback.dispatch.numbers import fitted, python_number
from pullback.dispatch.out_rules import EXACT
from pullback.dispatch.overwriting import overwrites
from pullback.meta.shapes import normalize_dim
from pullback.ops.indexing.checks import check_positions, outside
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend


# -- elements along a dimension ---------------------------------------------------------------------------------------


def check_scatter(backend: Backend, input: Array, index: Array, src: Array | None, dim: int) -> None:
    """Refuse an index, or elements to write, that do not fit the tensor."""
    check_positions(backend, index, "scatter")
    if src is not None and backend.dtypes[src.dtype] is not backend.dtypes[input.dtype]:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if 0 in index.shape:
        return
    own, whole = tuple(index.shape) or (1,), tuple(input.shape) or (1,)
    given = None if src is None else tuple(src.shape) or (1,)
    if len(own) != len(whole):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if src is not None and given is not None and len(given) != len(own):
        if src.shape and len(given) < len(own):
            normalize_dim(len(given), len(given))  # raises
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    too_large = any(n > size and d != dim for d, (n, size) in enumerate(zip(own, whole, strict=True)))
    if too_large or (given is not None and any(n > size for n, size in zip(own, given, strict=True))):
        end = "" if src is None else f" and to be no larger size than src {list(src.shape)}"
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension"
            f" {dim}{end}"
        )
    if backend.any_negative(index):
        raise RuntimeError(outside(backend, index, whole[dim], dim))


def scattered(
    backend: Backend, put: Any, input: Array, index: Array, src: Array, dim: int, reduce: str | None = None
) -> Array:
    """The tensor with elements scattered by ``put``: the backend's ``scatter`` or ``scatter_into``."""
    if 0 in index.shape:
        return input if put == backend.scatter_into else backend.copy(input)
    if not index.shape and input.shape:
        index, src = backend.reshape(index, (1,)), backend.reshape(src, (-1,))
    elif not src.shape and index.shape:
        src = backend.reshape(src, (1,))
    try:
        return put(input, dim, index, src, reduce)
    except IndexError:
        raise RuntimeError(outside(backend, index, input.shape[dim] if input.shape else 1, dim)) from None


def _scatter_samples(make: Any) -> Iterator[Sample]:
    # Every position once: which of several values stays is not defined.
    yield Sample(make(2, 3), make.positions([[1, 0, 1], [0, 1, 0]]), make(2, 3), 0)
    yield Sample(make(3, 4), make.positions([[3, 1]]), make(2, 3), -1)
    yield Sample(make(4), make.positions([2, 0]), make(2), 0)
    yield Sample(make(3, 2).mT, make.positions([[2, 0]]), make(1, 2), 1)
    yield Sample(make(2, 3, 2), make.positions([[[2, 0]], [[0, 1]]]), make(2, 1, 2), 1)
    yield Sample(make(3), make.integers(0, low=0, high=3), make(0), 0)
    yield Sample(make(), make.positions(0), make(), 0)
    yield sampling.values_only(make.values(130), make.positions(range(128, -1, -1)), make.values(129), 0)


@op(
    batching="scatter",
    name="scatter",
    vjp={
        "input": lambda grad, index, dim: scatter_number(grad, index, dim, 0),
        "src": lambda grad, src_shape, index, dim: ops.front_of_zeros(ops.gather_elements(grad, index, dim), src_shape),
    },
    jvp={
        "input": "vjp",
        "src": lambda tangent, input_shape, index, dim: _scatter(zeros_of(tangent, input_shape), index, tangent, dim),
    },
    method=False,
    samples=Sampled(_scatter_samples, distinct="index"),
    out=EXACT,
    namespace=None,
    accuracy="sum",
)
def _scatter(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    """A copy of the tensor with elements of ``src`` at the positions ``index`` names along a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).scatter(0, pb.tensor([2, 0]), pb.tensor([1., 2.]))
    tensor([2., 0., 1.])
    """
    return _written(backend, backend.scatter, input, index, src, dim)


@overwrites("scatter")
def _scatter_into(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    return _written(backend, backend.scatter_into, input, index, src, dim)


def _written(
    backend: Backend, put: Any, input: Array, index: Array, src: Array, dim: int, reduce: str | None = None
) -> Array:
    dim = normalize_dim(dim, len(input.shape))
    check_scatter(backend, input, index, src, dim)
    return scattered(backend, put, input, index, src, dim, reduce)


def _scatter_value_samples(make: Any) -> Iterator[Sample]:
    for sample in _scatter_samples(make):
        input, index, _, dim = sample.args
        yield Sample(input, index, dim, 1.5)
    yield Sample(make(3), make.positions([2, 0]), 0, 0)


@op(
    batching="scatter",
    name="scatter_value",
    node="ScatterBackward1",
    vjp={"input": lambda grad, index, dim: scatter_number(grad, index, dim, 0)},
    jvp="vjp",
    method=False,
    samples=_scatter_value_samples,
    namespace=None,
)
def scatter_number(backend: Backend, input: Array, index: Array, dim: int, value: Any) -> Array:
    """A copy of the tensor with one value at the positions ``index`` names along a dimension."""
    return _written_value(backend, backend.scatter, input, index, dim, value)


@overwrites("scatter_value")
def _scatter_value_into(backend: Backend, input: Array, index: Array, dim: int, value: Any) -> Array:
    return _written_value(backend, backend.scatter_into, input, index, dim, value)


def _written_value(backend: Backend, put: Any, input: Array, index: Array, dim: int, value: Any) -> Array:
    dim = normalize_dim(dim, len(input.shape))
    check_scatter(backend, input, index, None, dim)
    filled = backend.broadcast_to(constant(backend, value, backend.dtypes[input.dtype]), index.shape)
    return scattered(backend, put, input, index, filled, dim)


def _scatter_add_samples(make: Any) -> Iterator[Sample]:
    yield from _scatter_samples(make)
    yield Sample(make(3, 2), make.integers(4, 2, low=0, high=3), make(4, 2), 0)
    yield Sample(make(2, 3, 2), make.integers(2, 4, 2, low=0, high=3), make(2, 4, 2), 1)
    yield sampling.values_only(sampling.whole(make, 9), make.integers(257, low=0, high=9), sampling.whole(make, 257), 0)


@op(
    batching="scatter",
    name="scatter_add",
    vjp={
        "input": lambda grad: grad,
        "src": lambda grad, src_shape, index, dim: ops.front_of_zeros(ops.gather_elements(grad, index, dim), src_shape),
    },
    jvp={
        "input": "vjp",
        "src": lambda tangent, input_shape, index, dim: add_elements(
            zeros_of(tangent, input_shape), index, tangent, dim
        ),
    },
    method=False,
    samples=_scatter_add_samples,
    out=EXACT,
    namespace=None,
    inplace=Inplace(refused_by="name", method=False),
    accuracy="sum",
)
def add_elements(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    """The tensor plus elements of ``src`` at the positions ``index`` names along a dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(3).scatter_add(0, pb.tensor([0, 0, 2]), pb.ones(3))
    tensor([2., 0., 1.])
    """
    return _written(backend, backend.scatter, input, index, src, dim, "add")


@overwrites("scatter_add")
def _add_elements_into(backend: Backend, input: Array, index: Array, src: Array, dim: int) -> Array:
    return _written(backend, backend.scatter_into, input, index, src, dim, "add")


def _scatter_call(
    input: Tensor, dim: int, index: Tensor, src: Any, value: Any, reduce: str | None
) -> tuple[str, tuple[Any, ...]]:
    """The operation that a call of ``scatter`` means, and its arguments after ``input``."""
    if (src is None) == (value is None):
        given = ", ".join(type(a).__name__ for a in (dim, index, *((src,) if src is not None else ())))
        given += f", value={type(value).__name__}" if value is not None else ""
        raise TypeError(
            f"scatter() received an invalid combination of arguments - got ({given}), but expected one of:\n"
            " * (int dim, Tensor index, Tensor src)\n * (int dim, Tensor index, Number value)\n"
        )
    if isinstance(value, Tensor):
        value = value.item()
    elif src is not None and not isinstance(src, Tensor):
        value = src
    if value is not None:
        number = python_number(value)
        if number is None:
            raise TypeError(
                "scatter() received an invalid combination of arguments - got"
                f" ({type(dim).__name__}, {type(index).__name__}, {type(value).__name__}), but expected one of:\n"
                " * (int dim, Tensor index, Tensor src)\n * (int dim, Tensor index, Number value)\n"
            )
        number = fitted(number, input.dtype)
        if reduce is None:
            return "scatter_value", (index, dim, number)
        src = ops.full(tuple(index.array.shape), number, dtype=input.dtype, backend=input.backend)
    elif reduce is None:
        return "scatter", (index, src, dim)
    elif reduce in ("add", "multiply"):
        warnings.warn(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future PyTorch"
            " release. Use torch.scatter_reduce instead for more reduction options.",
            UserWarning,
            stacklevel=3,
        )
    if reduce == "add":
        return "scatter_add", (index, src, dim)
    if reduce != "multiply":
        raise RuntimeError("reduce argument must be either add or multiply.")
    return "scatter_reduce", (index, src, dim, "prod", True)


@in_namespace("pullback")
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


@in_namespace("pullback")
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

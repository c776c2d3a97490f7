"""Grids and combinations: coordinates, indices of triangles, powers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Sample, composite
from pullback.meta import dtypes
from pullback.meta.allocation import check_size
from pullback.meta.devices import Device
from pullback.meta.dtype_names import not_implemented
from pullback.meta.dtypes import DType
from pullback.meta.formats import StorageLayout
from pullback.ops.creation.filled import check_is_tensor, new_empty
from pullback.ops.shared.options import check_options, checked_dtype, checked_integer, chosen_backend, finished
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


# -- coordinates ------------------------------------------------------------------------------------------------------


def _check_tensors(tensors: tuple[Any, ...]) -> None:
    for place, value in enumerate(tensors):
        if not isinstance(value, Tensor):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(value).__name__}")


def _check_vector(vector: Tensor) -> None:
    if vector.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(vector.shape)}")


def _meshgrid_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), make(3))
    yield Sample(make(2), make(3), indexing="xy")
    yield Sample(make(2), make(1), make(3), indexing="ij")
    yield Sample(make(2), make(1), make(3), indexing="xy")
    yield Sample(make(), make(2))
    yield Sample(make(0), make(2))


@composite(method=False, samples=_meshgrid_samples, warns="required to pass the indexing argument")
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid: each vector expanded along the dimensions of the others.

    Parameters
    ----------
    indexing : {"ij", "xy"}
        Whether the first vector runs along the first dimension or along the second.

    Raises
    ------
    RuntimeError
        For no tensors, one of more than one dimension, several dtypes, or another ``indexing``.

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.meshgrid(pb.tensor([1, 2]), pb.tensor([3, 4, 5]), indexing="ij")
    >>> y
    tensor([[3, 4, 5],
            [3, 4, 5]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    _check_tensors(tensors)
    if indexing is None:
        import warnings

        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning,
            stacklevel=2,
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for vector in tensors:
        if vector.dtype is not tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    for vector in tensors:
        if vector.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {vector.ndim}D")
    count = len(tensors)
    places = (1, 0, *range(2, count)) if indexing == "xy" and count > 1 else range(count)
    shape = tuple(tensors[place].numel() for place in places)
    return tuple(
        ops.expand(vector.view((1,) * dim + (-1,) + (1,) * (count - dim - 1)), shape)
        for dim, vector in zip(places, tensors, strict=True)
    )


@composite(method=False, samples=sampling.several(((2,), (3,)), ((2,), (1,), (2,)), ((3,),), ((0,), (2,))))
def cartesian_prod(*tensors: Any) -> Tensor:
    """Every combination of one element of each vector, a row for each.

    Raises
    ------
    RuntimeError
        For no tensors, and for one that is no vector.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.cartesian_prod(pb.tensor([1, 2]), pb.tensor([3]))
    tensor([[1, 3],
            [2, 3]])
    """
    _check_tensors(tensors)
    for vector in tensors:
        _check_vector(vector)
    if len(tensors) == 1:
        return tensors[0]  # type: ignore[no-any-return]
    grids = meshgrid(*tensors, indexing="ij")
    return ops.stack([ops.reshape(grid, (-1,)) for grid in grids], 1)


def _combinations_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(4))
    yield Sample(make(3), 3)
    yield Sample(make(3), 2, True)
    yield Sample(make(2), 3)
    yield Sample(make(5), 3, True)
    yield Sample(make(3), 1)
    yield Sample(make(0), 2)


@composite(method=False, samples=_combinations_samples)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every combination of ``r`` elements of a vector, a row for each, as :mod:`itertools` orders them.

    Parameters
    ----------
    with_replacement : bool
        Whether an element may be in a combination more than once.

    Raises
    ------
    RuntimeError
        For a tensor that is no vector, or a negative ``r``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.combinations(pb.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    import itertools
    import math

    check_is_tensor("combinations", input)
    _check_vector(input)
    r = checked_integer("combinations", "r", r, 2)
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return new_empty(input, 0)
    elements = input.numel() + (r - 1 if with_replacement else 0)
    check_size((math.comb(elements, r) if elements else 0, r), 64)  # they are made as Python's integers first
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.numel()), r))
    columns = list(zip(*rows, strict=True)) or [()] * r
    place = input.device
    return ops.stack(
        [
            ops.index_select(input, 0, ops.tensor(column, dtype=dtypes.int64, device=place, backend=input.backend))
            for column in columns
        ],
        1,
    )


# -- triangles --------------------------------------------------------------------------------------------------------


def _triangle_indices(
    function: str,
    row: int,
    col: int,
    offset: int,
    dtype: Any,
    layout: Any,
    device: Any,
    pin_memory: bool,
    requires_grad: bool,
    backend: Any,
) -> Tensor:
    dtype = checked_dtype(function, dtype) or dtypes.int64
    check_options(function, device, requires_grad, layout, pin_memory)
    rows, columns = checked_integer(function, "row", row, 1), checked_integer(function, "col", col, 2)
    offset = checked_integer(function, "offset", offset, 3)
    for name, size in (("row", rows), ("col", columns)):
        if size < 0:
            raise RuntimeError(f"{name} must be non-negative, got{size}")
    if dtype not in (dtypes.int32, dtypes.int64):
        raise not_implemented(function, dtype)
    check_size((rows, columns), 1)
    check_size((max(rows, columns),), 8)
    chosen, place = chosen_backend(backend, device)
    native = chosen.native_dtype(dtypes.int64)
    down = chosen.reshape(chosen.arange(0, rows, dtype=native, device=place), (rows, 1))
    across = chosen.reshape(chosen.arange(-offset, columns - offset, dtype=native, device=place), (1, columns))
    lower = function == "tril_indices"
    inside = chosen.less_equal(across, down) if lower else chosen.greater_equal(across, down)
    found = chosen.stack(list(chosen.nonzero(inside)), axis=0)
    array = found if dtype is dtypes.int64 else chosen.astype(found, dtype)
    return finished(Tensor._wrap(array, chosen), requires_grad)


@composite(method=False, samples=sampling.indices)
def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The indices of the elements of a matrix on and below a diagonal: their rows and their columns.

    Parameters
    ----------
    row, col : int
        The shape of the matrix.
    offset : int
        Which diagonal; 0 is the main one, above it is positive.
    dtype : DType, optional
        int64 or int32.

    Raises
    ------
    RuntimeError
        For negative sizes.
    NotImplementedError
        For another dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _triangle_indices(
        "tril_indices", row, col, offset, dtype, layout, device, pin_memory, requires_grad, backend
    )


@composite(method=False, samples=sampling.indices)
def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The indices of the elements of a matrix on and above a diagonal; parameters as of :func:`tril_indices`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return _triangle_indices(
        "triu_indices", row, col, offset, dtype, layout, device, pin_memory, requires_grad, backend
    )


# -- powers -----------------------------------------------------------------------------------------------------------


def _vander_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, low=0.5))
    yield Sample(make(3, low=0.5), 4)
    yield Sample(make(2, low=0.5), 3, increasing=True)
    yield Sample(make(3, low=0.5), 1)
    yield Sample(make(0), 2)


@composite(method=False, samples=_vander_samples)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix of a vector: its columns are the vector's powers, the highest first.

    Parameters
    ----------
    N : int, optional
        How many powers; as many as elements if left out.
    increasing : bool
        The lowest power first.

    Raises
    ------
    RuntimeError
        For a tensor that is no vector, or a negative ``N``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.vander(pb.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])
    """
    check_is_tensor("vander", x, "x")
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    size = x.numel()
    count = size if N is None else checked_integer("vander", "N", N, 2)
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    dtype = dtypes.int64 if x.dtype.category < dtypes.FLOATING else x.dtype
    powers = new_empty(x, size, count, dtype=dtype)
    if count > 0:
        powers[:, 0].fill_(1)
    if count > 1:
        powers[:, 1:].copy_(ops.cumprod(ops.expand(x.to(dtype).unsqueeze(1), (size, count - 1)), 1))
    return powers if increasing else ops.flip(powers, (1,))

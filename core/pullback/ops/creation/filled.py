"""Making tensors: filled, uninitialised, like others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pullback.backend.geometry import Geometry
from pullback.dispatch import sampling
from pullback.dispatch.declaration import attach, composite
from pullback.dispatch.declaration_values import Unsampled
from pullback.dispatch.numbers import fitted
from pullback.dispatch.out_rules import MAKES
from pullback.meta.allocation import check_extent, check_size, element_count
from pullback.meta.devices import Device
from pullback.meta.dtypes import DType, dtype_of_scalar, int64, uint64
from pullback.meta.formats import (
    MemoryFormat,
    StorageLayout,
    dense_order,
    order_of_format,
    preserve_format,
    strided,
    strides_in_order,
)
from pullback.meta.shapes import Sizes
from pullback.meta.strides import contiguous_strides
from pullback.ops.shared.options import (
    arranged,
    check_options,
    checked_dtype,
    checked_integer,
    checked_number,
    checked_sequence,
    checked_shape,
    chosen_backend,
    default_dtype,
    finished,
)
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.memory import alias_of

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


_NOTHING_TO_COMPARE = Unsampled("its elements are not initialised, so there is nothing to compare")
_NEGATIVE = "zeros: Dimension size must be non-negative."


# -- of a shape -------------------------------------------------------------------------------------------------------


def _made(
    kind: str,
    shape: tuple[int, ...],
    dtype: DType,
    device: Any,
    requires_grad: bool,
    backend: Any,
    value: Any = None,
    strides: tuple[int, ...] | None = None,
) -> Tensor:
    """A tensor made by the kernel ``kind``: zeros, ones, empty or full; row-major unless dense strides are given."""
    chosen, place = chosen_backend(backend, device)
    check_size(shape, dtype.itemsize)
    native = chosen.native_dtype(dtype)
    make: Callable[..., NativeArray] = getattr(chosen, kind)

    def allocate(shape: tuple[int, ...]) -> NativeArray:
        if kind == "full":
            return make(shape, value, dtype=native, device=place)
        return make(shape, dtype=native, device=place)

    if strides is None:
        return finished(Tensor._wrap(allocate(shape), chosen), requires_grad)
    order = Geometry(dtype, shape, strides).order
    return finished(_laid_out(Tensor._wrap(arranged(allocate, chosen, shape, order), chosen), strides), requires_grad)


def _laid_out(tensor: Tensor, strides: tuple[int, ...]) -> Tensor:
    """The tensor, told these strides where its array has others: on immutable backends, and where none matter."""
    if geometry_of(tensor).strides != strides:
        alias_of(tensor).geometry = Geometry(tensor.dtype, tensor.array.shape, strides)
    return tensor


def _strides_of_format(memory_format: MemoryFormat | None, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    order = order_of_format(memory_format, len(shape))
    return None if order is None else strides_in_order(shape, order)


@composite(method=False, out=MAKES, samples=sampling.filled, accuracy="exact")
def zeros(
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of zeros of the given shape.

    Parameters
    ----------
    *sizes : int, or a sequence of int
        The shape, as ``zeros(2, 3)``, ``zeros((2, 3))`` or ``zeros(size=(2, 3))``.
    dtype : DType, optional
        The default floating dtype if left out.
    device, backend : optional
        Where to put it.
    requires_grad : bool
        Whether gradients are computed for it.
    layout, pin_memory : optional
        As in PyTorch; ``pullback.strided`` is the only layout, and no memory is pinned.

    Raises
    ------
    RuntimeError
        For negative sizes, and for gradients of an integer dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(2, dtype=pb.int64)
    tensor([0, 0])
    """
    dtype = checked_dtype("zeros", dtype)
    check_options("zeros", device, requires_grad, layout, pin_memory)
    shape = checked_shape("zeros", sizes, size, negative=_NEGATIVE)
    return _made("zeros", shape, default_dtype(dtype), device, requires_grad, backend)


@composite(method=False, out=MAKES, samples=sampling.filled, accuracy="exact")
def ones(
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of ones of the given shape; parameters as of :func:`zeros`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2, 2, requires_grad=True)
    tensor([[1., 1.],
            [1., 1.]], requires_grad=True)
    """
    dtype = checked_dtype("ones", dtype)
    check_options("ones", device, requires_grad, layout, pin_memory)
    return _made("ones", checked_shape("ones", sizes, size), default_dtype(dtype), device, requires_grad, backend)


@composite(method=False, out=MAKES, samples=_NOTHING_TO_COMPARE, accuracy="exact")
def empty(
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    memory_format: MemoryFormat | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of the given shape whose elements are whatever the memory holds; parameters as of :func:`zeros`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty(2, 3).shape
    torch.Size([2, 3])
    """
    dtype = checked_dtype("empty", dtype)
    check_options("empty", device, requires_grad, layout, pin_memory, memory_format)
    shape = checked_shape("empty", sizes, size)
    strides = _strides_of_format(memory_format, shape)
    return _made("empty", shape, default_dtype(dtype), device, requires_grad, backend, strides=strides)


@composite(method=False, samples=_NOTHING_TO_COMPARE, accuracy="exact")
def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of the given shape whose elements lie ``stride`` elements apart in memory, and are whatever that holds.

    Raises
    ------
    RuntimeError
        For negative sizes or strides, or another number of strides than of sizes.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    dtype = checked_dtype("empty_strided", dtype)
    check_options("empty_strided", device, requires_grad, layout, pin_memory)
    shape = checked_sequence("empty_strided", "size", size, 1)
    strides = checked_sequence("empty_strided", "stride", stride, 2)
    return _strided(shape, strides, default_dtype(dtype), device, requires_grad, backend)


def _strided(
    shape: tuple[int, ...], strides: tuple[int, ...], dtype: DType, device: Any, requires_grad: bool, backend: Any
) -> Tensor:
    if len(shape) != len(strides):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(strides)})"
        )
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    if strides and min(strides) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(strides)}")
    geometry = Geometry(dtype, shape, strides)
    check_extent(geometry)
    if geometry.is_dense:
        own = None if strides == contiguous_strides(shape) else strides
        return _made("empty", shape, dtype, device, requires_grad, backend, strides=own)
    memory = _made("empty", (geometry.extent,), dtype, device, False, backend)
    if memory.backend.mutable:
        array = memory.backend.as_strided(memory.array, shape, strides, 0)
        return finished(_laid_out(Tensor._wrap(array, memory.backend), strides), requires_grad)
    return finished(memory.as_strided(shape, strides).detach(), requires_grad)


@composite(method=False, samples=_NOTHING_TO_COMPARE, accuracy="exact")
def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of the given shape with its dimensions in memory in another order; its elements are whatever that holds.

    Parameters
    ----------
    size : sequence of int
        The shape.
    physical_layout : sequence of int
        The dimensions in their order in memory, that with the longest stride first.

    Raises
    ------
    RuntimeError
        Where ``physical_layout`` is no permutation of the dimensions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty_permuted((2, 3, 5), (0, 2, 1)).stride()
    (15, 1, 3)
    """
    dtype = checked_dtype("empty_permuted", dtype)
    check_options("empty_permuted", device, requires_grad, layout, pin_memory)
    shape = checked_sequence("empty_permuted", "size", size, 1)
    order = checked_sequence("empty_permuted", "physical_layout", physical_layout, 2)
    if len(shape) != len(order):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) ="
            f" {len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    for place, dim in enumerate(order):
        if not 0 <= dim < len(shape):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {dim} at index"
                f" {place})."
                "  NB: negative dims not currently supported; file an issue if you want it."
            )
        if dim in order[:place]:
            raise RuntimeError("Duplicate dim not allowed")
    if shape and min(shape) < 0:
        permuted = [shape[dim] for dim in order]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {permuted}")
    strides = strides_in_order(shape, order)
    return _made("empty", shape, default_dtype(dtype), device, requires_grad, backend, strides=strides)


@composite(method=False, out=MAKES, samples=sampling.full, accuracy="exact")
def full(
    size: Sizes,
    fill_value: Any,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of the given shape filled with one value, whose dtype it takes unless another is given.

    Raises
    ------
    TypeError
        For a value that is no number.
    RuntimeError
        For a value that the dtype cannot hold.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.full((2,), 3)
    tensor([3, 3])
    """
    dtype = checked_dtype("full", dtype)
    check_options("full", device, requires_grad, layout, pin_memory)
    shape = checked_shape("full", (size,), whole=True)
    value = checked_number("full", "fill_value", fill_value, 2)
    if dtype is None:
        dtype = dtype_of_scalar(value)
        if dtype is uint64:
            dtype = int64  # which the number does not fit
    return _made("full", shape, dtype, device, requires_grad, backend, fitted(value, dtype))


@composite(method=False, samples=sampling.scalar, accuracy="exact")
def scalar_tensor(
    s: Any,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A 0-d tensor of the default floating dtype, unless another is given, with one number.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.scalar_tensor(3)
    tensor(3.)
    """
    dtype = default_dtype(checked_dtype("scalar_tensor", dtype))
    check_options("scalar_tensor", device, requires_grad, layout, pin_memory)
    value = fitted(checked_number("scalar_tensor", "s", s, 1), dtype)
    return _made("full", (), dtype, device, requires_grad, backend, value)


@composite(method=False, out=MAKES, samples=sampling.eye, accuracy="exact")
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Ones on the diagonal of an ``n`` by ``m`` (default ``n``) matrix, zeros elsewhere.

    Raises
    ------
    RuntimeError
        For negative sizes.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    dtype = default_dtype(checked_dtype("eye", dtype))
    check_options("eye", device, requires_grad, layout, pin_memory)
    rows = checked_integer("eye", "n", n, 1)
    columns = rows if m is None else checked_integer("eye", "m", m, 2)
    for name, size in (("n", rows), ("m", columns)):
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    element_count((rows, columns))
    check_size((rows, columns), dtype.itemsize)
    chosen, place = chosen_backend(backend, device)
    array = chosen.eye(rows, columns, dtype=chosen.native_dtype(dtype), device=place)
    return finished(Tensor._wrap(array, chosen), requires_grad)


# -- like another tensor ----------------------------------------------------------------------------------------------


def _strides_like(input: Tensor, memory_format: MemoryFormat | None) -> tuple[int, ...] | None:
    """The strides of a tensor like ``input``: its own if it is dense, else in their order; None for row-major."""
    shape = tuple(input.array.shape)
    if memory_format is not None and memory_format is not preserve_format:
        return _strides_of_format(memory_format, shape)
    if input.alias is None and input.backend.is_contiguous(input.array):
        return None

    geometry = geometry_of(input)
    if geometry.strides == contiguous_strides(shape):
        return None
    return geometry.strides if geometry.is_dense else strides_in_order(shape, dense_order(shape, geometry.strides))


def with_strides_like(tensor: Tensor, input: Tensor, memory_format: MemoryFormat | None) -> Tensor:
    """A fresh row-major tensor's elements, laid out in memory as ``input`` or in the format."""
    strides = _strides_like(input, memory_format)
    if strides is None:
        return tensor
    shape, backend = tuple(tensor.array.shape), tensor.backend
    if backend.mutable:
        order = Geometry(tensor.dtype, shape, strides).order
        moved = arranged(
            lambda s: backend.empty(s, dtype=tensor.array.dtype, device=tensor.device), backend, shape, order
        )
        backend.assign(moved, tensor.array)
        tensor = Tensor._wrap(moved, backend)
    return _laid_out(tensor, strides)


def _like(
    kind: str,
    input: Tensor,
    dtype: Any,
    layout: Any,
    device: Any,
    pin_memory: bool,
    requires_grad: bool,
    memory_format: Any,
    backend: Any,
    value: Any = None,
) -> Tensor:
    function = f"{kind}_like"
    check_is_tensor(function, input)
    dtype = checked_dtype(function, dtype) or input.dtype
    check_options(function, device, requires_grad, layout, pin_memory, memory_format)
    if kind == "full":
        value = fitted(checked_number(function, "fill_value", value, 2), dtype)
    if backend is None and device is None:
        backend, device = input.backend, input.device
    shape = tuple(input.array.shape)
    return _made(kind, shape, dtype, device, requires_grad, backend, value, _strides_like(input, memory_format))


def check_is_tensor(function: str, input: Any, name: str = "input", position: int = 1) -> None:
    """Refuse what is no Tensor."""
    if not isinstance(input, Tensor):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(input).__name__}"
        )


@composite(method=False, samples=sampling.like, accuracy="exact")
def zeros_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """Zeros of the shape, dtype, backend and device of ``input``.

    Parameters
    ----------
    memory_format : optional
        By default the dimensions lie in memory in the same order as those of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros_like(pb.tensor([3, 4]))
    tensor([0, 0])
    """
    return _like("zeros", input, dtype, layout, device, pin_memory, requires_grad, memory_format, backend)


@composite(method=False, samples=sampling.like, accuracy="exact")
def ones_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """Ones of the shape, dtype, backend and device of ``input``; parameters as of :func:`zeros_like`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones_like(pb.tensor([3, 4]))
    tensor([1, 1])
    """
    return _like("ones", input, dtype, layout, device, pin_memory, requires_grad, memory_format, backend)


@composite(method=False, samples=_NOTHING_TO_COMPARE, accuracy="exact")
def empty_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """An uninitialised tensor of the shape, dtype and place of ``input``; parameters as of :func:`zeros_like`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty_like(pb.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    return _like("empty", input, dtype, layout, device, pin_memory, requires_grad, memory_format, backend)


@composite(method=False, samples=sampling.full_like, accuracy="exact")
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor filled with one value, of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.full_like(pb.ones(2), 7.)
    tensor([7., 7.])
    """
    return _like("full", input, dtype, layout, device, pin_memory, requires_grad, memory_format, backend, fill_value)


# -- of another shape -------------------------------------------------------------------------------------------------


def _new(
    kind: str,
    input: Tensor,
    sizes: tuple[Any, ...],
    size: Any,
    dtype: Any,
    layout: Any,
    device: Any,
    pin_memory: bool,
    requires_grad: bool,
    backend: Any,
    value: Any = None,
) -> Tensor:
    function = f"new_{kind}"
    dtype = checked_dtype(function, dtype) or input.dtype
    check_options(function, device, requires_grad, layout, pin_memory)
    shape = checked_shape(function, sizes, size, whole=kind == "full")
    if kind == "full":
        value = fitted(checked_number(function, "fill_value", value, 2), dtype)
    if backend is None and device is None:
        backend, device = input.backend, input.device
    return _made(kind, shape, dtype, device, requires_grad, backend, value)


@composite(namespace=None, samples=sampling.new_shape, accuracy="exact")
def new_zeros(
    input: Tensor,
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Zeros of the given shape, with dtype and backend of ``input``."""
    return _new("zeros", input, sizes, size, dtype, layout, device, pin_memory, requires_grad, backend)


@composite(namespace=None, samples=sampling.new_shape, accuracy="exact")
def new_ones(
    input: Tensor,
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Ones of the given shape, with dtype and backend of ``input``."""
    return _new("ones", input, sizes, size, dtype, layout, device, pin_memory, requires_grad, backend)


@composite(namespace=None, samples=_NOTHING_TO_COMPARE, accuracy="exact")
def new_empty(
    input: Tensor,
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """An uninitialised tensor of the given shape, with dtype and backend of ``input``."""
    return _new("empty", input, sizes, size, dtype, layout, device, pin_memory, requires_grad, backend)


@composite(namespace=None, samples=_NOTHING_TO_COMPARE, accuracy="exact")
def new_empty_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """An uninitialised tensor of the given shape and strides, with dtype and backend of ``input``."""
    dtype = checked_dtype("new_empty_strided", dtype) or input.dtype
    check_options("new_empty_strided", device, requires_grad, layout, pin_memory)
    shape = checked_sequence("new_empty_strided", "size", size, 1)
    strides = checked_sequence("new_empty_strided", "stride", stride, 2)
    if backend is None and device is None:
        backend, device = input.backend, input.device
    return _strided(shape, strides, dtype, device, requires_grad, backend)


@composite(namespace=None, samples=sampling.new_full, accuracy="exact")
def new_full(
    input: Tensor,
    size: Sizes,
    fill_value: Any,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of the given shape filled with one value, with dtype and backend of ``input``."""
    return _new("full", input, (size,), None, dtype, layout, device, pin_memory, requires_grad, backend, fill_value)


def _get_layout(self: Tensor) -> StorageLayout:
    """How the tensor is stored: ``pullback.strided``, as there is no other way."""
    return strided


attach("layout", property(_get_layout))

"""Making tensors: from data, filled, like others."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeVar

from pullback import dtypes
from pullback.backend.selection import backend_for_device, backend_of_array, current_backend, get_backend
from pullback.devices import Device
from pullback.dtypes import DType, dtype_of_scalar, get_default_dtype, promote_types
from pullback.op import composite
from pullback.ops.dims import Sizes, as_shape
from pullback.tensor import LEAF, Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


T = TypeVar("T", bound=Tensor)


def chosen_backend(backend: str | Backend | None, device: Device | str | None) -> tuple[Backend, Device | None]:
    """The backend and device a creation function uses, from its ``backend=`` and ``device=`` arguments."""
    place = device if isinstance(device, Device) or device is None else Device(device)
    if backend is not None:
        return get_backend(backend), place
    if place is not None:
        return backend_for_device(place), place
    return current_backend(), None


def finished(tensor: Tensor, requires_grad: bool) -> Tensor:
    """A fresh tensor as the creation function returns it."""
    if requires_grad:
        if tensor.dtype.category < dtypes.FLOATING:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        tensor.edge = LEAF
    return tensor


def checked_dtype(function: str, dtype: Any) -> None:
    """Raise PyTorch's TypeError where ``dtype`` is given and is no dtype."""
    if dtype is not None and not isinstance(dtype, DType):
        raise TypeError(f"{function}(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")


def infer_dtype(data: Any) -> DType:
    """The dtype of nested sequences of numbers, as PyTorch infers it."""
    if isinstance(data, bool | int | float | complex):
        return dtype_of_scalar(data)
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, list | tuple):
        if not data:
            return get_default_dtype()
        found = infer_dtype(data[0])
        for item in data[1:]:
            other = infer_dtype(item)
            if other is not found:
                found = promote_types(found, other)
        return found
    if hasattr(data, "item") and getattr(data, "shape", None) == ():
        native = getattr(data, "dtype", None)
        named = dtypes.by_name.get(str(native))
        return named if named is not None else infer_dtype(data.item())
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str'")
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _check_rectangular(data: Any) -> tuple[int, ...]:
    """The shape of nested sequences.

    Raises
    ------
    ValueError
        If sequences of one depth differ in length.
    """
    shape: list[int] = []
    level = [data]
    while level and isinstance(level[0], list | tuple):
        length = len(level[0])
        for item in level:
            if not isinstance(item, list | tuple):
                raise TypeError(f"not a sequence at dim {len(shape)}: got {type(item).__name__}")
            if len(item) != length:
                raise ValueError(f"expected sequence of length {length} at dim {len(shape)} (got {len(item)})")
        shape.append(length)
        level = [inner for item in level for inner in item]
    for item in level:
        if isinstance(item, list | tuple):
            raise ValueError(f"expected a number at dim {len(shape)}, got a sequence of length {len(item)}")
    return tuple(shape)


def _plain(data: Any) -> Any:
    """Nested sequences with each Tensor and NumPy scalar in them replaced by its Python numbers."""
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    if isinstance(data, Tensor):
        return data.tolist()
    return data.item() if hasattr(data, "item") else data


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A new tensor with a copy of ``data``: a number, nested sequences of numbers, or an array.

    Parameters
    ----------
    dtype : DType, optional
        By default inferred: bool, int64, the default floating dtype or its complex form; an array's own.
    device, backend : optional
        Where to put it; by default the backend of ``data`` if that is an array, else the selected one.
    requires_grad : bool
        Whether gradients are computed for it.

    Raises
    ------
    ValueError
        For sequences of unequal lengths.
    TypeError, RuntimeError
        For data that is no number.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> pb.tensor([1., 2.], requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    checked_dtype("tensor", dtype)
    if isinstance(data, Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or"
            " sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
        copied = data.detach().clone()
        return finished(_converted(copied, dtype, device, backend), requires_grad)
    own = backend_of_array(data) if hasattr(data, "dtype") and hasattr(data, "shape") else None
    if own is not None:
        copied = Tensor._wrap(own.copy(data), own)
        if backend is None and device is None:
            target: Any = own if own is not get_backend("numpy") else current_backend()
        else:
            target = backend
        return finished(_converted(copied, dtype, device, target), requires_grad)
    chosen, place = chosen_backend(backend, device)
    shape = _check_rectangular(data)
    inferred = infer_dtype(data)
    plain = _plain(data)
    if 0 in shape:
        array = chosen.from_data([], dtype or inferred, place)
        array = chosen.reshape(array, shape)
    else:
        array = chosen.from_data(plain, dtype or inferred, place)
    return finished(Tensor._wrap(array, chosen), requires_grad)


def _converted(value: Tensor, dtype: DType | None, device: Any, backend: Any) -> Tensor:
    if backend is not None or device is not None:
        target, place = chosen_backend(backend, device)
        value = value.to(target if place is None else place)
    return value if dtype is None else value.to(dtype)


def as_tensor(
    data: Any,
    dtype: DType | None = None,
    device: Device | str | None = None,
    *,
    backend: str | Backend | None = None,
) -> Tensor:
    """``data`` as a tensor, without a copy where that can be: a Tensor keeps its graph, a NumPy array its memory.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> pb.as_tensor(x) is x
    True
    """
    checked_dtype("as_tensor", dtype)
    if isinstance(data, Tensor):
        return _converted(data, dtype, device, backend)
    own = backend_of_array(data) if hasattr(data, "dtype") and hasattr(data, "shape") else None
    if own is not None and getattr(data, "shape", None) is not None:
        wrapped = Tensor._wrap(own.as_array(data), own)
        target: Any = backend if backend is not None or device is not None else None
        if target is None and device is None and own is get_backend("numpy"):
            target = current_backend()
        return _converted(wrapped, dtype, device, target)
    if hasattr(data, "__array__") and not isinstance(data, list | tuple | int | float | complex):
        return as_tensor(data.__array__(), dtype, device, backend=backend)
    return tensor(data, dtype=dtype, device=device, backend=backend)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor on the NumPy backend that shares the array's memory.

    Raises
    ------
    TypeError
        For anything but a NumPy array, or one of a dtype pullback does not have.

    Examples
    --------
    >>> import numpy as np
    >>> import pullback as pb
    >>> a = np.zeros(2)
    >>> t = pb.from_numpy(a)
    >>> a[0] = 5
    >>> t
    tensor([5., 0.], dtype=torch.float64)
    """
    backend = get_backend("numpy")
    if not backend.is_array(ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if ndarray.dtype not in backend.dtypes:
        supported = ", ".join(d.name for d in backend.native_dtypes)
        raise TypeError(f"can't convert np.ndarray of type {ndarray.dtype}. The only supported types are: {supported}.")
    return Tensor._wrap(backend.from_numpy(ndarray), backend)


def legacy_tensor(cls: type[Tensor], *args: Any, **kwargs: Any) -> Any:
    """What ``Tensor(...)`` does: from data in the default dtype, or uninitialised of a shape."""
    if not args:
        made = empty(0)
    elif len(args) == 1 and not isinstance(args[0], int):
        (data,) = args
        if isinstance(data, Tensor):
            made = data.detach()
        elif isinstance(data, tuple) and all(isinstance(d, int) for d in data) and isinstance(data, dtypes_size()):
            made = empty(data)
        else:
            made = tensor(data, dtype=get_default_dtype(), **kwargs)
    else:
        made = empty(*args, **kwargs)
    if cls is not Tensor:
        made = as_subclass(made, cls)
    return made


def dtypes_size() -> type:
    """The class of shapes; ``Tensor(size)`` makes an uninitialised tensor of that shape."""
    from pullback.size import Size

    return Size


def as_subclass(value: Tensor, cls: type[T]) -> T:
    """``value`` as an instance of a Tensor subclass, sharing its memory."""
    made = object.__new__(cls)
    made.array, made.backend, made.edge, made.alias = value.array, value.backend, value.edge, value.alias
    return made


def _filled(
    function: str,
    sizes: tuple[Any, ...],
    dtype: DType | None,
    device: Any,
    requires_grad: bool,
    backend: Any,
    value: Any = None,
) -> Tensor:
    checked_dtype(function, dtype)
    chosen, place = chosen_backend(backend, device)
    try:
        shape = as_shape(sizes)
    except TypeError:
        raise TypeError(f"{function}(): argument 'size' must be tuple of ints, got {sizes!r}") from None
    if any(size < 0 for size in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    native = chosen.native_dtype(dtype or get_default_dtype())
    make = getattr(chosen, function)
    array = make(shape, dtype=native, device=place) if value is None else make(shape, value, dtype=native, device=place)
    return finished(Tensor._wrap(array, chosen), requires_grad)


@composite(method=False)
def zeros(
    *size: Sizes,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of zeros of the given shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(2, dtype=pb.int64)
    tensor([0, 0])
    """
    return _filled("zeros", size, dtype, device, requires_grad, backend)


@composite(method=False)
def ones(
    *size: Sizes,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of ones of the given shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2, 2, requires_grad=True)
    tensor([[1., 1.],
            [1., 1.]], requires_grad=True)
    """
    return _filled("ones", size, dtype, device, requires_grad, backend)


@composite(method=False)
def empty(
    *size: Sizes,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of the given shape whose elements are whatever the memory holds.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty(2, 3).shape
    torch.Size([2, 3])
    """
    return _filled("empty", size, dtype, device, requires_grad, backend)


@composite(method=False)
def full(
    size: Sizes,
    fill_value: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of the given shape filled with one value, whose dtype it takes unless another is given.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.full((2,), 3)
    tensor([3, 3])
    """
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    return _filled("full", (size,), dtype or dtype_of_scalar(fill_value), device, requires_grad, backend, fill_value)


def _like(
    make: Any, input: Tensor, dtype: Any, device: Any, requires_grad: bool, *value: Any, size: Any = None
) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(
            f"{make.__name__}_like(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}"
        )
    backend = input.backend if device is None else None
    place = input.device if device is None else device
    made: Tensor = make(
        tuple(input.array.shape) if size is None else size,
        *value,
        dtype=dtype or input.dtype,
        device=place,
        requires_grad=requires_grad,
        backend=backend,
    )
    return made


@composite(method=False)
def zeros_like(
    input: Tensor, *, dtype: DType | None = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros_like(pb.tensor([3, 4]))
    tensor([0, 0])
    """
    return _like(zeros, input, dtype, device, requires_grad)


@composite(method=False)
def ones_like(
    input: Tensor, *, dtype: DType | None = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones_like(pb.tensor([3, 4]))
    tensor([1, 1])
    """
    return _like(ones, input, dtype, device, requires_grad)


@composite(method=False)
def empty_like(
    input: Tensor, *, dtype: DType | None = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """An uninitialised tensor of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.empty_like(pb.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    return _like(empty, input, dtype, device, requires_grad)


@composite(method=False)
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor filled with one value, of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.full_like(pb.ones(2), 7.)
    tensor([7., 7.])
    """
    return _like(full, input, dtype, device, requires_grad, fill_value)


@composite()
def new_zeros(
    input: Tensor,
    *size: Sizes,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros of the given shape, with dtype and backend of ``input``."""
    return _like(zeros, input, dtype, device, requires_grad, size=as_shape(size))


@composite()
def new_ones(
    input: Tensor,
    *size: Sizes,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones of the given shape, with dtype and backend of ``input``."""
    return _like(ones, input, dtype, device, requires_grad, size=as_shape(size))


@composite()
def new_empty(
    input: Tensor,
    *size: Sizes,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """An uninitialised tensor of the given shape, with dtype and backend of ``input``."""
    return _like(empty, input, dtype, device, requires_grad, size=as_shape(size))


@composite()
def new_full(
    input: Tensor,
    size: Sizes,
    fill_value: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape filled with one value, with dtype and backend of ``input``."""
    return _like(full, input, dtype, device, requires_grad, fill_value, size=as_shape((size,)))


@composite()
def new_tensor(
    input: Tensor,
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A new tensor with a copy of ``data``, with dtype and backend of ``input``."""
    return tensor(
        data,
        dtype=dtype or input.dtype,
        device=device,
        requires_grad=requires_grad,
        backend=input.backend if device is None else None,
    )


@composite(method=False)
def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers from ``start`` up to but not including ``end``, ``step`` apart; int64 where all three are integers.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(3)
    tensor([0, 1, 2])
    >>> pb.arange(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    checked_dtype("arange", dtype)
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        dtype = dtypes.int64 if all(isinstance(v, int) for v in (start, end, step)) else get_default_dtype()
    chosen, place = chosen_backend(backend, device)
    array = chosen.arange(start, end, step, dtype=chosen.native_dtype(dtype), device=place)
    return finished(Tensor._wrap(array, chosen), requires_grad)


@composite(method=False)
def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """``steps`` numbers evenly spaced from ``start`` to ``end``, both included.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    checked_dtype("linspace", dtype)
    if operator.index(steps) < 0:
        raise RuntimeError("number of steps must be non-negative")
    chosen, place = chosen_backend(backend, device)
    native = chosen.native_dtype(dtype or get_default_dtype())
    array = chosen.linspace(float(start), float(end), steps, dtype=native, device=place)
    return finished(Tensor._wrap(array, chosen), requires_grad)


@composite(method=False)
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Ones on the diagonal of an ``n`` by ``m`` (default ``n``) matrix, zeros elsewhere.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    checked_dtype("eye", dtype)
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {m}")
    chosen, place = chosen_backend(backend, device)
    array = chosen.eye(n, n if m is None else m, dtype=chosen.native_dtype(dtype or get_default_dtype()), device=place)
    return finished(Tensor._wrap(array, chosen), requires_grad)

"""Tensors from data: numbers, nested sequences, arrays, buffers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pullback
from pullback.backend.selection import backend_of_array, current_backend, get_backend
from pullback.dispatch import sampling
from pullback.dispatch.declaration import composite, in_namespace
from pullback.dispatch.declaration_values import Unsampled
from pullback.dispatch.overridable import asks
from pullback.meta import dtypes
from pullback.meta.devices import Device
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import DType, dtype_of_scalar, get_default_dtype, promote_types
from pullback.meta.formats import copy_in_order
from pullback.meta.shapes import Size
from pullback.ops.creation.filled import empty
from pullback.ops.shared.options import (
    check_can_require_grad,
    check_options,
    checked_dtype,
    chosen_backend,
    finished,
)
from pullback.tensor import LEAF, Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


_NUMBERS = frozenset((bool, int, float, complex))
_NEGATIVE_STRIDES = (
    "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently"
    " supported. (You can probably work around this by making a copy of your array  with array.copy().) "
)
_STRIDES_BETWEEN_ELEMENTS = (
    "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory."
)
_FOREIGN_BYTE_ORDER = (
    "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently"
    " not supported."
)


# -- nested sequences -------------------------------------------------------------------------------------------------


_MOST_DIMENSIONS = 128


def _is_sequence(item: Any) -> bool:
    if isinstance(item, list | tuple):
        return True
    kind = type(item)
    if kind in _NUMBERS or isinstance(item, Tensor | str | bytes | dict | set | frozenset):
        return False
    if getattr(item, "shape", None) == ():
        return False
    return hasattr(kind, "__getitem__") and hasattr(kind, "__len__")


def _flattened(data: Any) -> tuple[tuple[int, ...], list[Any], bool]:
    """The shape of nested sequences, their elements, and whether all sequences are lists and tuples.

    Raises
    ------
    ValueError
        If sequences of one depth differ in length.
    TypeError
        If a sequence and a number stand side by side.
    """
    first, depth = data, 0
    while _is_sequence(first) and len(first):  # one that contains itself has no end
        depth += 1
        if depth > _MOST_DIMENSIONS:
            raise ValueError(f"too many dimensions '{type(first).__name__}'")
        first = first[0]
    depth += _is_sequence(first)  # and empty
    shape: list[int] = []
    level = [data]
    usual = True
    while level and len(shape) < depth and _is_sequence(level[0]):
        length = len(level[0])
        for item in level:
            if not isinstance(item, list | tuple):
                if not _is_sequence(item):
                    raise TypeError("not a sequence")
                usual = False
            if len(item) != length:
                raise ValueError(f"expected sequence of length {length} at dim {len(shape)} (got {len(item)})")
        if usual:
            level = [inner for item in level for inner in item]
        else:
            level = [inner for item in level for inner in _items(item, length, len(shape))]
        shape.append(length)
    return tuple(shape), level, usual


def _items(sequence: Any, length: int, dim: int) -> list[Any]:
    """The items of a sequence that says its length, and may have no end."""
    items = list(itertools.islice(sequence, length + 1))
    if len(items) != length:
        more = "more" if len(items) > length else str(len(items))
        raise ValueError(f"expected sequence of length {length} at dim {dim} (got {more})")
    return items


def _dtype_of_element(item: Any) -> DType:
    if isinstance(item, Tensor):
        return item.dtype
    if isinstance(item, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(item).__name__}'")
    if getattr(item, "shape", None) == ():
        named = dtypes.by_name.get(str(getattr(item, "dtype", None)))
        if named is not None:
            return named
        if hasattr(item, "item"):
            return _dtype_of_element(item.item())
    if isinstance(item, bool | int | float | complex):
        return dtype_of_scalar(item)
    if isinstance(item, list | tuple):  # beside a number, at the same depth
        raise TypeError(f"'{type(item).__name__}' object cannot be interpreted as an integer")
    raise RuntimeError(f"Could not infer dtype of {type(item).__name__}")


def _inferred(elements: list[Any]) -> DType:
    """The dtype of all elements together: that of their promotion."""
    kinds = set(map(type, elements))
    if kinds <= _NUMBERS:
        for kind, dtype in ((complex, get_default_dtype().to_complex()), (float, get_default_dtype())):
            if kind in kinds:
                return dtype
        return dtypes.int64 if int in kinds else dtypes.bool_ if kinds else get_default_dtype()
    found: DType | None = None
    for item in elements:
        dtype = _dtype_of_element(item)
        found = dtype if found is None or found is dtype else promote_types(found, dtype)
    assert found is not None
    return found


def infer_dtype(data: Any) -> DType:
    """The dtype of nested sequences of numbers, as PyTorch infers it."""
    return _inferred(_flattened(data)[1])


def _number(item: Any) -> Any:
    """An element as a Python number."""
    if isinstance(item, Tensor):
        if item.numel() != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        item._warn_of_lost_gradient()
        return item.item()
    return item.item() if hasattr(item, "item") else item


def _as_element(number: Any, dtype: DType) -> Any:
    """A Python number as PyTorch stores it as an element of ``dtype``, or PyTorch's error."""
    if dtype is dtypes.bool_:
        return bool(number)
    if dtype.category == dtypes.COMPLEX:
        return complex(number)
    if isinstance(number, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(number).__name__}'")
    if dtype.category == dtypes.FLOATING:
        if isinstance(number, complex):
            raise TypeError("must be real number, not complex")
        return float(number)
    if isinstance(number, complex) or _is_sequence(number):
        raise TypeError(f"'{type(number).__name__}' object cannot be interpreted as an integer")
    wide = dtype is dtypes.uint64
    if isinstance(number, int):
        if wide and number < 0:
            raise OverflowError("can't convert negative int to unsigned")
        if wide and number >= 1 << 64:
            raise OverflowError("int too big to convert")
        if not wide and not -(1 << 63) <= number < 1 << 63:
            raise ValueError("Overflow when unpacking long long")
    bits = 8 * dtype.itemsize - dtype.is_signed
    least = -(1 << bits) + (not dtype.is_signed)
    limits: tuple[float, float] = least, (1 << bits) - 1
    if isinstance(number, float):
        # An unsigned dtype takes negative integers, which wrap around, and no other negative numbers. The limits
        # become floats, so 2.0**63 passes for an int64, and wraps around.
        limits = float(least if dtype.is_signed else 0), float(limits[1])
    if not limits[0] <= number <= limits[1]:
        raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
    number = int(number)
    if not dtype.is_signed:
        return number % (1 << bits)
    return number if number < 1 << bits else number - (2 << bits)


def _nested(elements: list[Any], shape: tuple[int, ...]) -> Any:
    """A flat list in nested lists of the given shape."""
    for size in reversed(shape[1:]):
        elements = [elements[start : start + size] for start in range(0, len(elements), size)]
    return elements if shape else elements[0]


def _array_from(data: Any, dtype: DType | None, backend: Backend, place: Device | None) -> NativeArray:
    """A new native array from numbers and nested sequences."""
    shape, elements, usual = _flattened(data)
    plain = set(map(type, elements)) <= _NUMBERS
    if dtype is None:
        if shape and elements and isinstance(elements[0], str):
            raise ValueError(f"too many dimensions '{type(elements[0]).__name__}'")
        inferred = target = _inferred(elements)
    else:
        target = dtype
        inferred = _inferred(elements) if plain else dtypes.complex128
    if 0 in shape:
        return backend.reshape(backend.from_data([], target, place), shape)
    if not plain:
        elements = [_number(item) for item in elements]
        usual = False
    if target is not dtypes.bool_ and (inferred.category > target.category or not plain):
        elements = [_as_element(number, target) for number in elements]
        usual = False
    with backend.guard():
        try:
            return backend.from_data(data if usual else _nested(elements, shape), target, place)
        except (OverflowError, TypeError, ValueError):
            # A number that the array library does not take: PyTorch's error, or it wraps around.
            elements = [_as_element(number, target) for number in elements]
        return backend.from_data(_nested(elements, shape), target, place)


# -- arrays of other libraries ----------------------------------------------------------------------------------------


def _owner(data: Any) -> Backend | None:
    """The backend whose array ``data`` is."""
    return backend_of_array(data) if hasattr(data, "dtype") and hasattr(data, "shape") else None


def _adopted(array: Any, own: Backend) -> NativeArray:
    """A backend's native array, given by the user, as one that tensors can have.

    Raises
    ------
    TypeError
        For a dtype that pullback does not have.
    ValueError
        For memory that runs backwards, strides that are no multiple of the elements' size, as those of a field of
        records, or bytes in another order than the machine's.
    """
    if own.name != "numpy":
        return own.as_array(array)
    if array.dtype not in own.dtypes:
        if not array.dtype.isnative and array.dtype.newbyteorder("=") in own.dtypes:
            raise ValueError(_FOREIGN_BYTE_ORDER)
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{array.dtype.type.__name__}. The only supported types are:"
            " float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16,"
            " uint8, and bool."
        )
    if any(stride < 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)):
        raise ValueError(_NEGATIVE_STRIDES)
    if any(stride % array.itemsize for stride in array.strides):
        raise ValueError(_STRIDES_BETWEEN_ELEMENTS)
    return own.from_numpy(array)


def _converted(value: Tensor, dtype: DType | None, device: Any, backend: Any) -> Tensor:
    if backend is not None or device is not None:
        target, place = chosen_backend(backend, device)
        value = value.to(target if place is None else place)
    return value if dtype is None else value.to(dtype)


def _destination(own: Backend, device: Any, backend: Any) -> Any:
    """The backend that a native array goes to: its own, but NumPy's go where data goes."""
    if backend is not None or device is not None:
        return backend
    return current_backend() if own is get_backend("numpy") else own


@asks("modes")
@in_namespace("pullback")
def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
    pin_memory: bool = False,
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
        For data that is no number, and for numbers that the dtype cannot hold.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> pb.tensor([1., 2.], requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    dtype = checked_dtype("tensor", dtype)
    check_options("tensor", device, requires_grad, None, pin_memory)
    return _new_tensor(data, dtype, device, requires_grad, backend, "torch.tensor(sourceTensor)")


def _new_tensor(
    data: Any, dtype: DType | None, device: Any, requires_grad: bool, backend: Any, called: str, stacklevel: int = 3
) -> Tensor:
    if isinstance(data, Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or"
            f" sourceTensor.detach().clone().requires_grad_(True), rather than {called}.",
            UserWarning,
            stacklevel=stacklevel,
        )
        copied = data.detach().clone()
        return finished(_converted(copied, dtype, device, backend), requires_grad)
    own = _owner(data)
    if own is not None:
        copied = Tensor._wrap(copy_in_order(own, _adopted(data, own)), own)
        return finished(_converted(copied, dtype, device, _destination(own, device, backend)), requires_grad)
    chosen, place = chosen_backend(backend, device)
    return finished(Tensor._wrap(_array_from(data, dtype, chosen, place), chosen), requires_grad)


@asks("modes")
@in_namespace("pullback")
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
    dtype = checked_dtype("as_tensor", dtype)
    check_options("as_tensor", device, False)
    if isinstance(data, Tensor):
        return _converted(data, dtype, device, backend)
    own = _owner(data)
    if own is not None:
        wrapped = Tensor._wrap(_adopted(data, own), own)
        return _converted(wrapped, dtype, device, _destination(own, device, backend))
    if hasattr(data, "__array__") and not isinstance(data, list | tuple | int | float | complex):
        return as_tensor(data.__array__(), dtype, device, backend=backend)
    return _new_tensor(data, dtype, device, False, backend, "")


@asks("modes")
@in_namespace("pullback")
def asarray(
    obj: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """``obj`` as a tensor, that shares its memory unless told otherwise.

    Parameters
    ----------
    obj : object
        A tensor, an array, an object with DLPack's or Python's buffer protocol, a number, or nested sequences of
        numbers.
    dtype : DType, optional
        By default that of ``obj``; for a buffer the default floating dtype.
    copy : bool, optional
        True: always. False: never, an error where one is needed. By default where one is needed.
    requires_grad : bool, optional
        False takes the result out of the graph; by default it is as ``obj``.

    Raises
    ------
    ValueError
        If ``copy=False`` cannot be.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> pb.asarray(x) is x
    True
    >>> pb.asarray(bytearray(4), dtype=pb.int16)
    tensor([0, 0], dtype=torch.int16)
    """
    dtype = checked_dtype("asarray", dtype)
    check_options("asarray", device, False if requires_grad is None else requires_grad)
    if copy is not None and not isinstance(copy, bool):
        raise TypeError(f"asarray(): argument 'copy' must be bool, not {type(copy).__name__}")
    shared = _sharing(obj, dtype, copy)
    if shared is None:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return _new_tensor(obj, dtype, device, bool(requires_grad), backend, "")
    source_requires_grad = isinstance(obj, Tensor) and obj.requires_grad
    if requires_grad is None and source_requires_grad:
        import warnings

        warnings.warn(
            "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass"
            " requires_grad=False explicitly to get the old behavior and silence this warning.",
            UserWarning,
            stacklevel=2,
        )
    wanted = source_requires_grad if requires_grad is None else requires_grad
    target = backend if isinstance(obj, Tensor) else _destination(shared.backend, device, backend)
    if wanted:
        check_can_require_grad(dtype or shared.dtype)
    if copy is False:
        _check_alias(shared, dtype, device, target)
    result = _converted(shared, dtype, device, target)
    if copy and result is shared:
        result = shared.clone()
    if not wanted:
        return result.detach() if result.requires_grad else result
    if result.edge is None:
        result = result.detach() if result is obj else result
        result.edge = LEAF
    return result


def _sharing(obj: Any, dtype: DType | None, copy: bool | None) -> Tensor | None:
    """A tensor that shares the memory of ``obj``; None where that has none."""
    if isinstance(obj, Tensor):
        return obj
    own = _owner(obj)
    if own is not None:
        if getattr(obj, "shape", None) == () and not own.is_array(obj):
            return None
        return Tensor._wrap(_adopted(obj, own), own)
    if isinstance(obj, list | tuple | int | float | complex | str):
        return None
    if getattr(obj, "shape", None) == () and hasattr(obj, "item"):  # a NumPy scalar
        if copy is False:
            raise RuntimeError("can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray. ")
        return None
    if hasattr(obj, "__dlpack__"):
        from_dlpack: Callable[[Any], Tensor] | None = getattr(pullback, "from_dlpack", None)
        if from_dlpack is not None:
            return from_dlpack(obj)
    try:
        memoryview(obj).release()
    except TypeError:
        return None
    return _of_buffer(obj, dtype or get_default_dtype(), -1, 0)


def _check_alias(shared: Tensor, dtype: DType | None, device: Any, backend: Any) -> None:
    """Raise where an alias of ``shared`` cannot have that dtype or be there."""
    if device is not None or backend is not None:
        target, place = chosen_backend(backend, device)
        if target is not shared.backend or (place is not None and place.type != shared.device.type):
            where, there = (shared.device, place) if place is not None else (shared.backend.name, target.name)
            raise ValueError(f"can't alias tensor from device '{where}' to '{there}'.")
    if dtype is not None and dtype is not shared.dtype:
        raise ValueError(f"can't alias tensor with dtype '{_kind(shared.dtype)}' into dtype '{_kind(dtype)}'.")


def _kind(dtype: DType) -> str:
    return type_name(dtype)


@asks("modes")
@in_namespace("pullback")
def from_numpy(ndarray: Any) -> Tensor:
    """A tensor on the NumPy backend that shares the array's memory.

    Raises
    ------
    TypeError
        For anything but a NumPy array, or one of a dtype pullback does not have.
    ValueError
        For an array that runs backwards through its memory, is a field of records that its elements' size does not
        divide, or whose bytes are in another order than the machine's.

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
        kind = type(ndarray)
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        raise TypeError(f"expected np.ndarray (got {name})")
    return Tensor._wrap(_adopted(ndarray, backend), backend)


@asks("modes")
@in_namespace("pullback")
def frombuffer(
    buffer: Any,
    *,
    dtype: DType,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """A vector of the elements in an object's memory, which it shares on backends that can.

    Parameters
    ----------
    buffer : object
        Anything with Python's buffer protocol: ``bytes``, ``bytearray``, ``memoryview``, ``array.array``.
    dtype : DType
        Of the elements.
    count : int
        How many; all that there are if negative.
    offset : int
        How many bytes to skip.

    Raises
    ------
    ValueError
        For a count or an offset beyond the buffer, and an object without the protocol.

    Examples
    --------
    >>> import pullback as pb
    >>> memory = bytearray([1, 0, 2, 0])
    >>> x = pb.frombuffer(memory, dtype=pb.int16)
    >>> memory[0] = 7
    >>> x
    tensor([7, 2], dtype=torch.int16)
    """
    wanted = checked_dtype("frombuffer", dtype)
    if wanted is None:
        raise TypeError("frombuffer(): argument 'dtype' must be torch.dtype, not NoneType")
    check_options("frombuffer", None, requires_grad)
    if requires_grad:
        check_can_require_grad(wanted)
    shared = _of_buffer(buffer, wanted, count, offset)
    return finished(shared.to(get_backend(backend) if backend is not None else current_backend()), requires_grad)


def _of_buffer(buffer: Any, dtype: DType, count: int, offset: int) -> Tensor:
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    if not view.c_contiguous:
        raise RuntimeError("could not retrieve buffer from object")
    size, itemsize = view.nbytes, dtype.itemsize
    if size <= 0 or count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({size} bytes) minus 1"
        )
    if count > 0 and offset + count * itemsize > size:
        raise ValueError(
            f"requested buffer length ({count} * {itemsize} bytes) after offset ({offset} bytes) must not be greater"
            f" than actual buffer length ({size} bytes)"
        )
    if count < 0:
        if (size - offset) % itemsize:
            raise ValueError(
                f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a multiple of element"
                f" size ({itemsize})"
            )
        count = (size - offset) // itemsize
    backend = get_backend("numpy")
    memory = backend.as_array(view.cast("B"))[offset : offset + count * itemsize]
    return Tensor._wrap(memory.view(backend.native_dtype(dtype)), backend)


# -- the class as a function ------------------------------------------------------------------------------------------


def legacy_tensor(cls: type[Tensor], *args: Any, **kwargs: Any) -> Any:
    """What ``Tensor(...)`` does: from data in the default dtype, or uninitialised of a shape."""
    from pullback.dispatch.subclassing import as_subclass, moved

    if len(args) == 1 and isinstance(args[0], Tensor):
        return as_subclass(args[0], cls)
    made = _legacy(args, {"dtype": get_default_dtype(), **kwargs})
    return made if cls is Tensor else moved(made, cls)


def _legacy(args: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    if not args:
        return empty(0, **options)
    data = args[0]
    if len(args) > 1 or isinstance(data, Size) or (isinstance(data, int) and not isinstance(data, bool)):
        return empty(*args, **options)
    if isinstance(data, bool | float | complex) or data is None:
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return tensor(data, **options)


@composite(namespace=None, samples=Unsampled("it forwards to new_tensor and new_empty"))
def new(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """A tensor of the dtype and on the backend of ``input``: of data, or uninitialised of a shape.

    Prefer :meth:`new_tensor` and :meth:`new_empty`, which say which of the two.
    """
    if len(args) == 1 and isinstance(args[0], Tensor):
        if args[0].dtype is not input.dtype:
            raise TypeError(f"expected a tensor of dtype {input.dtype} (got {args[0].dtype})")
        return args[0].detach()
    return _legacy(args, {"dtype": input.dtype, "backend": input.backend, **kwargs})


@composite(namespace=None, samples=sampling.new_tensor)
def new_tensor(
    input: Tensor,
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of ``data``, with dtype and backend of ``input``."""
    dtype = checked_dtype("new_tensor", dtype)
    check_options("new_tensor", device, requires_grad, layout, pin_memory)
    if backend is None and device is None:
        backend, device = input.backend, input.device
    return _new_tensor(
        data, dtype or input.dtype, device, requires_grad, backend, "tensor.new_tensor(sourceTensor)", stacklevel=3
    )

"""What the functions that make tensors have in common: their keywords, shapes and numbers, and PyTorch's errors."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pullback.backend.selection import backend_for_device, current_backend, get_backend
from pullback.meta import dtypes
from pullback.meta.devices import Device
from pullback.meta.dtypes import DType, get_default_dtype
from pullback.meta.formats import MemoryFormat, StorageLayout
from pullback.tensor import LEAF, Tensor
from pullback.tensor.memory import mark_inference
from pullback.tensor.modes import INFERENCE, mode

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray


# -- keywords ---------------------------------------------------------------------------------------------------------


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
    if mode() & INFERENCE:
        mark_inference(tensor)
    if requires_grad:
        check_can_require_grad(tensor.dtype)
        tensor.edge = LEAF
    return tensor


def check_can_require_grad(dtype: DType) -> None:
    """Refuse gradients of integers and truth values."""
    if dtype.category < dtypes.FLOATING:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")


def _refuse(function: str, name: str, expected: str, value: Any) -> NoReturn:
    raise TypeError(f"{function}(): argument '{name}' must be {expected}, not {type(value).__name__}")


def checked_dtype(function: str, dtype: Any) -> DType | None:
    """The argument ``dtype``, where Python's ``float``, ``int``, ``bool`` and ``complex`` name dtypes too.

    Raises
    ------
    TypeError
        For anything else.
    """
    if dtype is None or dtype.__class__ is DType:
        return dtype
    named = dtypes.PYTHON_TYPES.get(dtype) if isinstance(dtype, type) else None
    if named is None:
        _refuse(function, "dtype", "torch.dtype", dtype)
    return named


def check_options(
    function: str,
    device: Any,
    requires_grad: Any,
    layout: Any = None,
    pin_memory: Any = False,
    memory_format: Any = None,
) -> None:
    """Refuse keywords of a wrong type, and memory that no library here can pin."""
    if device is not None and not isinstance(device, Device | str | int):
        _refuse(function, "device", "torch.device", device)
    if requires_grad is not False and requires_grad is not True:
        _refuse(function, "requires_grad", "bool", requires_grad)
    if layout is not None and not isinstance(layout, StorageLayout):
        _refuse(function, "layout", "torch.layout", layout)
    if memory_format is not None and not isinstance(memory_format, MemoryFormat):
        _refuse(function, "memory_format", "torch.memory_format", memory_format)
    if pin_memory is not False:
        if pin_memory is not True:
            _refuse(function, "pin_memory", "bool", pin_memory)
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on"
            " this system."
        )


# -- shapes -----------------------------------------------------------------------------------------------------------


def checked_shape(
    function: str, sizes: Sequence[Any], size: Any = None, *, negative: str | None = None, whole: bool = False
) -> tuple[int, ...]:
    """A shape from ``f(2, 3)``, ``f((2, 3))`` or ``f(size=(2, 3))``.

    Parameters
    ----------
    negative : str, optional
        The text of the error for negative sizes, where it is not the usual one.
    whole : bool
        Whether the shape must be a sequence: the function takes more than it.

    Raises
    ------
    TypeError
        For sizes that are no integers.
    RuntimeError
        For negative sizes.
    """
    if size is not None:
        sizes = (size,)
    if not sizes:
        raise TypeError(f'{function}() missing 1 required positional arguments: "size"')
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
        sizes = sizes[0]
        sequence = True
    else:
        sequence = False
        if whole:
            kind = type(sizes[0]).__name__
            raise TypeError(f"{function}(): argument 'size' (position 1) must be tuple of ints, not {kind}")
    shape = checked_integers(function, "size", sizes, 1, sequence=sequence)
    if shape and min(shape) < 0:
        raise RuntimeError(negative or f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def checked_integers(
    function: str, name: str, values: Sequence[Any], position: int, *, sequence: bool = True
) -> tuple[int, ...]:
    """The integers of an argument that is a sequence of them.

    Raises
    ------
    TypeError
        Where one is no integer.
    """
    for value in values:
        if value.__class__ is not int:
            break
    else:
        return tuple(values)
    found = []
    for place, value in enumerate(values):
        try:
            if isinstance(value, bool):
                raise TypeError
            found.append(operator.index(value))
        except TypeError:
            kind = type(value).__name__
            if place:
                raise TypeError(
                    f"{function}(): argument '{name}' failed to unpack the object at pos {place + 1} with error"
                    f' "type must be tuple of ints,but got {kind}"'
                ) from None
            what = f"but found element of type {kind} at pos 0" if sequence else f"not {kind}"
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be tuple of ints, {what}"
            ) from None
    return tuple(found)


def checked_sequence(function: str, name: str, values: Any, position: int) -> tuple[int, ...]:
    """The integers of an argument that must be a sequence of them."""
    if not isinstance(values, list | tuple):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be tuple of ints, not {type(values).__name__}"
        )
    return checked_integers(function, name, values, position)


def checked_integer(function: str, name: str, value: Any, position: int) -> int:
    """An integer argument; bools are none.

    Raises
    ------
    TypeError
        For anything else.
    """
    if value.__class__ is int:
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be int, not {type(value).__name__}"
        ) from None


# -- numbers ----------------------------------------------------------------------------------------------------------


def checked_number(function: str, name: str, value: Any, position: int) -> Any:
    """A Python number, from one, from a NumPy scalar or from a 0-d tensor outside of any graph.

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(value, int | float | complex):
        return value
    if isinstance(value, Tensor):
        if not value.array.shape and value.edge is None:
            return value.item()
    elif getattr(value, "shape", None) == () and hasattr(value, "item"):
        number = value.item()
        if isinstance(number, int | float | complex):
            return number
    raise TypeError(f"{function}(): argument '{name}' (position {position}) must be Number, not {type(value).__name__}")


# -- the order of the elements in memory ------------------------------------------------------------------------------


def arranged(
    make: Callable[[tuple[int, ...]], NativeArray],
    backend: Backend,
    shape: tuple[int, ...],
    order: Sequence[int] | None,
) -> NativeArray:
    """The array that ``make`` makes of a shape, with its dimensions in memory in the given order, the longest first."""
    if order is None or not backend.mutable or list(order) == sorted(order):
        return make(shape)
    array = make(tuple(shape[dim] for dim in order))
    return backend.permute_dims(array, tuple(list(order).index(dim) for dim in range(len(shape))))


def default_dtype(dtype: DType | None) -> DType:
    """``dtype``, or the default floating dtype."""
    return get_default_dtype() if dtype is None else dtype

"""What NumPy's functions are given, as pullback's operations take it: operands, dtypes, axes, ``out=`` and ``where=``.

NumPy is never imported: the NumPy backend tells its arrays and dtypes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pullback as pb
from pullback.backend.base import Backend
from pullback.backend.selection import backend_of_array, get_backend
from pullback.dispatch.numbers import python_number
from pullback.meta.dtypes import DType, can_cast
from pullback.tensor import Tensor


class NotGiven:
    """Stands for an argument that was not given, where None means something."""


def is_numpy_array(value: object) -> bool:
    """Whether ``value`` is an array of NumPy's own."""
    return get_backend("numpy").is_array(value)


def is_plain_array(value: object) -> bool:
    """Whether ``value`` is an ndarray, or one in a file: no subclass that gives arithmetic another meaning."""
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ in ("ndarray", "memmap") and is_numpy_array(value)


def is_numpy_scalar(value: object) -> bool:
    """Whether ``value`` is one of NumPy's scalars, such as ``numpy.float64(2)``."""
    return (
        type(value).__module__ in ("numpy", "ml_dtypes")
        and getattr(value, "shape", None) == ()
        and not is_numpy_array(value)
    )


def first_tensor(values: Iterable[Any]) -> Tensor | None:
    """The first Tensor among the values, looking into lists and tuples."""
    for value in values:
        found = value if isinstance(value, Tensor) else None
        if isinstance(value, list | tuple):
            found = first_tensor(value)
        if found is not None:
            return found
    return None


def array_operand(array: Any, operands: Iterable[Any]) -> Tensor:
    """Another library's array as an operand: one of NumPy's goes to the backend of the Tensors beside it."""
    like = next((value for value in operands if isinstance(value, Tensor)), None)
    return array_as_tensor(array, like) if like is not None and is_numpy_array(array) else pb.as_tensor(array)


def as_operand(value: Any, like: Tensor) -> Any:
    """``value`` as an operand beside ``like``: NumPy's arrays become Tensors on its backend, NumPy's scalars numbers.

    Raises
    ------
    RuntimeError
        For an array in the computer's memory beside a Tensor on another device.
    """
    if isinstance(value, Tensor) or value is None:
        return value
    if is_numpy_scalar(value):
        number = python_number(value)
        return value.item() if number is None else number
    if is_numpy_array(value):
        return array_as_tensor(value, like)
    if isinstance(value, list | tuple):
        inner = type(value)([as_operand(item, like) for item in value]) if type(value) in (list, tuple) else value
        if inner and all(isinstance(item, Tensor) for item in inner):
            return inner
    elif not isinstance(value, bool | int | float | complex) and backend_of_array(value) is not None:
        return pb.as_tensor(value)
    return value


def array_as_tensor(array: Any, like: Tensor) -> Tensor:
    """A NumPy array as a Tensor on the backend of ``like``, with elements that nobody else can change."""
    device = like.device
    if device.type != "cpu" and array.ndim:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, {device} and cpu! Move the"
            f" NumPy array first: pullback.as_tensor(array, device={str(device)!r})"
        )
    # What a graph may save must not change behind its back, and nothing counts the writes to a NumPy array.
    tensor = pb.from_numpy(array.copy())
    return tensor if like.backend is tensor.backend else tensor.to(like.backend).to(device)


def tensor_from(value: Any, like: Tensor) -> Tensor:
    """``value``, an operand or nested lists of numbers, as a Tensor on the backend of ``like``."""
    value = as_operand(value, like)
    if isinstance(value, list | tuple) and value and all(isinstance(item, Tensor) for item in value):
        return pb.stack(value)
    if isinstance(value, Tensor):
        return value
    return pb.tensor(value, backend=like.backend, device=like.device)


def promoted_pair(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two operands of a product, which takes one dtype, as Tensors of their common one."""
    like = first_tensor((a, b))
    assert like is not None
    a, b = tensor_from(a, like), tensor_from(b, like)
    dtype = pb.result_type(a, b)
    return a.to(dtype), b.to(dtype)


def as_dtype(dtype: Any) -> DType | None:
    """pullback's dtype for anything that NumPy takes for one: ``numpy.float32``, ``"f4"``, ``float``."""
    if dtype is None or isinstance(dtype, DType):
        return dtype
    numpy = get_backend("numpy")
    return numpy.dtype_of(_numpy_array((), dtype, numpy).dtype)


def _numpy_array(value: Any, dtype: Any, numpy: Backend) -> Any:
    make: Any = numpy.as_array
    return make(value, dtype)


def axes_of(axis: Any) -> Any:
    """``axis=`` as ``dim=``: an integer, a tuple of them, or None."""
    if axis is None:
        return None
    if hasattr(axis, "tolist"):
        axis = axis.tolist()
    if isinstance(axis, list | tuple):
        return tuple(a.__index__() for a in axis)
    return axis.__index__()


def delivered(result: Any, out: Any, where: Any = True, *, function: str = "") -> Any:
    """``result``, written into ``out`` where that was given: a Tensor, or a NumPy array.

    Raises
    ------
    RuntimeError
        Where the result has a graph that a NumPy array would lose.
    TypeError
        Where the result's dtype cannot be cast to that of ``out``.
    """
    if isinstance(out, tuple):
        (out,) = out
    if out is None:
        return result
    target = out if isinstance(out, Tensor) else pb.from_numpy(out)
    if not can_cast(result.dtype, target.dtype):
        raise TypeError(
            f"Cannot cast output of numpy.{function}() from {result.dtype.name} to {target.dtype.name} with casting"
            " rule 'same_kind'"
        )
    if isinstance(out, Tensor):
        if where is not True:
            result = pb.where(tensor_from(where, result), result, out)
        out.copy_(result)
        return out
    if result.requires_grad:
        raise RuntimeError(
            f"numpy.{function}(): out is a NumPy array, and writing a result that requires grad into it would lose its"
            " graph. Give a Tensor as out, or use tensor.detach()."
        )
    values = result.numpy()
    if where is True:
        out[...] = values
    else:
        mask = tensor_from(where, result).expand(target.shape).numpy()
        out[mask] = pb.from_numpy(values).expand(target.shape).numpy()[mask]
    return out


def only_default(function: str, **arguments: tuple[Any, Any]) -> None:
    """Refuse arguments that mean nothing to a Tensor, unless they have NumPy's default.

    Each is given as the pair of its value and that default.
    """
    for name, (value, default) in arguments.items():
        if value is not default and (type(value) not in (bool, int, str) or value != default):
            raise TypeError(f"numpy.{function}(): {name}={value!r} is not supported for a pullback Tensor")

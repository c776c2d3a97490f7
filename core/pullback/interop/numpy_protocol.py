"""NumPy's calls on Tensors: ``__array__``, ``__array_ufunc__`` and ``__array_function__``.

A call gives a Tensor with its graph, on its own backend, or raises: NumPy never makes an array of a Tensor unasked.
Shapes and arguments are NumPy's, dtypes are promoted by PyTorch's rules.
"""

from __future__ import annotations

from typing import Any

from pullback.interop.numpy_arguments import first_tensor
from pullback.interop.numpy_functions import FUNCTIONS, given, read_arrays
from pullback.interop.numpy_ufuncs import call_ufunc, can_combine
from pullback.tensor import Tensor

#: NumPy's own arrays; its subclasses give functions another meaning.
_ARRAYS = (("numpy", "ndarray"), ("numpy", "memmap"))


def as_array(tensor: Tensor, dtype: Any, copy: bool | None) -> Any:
    """``Tensor.__array__``: the elements as a NumPy array.

    Raises
    ------
    RuntimeError
        If the tensor requires gradients.
    ValueError
        Where ``copy=False`` and there is no way without one.
    """
    array = tensor.numpy()
    converts = dtype is not None and array.dtype != dtype
    if copy is False and (converts or tensor.device.type != "cpu"):
        raise ValueError(
            f"Unable to avoid copy while creating an array as requested: the Tensor is {tensor.dtype.name} on"
            f" {tensor.device}"
        )
    if converts:
        return array.astype(dtype)
    return array.copy() if copy else array


def array_ufunc(tensor: Tensor, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
    """``Tensor.__array_ufunc__``: a ufunc among whose operands is a Tensor."""
    outs = settings.get("out") or ()
    if not can_combine((*inputs, *outs)):
        return NotImplemented
    return call_ufunc(ufunc, method, inputs, settings, tensor)


def array_function(tensor: Tensor, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``Tensor.__array_function__``: any other function of NumPy's with a Tensor among its arguments."""
    if not all(issubclass(kind, Tensor) or (kind.__module__, kind.__name__) in _ARRAYS for kind in types):
        return NotImplemented
    name = f"{function.__module__}.{function.__name__}"
    counterpart = FUNCTIONS.get(name)
    if counterpart is not None:
        found = first_tensor((*args, *kwargs.values()))
        like = tensor if found is None else found
        return counterpart(*[given(a, like) for a in args], **{k: given(v, like) for k, v in kwargs.items()})
    return read_arrays(function, name.removeprefix("numpy."), args, kwargs)

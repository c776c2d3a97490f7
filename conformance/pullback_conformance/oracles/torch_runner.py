"""PyTorch, where it is installed: its function of an operation's name, on the same arguments in the same dtype."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from pullback.extend import DType, Operation, Tensor, dtypes
from pullback_conformance.case import Case, flattened
from pullback_conformance.errors_as_text import first_line
from pullback_conformance.moving import mapped, to_numpy
from pullback_conformance.samples import Arguments

#: What findings call it.
SOURCE: Final = "PyTorch itself"

#: Where PyTorch has functions, the first that has one of the name.
_PLACES: Final = ("", "special", "linalg", "nn.functional")


def is_installed() -> bool:
    """Whether PyTorch is there."""
    return find_spec("torch") is not None


def function_of(operation: Any) -> Callable[..., Any] | None:
    """PyTorch's function of an operation; None where it has none of that name, or results are random."""
    import torch

    if not isinstance(operation, Operation) or "generator" in operation.attributes:
        return None
    for place in _PLACES:
        module: Any = torch
        for part in filter(None, place.split(".")):
            module = getattr(module, part)
        function = getattr(module, operation.name, None)
        if callable(function) and not isinstance(function, type):
            return function
    return None


class NotInPyTorch(Exception):
    """PyTorch takes no such arguments."""


class ByTorch:
    """One call of PyTorch's function.

    Attributes
    ----------
    results : list
        Tensors of PyTorch, and other results as they are.

    Raises
    ------
    NotInPyTorch
        With PyTorch's reason.
    """

    def __init__(self, case: Case, function: Callable[..., Any], chosen: list[int]) -> None:
        self._tensors: list[Any] = []
        arguments: Arguments = case.arguments
        try:
            args, kwargs = mapped((arguments.args, arguments.kwargs), self._moved)
            args, kwargs = _plain(args), _plain(kwargs)
            self.inputs = [self._tensors[i].requires_grad_() for i in chosen]
            self.results = flattened(_as_tuples(function(*args, **kwargs)))
        except Exception as error:
            raise NotInPyTorch(first_line(error)) from error

    def _moved(self, tensor: Tensor) -> Any:
        import torch

        values = to_numpy(tensor)
        if tensor.dtype.name == "bfloat16":
            bits = np.ascontiguousarray(values).reshape(values.shape).view(np.int16)
            made = torch.from_numpy(bits.copy()).view(torch.bfloat16)
        else:
            made = torch.from_numpy(np.ascontiguousarray(values).reshape(values.shape).copy())
        self._tensors.append(made)
        return made

    def gradients(self, cotangents: list[Any]) -> list[Any]:
        """The gradient of each differentiated operand; None where there is none."""
        import torch

        outputs = [r for r in self.results if isinstance(r, torch.Tensor) and (r.is_floating_point() or r.is_complex())]
        pairs = [
            (o, torch.from_numpy(np.asarray(v, np.complex128 if o.is_complex() else np.float64)).to(o.dtype))
            for o, v in zip(outputs, cotangents, strict=True)
            if o.requires_grad
        ]
        if not pairs:
            return [None] * len(self.inputs)
        try:
            return list(
                torch.autograd.grad([o for o, _ in pairs], self.inputs, [v for _, v in pairs], allow_unused=True)
            )
        except Exception as error:
            raise NotInPyTorch(first_line(error)) from error


def as_array(tensor: Any) -> Any:
    """A tensor of PyTorch as a NumPy array, floating ones in double precision."""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    if tensor._is_zerotensor():  # stands for zeros, and has no memory
        tensor = _torch().zeros(tensor.shape, dtype=tensor.dtype)
    if tensor.is_complex():
        return tensor.to(dtype=_torch().complex128).numpy()
    return tensor.double().numpy() if tensor.is_floating_point() else tensor.numpy()


def dtype_of(tensor: Any) -> DType | None:
    """The dtype of a tensor of PyTorch; None for one that there is no other of."""
    return dtypes.by_name.get(str(tensor.dtype).removeprefix("torch."))


def _torch() -> Any:
    import torch

    return torch


def _plain(value: Any) -> Any:
    """Arguments with dtypes as PyTorch's."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_plain(v) for v in value)
    return getattr(_torch(), value.name) if isinstance(value, DType) else value


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(v) for v in value) if isinstance(value, list | tuple) else value

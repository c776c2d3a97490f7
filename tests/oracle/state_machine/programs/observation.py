"""What a program can observe of its tensors, as plain values that do not depend on the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from programs.machine import Machine


@dataclass(frozen=True)
class Observed:
    """One tensor. Asking for these changes nothing, in neither library."""

    values: np.ndarray[Any, Any]
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage_offset: int
    contiguous: bool
    version: int
    is_view: bool
    base: str | None
    requires_grad: bool
    #: Which tensors share the storage: the name of the first of them; None where there is no memory.
    shares_with: str | None
    #: How many bytes the first element lies behind that of ``shares_with``.
    distance: int


#: Fields as expressions of the tensor ``t``, for programs that print them.
EXPRESSIONS = {
    "values": "{t}",
    "dtype": "{t}.dtype",
    "shape": "{t}.shape",
    "strides": "{t}.stride()",
    "storage_offset": "{t}.storage_offset()",
    "contiguous": "{t}.is_contiguous()",
    "version": "{t}._version",
    "is_view": "{t}._is_view()",
    "base": "{t}._base",
    "requires_grad": "{t}.requires_grad",
    "is_leaf": "{t}.is_leaf",
    "grad_fn": "{t}.grad_fn",
    "output_nr": "{t}.output_nr",
    "grad": "{t}.grad",
    "shares_with": "[{t}.untyped_storage().data_ptr() == other.untyped_storage().data_ptr() for other in ({all},)]",
    "distance": "[{t}.data_ptr() - other.data_ptr() for other in ({all},)]",
}


def elements(tensor: Any) -> np.ndarray[Any, Any]:
    """The elements as a NumPy array of their own."""
    return np.array(tensor.detach().numpy(force=True))


def observe(machine: Machine) -> dict[str, Observed]:
    """All live tensors."""
    firsts: dict[int, tuple[str, int]] = {}
    names = {id(tensor): name for name, tensor in machine.tensors.items()}
    seen = {}
    for name, tensor in machine.tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        pointer = tensor.data_ptr()
        first, start = (None, pointer) if storage == 0 else firsts.setdefault(storage, (name, pointer))
        if first is not None and start == 0 and pointer != 0:  # until here only empty tensors share the storage
            firsts[storage] = (first, start) = (name, pointer)
        base = tensor._base
        shape = tuple(tensor.shape)
        seen[name] = Observed(
            values=elements(tensor),
            dtype=str(tensor.dtype),
            shape=shape,
            strides=tuple(tensor.stride()),
            storage_offset=int(tensor.storage_offset()),
            contiguous=tensor.is_contiguous(),
            version=tensor._version,
            is_view=tensor._is_view(),
            base=None if base is None else names.get(id(base), "another"),
            requires_grad=tensor.requires_grad,
            shares_with=first,
            distance=0 if pointer == 0 else pointer - start,
        )
    return seen


def history(machine: Machine) -> dict[str, dict[str, Any]]:
    """Each tensor's place in the graph, and its gradient. Asking may regenerate the history of views."""
    return {name: _history(machine, tensor) for name, tensor in machine.tensors.items()}


def _history(machine: Machine, tensor: Any) -> dict[str, Any]:
    try:
        node = tensor.grad_fn
    except RuntimeError as error:
        return {"grad_fn": first_line(error)}
    grad = tensor.grad
    return {
        "grad_fn": None if node is None else node.name(),
        "is_leaf": tensor.is_leaf,
        "output_nr": tensor.output_nr,
        "grad": None if grad is None else (str(grad.dtype), tuple(grad.shape), grad.requires_grad, elements(grad)),
    }


def first_line(error: BaseException) -> str:
    """The type of an error and the first line of its text."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"

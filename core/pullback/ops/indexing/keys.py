"""What the key of ``x[key]`` means: views for integers, slices, None and Ellipsis, and tensors still to index with."""

from __future__ import annotations

import operator
import warnings
from typing import Any

from pullback import ops
from pullback.dispatch.arguments import class_name
from pullback.meta import dtypes
from pullback.tensor import Tensor
from pullback.tensor.levels import is_mapped

_MASKS = frozenset({dtypes.bool_, dtypes.uint8})
_LARGEST = 2**63 - 1


def is_integer(value: object) -> bool:
    """Whether a value is an integer: Python's, or another library's such as NumPy's."""
    from numbers import Integral  # takes half a millisecond to import, and few keys are neither int nor tensor

    return isinstance(value, Integral)


def parsed(input: Tensor, key: Any) -> tuple[Tensor, list[Tensor | None]]:
    """What an index means: a view of ``input``, and the index tensors still to apply to its dimensions.

    Raises
    ------
    IndexError
        For too many indices, one out of bounds, or something that is no index.
    """
    parts = key if isinstance(key, tuple) else tuple(key) if _stands_for_a_tuple(key) else (key,)
    used = 0
    for part in parts:
        used += _consumed(part)
    ndim = input.ndim
    if used > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    view = input
    dim = 0  # of the view, that the next part is about
    pending: list[Tensor | None] = []
    covered = 0  # dimensions of the view that ``pending`` stands for: a mask stands for several

    for number, part in enumerate(parts):
        if part is None:
            view = ops.unsqueeze(view, dim)
            dim += 1
            continue
        if part is Ellipsis:
            dim += ndim - used
            continue
        kind = part.__class__
        if kind is slice:
            view = _sliced(view, dim, part)
            dim += 1
            continue
        if kind is not int and kind is not bool:
            part = _as_index(part, input)
        if isinstance(part, Tensor) and _is_number(part):
            part = bool(part.item()) if part.dtype in _MASKS else int(part.item())
        if isinstance(part, int) and not isinstance(part, bool):
            view = selected(view, dim, part, number)
            continue
        if isinstance(part, bool):
            view = ops.unsqueeze(view, dim)
            part = ops.tensor([0] if part else [], dtype=dtypes.int64, backend=input.backend)
        pending.extend([None] * (dim - covered))
        pending.append(part)
        dim += part.ndim if part.dtype in _MASKS else 1
        covered = dim
    return view, pending


def _stands_for_a_tuple(key: Any) -> bool:
    """Whether a sequence is taken for a tuple of indices: it holds something that is an index by itself."""
    if isinstance(key, Tensor) or not _is_sequence(key) or hasattr(key, "dtype") or hasattr(key, "__array__"):
        return False
    try:
        if len(key) >= 32:
            return False
    except TypeError:
        return False
    if not any(part is None or part is Ellipsis or isinstance(part, slice) or _is_sequence(part) for part in key):
        return False
    warnings.warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use"
        " x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index,"
        " x[torch.tensor(seq)], which will result either in an error or a different result",
        UserWarning,
        stacklevel=4,
    )
    return True


def _is_sequence(part: Any) -> bool:
    """Whether something has items by their number, as C's ``PySequence_Check`` asks."""
    kind = part.__class__
    return isinstance(part, list | tuple | Tensor) or (
        hasattr(kind, "__getitem__") and hasattr(kind, "__len__") and not isinstance(part, dict | type)
    )


def _consumed(part: Any) -> int:
    """How many dimensions one part of an index stands for."""
    if part is None or part is Ellipsis or part is True or part is False:
        return 0
    if isinstance(part, int | slice):
        return 1
    if isinstance(part, Tensor):
        return part.ndim if part.dtype in _MASKS else 1
    if getattr(part, "dtype", None) is not None and hasattr(part, "ndim") and _is_sequence(part):
        return part.ndim if str(part.dtype) in ("bool", "uint8") else 1
    depth = 0
    while isinstance(part, list | tuple) and part:
        depth += 1
        part = part[0]
    return depth if part.__class__ is bool else 1


def _as_index(part: Any, input: Tensor) -> Any:
    """An index that is no plain integer, as an integer or as a Tensor on the backend of the tensor it indexes."""
    if isinstance(part, Tensor):
        return part
    if not isinstance(part, int):
        if _is_sequence(part):
            return _as_index_tensor(part, input)
        try:
            return _checked(operator.index(part))
        except TypeError:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got"
                f" {class_name(part)})"
            ) from None
    return _checked(int(part))


def _checked(index: int) -> int:
    if not -_LARGEST - 1 <= index <= _LARGEST:
        raise ValueError("Overflow when unpacking long long")
    return index


def _as_index_tensor(part: Any, input: Tensor) -> Tensor:
    """A list, range or array as an index: a mask as it is, anything else as integers of 64 bits."""
    if isinstance(part, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(part).__name__}'")
    if hasattr(part, "dtype"):
        made = ops.as_tensor(part)
    else:
        made = ops.tensor(part if isinstance(part, list | tuple) else list(part), backend=input.backend)
    if made.dtype not in _MASKS:
        if made.dtype.is_complex and not hasattr(part, "dtype"):
            raise TypeError("'complex' object cannot be interpreted as an integer")
        made = made.to(dtypes.int64)
    elif not made.numel() and not hasattr(part, "dtype"):
        made = made.to(dtypes.int64)
    return made if made.backend is input.backend else made.to(input.backend)


def selected(input: Tensor, dim: int, index: int, number: int = 0) -> Tensor:
    """The part of a tensor at one index of a dimension; ``number`` says which part of the key it is, for errors.

    Raises
    ------
    IndexError
        If it is out of bounds.
    ValueError
        For an integer of more than 64 bits.
    """
    shape = input.array.shape
    size = shape[dim] if dim < len(shape) else 0
    if not -size <= index < size:
        if not shape and not index:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert"
                " a 0-dim tensor to a number"
            )
        raise IndexError(f"index {_checked(index)} is out of bounds for dimension {number} with size {size}")
    return ops.select(input, dim, index)


def _is_number(part: Tensor) -> bool:
    """Whether an index tensor is one integer or truth value; inside ``vmap`` it may be another for each example."""
    if part.array.shape or part.dtype.category > dtypes.INTEGER:
        return False
    if not part.backend.level:
        return True
    return not is_mapped(part)


def bounds(part: slice) -> tuple[int | None, int | None, int]:
    """The start, stop and step of a slice.

    Raises
    ------
    TypeError
        For what is no integer.
    ValueError
        For a step that is not positive.
    """
    step = 1 if part.step is None else _bound(part.step)
    if not step:
        raise ValueError("slice step cannot be zero")
    start = None if part.start is None else _bound(part.start)
    stop = None if part.stop is None else _bound(part.stop)
    if step < 0:
        raise ValueError("step must be greater than zero")
    return start, stop, step


def _bound(value: Any) -> int:
    if value.__class__ is not int:
        try:
            value = operator.index(value)
        except TypeError:
            if isinstance(value, Tensor):
                raise
            raise TypeError("slice indices must be integers or None or have an __index__ method") from None
    if -_LARGEST <= value <= _LARGEST:
        return value  # type: ignore[no-any-return]
    if value < 0:
        warnings.warn(
            "Truncating the start/stop/step of slice. This is likely because of saved old models when the"
            " start/stop/step were larger.",
            UserWarning,
            stacklevel=5,
        )
    return _LARGEST if value > 0 else -_LARGEST


def _sliced(input: Tensor, dim: int, part: slice) -> Tensor:
    """A range of a dimension; the tensor itself where the slice plainly means all of it."""
    start, stop, step = bounds(part)
    if step == 1 and not start and dim < input.ndim and (stop is None or stop >= input.array.shape[dim]):
        return input
    return ops.slice_(input, dim, start, stop, step)

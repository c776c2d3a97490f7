"""Evenly spaced numbers: ``arange``, ``range``, ``linspace``, ``logspace``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import composite
from pullback.dispatch.declaration_values import Unsampled
from pullback.dispatch.numbers import fitted
from pullback.dispatch.out_rules import MAKES, MAKES_RANGE
from pullback.meta import dtypes
from pullback.meta.allocation import check_size
from pullback.meta.devices import Device
from pullback.meta.dtype_names import c_name, type_name
from pullback.meta.dtypes import DType, get_default_dtype
from pullback.meta.formats import StorageLayout
from pullback.ops.shared.options import (
    check_options,
    checked_dtype,
    checked_integer,
    checked_number,
    chosen_backend,
    finished,
)
from pullback.tensor import Tensor
from pullback.tensor.levels import is_mapped

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray

#: Dtypes without a kernel in PyTorch: of linspace and logspace, and of arange and range.
_NOT_SPACED = frozenset((dtypes.uint16, dtypes.uint32, dtypes.uint64, dtypes.bool_))
_NOT_STEPPED = _NOT_SPACED | dtypes.COMPLEXES


def _check_kernel(kernel: str, dtype: DType, refused: frozenset[DType]) -> None:
    if dtype in refused:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{type_name(dtype)}'")


def _check_bounds(start: Any, end: Any, step: Any) -> None:
    if not step > 0 and not step < 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end > start and step < 0) or (end < start and step > 0):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _stepped(backend: Backend, place: Device | None, start: Any, step: Any, count: int, dtype: DType) -> NativeArray:
    """``count`` numbers from ``start``, ``step`` apart: in double precision for floats, with wrapping for integers."""
    if count >= 1 << 63:
        raise RuntimeError("invalid size, possible overflow?")
    check_size((count,), dtype.itemsize)
    if dtype.category == dtypes.INTEGER:
        wide = backend.native_dtype(dtypes.int64)
        if not step:
            return backend.full((count,), fitted(start, dtype), dtype=backend.native_dtype(dtype), device=place)
        array = backend.arange(start, start + count * step, step, dtype=wide, device=place)
        return array if dtype is dtypes.int64 else backend.astype(array, dtype)
    wide = backend.native_dtype(dtypes.float64)
    array = backend.positions(count, wide, place)
    if step != 1.0:
        array = backend.multiply(array, step)
    if start or step < 0:  # zero times a negative step is -0.0, plus 0.0 it is 0.0
        array = backend.add(array, start)
    return array if dtype is dtypes.float64 else backend.astype(array, dtype)


def _bounds_in(dtype: DType, start: Any, end: Any, step: Any, count: Callable[..., int]) -> tuple[Any, Any, int]:
    """Start, step and the number of elements; integer dtypes drop the fractions, narrow ones after counting."""
    if dtype is dtypes.int64:
        if not start.__class__ is end.__class__ is step.__class__ is int or end >= 1 << 62:
            start, end, step = (fitted(value, dtype) for value in (start, end, step))
        if step == 0:
            raise ValueError("step must be nonzero")
        return start, step, count(start, end, step)
    counted = count(float(start), float(end), float(step))
    if dtype.category == dtypes.INTEGER:
        return int(start), int(step), counted
    return float(start), float(step), counted


def _up_to(start: float, end: float, step: float) -> int:
    if isinstance(start, int):
        return max(0, -int((start - end) // step))
    return max(0, math.ceil((end - start) / step))


def _up_to_and_with(start: float, end: float, step: float) -> int:
    return max(0, math.floor((end - start) / step) + 1)


@composite(method=False, out=MAKES_RANGE, samples=sampling.arange, dtypes=dtypes.REAL)
def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers from ``start`` up to but not including ``end``, ``step`` apart; int64 where all three are integers.

    Raises
    ------
    RuntimeError
        For a step of zero, bounds that are not finite, or in the wrong order for the step.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.arange(3)
    tensor([0, 1, 2])
    >>> pb.arange(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    dtype = checked_dtype("arange", dtype)
    check_options("arange", device, requires_grad, layout, pin_memory)
    if end is None:
        start, end = 0, checked_number("arange", "end", start, 1)
    else:
        start = 0 if start is None else checked_number("arange", "start", start, 1)
        end = checked_number("arange", "end", end, 2)
    if step.__class__ is not int:
        step = checked_number("arange", "step", step, 3)
    integers = isinstance(start, int) and isinstance(end, int) and isinstance(step, int)
    if not integers and complex in map(type, (start, end, step)):
        raise RuntimeError("value cannot be converted to type double without overflow")
    if dtype is None:
        dtype = dtypes.int64 if integers else get_default_dtype()
    _check_kernel("arange_cpu", dtype, _NOT_STEPPED)
    _check_bounds(start, end, step)
    start, step, count = _bounds_in(dtype, start, end, step, _up_to)
    chosen, place = chosen_backend(backend, device)
    return finished(Tensor._wrap(_stepped(chosen, place, start, step, count, dtype), chosen), requires_grad)


@composite(method=False, out=MAKES_RANGE, samples=Unsampled("it is deprecated, and warns; arange is checked"))
def range(
    start: Any,
    end: Any,
    step: Any = 1,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers from ``start`` up to and including ``end``, ``step`` apart. Deprecated: use :func:`arange`.

    Raises
    ------
    RuntimeError
        As of :func:`arange`.

    Examples
    --------
    >>> import warnings
    >>> import pullback as pb
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     pb.range(1, 2, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    import warnings

    dtype = checked_dtype("range", dtype)
    check_options("range", device, requires_grad, layout, pin_memory)
    start, end = checked_number("range", "start", start, 1), checked_number("range", "end", end, 2)
    step = checked_number("range", "step", step, 3)
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with"
        " Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    if complex in map(type, (start, end, step)):
        raise RuntimeError("value cannot be converted to type double without overflow")
    dtype = dtype or get_default_dtype()
    _check_kernel("range_cpu", dtype, _NOT_STEPPED)
    _check_bounds(start, end, step)
    start, step, count = _bounds_in(dtype, start, end, step, _up_to_and_with)
    chosen, place = chosen_backend(backend, device)
    return finished(Tensor._wrap(_stepped(chosen, place, start, step, count, dtype), chosen), requires_grad)


def _spaced(
    function: str, start: Any, end: Any, steps: Any, dtype: DType | None, backend: Any, device: Any
) -> tuple[Any, Any, int, DType, Backend, Device | None]:
    """The arguments of ``linspace`` and ``logspace``, checked: the ends as numbers of the dtype."""
    ends = []
    for position, (name, value) in enumerate((("start", start), ("end", end)), 1):
        if isinstance(value, Tensor):
            if value.ndim:
                raise RuntimeError(
                    f"{function} only supports 0-dimensional start and end tensors, but got {name} with"
                    f" {value.ndim} dimension(s)."
                )
            ends.append(value.item())
        else:
            ends.append(checked_number(function, name, value, position))
    count = checked_integer(function, "steps", steps, 3)
    if any(isinstance(value, complex) for value in ends):
        inferred = get_default_dtype().to_complex()
        if dtype is not None and not dtype.is_complex:
            raise RuntimeError(
                f"torch.{function}(): inferred dtype {c_name(inferred)} can't be safely cast to passed dtype"
                f" {type_name(dtype)}"
            )
    else:
        inferred = get_default_dtype()
    dtype = dtype or inferred
    if count < 0:
        raise RuntimeError("number of steps must be non-negative")
    _check_kernel(f"{function}_cpu", dtype, _NOT_SPACED)
    chosen, place = chosen_backend(backend, device)
    first, last = ends
    # An end that is no element need not be one of the dtype; the one exponent of logspace is none either.
    if count > 1 or (count and function == "linspace"):
        first = fitted(first, dtype)
    if count > 1:
        last = fitted(last, dtype)
    return first, last, count, dtype, chosen, place


def _is_mapped(value: Any) -> bool:
    """Whether an end is another one for each example of a ``vmap``."""
    if not isinstance(value, Tensor) or not value.backend.level or value.ndim:
        return False
    return is_mapped(value)


def _between_mapped(function: str, start: Any, end: Any, steps: Any, dtype: DType | None) -> tuple[Tensor, DType]:
    """Numbers from ends of which nobody can know the elements, in double precision, and the dtype they should have."""
    mapped = start if _is_mapped(start) else end
    low, high = (0.0 if _is_mapped(value) else value for value in (start, end))
    first, last, count, dtype, _, _ = _spaced(function, low, high, steps, dtype, None, None)
    complex_ends = any(isinstance(value, Tensor) and value.dtype.is_complex for value in (start, end))
    working = dtypes.complex128 if dtype.is_complex or complex_ends else dtypes.float64
    ends = [v.detach().to(working) if _is_mapped(v) else n for v, n in ((start, first), (end, last))]
    step = (ends[1] - ends[0]) / max(count - 1, 1)
    numbers = arange(count, backend=mapped.backend, device=mapped.device)
    rising, falling = ends[0] + numbers * step, ends[1] - (count - 1 - numbers) * step
    return ops.where(numbers * 2 < count, rising, falling), dtype


@composite(method=False, out=MAKES, samples=sampling.linspace)
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """``steps`` numbers evenly spaced from ``start`` to ``end``, both included.

    Parameters
    ----------
    start, end : number, or Tensor of no dimension
        No gradients flow to them.

    Raises
    ------
    RuntimeError
        For a negative number of steps, and complex ends where the dtype is real.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    dtype = checked_dtype("linspace", dtype)
    check_options("linspace", device, requires_grad, layout, pin_memory)
    if _is_mapped(start) or _is_mapped(end):
        each, dtype = _between_mapped("linspace", start, end, steps, dtype)
        return finished(each.to(dtype), requires_grad)
    first, last, count, dtype, chosen, place = _spaced("linspace", start, end, steps, dtype, backend, device)
    array = _between(chosen, place, first, last, count, dtype, dtype)
    return finished(Tensor._wrap(array, chosen), requires_grad)


def _between(
    backend: Backend, place: Device | None, first: Any, last: Any, count: int, dtype: DType, result: DType
) -> NativeArray:
    """``count`` numbers between two of ``dtype``, as elements of ``result``."""
    if dtype.category != dtypes.COMPLEX:
        first, last = float(first), float(last)
    check_size((count,), result.itemsize)
    with backend.guard():
        return backend.linspace(first, last, count, dtype=backend.native_dtype(result), device=place)


@composite(method=False, out=MAKES, samples=sampling.logspace)
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """``base`` to the power of ``steps`` exponents evenly spaced from ``start`` to ``end``, both included.

    Raises
    ------
    RuntimeError
        As of :func:`linspace`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    dtype = checked_dtype("logspace", dtype)
    check_options("logspace", device, requires_grad, layout, pin_memory)
    base = checked_number("logspace", "base", base, 4)
    if isinstance(base, complex):
        raise TypeError("logspace(): argument 'base' (position 4) must be float, not complex")
    if _is_mapped(start) or _is_mapped(end):
        each, dtype = _between_mapped("logspace", start, end, steps, dtype)
        return finished((base**each).to(dtype), requires_grad)
    first, last, count, dtype, chosen, place = _spaced("logspace", start, end, steps, dtype, backend, device)
    working = dtypes.complex128 if dtype.is_complex else dtypes.float64
    exponents = _between(chosen, place, first, last, count, dtype, working)
    with chosen.guard():
        array = chosen.pow(chosen.from_data(base, working, place), exponents)
        if array.dtype != chosen.native_dtype(dtype):
            array = chosen.astype(chosen.as_array(array), dtype)
    return finished(Tensor._wrap(chosen.as_array(array), chosen), requires_grad)

"""Whether two tensors are equal, or close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.autograd.grad_mode import no_grad
from pullback.dispatch.declaration import composite
from pullback.dispatch.declaration_values import Sampled
from pullback.meta import dtypes
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import EVERY
from pullback.tensor import Tensor
from pullback.tensor.levels import refuse_mapped

if TYPE_CHECKING:
    from collections.abc import Iterator


def _tolerances(make: Any) -> Iterator[dict[str, Any]]:
    # So far from what operands differ by that no rounding decides.
    yield {"rtol": 100.0}
    yield {"atol": 10.0, "equal_nan": True}


@composite(dtypes=EVERY, samples=Sampled("elementwise", settings=_tolerances))
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether each two elements differ by at most ``atol + rtol * abs(other)``.

    Parameters
    ----------
    equal_nan : bool
        Whether two NaNs are close.

    Raises
    ------
    RuntimeError
        For two dtypes, or a negative tolerance.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.isclose(pb.tensor([1., 2.]), pb.tensor([1.000001, 3.]))
    tensor([ True, False])
    """
    for position, (name, value) in enumerate((("input", input), ("other", other)), start=1):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"isclose(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )
    if input.dtype is not other.dtype:
        names = (type_name(d) for d in (input.dtype, other.dtype))
        raise RuntimeError("{} did not match {}".format(*names))
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    with no_grad():
        close = ops.eq(input, other)  # equal infinities too
        if equal_nan and input.dtype.category >= dtypes.FLOATING:
            close = ops.logical_or(close, ops.logical_and(ops.isnan(input), ops.isnan(other)))
        if (rtol == 0 and atol == 0) or input.dtype.category == dtypes.BOOL:
            return close
        if input.dtype.category < dtypes.FLOATING:
            input, other = input.to(dtypes.float64), other.to(dtypes.float64)
        distance = ops.abs(input - other)
        near = ops.logical_and(ops.le(distance, ops.abs(other) * rtol + atol), ops.isfinite(distance))
        return ops.logical_or(close, near)


@composite(dtypes=EVERY, samples=Sampled("elementwise", settings=_tolerances))
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close: see :func:`isclose`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.allclose(pb.tensor([1., 2.]), pb.tensor([1., 2.000001]))
    True
    """
    refuse_mapped(
        "vmap over torch.allclose isn't supported yet. Please file an issue at"
        " https://github.com/pytorch/pytorch/issues if you need this feature.",
        input,
        other,
    )
    return bool(ops.all(isclose(input, other, rtol, atol, equal_nan)).item())


@composite(dtypes=EVERY, samples="elementwise")
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.equal(pb.tensor([1, 2]), pb.tensor([1, 2]))
    True
    """
    if not isinstance(other, Tensor):
        raise TypeError(f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    refuse_mapped("Batching rule not implemented for aten::equal. We could not generate a fallback.", input, other)
    return input.shape == other.shape and bool(ops.all(ops.eq(input, other)).item())

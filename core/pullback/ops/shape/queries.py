"""Questions about tensors, as functions."""

from __future__ import annotations

from typing import Any, TypeGuard

from pullback.dispatch.declaration import in_namespace
from pullback.dispatch.overridable import asks, make_module_overridable
from pullback.meta.dtypes import DType, dtype_of_scalar, result_type_of
from pullback.tensor import Tensor


@asks("nobody")
@in_namespace("pullback")
def is_tensor(obj: Any) -> TypeGuard[Tensor]:
    """Whether ``obj`` is a Tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_tensor(pb.ones(1)), pb.is_tensor(1)
    (True, False)
    """
    return isinstance(obj, Tensor)


def _require_tensor(function: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        kind = "torch.dtype" if isinstance(value, DType) else type(value).__name__
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {kind}")


@in_namespace("pullback")
def is_floating_point(input: Tensor) -> bool:
    """Whether the tensor's dtype is a floating one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_floating_point(pb.ones(1))
    True
    """
    _require_tensor("is_floating_point", input)
    return input.dtype.is_floating_point


@in_namespace("pullback")
def is_complex(input: Tensor) -> bool:
    """Whether the tensor's dtype is complex.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_complex(pb.ones(1))
    False
    """
    _require_tensor("is_complex", input)
    return input.dtype.is_complex


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.inference_mode():
    ...     x = pb.ones(1)
    >>> pb.is_inference(x)
    True
    """
    _require_tensor("is_inference", input)
    return input.is_inference()


@in_namespace("pullback")
def is_signed(input: Tensor) -> bool:
    """Whether the tensor's dtype can hold negative numbers.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_signed(pb.ones(1)), pb.is_signed(pb.ones(1, dtype=pb.uint8))
    (True, False)
    """
    _require_tensor("is_signed", input)
    return input.dtype.is_signed


@in_namespace("pullback")
def numel(input: Tensor) -> int:
    """The number of elements.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numel(pb.ones(2, 3))
    6
    """
    _require_tensor("numel", input)
    return input.numel()


@in_namespace("pullback")
def result_type(tensor1: Any, tensor2: Any) -> DType:
    """The dtype that arithmetic of the two, tensors or numbers, gives.

    Raises
    ------
    TypeError
        For an argument that is neither.
    RuntimeError
        For dtypes that have none in common: see :func:`promote_types`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.result_type(pb.tensor([1, 2]), 1.0)
    torch.float32
    """
    values = (tensor1, tensor2)
    if not all(isinstance(v, Tensor | bool | int | float | complex) for v in values):
        kinds = ", ".join("Tensor" if isinstance(v, Tensor) else type(v).__name__ for v in values)
        raise TypeError(
            f"result_type() received an invalid combination of arguments - got ({kinds}), but expected two Tensors or"
            " numbers"
        )
    return result_type_of(
        [v.dtype for v in values if isinstance(v, Tensor) and v.ndim],
        [v.dtype for v in values if isinstance(v, Tensor) and not v.ndim],
        [dtype_of_scalar(v) for v in values if not isinstance(v, Tensor)],
    )


make_module_overridable(__name__)

"""Questions about tensors, as functions."""

from __future__ import annotations

from typing import Any, TypeGuard

from pullback.dtypes import DType, dtype_of_scalar, result_type_of
from pullback.tensor import Tensor


def is_tensor(obj: Any) -> TypeGuard[Tensor]:
    """Whether ``obj`` is a Tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_tensor(pb.ones(1)), pb.is_tensor(1)
    (True, False)
    """
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether the tensor's dtype is a floating one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_floating_point(pb.ones(1))
    True
    """
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Whether the tensor's dtype is complex.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_complex(pb.ones(1))
    False
    """
    return input.dtype.is_complex


def numel(input: Tensor) -> int:
    """The number of elements.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numel(pb.ones(2, 3))
    6
    """
    return input.numel()


def result_type(tensor1: Any, tensor2: Any) -> DType:
    """The dtype that arithmetic of the two, tensors or numbers, gives.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.result_type(pb.tensor([1, 2]), 1.0)
    torch.float32
    """
    values = (tensor1, tensor2)
    return result_type_of(
        [v.dtype for v in values if isinstance(v, Tensor) and v.ndim],
        [v.dtype for v in values if isinstance(v, Tensor) and not v.ndim],
        [dtype_of_scalar(v) for v in values if not isinstance(v, Tensor)],
    )

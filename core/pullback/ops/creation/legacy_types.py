"""PyTorch's older names of tensors of one dtype: ``pullback.FloatTensor`` and its like."""

from __future__ import annotations

from typing import Any

from pullback.meta import dtypes
from pullback.meta.dtypes import DType
from pullback.ops.creation.filled import empty
from pullback.ops.creation.from_data import tensor
from pullback.tensor import Tensor


class TensorType:
    """Makes tensors of one dtype, and recognises them: ``LongTensor([1, 2])``, ``isinstance(x, FloatTensor)``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.LongTensor([1.5, 2.0])
    tensor([1, 2])
    >>> isinstance(pb.ones(1), pb.FloatTensor), isinstance(pb.ones(1), pb.LongTensor)
    (True, False)
    """

    __slots__ = ("__name__", "dtype")

    __name__: str
    is_cuda = False

    def __init__(self, dtype: DType) -> None:
        self.dtype = dtype
        self.__name__ = dtype.tensor_type_name

    def __call__(self, *args: Any, device: Any = None) -> Tensor:
        if len(args) == 1 and isinstance(args[0], Tensor):
            if args[0].dtype is not self.dtype:
                raise TypeError(f"expected a tensor of {self.dtype} (got one of {args[0].dtype})")
            return Tensor(args[0])
        if not args:
            return empty(0, dtype=self.dtype, device=device)
        if len(args) == 1 and not isinstance(args[0], int):
            return tensor(Tensor(args[0]) if isinstance(args[0], str) else args[0], dtype=self.dtype, device=device)
        return empty(*args, dtype=self.dtype, device=device)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class 'torch.{self.__name__}'>"

    def __reduce__(self) -> str:
        return self.__name__


BFloat16Tensor = TensorType(dtypes.bfloat16)
BoolTensor = TensorType(dtypes.bool_)
ByteTensor = TensorType(dtypes.uint8)
CharTensor = TensorType(dtypes.int8)
DoubleTensor = TensorType(dtypes.float64)
FloatTensor = TensorType(dtypes.float32)
HalfTensor = TensorType(dtypes.float16)
IntTensor = TensorType(dtypes.int32)
LongTensor = TensorType(dtypes.int64)
ShortTensor = TensorType(dtypes.int16)

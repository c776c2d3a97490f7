"""PyTorch's arrays and kernels, without its autograd, as a backend."""

from typing import Any

import array_api_compat.torch as xp
import ml_dtypes
import torch

from pullback.extend import ArrayAPIBackend


class TorchBackend(ArrayAPIBackend):
    """PyTorch on the CPU."""

    def __init__(self) -> None:
        super().__init__("pytorch", xp, mutable=True)

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def from_numpy(self, array: Any) -> Any:
        if array.dtype == ml_dtypes.bfloat16:  # which PyTorch does not take from NumPy
            return super().from_numpy(array.view("int16").copy()).view(torch.bfloat16)
        # PyTorch has no read-only arrays: such memory is copied.
        return super().from_numpy(array if array.flags.writeable else array.copy())

    def to_numpy(self, array: Any) -> Any:
        if array.dtype is torch.bfloat16:  # which NumPy has from ml_dtypes
            return array.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
        return array.numpy()

"""Namespaces of PyTorch's ``torch.utils``."""

from pullback.utils import checkpoint, dlpack

__all__ = ["checkpoint", "dlpack"]

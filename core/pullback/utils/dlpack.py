"""DLPack capsules, as ``torch.utils.dlpack``."""

from pullback.interop.dlpack import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]

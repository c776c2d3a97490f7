"""Kernels written in CUDA's language: only a GPU's compiler makes anything of them."""

from __future__ import annotations

from typing import Any, NoReturn


class OnlyOnAGPU(NotImplementedError):
    """Code that no stand-in runs was about to run; it is not tested here."""


class _Kernel:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.source = args, kwargs

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OnlyOnAGPU("a kernel in CUDA's language runs on a GPU only, and is not tested on the stand-in")


class ElementwiseKernel(_Kernel):
    """``cupy.ElementwiseKernel``."""


class ReductionKernel(_Kernel):
    """``cupy.ReductionKernel``."""


class RawKernel(_Kernel):
    """``cupy.RawKernel``."""

"""How precise float32 matrix products are: whether tensor cores may round their operands to TF32."""

from __future__ import annotations

import os
from typing import Any

import cupy

from pullback.extend import NumPyLikeBackend

#: cupy/_core/_routines_linalg.pyx has these numbers as an enumeration.
DEFAULT, TF32 = 1, 7


class MatmulPrecision(NumPyLikeBackend):
    """PyTorch's ``set_float32_matmul_precision``, by CuPy's compute type of float32 and complex64."""

    def start_with_environment(self) -> None:
        """CuPy asks ``CUPY_TF32`` at the first product."""
        if int(os.environ.get("CUPY_TF32", "0") or 0) > 0:
            self.float32_matmul_precision = "high"

    def set_float32_matmul_precision(self, precision: str) -> None:
        super().set_float32_matmul_precision(precision)
        core: Any = cupy._core
        core.set_compute_type("f", DEFAULT if precision == "highest" else TF32)

"""A backend over any library that follows the Python Array API standard.

Kernels come from the namespace by name; what the standard lacks, or leaves undefined for a dtype PyTorch
allows, is composed from what it has.
"""

from pullback.backend.array_api.axes import Axis, count_reduced
from pullback.backend.array_api.backend import ArrayAPIBackend
from pullback.backend.array_api.kernel_names import BINARY, UNARY

__all__ = ["BINARY", "UNARY", "ArrayAPIBackend", "Axis", "count_reduced"]

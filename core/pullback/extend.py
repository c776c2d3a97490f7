"""The one public module for whoever extends pullback: backends, operations, kernels, interceptors, plugin hooks.

Examples
--------
A new operation, with everything that follows from its declaration:

>>> import pullback as pb
>>> from pullback.extend import Array, elementwise
>>> @elementwise(partials=lambda input: 3 * input * input, kernel="multiply", method=False, inplace=False)
... def cube(backend, input: "Array"):
...     "The third power of each element."
...     return backend.multiply(input, backend.multiply(input, input))
>>> x = pb.tensor(2., requires_grad=True)
>>> cube(x)
tensor(8., grad_fn=<CubeBackward0>)
"""

from __future__ import annotations

from pullback.backend.array_api import ArrayAPIBackend, Axis, count_reduced
from pullback.backend.base import Backend, Kernel, NativeArray
from pullback.backend.geometry import Geometry
from pullback.backend.numpy_like import NumPyLikeBackend
from pullback.backend.records import BackendSpec, Limitation
from pullback.backend.registry import instance_problem, known_backends, register_backend, unregister_backend
from pullback.backend.selection import get_backend, use_backend
from pullback.backend.transfers import elements_read
from pullback.dispatch.declaration import (
    Array,
    Arrays,
    Bad,
    Composite,
    DeclarationError,
    Operation,
    Sample,
    composite,
    elementwise,
    op,
)
from pullback.dispatch.declaration_values import (
    Accepts,
    Accuracy,
    Check,
    Inplace,
    Integers,
    Outputs,
    Promotes,
    Sampled,
    Shows,
    Unsampled,
)
from pullback.dispatch.interception import AroundKernels, intercept, intercept_kernels, run_alone
from pullback.errors import (
    BackendError,
    BackendUnavailableError,
    MissingKernelError,
    PluginError,
    UnknownBackendError,
    did_you_mean,
)
from pullback.meta import dtypes
from pullback.meta.allocation import check_size
from pullback.meta.devices import CPU, Device
from pullback.meta.dtypes import DType
from pullback.meta.limits import finfo, iinfo
from pullback.ops import import_all
from pullback.plugin.hookspecs import hookimpl
from pullback.plugin.manager import backend_specs, call_each, load_tool, tools
from pullback.process.environment import is_switched_on
from pullback.process.source_lines import SourceLine, leave_out, node_in_backward, users_line
from pullback.tensor import Tensor
from pullback.tensor.indices import Positions
from pullback.tensor.registry import registry
from pullback.tensor.tensor import tensors_of

__all__ = [
    "CPU",
    "Accepts",
    "Accuracy",
    "AroundKernels",
    "Array",
    "ArrayAPIBackend",
    "Arrays",
    "Axis",
    "Backend",
    "BackendError",
    "BackendSpec",
    "BackendUnavailableError",
    "Bad",
    "Check",
    "Composite",
    "DType",
    "DeclarationError",
    "Device",
    "Geometry",
    "Inplace",
    "Integers",
    "Kernel",
    "Limitation",
    "MissingKernelError",
    "NativeArray",
    "NumPyLikeBackend",
    "Operation",
    "Outputs",
    "PluginError",
    "Positions",
    "Promotes",
    "Sample",
    "Sampled",
    "Shows",
    "SourceLine",
    "Tensor",
    "UnknownBackendError",
    "Unsampled",
    "backend_specs",
    "call_each",
    "check_size",
    "composite",
    "count_reduced",
    "did_you_mean",
    "dtypes",
    "elements_read",
    "elementwise",
    "finfo",
    "get_backend",
    "hookimpl",
    "iinfo",
    "import_all",
    "instance_problem",
    "intercept",
    "intercept_kernels",
    "is_switched_on",
    "known_backends",
    "leave_out",
    "load_tool",
    "node_in_backward",
    "op",
    "register_backend",
    "registry",
    "run_alone",
    "tensors_of",
    "tools",
    "unregister_backend",
    "use_backend",
    "users_line",
]

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

from pullback.backend.array_api import ArrayAPIBackend
from pullback.backend.base import Backend
from pullback.backend.records import BackendSpec, Limitation
from pullback.backend.registry import register_backend, unregister_backend
from pullback.dispatch.declaration import Array, Arrays, DeclarationError, Sample, composite, elementwise, op
from pullback.dispatch.interception import intercept
from pullback.errors import BackendError, BackendUnavailableError, MissingKernelError, UnknownBackendError
from pullback.meta.allocation import check_size
from pullback.plugin.hookspecs import hookimpl
from pullback.tensor.registry import registry

__all__ = [
    "Array",
    "ArrayAPIBackend",
    "Arrays",
    "Backend",
    "BackendError",
    "BackendSpec",
    "BackendUnavailableError",
    "DeclarationError",
    "Limitation",
    "MissingKernelError",
    "Sample",
    "UnknownBackendError",
    "check_size",
    "composite",
    "elementwise",
    "hookimpl",
    "intercept",
    "op",
    "register_backend",
    "registry",
    "unregister_backend",
]

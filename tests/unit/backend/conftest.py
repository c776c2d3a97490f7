"""The backends under test: NumPy, JAX, and the generic one over array-api-strict."""

from __future__ import annotations

import os

import array_api_strict
import numpy as np
import pytest

from pullback.backend.array_api import ArrayAPIBackend
from pullback.backend.base import Backend
from pullback.backend.selection import get_backend
from pullback.meta import dtypes as dt

STRICT = ArrayAPIBackend("strict", array_api_strict)


class Kernels:
    """A backend's kernels over NumPy arrays: what goes in and comes out is converted."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def to_native(self, value):
        if isinstance(value, np.ndarray):
            return self.backend.from_numpy(value)
        if isinstance(value, (tuple, list)):
            return type(value)(self.to_native(v) for v in value)
        return value

    def __call__(self, kernel, *args, **options):
        with self.backend.guard():
            out = getattr(self.backend, kernel)(
                *map(self.to_native, args), **{name: self.to_native(v) for name, v in options.items()}
            )
        return self.backend.to_numpy(self.backend.as_array(out))

    @property
    def keeps_the_last(self) -> bool:
        """Whether of several values written to one element the last stays, which on a GPU nothing says."""
        return self.backend.default_device.type == "cpu"

    def has(self, *dtypes) -> bool:
        return all(dt.by_name[np.dtype(d).name] in self.backend.native_dtypes for d in dtypes)


#: Others where the environment names them, as in ``tests/conftest.py``.
BACKENDS = os.environ.get("PULLBACK_TEST_BACKENDS", "numpy,jax,strict").split(",")


@pytest.fixture(params=BACKENDS)
def backend(request) -> Backend:
    return STRICT if request.param == "strict" else get_backend(request.param)


@pytest.fixture
def run(backend) -> Kernels:
    return Kernels(backend)

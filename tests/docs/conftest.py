"""What the documentation's examples change in the process is undone after each of them."""

from __future__ import annotations

import pytest

import pullback
from pullback.backend import registry as backends
from pullback.extend import registry as operations


@pytest.fixture
def undone():
    """Forget the operations, methods and backends that an example declares, and its modes and defaults."""
    declared = dict(operations)
    methods = dict(vars(pullback.Tensor))
    known = set(backends.known_backends())
    dtype = pullback.get_default_dtype()
    with pullback.use_backend("numpy"), pullback.enable_grad():
        yield
    for name in set(operations) - set(declared):
        del operations[name]
    for name in set(vars(pullback.Tensor)) - set(methods):
        delattr(pullback.Tensor, name)
    for name in set(backends.known_backends()) - known:
        backends.unregister_backend(name)
    pullback.set_default_dtype(dtype)

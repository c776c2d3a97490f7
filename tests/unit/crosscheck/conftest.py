"""Backends with a planted fault, for as long as a test takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pullback.extend import Backend, register_backend, unregister_backend

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))  # scripts import the faulty backends by name


@pytest.fixture
def faulty() -> Iterator[Callable[[str], Backend]]:
    """Registers one of the backends of ``faulty.py`` by the name of its class."""
    import faulty as module

    registered: list[str] = []

    def register(name: str) -> Backend:
        backend: Backend = getattr(module, name)()
        register_backend(backend)
        registered.append(name)
        return backend

    yield register
    for name in registered:
        unregister_backend(name)

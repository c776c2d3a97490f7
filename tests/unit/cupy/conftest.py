"""The stand-in for CuPy, and the CuPy backend over it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from pullback.backend.registry import known_backends
from pullback.extend import register_backend

_LOADING = Path(__file__).parents[2] / "cupy_stand_in" / "loading.py"


def _loaded() -> Any:
    name = "cupy_stand_in_loading"
    if name not in sys.modules:
        spec = spec_from_file_location(name, _LOADING)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].load()


@pytest.fixture(scope="session")
def stand_in() -> Any:
    """The stand-in's modules ``cupy`` and ``cupyx``, and the backend's."""
    return _loaded()


@pytest.fixture
def xp(stand_in: Any) -> Any:
    """The stand-in's ``cupy``."""
    return stand_in.cupy


@pytest.fixture
def make(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Makes the CuPy backend over the stand-in, which is then the backend of that name until the test ends."""
    spec = known_backends()["cupy"]
    for variable in ("PULLBACK_CUPY_CHECKS", "CUPY_STAND_IN_DEVICES", "CUPY_STAND_IN_PEER_ACCESS", "CUPY_TF32"):
        monkeypatch.delenv(variable, raising=False)

    def made(**environment: str) -> Any:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        backend = stand_in.backend.CuPyBackend()
        register_backend(backend, replace=True)
        return backend

    yield made
    register_backend(spec, replace=True)


@pytest.fixture
def backend(make: Callable[..., Any]) -> Any:
    """The CuPy backend over the stand-in, with two devices."""
    return make()


@pytest.fixture
def counted(stand_in: Any) -> Callable[[str], int]:
    """How often something has happened in this thread so far, as "synchronizations"."""
    count: Callable[[str], int] = sys.modules["stand_in.counters"].counted
    return count

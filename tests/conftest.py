"""What every test keeps to: it leaves pullback's settings as they were, and the memory of its process bounded."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import Context, copy_context
from mmap import PAGESIZE
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import pullback as pb

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


def settings() -> dict[str, Any]:
    """What a program can set for all that comes after it: options of printing, and what holds in this thread."""
    nothing = Context()
    found = {
        variable.name: value
        for variable, value in copy_context().items()
        if variable.name.startswith("pullback") and value != nothing.run(variable.get)
    }
    return {**found, "printing": pb.get_printoptions(), "default dtype": pb.get_default_dtype()}


@pytest.fixture(autouse=True)
def settings_are_left_as_they_were() -> Iterator[None]:
    before = settings()
    yield
    assert settings() == before


#: From how many bytes on what is compiled is given up, and by how many a process may grow until it is once more.
ENOUGH, GROWTH = 900 * 2**20, 200 * 2**20
_resident = Path("/proc/self/statm")  # Linux; elsewhere nothing is given up
_floor = [0]


def resident_bytes() -> int:
    """How much memory the process holds."""
    return int(_resident.read_text().split()[1]) * PAGESIZE if _resident.exists() else 0


def bound_memory() -> None:
    """Give up what is compiled, where the process holds much."""
    jax = sys.modules.get("jax")
    if jax is None or resident_bytes() < max(ENOUGH, _floor[0] + GROWTH):
        return
    jax.clear_caches()
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # glibc keeps what is freed
    _floor[0] = resident_bytes()


def pytest_configure() -> None:
    """Give each worker a folder of its own below ``JAX_COMPILATION_CACHE_DIR``: JAX writes there without locks."""
    folder, worker = os.environ.get("JAX_COMPILATION_CACHE_DIR"), os.environ.get("PYTEST_XDIST_WORKER")
    if folder and worker:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(folder, worker))


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[Callable[[], None]]:
    """JAX keeps each program that it has compiled, and tests have many shapes; a long test calls this in between."""
    yield bound_memory
    bound_memory()


# -- backends ---------------------------------------------------------------------------------------------------------


#: The backends that tests of any backend run on: others where ``PULLBACK_TEST_BACKENDS`` names them, with commas.
BACKENDS = os.environ.get("PULLBACK_TEST_BACKENDS", "numpy,jax").split(",")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the backend that is current in the test, which runs on each."""
    with pb.use_backend(request.param):
        yield request.param


def _needs_jax(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    named = any(isinstance(value, str) and value == "jax" for value in parameters)
    code = getattr(getattr(item, "function", None), "__code__", None)
    return named or "jax" in item.nodeid or "jax" in vars(getattr(item, "module", item)) or _names_jax(code)


def _names_jax(constant: object) -> bool:
    """Whether a constant of a function's code is ``"jax"`` or has it in it, the code itself among them."""
    if isinstance(constant, CodeType):
        return any(map(_names_jax, constant.co_consts))
    return constant == "jax" or (isinstance(constant, tuple) and "jax" in constant)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need JAX: ``pytest -m "not jax and not oracle"`` does without."""
    for item in items:
        if _needs_jax(item):
            item.add_marker("jax")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run a file that is named by itself in this process: workers take longer to start than most files to run."""
    files = [argument for argument in config.args if ".py" in argument]
    return 0 if len(files) == 1 == len(config.args) else None

"""The checks of what a kernel remembers, of threads, and of warnings: each with a planted defect."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import array_api_strict
import numpy as np
import pytest

from pullback.dispatch.declaration import Array, elementwise
from pullback.extend import ArrayAPIBackend, registry
from pullback_conformance.checks.warned import heard
from pullback_conformance.outcome import Outcome
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.selftest.loopbacks import loopback_class


def backend_with(name: str, broken: Any) -> Any:
    """NumPy with another kernel, which gets the right one first."""
    backend = loopback_class(True)()
    right = getattr(backend, name)
    setattr(backend, name, lambda *a, **o: broken(right, *a, **o))
    backend.inplace_kernels = backend.inplace_kernels - {name}
    return backend


def failures(backend: Any, operation: str, check: str) -> list[str]:
    record = Runner(backend, "numpy", Selection("standard", (operation,), ("float32",), (check,))).run()
    assert [c.check for c in record.cells] == [check]
    return [s.message for c in record.cells for s in c.samples if s.outcome == Outcome.FAILED.value]


@pytest.mark.parametrize("check", ["state", "repeated", "threads", "warnings"])
@pytest.mark.parametrize("operation", ["exp", "roll", "sum", "mm", "arange"])
def test_right_kernels_pass(operation: str, check: str) -> None:
    assert failures(loopback_class(True)(), operation, check) == []
    assert failures(loopback_class(False)(), operation, check) == []


def test_a_cache_that_forgets_an_attribute_is_found() -> None:
    cache: dict[bytes, Any] = {}

    def cached(right: Any, x: Any, shift: Any, axis: Any = None) -> Any:
        return cache.setdefault(x.tobytes(), right(x, shift, axis=axis)).copy()

    (message,) = failures(backend_with("roll", cached), "roll", "state")
    assert "after this call the one with" in message


def test_a_cache_that_forgets_one_of_two_operands_is_found() -> None:
    cache: dict[bytes, Any] = {}

    def cached(right: Any, x: Any, y: Any) -> Any:
        return cache.setdefault(y.tobytes(), right(x, y)).copy()

    (message,) = failures(backend_with("mm", cached), "mm", "state")
    assert "other values in operand 0 is wrong" in message


def test_a_result_that_is_kept_for_the_object_is_found() -> None:
    last: list[Any] = [None, None]

    def kept(right: Any, x: Any, **options: Any) -> Any:
        if last[0] is not x:
            last[:] = [x, right(x, **options)]
        return last[1].copy()

    (message,) = failures(backend_with("exp", kept), "exp", "state")
    assert message == "the result is that before the operands were written in place"


def test_one_buffer_for_large_results_is_found() -> None:
    buffers: dict[Any, Any] = {}

    def into_buffer(right: Any, x: Any, **options: Any) -> Any:
        if x.size < 1000:
            return right(x, **options)
        buffer = buffers.setdefault((x.shape, str(x.dtype)), np.empty_like(x))
        return right(x, out=buffer)

    (message,) = failures(backend_with("exp", into_buffer), "exp", "repeated")
    assert "changed when the operation was called again" in message


def test_a_kernel_that_wears_out_is_found() -> None:
    calls = [0]

    def worn(right: Any, x: Any, **options: Any) -> Any:
        calls[0] += 1
        return right(x, **options) if calls[0] < 300 else np.zeros_like(x)

    (message,) = failures(backend_with("log", worn), "log", "repeated")
    assert message.startswith("the same call gives something else the ")


def test_memory_that_threads_share_is_found() -> None:
    inside = [0]

    def shared(right: Any, x: Any, **options: Any) -> Any:
        inside[0] += 1
        if threading.active_count() > 1:
            time.sleep(0.0005)
        result = right(x, **options)
        wrong = inside[0] > 1
        inside[0] -= 1
        return result * 2 if wrong else result

    (message,) = failures(backend_with("sqrt", shared), "sqrt", "threads")
    assert "in thread" in message


def test_a_warning_is_found_whatever_the_filters() -> None:
    def noisy(right: Any, x: Any, **options: Any) -> Any:
        warnings.warn("from the depths", FutureWarning, stacklevel=1)
        return right(x, **options)

    (message,) = failures(backend_with("exp", noisy), "exp", "warnings")
    assert message == "warns of ordinary values: FutureWarning: from the depths"


def test_a_warning_is_found_where_arrays_have_no_strides() -> None:
    backend = ArrayAPIBackend("strict", array_api_strict)
    right = backend.exp

    def noisy(x: Any) -> Any:
        warnings.warn("from the depths", FutureWarning, stacklevel=1)
        return right(x)

    backend.exp = noisy  # type: ignore[method-assign]
    (message,) = failures(backend, "exp", "warnings")
    assert message == "warns of ordinary values: FutureWarning: from the depths"


def test_a_warning_of_overflow_is_found() -> None:
    def loud(right: Any, x: Any, **options: Any) -> Any:
        with np.errstate(all="warn"):
            return np.exp(x)

    (message,) = failures(backend_with("exp", loud), "exp", "warnings")
    assert message == "warns of special values: RuntimeWarning: overflow encountered in exp"


def test_warnings_of_other_threads_are_not_heard() -> None:
    with heard() as messages:
        worker = threading.Thread(target=warnings.warn, args=("elsewhere",))
        worker.start()
        worker.join()
        warnings.warn("here", stacklevel=1)
    assert [str(m.message) for m in messages] == ["here"]


@pytest.fixture
def declared() -> Iterator[None]:
    """Takes away the operations that a test declares."""
    before = set(registry)
    yield
    for name in set(registry) - before:
        del registry[name]


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(("warns", "count"), [("old name", 0), ("another", 1)])
def test_a_declared_warning_is_none_of_the_librarys(warns: str, count: int) -> None:
    @elementwise(warns=warns, nondifferentiable="for a test", method=False, inplace=False)
    def outmoded(backend: Any, input: Array) -> Array:
        """The negative."""
        warnings.warn("outmoded is an old name", UserWarning, stacklevel=1)
        return backend.negative(input)

    assert len(failures("numpy", "outmoded", "warnings")) == count

"""The check of bad input: what is bad follows from samples and declarations, and has to raise and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.dispatch.declaration import Array, elementwise
from pullback.extend import Bad, Sample, Unsampled, get_backend, import_all, op, registry
from pullback_conformance.outcome import Outcome
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.samples import samples_of
from pullback_conformance.samples.bad_calls import bad_calls, is_public
from pullback_conformance.selftest.loopbacks import loopback_class

import_all()
#: What only the core calls is left out: it has looked at what it gives.
PUBLIC = sorted(name for name, o in registry.items() if is_public(o) and not isinstance(o.samples, Unsampled))


def failures(backend: Any, operation: str, dtype: str = "float32") -> list[str]:
    """What the check says of an operation; nothing where it passes."""
    record = Runner(backend, "numpy", Selection("smoke", (operation,), (dtype,), ("errors",))).run()
    assert record.cells
    return [s.message for c in record.cells for s in c.samples if s.outcome == Outcome.FAILED.value]


def loopback(**kernels: Any) -> Any:
    """NumPy with other kernels, each of which gets the right one first."""
    backend = loopback_class(True)()
    for name, broken in kernels.items():
        right = getattr(backend, name)
        setattr(backend, name, lambda *a, _right=right, _broken=broken, **o: _broken(_right, *a, **o))
    return backend


@pytest.fixture
def declared() -> Iterator[None]:
    """Takes away the operations that a test declares."""
    before = set(registry)
    yield
    for name in set(registry) - before:
        del registry[name]


@pytest.mark.parametrize("operation", ["gather", "index_select", "softmax", "cat", "mm", "div", "arange", "as_strided"])
def test_right_refusals_pass(operation: str) -> None:
    for dtype in ("float32", "int64"):
        if any(d.name == dtype for d in registry[operation].dtypes):
            assert failures("numpy", operation, dtype) == []


def test_positions_that_wrap_around_are_found() -> None:
    def wraps(right: Any, x: Any, indices: Any, axis: int = -1) -> Any:
        return right(x, indices % x.shape[axis], axis)

    (message,) = failures(loopback(take_along_axis=wraps), "gather")
    assert "gather raises nothing where" in message


def test_a_division_by_zero_that_gives_a_number_is_found() -> None:
    (message,) = failures(loopback(has_zero=lambda right, x: False), "floor_divide", "int64")
    assert "(other: zeros)" in message


def test_another_exception_is_found() -> None:
    def stumbles(right: Any, x: Any, indices: Any, axis: int = -1) -> Any:
        try:
            return right(x, indices, axis)
        except Exception as error:
            raise LookupError("no such key") from error

    (message,) = failures(loopback(take_along_axis=stumbles), "gather")
    assert "raises LookupError where" in message


def test_an_operand_that_is_spoilt_before_the_exception_is_found() -> None:
    def spoils(right: Any, x: Any, indices: Any, axis: int = -1) -> Any:
        try:
            return right(x, indices, axis)
        except Exception:
            x[...] = 0
            raise

    (message,) = failures(loopback(take_along_axis=spoils), "gather")
    assert "operand 0 has changed all the same" in message


def test_a_call_that_is_wrong_after_an_exception_is_found() -> None:
    broken: list[bool] = []

    def breaks(right: Any, x: Any, indices: Any, axis: int = -1) -> Any:
        try:
            return right(x, indices, axis) * (2 if broken and len(broken) % 2 else 1)
        except Exception:
            broken.append(True)
            raise
        finally:
            if broken:
                broken.append(True)

    (message,) = failures(loopback(take_along_axis=breaks), "gather")
    assert message == "a good call gives something else after the bad ones"


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("raises", [True, False])
def test_bad_calls_of_a_declaration_have_to_raise(raises: bool) -> None:
    def bad(make: Any) -> Iterator[Bad]:
        yield Bad(ValueError, make(2), 13)

    def samples(make: Any) -> Iterator[Sample]:
        yield Sample(make(2), 3)

    @op(samples=samples, bad=bad, nondifferentiable="for a test", method=False)
    def superstitious(backend: Any, input: Array, number: int) -> Array:
        """The operand, unless the number is thirteen."""
        if raises and number == 13:
            raise ValueError("not that one")
        return backend.copy(input)

    assert failures("numpy", "superstitious") == (
        [] if raises else ["superstitious raises nothing where ValueError is right (declared bad call 1)"]
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_every_operation_that_users_call_has_a_bad_call(name: str) -> None:
    operation, backend = registry[name], get_backend("numpy")
    dtype = pb.float32 if pb.float32 in operation.dtypes else min(operation.dtypes, key=lambda d: d.name)
    sample = next(iter(samples_of(operation, backend, dtype)))
    certain = 0
    for call in bad_calls(operation, backend, dtype, sample):
        if call.raises:
            with pytest.raises(call.raises):
                operation.public(*call.args, **call.kwargs)
            certain += 1
    assert certain


@pytest.mark.usefixtures("declared")
def test_an_operand_larger_than_the_other_is_bad_for_what_broadcasts() -> None:
    @elementwise(kernel="add", nondifferentiable="for a test", method=False, inplace=False)
    def added(input: Array, other: Array) -> Array:
        """A sum."""

    backend = get_backend("numpy")
    sample = next(iter(samples_of(registry["added"], backend, pb.float32)))
    larger = [c for c in bad_calls(registry["added"], backend, pb.float32, sample) if c.label == "other: larger"]
    assert [c.raises for c in larger] == [(RuntimeError,)]
    assert np.shape(larger[0].args[1].array) == tuple(s + 1 for s in sample.args[0].shape)

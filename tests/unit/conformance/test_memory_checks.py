"""Checks of what results share, of what kernels remember, and of ways to write a call: each with a planted defect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.extend import import_all, registry
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Record
from pullback_conformance.runner import Runner, Selection
from pullback_numpy.backend import NumPyBackend


class Loopback(NumPyBackend):
    """NumPy under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.name = type(self).__name__


class SharesAbsolutes(Loopback):
    """``abs`` of what is positive already is the operand itself."""

    def abs(self, x: Any) -> Any:
        return x if np.all(x >= 0) else np.abs(x)


class CopiesTransposed(Loopback):
    """``permute_dims`` gives a copy."""

    def permute_dims(self, x: Any, axes: Any) -> Any:
        return np.transpose(x, axes).copy()


class ReadOnlyResults(Loopback):
    """``exp`` gives arrays that cannot be written."""

    def exp(self, x: Any) -> Any:
        result = np.exp(x)
        result.flags.writeable = False
        return result


class ReusesItsBuffer(Loopback):
    """``sin`` writes each result into one buffer for each shape."""

    def __init__(self) -> None:
        super().__init__()
        self.buffers: dict[Any, Any] = {}

    def sin(self, x: Any) -> Any:
        buffer = self.buffers.setdefault((x.shape, x.dtype), np.empty_like(x))
        return np.sin(x, out=buffer)


class DriftsWithCalls(Loopback):
    """``cos`` is an ulp off from the tenth call on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def cos(self, x: Any) -> Any:
        self.calls += 1
        result = np.cos(x)
        return result if self.calls < 10 else np.nextafter(result, np.asarray(2, result.dtype))


def run(backend: Any, operation: str, *checks: str) -> Record:
    return Runner(backend, "numpy", Selection("smoke", (operation,), ("float32",), checks)).run()


@pytest.mark.parametrize(
    ("backend", "operation", "check", "message"),
    [
        (CopiesTransposed, "transpose", "aliases", "not seen in its base"),
        (ReadOnlyResults, "exp", "aliases", "read-only"),
        (ReusesItsBuffer, "sin", "state", "a result changed when the operation was called again"),
        (DriftsWithCalls, "cos", "state", "the same call gives something else"),
    ],
)
def test_the_check_finds_the_defect_and_its_script_shows_it(
    backend: type[Loopback], operation: str, check: str, message: str
) -> None:
    (cell,) = run(backend(), operation, check).cells
    assert cell.outcome is Outcome.FAILED
    assert message in cell.samples[0].message
    compile(cell.samples[0].script, "script", "exec")
    (clean,) = run(Loopback(), operation, check).cells
    assert clean.outcome is Outcome.PASSED


def test_a_result_that_is_its_operand_is_found() -> None:
    import_all()
    given = registry["abs"]
    (cell,) = Runner(SharesAbsolutes(), "numpy", Selection("standard", ("abs",), ("uint8",), ("aliases",))).run().cells
    assert given.name == cell.operation
    assert cell.outcome is Outcome.FAILED
    assert "changed operand 0" in next(s.message for s in cell.samples if s.message)


def test_a_method_that_gives_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pb.Tensor, "exp", lambda self: self.expm1())
    (cell,) = run("numpy", "exp", "spellings").cells
    assert "Tensor.exp gives something else" in cell.samples[0].message


def test_a_method_in_place_that_gives_another_tensor_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pb.Tensor, "exp_", lambda self: self.exp())
    (cell,) = run("numpy", "exp", "spellings").cells
    assert "Tensor.exp_ gives something else" in cell.samples[0].message


def test_out_that_is_not_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import_all()
    monkeypatch.setattr(registry["exp"], "exported", lambda input, out: out.fill_(0))
    (cell,) = run("numpy", "exp", "spellings").cells
    assert "out= gives something else" in cell.samples[0].message

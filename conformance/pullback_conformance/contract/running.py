"""Running the probes of one method in one dtype: a sample each."""

from __future__ import annotations

from pullback.extend import Backend, DType
from pullback_conformance.attempt import Attempt, Step
from pullback_conformance.contract.probe import JUDGE, Call, Method, NotAsked
from pullback_conformance.contract.script import script_of_probe
from pullback_conformance.errors_as_text import described
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, SampleResult, not_tried

#: The check of the cells that stand for methods of a backend.
CONTRACT = "contract"


def cell_of(method: Method, dtype: DType, samples: list[SampleResult]) -> Cell:
    """The cell of a method in a dtype."""
    return Cell(method.name, method.module.rpartition(".")[2], dtype.name, CONTRACT, samples)


def run_method(method: Method, backend: Backend, dtype: DType, calls: list[Call], attempt: Attempt) -> Cell | None:
    """Make the calls of a method's probes in a dtype; None where there are none."""
    results = [run_probe(method, call, backend, dtype, attempt) for call in calls]
    return cell_of(method, dtype, results) if results else None


def run_probe(method: Method, call: Call, backend: Backend, dtype: DType, attempt: Attempt) -> SampleResult:
    """What one probe says."""
    over = attempt.is_over_for(CONTRACT)
    if over:
        return not_tried(call.label, over)
    step = Step(CONTRACT, call.label)
    attempt.begin(step)
    problem = attempt.loss_at(step)
    if problem is None:
        try:
            problem = call.problem(backend, dtype)
        except NotAsked as reason:
            return SampleResult(call.label, Outcome.UNSUPPORTED.value, message=str(reason))
        except (Exception, SystemExit) as error:  # a method that exits is to end its sample, not the run
            problem = described(error)
    if problem is None:
        return SampleResult(call.label, Outcome.PASSED.value, oracle=JUDGE)
    title = f"{method.name} on {backend.name}, {dtype.name}, {call.label}: {problem}"
    script = _script(call, backend, dtype, title)
    return SampleResult(call.label, Outcome.FAILED.value, message=problem, script=script, oracle=JUDGE)


def _script(call: Call, backend: Backend, dtype: DType, title: str) -> str:
    try:
        return script_of_probe(call, backend, dtype, title)
    except Exception as error:  # the failure counts, with or without its script
        return f"# no script: {type(error).__name__}: {error}\n"


def script_of_sample(method: Method, backend: Backend, dtype: DType, seed: int, label: str) -> str:
    """A script that asks what one sample does, whether it fails or not."""
    call = next(call for call in method.calls(backend, dtype, seed) if call.label == label)
    return script_of_probe(call, backend, dtype, f"{method.name} on {backend.name}, {dtype.name}, {label}")

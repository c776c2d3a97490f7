"""Training the digits example on one backend after another, for ``pullback demo``."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console

REFERENCE = "numpy"


class Example(NamedTuple):
    """The module ``examples/digits.py``, and whether it was found in a checkout of the repository."""

    module: ModuleType
    in_checkout: bool


def load_example() -> Example:
    """The example as a wheel carries it, or else from the repository of an editable install."""
    from importlib.util import module_from_spec, spec_from_file_location

    here = Path(__file__)
    packaged = here.with_name("examples") / "digits.py"
    in_checkout = not packaged.exists()
    path = here.parents[3] / "examples" / "digits.py" if in_checkout else packaged
    spec = spec_from_file_location("pullback_digits_example", path)
    if spec is None or spec.loader is None or not path.exists():
        raise FileNotFoundError(f"this installation of pullback lacks the example {path}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return Example(module, in_checkout)


@dataclass
class Trained:
    """What came of one backend."""

    backend: str
    device: str = ""
    losses: list[float] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)
    accuracy: float | None = None
    gradient_ulp: float | None = None
    note: str = ""
    error: BaseException | None = None

    def cells(self) -> list[str]:
        """Backend and device, accuracy, time per step and gradient difference, as the table shows them."""
        title = f"{self.backend} ({self.device})" if self.device else self.backend
        if self.accuracy is None:
            return [title, "-", "-", "-"]
        median = f"{1000 * statistics.median(self.step_seconds):.2f} ms" if self.step_seconds else "-"
        if self.backend == REFERENCE:
            difference = "reference"
        else:
            difference = "-" if self.gradient_ulp is None else f"{self.gradient_ulp:.1f} ulp"
        return [title, f"{self.accuracy:.3f}", median, difference]


class StepRecorder:
    """Collects each step's loss and time; what ``show`` takes is not counted."""

    def __init__(self, result: Trained, show: Callable[[float], None]) -> None:
        self.result = result
        self.show = show
        self._resumed: float | None = None

    def __call__(self, loss: Any) -> None:
        value = loss.item()  # waits for the computation where it is asynchronous
        if self._resumed is not None:
            self.result.step_seconds.append(perf_counter() - self._resumed)
        self.result.losses.append(value)
        self.show(value)
        self._resumed = perf_counter()


def train_all(example: Example, names: list[str], epochs: int, seed: int, console: Console) -> list[Trained]:
    """Train on each backend, with a progress bar; the result of one that cannot work or fails says why."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from pullback.backend.registry import unavailable_reason

    digits = example.module
    steps = epochs * (digits.TRAINING_IMAGES // digits.BATCH_SIZE)
    reference: list[list[float]] | None = None
    results = []
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        if names and REFERENCE not in names and unavailable_reason(REFERENCE) is None:
            reference = first_gradients(digits, REFERENCE, seed)
        for name in names:
            result = Trained(name)
            results.append(result)
            task = progress.add_task(name, total=steps, state="starting")
            reason = unavailable_reason(name)
            if reason is not None:
                result.note = reason
                progress.remove_task(task)
                continue

            def show(loss: float, task: Any = task) -> None:
                progress.update(task, advance=1, state=f"loss {loss:.4f}")

            try:
                _train(digits, result, epochs, seed, show)
                gradients = first_gradients(digits, name, seed)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # also SystemExit: the other backends are to be trained on
                result.error = error
                result.note = f"{type(error).__name__}: {error}".partition("\n")[0]
                progress.update(task, state="failed")
                continue
            if name == REFERENCE:
                reference = gradients
            elif reference is not None:
                result.gradient_ulp = max_ulp_at_scale(gradients, reference)
    return results


def _train(digits: ModuleType, result: Trained, epochs: int, seed: int, show: Callable[[float], None]) -> None:
    import pullback as pb

    with pb.use_backend(result.backend) as backend:
        result.device = str(backend.default_device)
        images, labels, test_images, test_labels = digits.load_data(seed)
        parameters = digits.train(images, labels, seed, epochs, on_step=StepRecorder(result, show))
        result.accuracy = digits.accuracy(parameters, test_images, test_labels)


def first_gradients(digits: ModuleType, backend: str, seed: int) -> list[list[float]]:
    """The elements of each parameter's gradient on the first batch."""
    import pullback as pb

    with pb.use_backend(backend):
        images, labels, _, _ = digits.load_data(seed)
        parameters = digits.initial_parameters(seed)
        digits.loss_of(parameters, *next(digits.minibatches(images, labels, seed))).backward()
        return [parameter.grad.reshape(-1).tolist() for parameter in parameters]


def max_ulp_at_scale(actual: Iterable[list[float]], expected: Iterable[list[float]]) -> float:
    """The largest difference, in float32 ulp of the largest expected magnitude of the array it is in.

    Examples
    --------
    >>> max_ulp_at_scale([[1.0, 0.0]], [[1.0, 2.0**-22]])
    2.0
    """
    largest = 0.0
    for values, references in zip(actual, expected, strict=True):
        spacing = float32_spacing(max(map(abs, references)))
        for value, reference in zip(values, references, strict=True):
            difference = abs(value - reference) / spacing
            if math.isnan(difference):
                return math.nan
            largest = max(largest, difference)
    return largest


def float32_spacing(magnitude: float) -> float:
    """The distance from a positive float32 number to the next one."""
    if not math.isfinite(magnitude):
        return math.nan
    exponent = math.frexp(magnitude)[1] if magnitude else -1000
    return math.ldexp(1.0, max(exponent - 24, -149))

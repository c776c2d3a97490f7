"""Running the grid: operations by dtypes by checks, each over the samples, and what became of every cell."""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from pullback.extend import (
    Backend,
    Composite,
    DType,
    MissingKernelError,
    Operation,
    Tensor,
    Unsampled,
    did_you_mean,
    dtypes,
    get_backend,
    import_all,
    instance_problem,
)
from pullback.extend import registry as operations
from pullback_conformance.attempt import FORWARD, SAMPLES, Attempt, Step
from pullback_conformance.case import Case
from pullback_conformance.checks import CHECKS, OPTIONAL_ORACLES, OTHERS, Check, Finding, default_checks, missing_for
from pullback_conformance.checks.derivatives import program_of
from pullback_conformance.checks.finding import NoIndependentOracle, Unsupported
from pullback_conformance.contract import METHODS, Method
from pullback_conformance.contract.running import CONTRACT, run_method
from pullback_conformance.errors_as_text import described
from pullback_conformance.generated.running import Generated
from pullback_conformance.limitations import NO_SAMPLE, LimitationJudge
from pullback_conformance.oracles.exact import NoOracle, OracleError
from pullback_conformance.oracles.extended import has_extended_precision
from pullback_conformance.oracles.naming import INSTALL, available, with_precision
from pullback_conformance.outcome import Outcome
from pullback_conformance.record import Cell, Record, SampleResult, not_tried
from pullback_conformance.refusals import is_raised_by_core
from pullback_conformance.samples import (
    Arguments,
    Maker,
    Turns,
    declared_samples,
    has_sweeps,
    refilled,
    samples_of,
    settings_of,
    special_samples,
    swept,
)
from pullback_conformance.samples.turns import SHARES
from pullback_conformance.script import script_for
from pullback_conformance.tiers import TIERS, Tier
from pullback_conformance.tolerances import tolerances_of, unusable_tolerances

#: Why cells were not run.
INTERRUPTED: Final = "the run was interrupted"
STOPPED: Final = "the run was stopped at the first failure"


#: The family of cells that stand for plugins' tolerances.
TOLERANCES: Final = "tolerances"


class SelectionError(ValueError):
    """What was selected does not exist, or is nothing."""


class BackendNotLoadedError(ValueError):
    """The backend under test exists, and does not load."""


class Selection(NamedTuple):
    """What to run.

    Attributes
    ----------
    operations : tuple of str
        Patterns of operation names; empty for all.
    dtypes : tuple of str
        Names; empty for the tier's.
    checks : tuple of str
        Names; empty for all that need no optional oracle.
    oracles : tuple of str
        Optional oracles, whose checks are run too.
    examples : int
        How many calls are drawn for each operation and dtype, beside the declared samples.
    others : tuple of str
        Backends to compare with besides the reference.
    """

    tier: str = "smoke"
    operations: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    seed: int = 0
    oracles: tuple[str, ...] = ()
    examples: int = 0
    others: tuple[str, ...] = ()


class Unit(NamedTuple):
    """The part of the grid that is run in one go: an operation, or a method of the backend, in a dtype."""

    operation: Operation | Composite | Method
    dtype: DType


class Runner:
    """Runs a selection of the grid on a backend.

    Parameters
    ----------
    subject : Backend or str
        The backend under test: its name, or ``module:Class`` for one that no plugin brings yet.
    reference : Backend or str
        The backend it is held against.

    Raises
    ------
    ValueError
        For a tier, check or dtype that does not exist, or patterns that no operation matches.
    """

    def __init__(
        self, subject: Backend | str, reference: Backend | str = "numpy", selection: Selection | None = None
    ) -> None:
        #: How another process finds the backends; None where one was given as an object.
        self.names = (subject, reference) if isinstance(subject, str) and isinstance(reference, str) else None
        self.subject = backend_named(subject)
        self.reference = backend_named(reference)
        self.selection = selection or Selection()
        self.others = [backend_named(name) for name in self.selection.others]
        _known([self.selection.tier], TIERS, "tier")
        self.tier: Tier = TIERS[self.selection.tier]
        asked = _known(self.selection.oracles, OPTIONAL_ORACLES, "oracle")
        asked = [*asked, *([OTHERS] if self.others else [])]
        named = _known(self.selection.checks, CHECKS, "check") or default_checks(asked)
        self.checks = [c for c in CHECKS.values() if c.name in named or (c.oracle and c.oracle in asked)]
        missing = missing_for(self.checks)
        if self.selection.examples and find_spec("hypothesis") is None:
            missing.append(f"hypothesis, which draws examples, is not installed: {INSTALL}")
        if missing:
            raise SelectionError("; ".join(missing))
        wanted = [dtypes.by_name[name] for name in _known(self.selection.dtypes, dtypes.by_name, "dtype")]
        self._every_dtype = wanted or list(self.tier.dtypes)
        self.dtypes = [d for d in self._every_dtype if d in self.subject.native_dtypes]
        self._sweeps_only = self.tier.sweeps_only - set(wanted)
        self._derivative_dtypes = wanted or list(self.tier.derivative_dtypes)
        self._limits = LimitationJudge(self.subject)

    @property
    def _has_every_probe(self) -> bool:
        """Whether a method of the backend is asked everything, also what takes a while."""
        return self.tier.samples is None

    # -- what there is to run -----------------------------------------------------------------------------------------

    def operations(self) -> list[Operation | Composite]:
        """The operations selected, by family and name."""
        return [row for row in self.rows() if not isinstance(row, Method)]

    def rows(self) -> list[Operation | Composite | Method]:
        """The operations and the methods of the backend that are selected, by family and name."""
        known = list(known_rows())
        names: set[str] = set()
        for pattern in self.selection.operations or ("*",):
            matching = [name for name in known if fnmatchcase(name, pattern)]
            if not matching:
                raise SelectionError(f"no operation matches {pattern!r}{did_you_mean(pattern, known)}")
            names.update(matching)
        return sorted((known_rows()[name] for name in names), key=lambda o: (isinstance(o, Method), o.module, o.name))

    def units(self) -> list[Unit]:
        """Each operation with each dtype that it accepts and the backend has."""
        return [Unit(row, d) for row in self.rows() for d in self.dtypes if self._is_in_the_grid(row, d)]

    def _is_in_the_grid(self, row: Operation | Composite | Method, dtype: DType) -> bool:
        if isinstance(row, Method):
            compiles = self.subject.compiles_each_shape and dtype in self._sweeps_only
            return not compiles and row.is_asked(self.subject, dtype, self._has_every_probe)
        return accepts(row, dtype) and (dtype not in self._sweeps_only or has_sweeps(row, dtype))

    def require_cells(self) -> None:
        """Raise SelectionError where nothing is selected."""
        if any(self.checks_of(unit) for unit in self.units()):
            return
        if not self.dtypes:
            names = ", ".join(d.name for d in self._every_dtype)
            raise SelectionError(f"nothing to run: backend {self.subject.name!r} has no dtype of {names}")
        raise SelectionError("nothing to run: none of these operations has such a check in such a dtype")

    def checks_of(self, unit: Unit) -> list[Check]:
        """The checks whose question arises for an operation in a dtype, as far as its declaration tells."""
        if isinstance(unit.operation, Method):
            return [c for c in self.checks if c.name == CONTRACT]
        if unit.dtype in self._sweeps_only:
            return [c for c in self.checks if c.name == "value"]
        no_derivative = (
            unit.operation.nondifferentiable is not None
            or unit.dtype.category < 2
            or unit.dtype not in self._derivative_dtypes
        )
        tier = self.selection.tier
        return [
            c
            for c in self.checks
            if not (c.differentiates and no_derivative) and c.is_of(*unit) and (c.tiers is None or tier in c.tiers)
        ]

    # -- running ------------------------------------------------------------------------------------------------------

    def record(self) -> Record:
        """An empty record of this run."""
        versions = {"pullback": _version_of("pullback"), "python": platform.python_version()}
        if find_spec("mpmath") is not None:
            versions["mpmath"] = _version_of("mpmath")
        for backend in (*self.others, self.reference, self.subject):
            versions |= backend.versions()
        return Record(
            backend=self.subject.name,
            against=", ".join(backend.name for backend in (self.reference, *self.others)),
            tier=self.selection.tier,
            seed=self.selection.seed,
            examples=self.selection.examples,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions,
            platform=platform.platform(),
            missing_dtypes=[d.name for d in self._every_dtype if d not in self.subject.native_dtypes],
            notes=[*self.oracle_notes(), *self.coverage_notes(), *unusable_tolerances()],
            oracles=available([c.oracle for c in self.checks]),
        )

    def run(
        self,
        progress: Callable[[Unit, list[Cell]], None] | None = None,
        *,
        jobs: int = 1,
        fail_fast: bool = False,
    ) -> Record:
        """Run everything selected, in this process; :mod:`pullback_conformance.isolation` does it in others.

        Interrupted from the keyboard, it gives what was run, marked incomplete.

        Parameters
        ----------
        progress : callable, optional
            Called with each unit and its cells as they are done.
        jobs : int
            How many threads to run. They pay off where a backend compiles, which holds no lock of Python's.
        fail_fast : bool
            Whether to stop at the first cell that is bad.
        """
        record = self.record()
        start = time.perf_counter()
        units = self.units()
        done: dict[Unit, list[Cell]] = {}
        missing = INTERRUPTED
        pool = ThreadPoolExecutor(jobs)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                waiting = {pool.submit(self.run_unit, unit): unit for unit in units}
                for future in as_completed(waiting):
                    unit = waiting[future]
                    done[unit] = future.result()
                    if progress is not None:
                        progress(unit, done[unit])
                    if fail_fast and any(cell.outcome.is_bad for cell in done[unit]):
                        missing = STOPPED
                        break
        except KeyboardInterrupt:
            pass
        finally:
            pool.shutdown(cancel_futures=True)
        self.complete_record(record, units, done, missing)
        record.seconds = time.perf_counter() - start
        return record

    def complete_record(self, record: Record, units: list[Unit], done: dict[Unit, list[Cell]], missing: str) -> None:
        """Put what was run into a record, in order, and what was not run with the reason ``missing``."""
        record.complete = len(done) == len(units)
        if not record.complete:
            record.notes.append(f"{missing}: {len(done)} of {len(units)} operations and dtypes were run")
        for unit in units:
            record.cells += done[unit] if unit in done else self.cells_not_run(unit, missing)
        record.cells += self.judge_limitations()
        record.notes += self.limitation_notes(record)
        record.cells += self.tolerance_cells()

    def cells_not_run(self, unit: Unit, reason: str) -> list[Cell]:
        """The cells of a unit that was not run."""
        return [self._cell(unit, c, [_not_run(reason)]) for c in self.checks_of(unit)]

    def run_unit(self, unit: Unit) -> list[Cell]:
        """Run all checks of one operation in one dtype, and judge them by the limitations the backend declares."""
        return self.judged(self.execute(unit))

    def judged(self, cells: list[Cell]) -> list[Cell]:
        """The cells as :meth:`execute` gives them, with what declared limitations cover as ``limited``."""
        for cell in cells:
            for result in cell.samples:
                self._limits.judge(cell, result)
        return cells

    def execute(self, unit: Unit, attempt: Attempt | None = None) -> list[Cell]:
        """Run all checks of one operation in one dtype: step by step, where somebody listens."""
        attempt = attempt or Attempt()
        checks = self.checks_of(unit)
        if isinstance(unit.operation, Method):
            attempt.begin(Step(SAMPLES))
            calls = unit.operation.calls(self.subject, unit.dtype, self.selection.seed, self._has_every_probe)
            cell = run_method(unit.operation, self.subject, unit.dtype, calls, attempt) if checks else None
            return [] if cell is None else [cell]
        results: dict[str, list[SampleResult]] = {check.name: [] for check in checks}
        attempt.begin(Step(SAMPLES))
        for arguments, problem in self._samples(unit):
            if arguments is None:
                for check in checks:
                    if check.name != "special":
                        results[check.name].append(_not_run(problem))
                continue
            self._run_sample(unit, arguments, checks, results, attempt)
            attempt.begin(Step(SAMPLES))
        if self.selection.examples and not attempt.over:
            for name, result in self._generated(unit).results(checks, attempt).items():
                results[name].append(result)
        return [self._cell(unit, c, results[c.name]) for c in checks if results[c.name]]

    def _generated(self, unit: Unit) -> Generated:
        operation, dtype = unit
        assert not isinstance(operation, Method)

        def case_of(arguments: Arguments) -> Case:
            differentiate = dtype in self._derivative_dtypes
            return Case(
                operation, dtype, arguments, self.subject, self.reference, self.selection.seed,
                differentiate=differentiate, others=self.others,
            )  # fmt: skip

        return Generated(
            operation, dtype, case_of, self._forward_failure, self._run_check,
            seed=self.selection.seed, count=self.selection.examples,
        )  # fmt: skip

    def samples(self, unit: Unit) -> list[Arguments]:
        """The samples of an operation in a dtype, those that can be made."""
        assert not isinstance(unit.operation, Method)
        return [arguments for arguments, _ in self._samples(unit) if arguments is not None]

    @property
    def _shares_shapes(self) -> bool:
        return self.tier.shares_shapes and self.subject.compiles_each_shape and len(self.dtypes) > 1

    @property
    def has_all_samples(self) -> bool:
        """Whether the run leaves no sample out."""
        return self.tier.samples is None and not self._shares_shapes

    def _samples(self, unit: Unit) -> Iterator[tuple[Arguments | None, str]]:
        """The samples of this run, each with why it could not be made where it is None."""
        turns = Turns(*unit, self.dtypes) if self._shares_shapes else None
        for arguments, problem in self._every_sample(unit):
            if arguments is None or turns is None or turns.has(arguments):
                yield arguments, problem

    def _every_sample(self, unit: Unit) -> Iterator[tuple[Arguments | None, str]]:
        operation, dtype = unit
        assert not isinstance(operation, Method)
        if declared_samples(operation) is None:
            yield None, "its declaration has no samples"
            return
        if dtype in self._sweeps_only:
            yield from self._sweeps(unit)
            return
        most = 1 if dtype in self.tier.once else self.tier.samples
        for repetition in range(self.tier.seeds):
            seed = self.selection.seed + repetition
            iterator = samples_of(operation, get_backend("numpy"), dtype, seed=seed, most=most)
            while True:
                try:
                    arguments = next(iterator)
                except StopIteration:
                    break
                except Exception as error:
                    if dtype.category < 2:  # samples of floating numbers, that a mask or an index cannot be made of
                        break
                    yield None, f"its samples could not be made: {type(error).__name__}: {error}"
                    break
                label = arguments.label if not repetition else f"{arguments.label}, seed {seed}"
                yield arguments._replace(label=label), ""
        for other in refilled(operation, get_backend("numpy"), dtype, seed=self.selection.seed, most=most and 4 * most):
            yield other, ""
        yield from self._sweeps(unit)
        if dtype not in self.tier.once and "special" in {c.name for c in self.checks}:
            for special in special_samples(operation, get_backend("numpy"), dtype):
                yield special, ""

    def _sweeps(self, unit: Unit) -> Iterator[tuple[Arguments, str]]:
        operation, dtype = unit
        if dtype in self.tier.once and dtype.category > 1:
            return  # a second floating dtype, which a backend that compiles compiles again
        for one in swept(operation, get_backend("numpy"), dtype, seed=self.selection.seed, most=self.tier.sweeps):
            yield one, ""

    def _run_sample(
        self,
        unit: Unit,
        arguments: Arguments,
        checks: Sequence[Check],
        results: dict[str, list[SampleResult]],
        attempt: Attempt,
    ) -> None:
        assert not isinstance(unit.operation, Method)
        is_special = "special" in arguments.only
        most = self.tier.derivative_samples
        if most is not None:
            most += len(settings_of(unit.operation, Maker(get_backend("numpy"), unit.dtype)))
        differentiate = unit.dtype in self._derivative_dtypes and (most is None or arguments.number < most)
        case = Case(
            unit.operation, unit.dtype, arguments, self.subject, self.reference, self.selection.seed,
            differentiate=differentiate and not is_special, others=self.others,
        )  # fmt: skip
        only = arguments.only
        chosen = [c for c in checks if (c.name == "special") == is_special and (not only or c.name in only)]
        if (is_special or only) and not chosen:
            return
        if attempt.over:
            for check in chosen:
                results[check.name].append(not_tried(case.label, attempt.over))
            return
        failure = self._forward_failure(case, attempt)
        for number, check in enumerate(chosen):
            if (check.differentiates and not case.has_gradients) or (check.once and arguments.number):
                continue
            if failure is None:
                result = self._run_check(case, check, attempt)
            elif failure.outcome in (Outcome.UNSUPPORTED.value, Outcome.FALLBACK.value) or number == 0:
                result = failure
            else:
                result = SampleResult(
                    case.label, Outcome.NOT_RUN.value, message=f"the operation itself failed: see {chosen[0].name}"
                )
            results[check.name].append(result)

    def _forward_failure(self, case: Case, attempt: Attempt) -> SampleResult | None:
        """What to record where the operation raises: a failure, or nothing to judge where it refuses by design."""
        step = Step(FORWARD, case.label)
        attempt.begin(step)
        reason = attempt.loss_at(step)
        if reason is not None:
            return self._failure(case, "value", Finding(reason, program=["run()"]))
        try:
            outputs = case.on(case.subject).run()
        except (Exception, SystemExit) as error:  # a kernel that exits is to end its sample, not the run
            if case.dtype.category != 2 and not isinstance(error, MissingKernelError) and _refuses(case, error):
                message = f"the operation refuses this dtype: {type(error).__name__}: {error}"
                return SampleResult(case.label, Outcome.UNSUPPORTED.value, message=message)
            return self._failure(case, "value", Finding(described(error), program=["run()"]))
        foreign = {o.backend.name for o in outputs if isinstance(o, Tensor)} - {self.subject.name}
        if foreign:
            message = f"the result is on backend {', '.join(sorted(foreign))}"
            return SampleResult(case.label, Outcome.FALLBACK.value, message=message)
        return None

    def _run_check(self, case: Case, check: Check, attempt: Attempt) -> SampleResult:
        over = attempt.is_over_for(check.name)
        if over:
            return not_tried(case.label, over)
        step = Step(check.name, case.label)
        attempt.begin(step)
        reason = attempt.loss_at(step)
        if reason is not None:
            return self._failure(case, check.name, Finding(reason, program=program_of(check.name, case)))
        try:
            finding = check.run(case)
            finding.oracle = _judge(case, check, finding)
        except NoIndependentOracle as reason:
            return SampleResult(case.label, Outcome.NO_ORACLE.value, message=str(reason))
        except Unsupported as reason:
            return SampleResult(case.label, Outcome.UNSUPPORTED.value, message=str(reason))
        except (OracleError, NoOracle) as error:
            return SampleResult(case.label, Outcome.NOT_RUN.value, message=str(error))
        except (Exception, SystemExit) as error:
            if not _is_the_subjects(error):
                return _not_run(f"the oracle failed: {type(error).__name__}: {error}", case.label)
            finding = Finding(described(error), program=program_of(check.name, case))
        if finding.problem is None:
            return SampleResult(
                case.label,
                Outcome.PASSED.value,
                finding.ulp,
                finding.bound,
                oracle=finding.oracle,
                spread=finding.spread,
            )
        return self._failure(case, check.name, finding)

    def _failure(self, case: Case, check: str, finding: Finding) -> SampleResult:
        title = (
            f"{case.operation.name} on {case.subject.name}, {case.dtype.name}, {case.label}, {check}: {finding.problem}"
        )
        try:
            script = script_for(finding.case or case, title, finding.program)
        except Exception as error:  # the failure counts, with or without its script
            script = f"# no script: {type(error).__name__}: {error}\n"
        return SampleResult(
            case.label,
            Outcome.FAILED.value,
            finding.ulp,
            finding.bound,
            finding.problem or "",
            script,
            oracle=finding.oracle,
            spread=finding.spread,
        )

    def _cell(self, unit: Unit, check: Check, samples: list[SampleResult]) -> Cell:
        family = unit.operation.module.rpartition(".")[2]
        return Cell(unit.operation.name, family, unit.dtype.name, check.name, samples)

    def judge_limitations(self) -> list[Cell]:
        """A cell for each declared limitation that this run touched: one that does not show is a failure."""
        is_whole = not self.selection.checks and not self.selection.dtypes
        return self._limits.cells(
            complete=self.has_all_samples and is_whole, all_operations=not self.selection.operations
        )

    def tolerance_cells(self) -> list[Cell]:
        """A cell for each wider bound that a plugin declares for the backend under test: it is a limitation."""
        names = [operation.name for operation in self.operations()]
        cells = []
        for item in tolerances_of(self.subject.name):
            if any(fnmatchcase(name, item.operation) for name in names):
                message = f"{item.ulp:g} ulp are allowed by a plugin: {item.reason}"
                result = SampleResult(f"tolerance of {item.check}", Outcome.LIMITED.value, message=message)
                dtype = ", ".join(sorted(d.name for d in item.dtypes)) or "every dtype"
                cells.append(Cell(item.operation, TOLERANCES, dtype, "limitation", [result]))
        return cells

    def oracle_notes(self) -> list[str]:
        """What to say of oracles that are missing here, in whose place weaker ones judge."""
        notes = []
        if find_spec("mpmath") is None:
            count = sum(operation.oracle is not None for operation in self.operations())
            if count:
                notes.append(
                    "mpmath is not installed: NumPy in extended precision judges values in its place (operations:"
                    f" {count}; pip install 'pullback[conformance]')"
                )
        if not has_extended_precision():
            notes.append("this platform's long double is no more precise than float64, which has no oracle but mpmath")
        return notes

    def coverage_notes(self) -> list[str]:
        """What to say of samples that this run leaves out."""
        if not self._shares_shapes:
            return []
        return [
            f"backend {self.subject.name!r} compiles each shape: beyond the first samples, shapes are run in one dtype"
            f" of {SHARES}; the full tier runs all in each"
        ]

    def limitation_notes(self, record: Record) -> list[str]:
        """What to say of the declared limitations that no cell of a run judges."""
        return self._limits.notes(record)


def known_rows() -> Mapping[str, Operation | Composite | Method]:
    """Everything that can be selected, by its name: operations with samples, and the methods of a backend."""
    import_all()
    sampled = {name: o for name, o in operations.items() if not isinstance(o.samples, Unsampled)}
    return {**sampled, **METHODS}


def accepts(operation: Operation | Composite, dtype: DType) -> bool:
    """Whether an operation takes operands of a dtype: as it is, or because integers become floating."""
    becomes_floating = isinstance(operation, Operation) and operation.promotion == "float" and dtype.category < 2
    return dtype in operation.dtypes or becomes_floating


def backend_named(name: Backend | str) -> Backend:
    """The backend of that name, or the one of a class given as ``module:Class``."""
    if isinstance(name, Backend):
        return _usable(name, name.name)
    if ":" not in name:
        return get_backend(name)
    from importlib import import_module

    module, _, attribute = name.partition(":")
    try:
        made = getattr(import_module(module), attribute)()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, of a module that is a script
        raise BackendNotLoadedError(f"{name} does not load: {type(error).__name__}: {error}") from error
    if not isinstance(made, Backend):
        raise BackendNotLoadedError(f"{name} is not a backend")
    return _usable(made, name)


def _usable(backend: Backend, title: str) -> Backend:
    problem = instance_problem(backend)
    if problem:
        raise BackendNotLoadedError(f"{title} cannot be used: {problem}")
    return backend


def _known(names: Sequence[str], known: Any, what: str) -> list[str]:
    for name in names:
        if name not in known:
            raise SelectionError(f"no {what} {name!r}{did_you_mean(name, known) or ';'} there are {', '.join(known)}")
    return list(names)


def _refuses(case: Case, error: BaseException) -> bool:
    """Whether it is the operation's own refusal: the reference raises the same kind of error.

    A backend that is its own reference is no witness: there only what the core itself refuses counts, before or between
    kernels, and a division by an integer zero where the declaration names the divisor.
    """
    if case.is_self_comparison:
        is_refusal = isinstance(error, (NotImplementedError, RuntimeError, TypeError))
        return is_refusal and (is_raised_by_core(error) or case.divides_by_zero)
    try:
        case.on(case.reference).run()
    except Exception as other:
        return type(other) is type(error)
    return False


def _judge(case: Case, check: Check, finding: Finding) -> str:
    """What the finding came from, and how precise that is."""
    reference = case.reference.name
    return with_precision(finding.oracle or check.judge.format(reference=reference), reference)


def _is_the_subjects(error: BaseException) -> bool:
    """Whether the backend under test raised it, or the operation on it: not an oracle, nor the suite itself."""
    trace, modules = error.__traceback__, []
    while trace is not None:
        modules.append(trace.tb_frame.f_globals.get("__name__") or "")
        trace = trace.tb_next
    in_oracle = any(name.startswith("pullback_conformance.oracles") for name in modules)
    return not in_oracle and any(name.startswith("pullback.") for name in modules)


def _not_run(message: str, label: str = NO_SAMPLE) -> SampleResult:
    return SampleResult(label, Outcome.NOT_RUN.value, message=message)


def _version_of(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"

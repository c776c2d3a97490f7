"""Whether a kernel remembers anything: a call must not depend on calls before it, nor change what they gave."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any, Final

import numpy as np

from pullback.extend import Composite, DType, Operation, Tensor, get_backend
from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import Finding, Unsupported
from pullback_conformance.checks.values import value
from pullback_conformance.moving import bits_of, mapped, tensors_in, to_numpy
from pullback_conformance.naming import dtype_source
from pullback_conformance.samples.arguments import Arguments, samples_of
from pullback_conformance.samples.bad_calls import DIMENSIONS, parameters
from pullback_conformance.samples.bases import in_this_dtype
from pullback_conformance.script import call_source, extend_imports, operand_source

#: How often the same call is made: to see whether it repeats at all, and whether something wears out.
_CALLS: Final = 20
_MANY: Final = 600

#: The most calls with other attributes that follow on a call.
_FOLLOWING: Final = 8

#: The most samples that other calls follow on, where the operation makes tensors of numbers.
_WITHOUT_OPERANDS: Final = 4


def state(case: Case) -> Finding:
    """Call with some operands, then with others of the same shapes, then with the first again."""
    call = case.on(case.subject)
    first = call.run()
    bits = bits_of(first)
    other_values(case).run()
    if bits_of(first) != bits:
        return Finding(
            "a result changed when the operation was called again",
            program=[
                "before = str([r.tolist() for r in flat(result)])",
                "others = [o.flip(tuple(range(o.ndim))) for o in operands]",
                "run(others)",
                "assert str([r.tolist() for r in flat(result)]) == before, result",
            ],
        )
    for number in range(_CALLS):
        if bits_of(call.run()) != bits:
            return Finding(
                f"the same call gives something else the {number + 2}. time",
                program=[
                    "before = str([r.tolist() for r in flat(result)])",
                    "others = [o.flip(tuple(range(o.ndim))) for o in operands]",
                    "run(others)",
                    f"for _ in range({_CALLS}):",
                    "    assert str([r.tolist() for r in flat(run())]) == before",
                ],
            )
    return _after_a_write(case) or _after_other_values(case) or _after_other_attributes(case) or Finding()


def worn(case: Case) -> Finding:
    """Make the same call some hundred times, and one of many elements twice."""
    found = _large(case)
    if found is not None:
        return found
    call = case.on(case.subject)
    bits = bits_of(call.run())
    for number in range(_MANY):
        if bits_of(call.run()) != bits:
            return Finding(
                f"the same call gives something else the {number + 2}. time",
                program=[
                    "before = str([r.tolist() for r in flat(result)])",
                    f"for _ in range({2 * _MANY}):",
                    "    assert str([r.tolist() for r in flat(run())]) == before",
                ],
            )
    return Finding()


def is_in_its_dtype(operation: Any, dtype: DType) -> bool:
    """Whether this is the one dtype, of the operation's, in which many calls are made: they take their time."""
    names = {d.name for d in operation.dtypes}
    return dtype.name == next((n for n in ("float32", "int64", "complex64", "bool") if n in names), dtype.name)


def other_values(case: Case) -> Call:
    """The call with other values, of the same domain, in each operand that is differentiated."""
    return _with_other_values(case, case.on(case.subject).chosen).on(case.subject)


def _with_other_values(case: Case, positions: Sequence[int]) -> Case:
    """The case with the elements of some operands in reverse, the last of them twice: their sum is another, too."""
    numbers = count()

    def replace(tensor: Tensor) -> Tensor:
        if next(numbers) not in positions or not tensor.array.size:
            return tensor
        array = np.flip(tensor.array).copy()
        array.reshape(-1)[0] = array.reshape(-1)[-1]
        return Tensor._wrap(array, tensor.backend)

    args, kwargs = mapped((case.arguments.args, case.arguments.kwargs), replace)
    given = case.arguments._replace(args=args, kwargs=kwargs)
    return Case(case.operation, case.dtype, given, case.subject, case.reference, case.seed)


def _large(case: Case) -> Finding | None:
    """The result of the largest sample stays when the operation is called again."""
    samples = samples_of(case.operation, get_backend("numpy"), case.dtype, seed=case.seed)
    made = in_this_dtype(samples, case.dtype)
    largest = max(made, key=lambda s: sum(t.array.size for t in tensors_in((s.args, s.kwargs))), default=None)
    if largest is None:
        return None
    large = Case(case.operation, case.dtype, largest, case.subject, case.reference, case.seed)
    try:
        first = large.on(case.subject).run()
    except Exception:  # that is told by the sample's own checks
        return None
    bits = bits_of(first)
    other_values(large).run()
    if bits_of(first) == bits:
        return None
    source, imports = call_source(large, Call(case.operation, case.reference, largest, lambda t: t))
    operands = ", ".join(
        f"pb.ones({', '.join(map(str, t.shape))}, dtype={dtype_source(t.dtype)})"
        for t in tensors_in((largest.args, largest.kwargs))
    )
    return Finding(
        f"the result of {largest.label} changed when the operation was called again",
        program=[
            *extend_imports(imports),
            f"operands = [{operands}]",
            f"result = {source}",
            "before = str([r.tolist() for r in flat(result)])",
            "operands = [o * 2 for o in operands]",
            source,
            "assert str([r.tolist() for r in flat(result)]) == before, result",
        ],
    )


def _after_a_write(case: Case) -> Finding | None:
    """Other values are written into the operands, which are the same objects then."""
    if not case.subject.mutable:
        return None
    call, other = case.on(case.subject), other_values(case)
    bits = bits_of(call.run())
    for i in call.chosen:
        array = call.tensors[i].array
        if case.subject.writable(array) and array.ndim:
            case.subject.assign(array, other.tensors[i].array)
    got = bits_of(call.run())
    fresh = case.on(case.subject)
    for i in fresh.chosen:
        fresh.tensors[i].array = fresh.like(to_numpy(call.tensors[i]), fresh.tensors[i]).array
    if got != bits or bits_of(fresh.run()) == got:
        return None
    return Finding(
        "the result is that before the operands were written in place",
        program=[
            "others = [o.flip(tuple(range(o.ndim))) for o in operands]",
            "want = str([r.tolist() for r in flat(run(others))])",
            "run()",
            "for operand, other in zip(operands, others):",
            "    operand.copy_(other)",
            "assert str([r.tolist() for r in flat(run())]) == want",
        ],
    )


def _after_other_values(case: Case) -> Finding | None:
    """Calls with other values in all operands, or in one of them, each judged by its value."""
    chosen = case.on(case.subject).chosen
    groups: list[Sequence[int]] = [chosen] if len(chosen) < 2 else [chosen, *([i] for i in chosen[:3])]
    for positions in groups if chosen else []:
        then = _with_other_values(case, positions)
        case.on(case.subject).run()
        found = _judged(then)
        if found is not None:
            which = "other values" if len(positions) == len(chosen) else f"other values in operand {positions[0]}"
            tensors = tensors_in((then.arguments.args, then.arguments.kwargs))
            operands = [operand_source(tensor, case.subject) for tensor in tensors]
            return Finding(
                f"after this call the one with {which} is wrong: {found.problem}",
                program=["run()", f"operands = [{', '.join(operands)}]", "result = run(operands)", *found.program],
            )
    return None


def _judged(case: Case) -> Finding | None:
    """What is wrong with the value of a call, where the reference has an answer."""
    try:
        case.on(get_backend("numpy")).run()
    except Exception:  # these attributes or values do not fit
        return None
    try:
        found = value(case)
    except Unsupported:
        return None
    return found if found.problem is not None else None


def _after_other_attributes(case: Case) -> Finding | None:
    """Calls of the same operands with other numbers, words and dimensions, each judged by its value.

    A kernel that forgets its attributes does so in every dtype; operations that make tensors have others for each.
    """
    if tensors_in((case.arguments.args, case.arguments.kwargs)) and not is_in_its_dtype(case.operation, case.dtype):
        return None
    for before, following in _followed(case):
        first = Case(case.operation, case.dtype, before, case.subject, case.reference, case.seed)
        then = Case(case.operation, case.dtype, following, case.subject, case.reference, case.seed)
        try:
            first.on(get_backend("numpy")).run()
        except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError):
            continue  # which the sample's own checks tell
        first.on(case.subject).run()
        found = _judged(then)
        if found is not None:
            source, imports = call_source(then, Call(case.operation, case.reference, following, lambda t: t))
            return Finding(
                f"after this call the one with {following.label} is wrong: {found.problem}",
                program=[*extend_imports(imports), "run()", f"result = {source}", *found.program],
            )
    return None


def _followed(case: Case) -> Iterator[tuple[Arguments, Arguments]]:
    """Pairs of calls of the same operands, with other attributes."""
    given = case.arguments
    if tensors_in((given.args, given.kwargs)):
        yield from ((given, other) for other in islice(_varied(case, given), _FOLLOWING))
        return
    for sample in samples_of(case.operation, get_backend("numpy"), case.dtype, seed=case.seed, most=_WITHOUT_OPERANDS):
        for other in islice(_varied(case, sample), _FOLLOWING):
            yield sample, other


def _varied(case: Case, given: Arguments) -> Iterator[Arguments]:
    """The arguments with one number or truth value changed, or the first two numbers; then those left to defaults."""
    places = [i for i, v in enumerate(given.args) if _is_plain(v)]
    for place in places:
        yield _with_args(given, {place: _changed(given.args[place])})
    if len(places) > 1:
        yield _with_args(given, {place: _changed(given.args[place]) for place in places[:2]})
    for name, item in given.kwargs.items():
        if _is_plain(item):
            yield _with_keyword(given, name, _changed(item))
    for name, default in _defaults(case.operation).items():
        if name in parameters(case.operation)[: len(given.args)] or name in given.kwargs:
            continue
        if name in DIMENSIONS:
            yield _with_keyword(given, name, 0)
            yield _with_keyword(given, name, -1)
        elif _is_plain(default):
            yield _with_keyword(given, name, _changed(default))


def _defaults(operation: Operation | Composite) -> dict[str, Any]:
    if isinstance(operation, Operation):
        return operation.defaults
    declared = inspect.signature(operation.function).parameters
    return {name: p.default for name, p in declared.items() if p.default is not p.empty}


def _with_keyword(given: Arguments, name: str, item: Any) -> Arguments:
    return given._replace(label=f"{name}={item}", kwargs={**given.kwargs, name: item})


def _is_plain(item: Any) -> bool:
    return isinstance(item, bool | int | float) or (
        isinstance(item, tuple | list) and bool(item) and all(type(v) is int for v in item)
    )


def _changed(item: Any) -> Any:
    if isinstance(item, bool):
        return not item
    if isinstance(item, int | float):
        return item + 1
    return type(item)((*item[:-1], item[-1] + 1)) if item[-1] != -1 else type(item)((*item[:-1], 0))


def _with_args(given: Arguments, changed: dict[int, Any]) -> Arguments:
    args = tuple(changed.get(place, item) for place, item in enumerate(given.args))
    return given._replace(label=", ".join(map(str, changed.values())), args=args)

"""Whether a kernel remembers anything: a call must not depend on calls before it, nor change what they gave."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import numpy as np

from pullback.extend import DType, Tensor, get_backend
from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import Finding, Unsupported
from pullback_conformance.checks.values import value
from pullback_conformance.moving import tensors_in, to_numpy
from pullback_conformance.samples.arguments import Arguments, samples_of
from pullback_conformance.script import call_source

#: How often the same call is made: to see whether it repeats at all, and whether something wears out.
_CALLS: Final = 20
_MANY: Final = 600

#: The most calls with other attributes that follow on a call.
_FOLLOWING: Final = 8


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
    return _after_a_write(case, call) or _after_other_attributes(case) or Finding()


def worn(case: Case) -> Finding:
    """Make the same call some hundred times."""
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


def is_worn(operation: Any, dtype: DType) -> bool:
    """Whether many calls are made in this dtype: in one that the operation has, because they take their time."""
    names = {d.name for d in operation.dtypes}
    return dtype.name == next((n for n in ("float32", "int64", "complex64", "bool") if n in names), dtype.name)


def other_values(case: Case) -> Call:
    """The call with each floating operand in reverse: other values, of the same domain."""
    other = case.on(case.subject)
    for i in other.chosen:
        array = to_numpy(other.tensors[i])
        other.tensors[i].array = other.like(np.flip(array).copy(), other.tensors[i]).array
    return other


def _after_a_write(case: Case, call: Call) -> Finding | None:
    """Other values are written into the operands, which are the same objects then."""
    if not case.subject.mutable:
        return None
    want = bits_of(other_values(case).run())
    for i in call.chosen:
        array = call.tensors[i].array
        if case.subject.writable(array) and array.ndim:
            case.subject.assign(array, other_values(case).tensors[i].array)
    changed = case.on(case.subject)
    for i in changed.chosen:
        changed.tensors[i].array = changed.like(to_numpy(call.tensors[i]), changed.tensors[i]).array
    if bits_of(changed.run()) != want or bits_of(call.run()) == want:
        return None  # not all of it can be written, or all is well
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


def _after_other_attributes(case: Case) -> Finding | None:
    """Calls of the same operands with other numbers, words and dimensions, each judged by its value."""
    for before, following in _followed(case):
        first = Case(case.operation, case.dtype, before, case.subject, case.reference, case.seed)
        then = Case(case.operation, case.dtype, following, case.subject, case.reference, case.seed)
        try:
            then.on(get_backend("numpy")).run()
        except Exception:  # these attributes do not fit these operands
            continue
        first.on(case.subject).run()
        try:
            found = value(then)
        except Unsupported:
            continue
        if found.problem is not None:
            source, imports = call_source(then, Call(case.operation, case.reference, following, lambda t: t))
            lines = [f"from pullback.extend import {', '.join(sorted(imports))}"] if imports else []
            return Finding(
                f"after this call the one with {following.label} is wrong: {found.problem}",
                program=[*lines, "run()", f"result = {source}", *found.program],
            )
    return None


def _followed(case: Case) -> Iterator[tuple[Arguments, Arguments]]:
    """Pairs of calls of the same operands, with other attributes."""
    given = case.arguments
    if tensors_in((given.args, given.kwargs)):
        yield from ((given, other) for other in islice(_varied(given), _FOLLOWING))
        return
    for sample in samples_of(case.operation, get_backend("numpy"), case.dtype, seed=case.seed, most=3):
        for other in islice(_varied(sample), _FOLLOWING):
            yield sample, other


def _varied(given: Arguments) -> Iterator[Arguments]:
    """The arguments with one number or truth value changed, or the first two numbers."""
    places = [i for i, v in enumerate(given.args) if _is_plain(v)]
    for place in places:
        yield _with_args(given, {place: _changed(given.args[place])})
    if len(places) > 1:
        yield _with_args(given, {place: _changed(given.args[place]) for place in places[:2]})
    for name, item in given.kwargs.items():
        if _is_plain(item):
            yield given._replace(label=f"{name}={_changed(item)}", kwargs={**given.kwargs, name: _changed(item)})


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


def bits_of(results: list[Any]) -> list[Any]:
    """Results as what can be compared bit by bit."""
    return [np.ascontiguousarray(to_numpy(r)).tobytes() if isinstance(r, Tensor) else r for r in results]

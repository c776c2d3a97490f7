"""Whether bad input raises, and leaves everything as it was: operands, what was to be written, and later calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pullback as pb
from pullback.extend import DType, Tensor, get_backend, use_backend
from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import Finding, Unsupported
from pullback_conformance.checks.taking_out import function_with_out
from pullback_conformance.moving import bits_of, tensors_in
from pullback_conformance.samples.bad_calls import BadCall, bad_calls, is_public
from pullback_conformance.script import call_source, extend_imports, operand_source

#: What an operation may say no with. Anything else is a stumble, or an end of the process.
_REFUSALS: Final = (IndexError, NotImplementedError, RuntimeError, TypeError, ValueError)

#: The dtypes in which bad calls are made: what is checked does not depend on the rest.
_ASKED: Final = ("float32", "int64")


def is_asked(operation: Any, dtype: DType) -> bool:
    """Whether this is one of the dtypes in which bad calls are made, or the only kind the operation has."""
    return dtype.name in _dtypes_asked(operation)


def _dtypes_asked(operation: Any) -> list[str]:
    names = {d.name for d in operation.dtypes}
    return [name for name in _ASKED if name in names] or [min(names)]


class _Way(NamedTuple):
    """One way to write a call: the function, in place, or into ``out=``."""

    label: str
    source: str
    run: Callable[[Call], Any]


def errors(case: Case) -> Finding:
    """Make each bad call in each way it can be written."""
    asked = False
    everything = case.dtype.name == _dtypes_asked(case.operation)[0]
    for bad in bad_calls(case.operation, get_backend("numpy"), case.dtype, case.arguments, everything=everything):
        there = Case(case.operation, case.dtype, bad.arguments, case.subject, case.reference, case.seed)
        for way in _ways(case):
            raises = _expected(there, way, bad)
            if raises is None:
                continue
            asked = True
            problem = _problem(there, way, bad, raises)
            if problem is not None:
                return Finding(problem, program=_program(there, way, raises), oracle="the reference")
    problem = _out_problem(case) if everything else None
    if problem is not None:
        given = "pb.zeros(run().shape, dtype=pb.int64)"
        return Finding(problem, program=[f"pb.{case.operation.name}(*operands, out={given})"])
    if not asked:
        raise Unsupported("no call of it is known to be bad")
    again = case.on(case.subject)
    if bits_of(again.run()) != bits_of(case.on(case.subject).run()):
        return Finding("a good call gives something else after the bad ones", program=["print(run())"])
    return Finding(oracle="the reference")


def _ways(case: Case) -> Iterator[_Way]:
    operation = case.operation
    public = operation.public
    if not operation.namespaces and len(getattr(operation, "operands", ())) == 1:
        # Users have a method alone, which may be written by hand around the operation; of one operand in its order.
        public = getattr(Tensor, operation.name, public)
    yield _Way("", "", lambda call: public(*call.args, **call.kwargs))
    in_place = operation.inplace_name
    if in_place is not None:
        yield _Way(
            f"Tensor.{in_place}",
            in_place,
            lambda call: getattr(call.args[0], in_place)(*call.args[1:], **call.kwargs),
        )


def _out_problem(case: Case) -> str | None:
    """What is wrong with ``out=`` of a dtype that the result cannot be cast to."""
    operation, what = case.operation, "out= of a dtype that cannot hold the result"
    rule = operation.out
    if rule is None or rule.decides:  # or ``out`` says what dtype the result has
        return None
    exported = function_with_out(operation)
    results = case.on(case.reference).run()
    if exported is None or len(results) != 1 or not isinstance(results[0], Tensor) or results[0].dtype.category < 2:
        return None
    asked = case.on(case.subject)
    with use_backend(case.subject):
        out = pb.zeros(tuple(results[0].shape), dtype=pb.int64)
        before = _state(out)
        try:
            exported(*asked.args, **asked.kwargs, out=out)
        except rule.error:
            is_same = _state(out) == before
            return None if is_same else f"{what} is refused, and has changed all the same"
        except Exception as error:
            return f"{what} raises {type(error).__name__}: {error}"
    return f"{what} is taken"


def _expected(case: Case, way: _Way, bad: BadCall) -> tuple[type[BaseException], ...] | None:
    """What a bad call has to raise; None where it is a good one, or cannot be written in this way."""
    first = case.arguments.args[0] if case.arguments.args else None
    if way.label and not isinstance(first, Tensor):
        return None
    if bad.raises and not way.label:
        return bad.raises
    call = case.on(case.reference)
    try:
        with use_backend(case.reference):
            way.run(call)
    except _REFUSALS as error:
        if bad.raises:
            return bad.raises
        return tuple(k for k in _REFUSALS if isinstance(error, k)) if is_public(case.operation) else _REFUSALS
    except Exception:
        return None
    return None


def _problem(case: Case, way: _Way, bad: BadCall, raises: tuple[type[BaseException], ...]) -> str | None:
    call = case.on(case.subject)
    before = [_state(t) for t in call.tensors]
    name = way.label or case.operation.name
    wanted = " or ".join(dict.fromkeys(kind.__name__ for kind in raises))
    try:
        with use_backend(case.subject):
            way.run(call)
    except raises:
        pass
    except Exception as error:
        return f"{name} raises {type(error).__name__} where {wanted} is right ({bad.label}): {error}"
    else:
        return f"{name} raises nothing where {wanted} is right ({bad.label})"
    for number, (tensor, state) in enumerate(zip(call.tensors, before, strict=True)):
        if _state(tensor) != state:
            return f"{name} raises, and operand {number} has changed all the same ({bad.label})"
    return None


def _state(tensor: Tensor) -> tuple[Any, ...]:
    return bits_of(tensor), tuple(tensor.shape), tensor._version, tensor.grad_fn is None, tensor.requires_grad


def _program(case: Case, way: _Way, raises: tuple[type[BaseException], ...]) -> list[str]:
    call = Call(case.operation, case.reference, case.arguments, lambda tensor: tensor)
    source, imports = call_source(case, call)
    if way.label:
        _, _, given = source.partition("(")
        source = f"pb.Tensor.{way.source}({given}"
    operands = ", ".join(operand_source(t, case.subject) for t in tensors_in((call.args, call.kwargs)))
    names = ", ".join(dict.fromkeys(kind.__name__ for kind in raises))
    return [
        *extend_imports(imports),
        f"operands = [{operands}]",
        "before = [(o.tolist(), o._version) for o in operands]",
        "try:",
        f"    {source}",
        f"except ({names}):",
        "    pass",
        "else:",
        '    raise AssertionError("nothing was raised")',
        "assert str([(o.tolist(), o._version) for o in operands]) == str(before), operands",
    ]

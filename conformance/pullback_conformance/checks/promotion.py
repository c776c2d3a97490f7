"""Whether operands of two dtypes give what both give when converted to the dtype that PyTorch's table says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

import pullback as pb
from pullback.extend import DType, Operation, Tensor, dtypes, get_backend
from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import Finding, Unsupported, compared
from pullback_conformance.moving import tensors_in, to_numpy, widened
from pullback_conformance.naming import dtype_source
from pullback_conformance.oracles.promotion import common_dtype
from pullback_conformance.samples.arguments import Arguments
from pullback_conformance.script import call_source, operand_source
from pullback_conformance.tolerances import bound

#: What the other operand is, beside tensors of every dtype: Python numbers, and the kind they count as.
_NUMBERS: Final = ((True, "bool"), (2, "int"), (1.5, "float"), (1.5 + 0.5j, "complex"))

#: The dtypes of the other operand, with dimensions and without.
_OTHERS: Final = ("bool", "uint8", "int8", "int64", "float16", "bfloat16", "float32", "float64", "complex64")
_OTHERS_0D: Final = ("bool", "int64", "float64", "complex64")


class _Mixed(NamedTuple):
    """A call of operands of several dtypes, the same one converted, and what the other operand is."""

    arguments: Arguments
    converted: Arguments
    dtype: DType
    label: str


def promotes(operation: Any, dtype: DType) -> bool:
    """Whether the operation brings two operands to a common dtype."""
    return (
        isinstance(operation, Operation)
        and operation.promotion != "same"
        and not operation.sequence
        and len(operation.promotes) > 1
        and operation.operands[:2] == operation.promotes[:2]
    )


def promotion(case: Case) -> Finding:
    """Give the second operand in every other dtype, with dimensions, 0-d, and as Python numbers."""
    asked = False
    for mixed in filter(None, _pairs(case)):
        there = Case(case.operation, case.dtype, mixed.arguments, case.subject, case.reference, case.seed)
        plain = Case(case.operation, mixed.dtype, mixed.converted, case.subject, case.reference, case.seed)
        try:
            there.on(get_backend("numpy")).run()
            plain.on(get_backend("numpy")).run()
        except Exception:  # not of these dtypes
            continue
        asked = True
        found = _compared(case, there, plain, mixed)
        if found.problem is not None:
            return found
    if not asked:
        raise Unsupported("no two dtypes of operands are taken")
    return Finding(oracle="PyTorch's table and explicit conversion")


def _compared(case: Case, there: Case, plain: Case, mixed: _Mixed) -> Finding:
    operation = case.operation
    source = "explicit conversion"
    lines = [f"operands = [{', '.join(operand_source(t, case.subject) for t in _tensors(there))}]"]
    call = there.on(case.subject)
    results, wanted = call.run(), plain.on(case.subject).run()
    lines.append(f"result = {_source(there)}")
    for result, want in zip(results, wanted, strict=True):
        expected = operation.result or want.dtype
        if result.dtype is not expected:
            return Finding(
                f"{mixed.label}: the result has dtype {result.dtype.name}, expected {expected.name}",
                program=[*lines, f"assert flat(result)[0].dtype is {dtype_source(expected)}, flat(result)[0].dtype"],
                oracle="PyTorch's table",
            )
        got, exact = to_numpy(result), to_numpy(want)
        if result.dtype.category >= 2:
            got, exact = widened(got), widened(exact)
        allowed, _ = bound(operation, result.dtype, "value", case.subject.name, there.arguments)
        scale = np.broadcast_to(np.max(np.where(np.isfinite(exact), np.abs(exact), 0), initial=1e-30), exact.shape)
        found = compared(
            f"{mixed.label}: result", "flat(result)[0]", got, exact, result.dtype,
            scale if result.dtype.category >= 2 else None, 2 * allowed, oracle=source,
        )  # fmt: skip
        if found.problem is not None:
            found.program = [*lines, *found.program]
            return found
    return Finding()


def _pairs(case: Case) -> Iterator[_Mixed | None]:
    """The calls with another second operand; None where the two dtypes have no common one here."""
    args = case.arguments.args
    if len(args) < 2 or not isinstance(args[0], Tensor) or not isinstance(args[1], Tensor):
        return
    left, right = args[0], args[1]
    if left.dtype is not case.dtype or not right.array.size:
        return
    for name in _OTHERS:
        other = dtypes.by_name[name]
        if other is case.dtype or other not in case.subject.native_dtypes:
            continue
        array = _in_dtype(right, other)
        yield _pair(case, Tensor._wrap(array, right.backend), name, "dimensions")
        if name in _OTHERS_0D and left.array.ndim and case.operation.broadcasts:
            scalar = Tensor._wrap(np.array(array.reshape(-1)[0]).reshape(()), right.backend)
            yield _pair(case, scalar, name, "0-d")
    for number, kind in _NUMBERS:
        if case.operation.operands[1] in case.operation.numbers and left.array.ndim:
            yield _pair(case, number, kind, "number")


def _pair(case: Case, other: Any, name: str, rank: str) -> _Mixed | None:
    given, operation = case.arguments, case.operation
    dtype = common_dtype(case.dtype.name, name, rank)
    if dtype is None or dtype not in case.subject.native_dtypes:
        return None
    if operation.promotion == "float" and dtype.category < 2:
        dtype = pb.get_default_dtype()
    mixed = given._replace(label=name, args=(given.args[0], other, *given.args[2:]))
    full = other if isinstance(other, Tensor) else Tensor._wrap(np.asarray(other), given.args[0].backend)
    promoted = {0: given.args[0], 1: full}

    def convert(position: int, tensor: Any) -> Any:
        is_promoted = position < len(operation.operands) and operation.operands[position] in operation.promotes
        if not isinstance(tensor, Tensor) or not is_promoted:
            return tensor
        return Tensor._wrap(_in_dtype(tensor, dtype), tensor.backend)

    converted = tuple(convert(i, promoted.get(i, a)) for i, a in enumerate(given.args))
    what = {"dimensions": f"{name} operand", "0-d": f"0-d {name} operand", "number": f"Python's {name}"}[rank]
    return _Mixed(mixed, given._replace(label=name, args=converted), dtype, f"{case.dtype.name} and {what}")


def _in_dtype(tensor: Tensor, dtype: DType) -> Any:
    """The elements in another dtype: of numbers with few digits, which every dtype holds."""
    array = tensor.array
    if array.dtype.kind == "c" and not dtype.is_complex:
        array = array.real
    if dtype.category < 2 and array.dtype.kind not in "iub":
        array = np.abs(np.trunc(array.astype(np.float64))) + 1
    return tensor.backend.astype(array, dtype)


def _tensors(case: Case) -> list[Tensor]:
    return tensors_in((case.arguments.args, case.arguments.kwargs))


def _source(case: Case) -> str:
    return call_source(case, Call(case.operation, case.reference, case.arguments, lambda tensor: tensor))[0]

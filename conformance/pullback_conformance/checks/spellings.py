"""Whether the method, the method in place and ``out=`` give what the function does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from pullback import empty_like, float32, float64
from pullback.extend import Operation, Tensor, use_backend
from pullback_conformance.case import Call, Case, flattened
from pullback_conformance.checks.finding import Finding, Unsupported
from pullback_conformance.checks.taking_out import function_with_out
from pullback_conformance.moving import bits_of, overlaps_itself, to_numpy
from pullback_conformance.tolerances import Kind, kind_of


def spellings(case: Case) -> Finding:
    """Compare the bits of each way to write the call with those of the function."""
    operation = case.operation
    if not isinstance(operation, Operation) or "generator" in operation.attributes:
        raise Unsupported("there is one way to write it")
    if any(k == "generator" for k in case.arguments.kwargs):
        raise Unsupported("a random stream goes on from call to call")
    expected = case.on(case.subject).run()
    bits = _bits(expected)
    asked = False
    overlaps = _overlaps_itself(case.arguments.args)
    for name, source, call in _ways(operation, expected):
        if overlaps and name == f"Tensor.{operation.inplace_name}":
            continue  # such a tensor cannot be written to
        asked = True
        arguments = case.on(case.subject)
        with use_backend(case.subject):
            got = flattened(call(arguments))
        if _bits(got) != bits and not _is_rounded_otherwise(case, got, expected):
            return Finding(
                f"{name} gives something else than the function",
                program=[
                    "want = str([r.tolist() for r in flat(run())])",
                    f"got = {source}",
                    "assert str([r.tolist() for r in flat(got)]) == want, got",
                ],
            )
    if not asked:
        raise Unsupported("there is one way to write it")
    return Finding()


def _overlaps_itself(args: tuple[Any, ...]) -> bool:
    """Whether several elements of the first operand, a NumPy tensor still, lie in one place."""
    return bool(args) and isinstance(args[0], Tensor) and overlaps_itself(args[0].array)


def _ways(operation: Operation, expected: list[Any]) -> Iterator[tuple[str, str, Callable[[Call], Any]]]:
    for method in operation.method_names if _in_the_same_order(operation) else ():
        if method.endswith("_"):  # in place, by this name or by another
            continue
        if operation.outputs is not None and vars(Tensor).get(method) is not operation.call:
            continue  # written by hand: it may make one result of several
        yield (
            f"Tensor.{method}",
            f"pb.Tensor.{method}(*operands)",
            partial(_by_method, method),
        )
    in_place = operation.inplace_name
    if in_place is not None and len(expected) == 1 and _in_the_same_order(operation):
        yield (
            f"Tensor.{in_place}",
            f"pb.Tensor.{in_place}(*operands)",
            lambda c: _in_place(c, in_place, expected[0]),
        )
    exported = function_with_out(operation)
    if exported is not None and len(expected) == 1 and isinstance(expected[0], Tensor):
        yield (
            "out=",
            f"pb.{operation.name}(*operands, out=pb.empty_like(run()))",
            lambda c: exported(*c.args, **c.kwargs, out=empty_like(expected[0])),
        )


def _by_method(name: str, call: Call) -> Any:
    return getattr(call.args[0], name)(*call.args[1:], **call.kwargs)


def _in_the_same_order(operation: Operation) -> bool:
    """Whether a method takes what the declaration does: those of indexing take ``dim`` first."""
    positional = [a for a in operation.attributes if a not in operation.keyword_only]
    return len(operation.operands) == 1 or operation.broadcasts or not positional


def _in_place(call: Call, name: str, expected: Any) -> Any:
    """The result in place, of the first operand; the function's where the operand's shape and dtype cannot hold it."""
    first = call.args[0] if call.args else None
    fits = isinstance(first, Tensor) and first.dtype is expected.dtype and first.shape == expected.shape
    if not fits:
        return expected
    result = getattr(first, name)(*call.args[1:], **call.kwargs)
    return [result] if result is first else []


def _is_rounded_otherwise(case: Case, got: list[Any], expected: list[Any]) -> bool:
    """Whether results that are rounded differ in their last bits only: a kernel may have several loops.

    Complex ones may fuse steps in one of them alone. Where elements that do not lie side by side are written, there
    may be another loop than for a result in memory of its own.
    """
    if len(got) != len(expected):
        return False
    first = case.arguments.args[0] if case.arguments.args else None
    apart = (
        isinstance(first, Tensor) and not first.array.flags.c_contiguous and kind_of(case.operation) is not Kind.EXACT
    )
    for one, other in zip(got, expected, strict=True):
        if not isinstance(one, Tensor) or one.dtype is not other.dtype:
            return False
        if not one.dtype.is_complex and not (apart and one.dtype in (float32, float64)):
            return False
        left, right = to_numpy(one), to_numpy(other)
        close = 8 * np.finfo(right.dtype).eps
        if left.shape != right.shape or not np.allclose(left, right, rtol=close, atol=0.0, equal_nan=True):
            return False
    return True


def _bits(results: list[Any]) -> list[Any]:
    """Results with their dtypes and shapes, as what can be compared."""
    return [(r.dtype.name, tuple(r.shape), bits_of(r)) if isinstance(r, Tensor) else r for r in results]

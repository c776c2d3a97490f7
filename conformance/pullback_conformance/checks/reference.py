"""Whether results and gradients are PyTorch's, at kinks, ties, zeros and infinities too: against a stored table.

Where a gradient differs from PyTorch's by intention, it has to be the one that is documented.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback import float32, float64
from pullback.extend import DType, Tensor, get_backend
from pullback_conformance.case import Call, Case, is_inexact, wide_array
from pullback_conformance.checks.finding import Finding, compared
from pullback_conformance.moving import moved, tensors_in, to_numpy
from pullback_conformance.oracles import own_choices, pytorch
from pullback_conformance.samples import Arguments
from pullback_conformance.script import call_source, nested_literal, operand_source
from pullback_conformance.tolerances import Kind, accuracy_of, kind_of

#: Bounds in ulp on values and gradients: not about precision, which other checks hold tighter.
BOUND = 64.0
#: Smaller results are measured here: tails of activations cancel, and libraries differ in their last digits.
FLOOR = 1.0


def has_rows(operation: Any, dtype: DType) -> bool:
    """Whether the table has the operation; it is compared in the dtypes that hold what the table says."""
    return dtype in (float32, float64) and bool(_rows_of(operation.name))


def reference(case: Case) -> Finding:
    """Run each row of the tables that the operation has."""
    rows = _rows_of(case.operation.name)
    total = Finding(oracle=rows[0][1])
    for number, (row, source) in enumerate(rows):
        total = total.merged(_of_row(case, number, row, source))
    return total


def _rows_of(operation: str) -> list[tuple[pytorch.Row, str]]:
    """The rows, PyTorch's first, each with what it comes from."""
    source = f"PyTorch {pytorch.version()}"
    return [
        *((row, source) for row in pytorch.rows_of(operation)),
        *((row, own_choices.SOURCE) for row in own_choices.rows_of(operation)),
    ]


def _of_row(case: Case, number: int, row: pytorch.Row, source: str) -> Finding:
    numpy_backend = get_backend("numpy")

    def tensor(array: Any) -> Tensor:
        dtype = case.dtype if array.dtype.kind == "f" else numpy_backend.dtypes[array.dtype]
        return Tensor._wrap(numpy_backend.from_data(array, dtype, None), numpy_backend)

    arguments = Arguments(number, "", tuple(tensor(o) for o in row.operands), row.attributes)
    call = Call(case.operation, case.subject, arguments, lambda t: moved(t, case.subject))
    expression, _ = call_source(case, Call(case.operation, case.subject, arguments, lambda t: t))
    program = [
        "operands = [",
        *(f"    {operand_source(t, case.subject)}," for t in tensors_in((arguments.args, arguments.kwargs))),
        "]",
        f"got = flat({expression})",
    ]
    results = call.run()
    if len(results) != len(row.results):
        return Finding(f"{len(results)} results, expected {len(row.results)}", program=[*program, "print(got)"])
    found = Finding(oracle=source)
    for index, (result, want) in enumerate(zip(results, row.results, strict=True)):
        what = f"result of row {number}" if len(results) == 1 else f"result {index} of row {number}"
        found = found.merged(_compare(case, what, f"got[{index}]", result, want, source, signs=True))
    weights, start = [], 1
    for result in results:
        if is_inexact(result):
            weights.append(np.arange(start, start + result.numel(), dtype=np.float64).reshape(result.shape))
            start += result.numel()
    if found.problem is None and row.gradients is not None and case.operation.nondifferentiable is None:
        program = [
            *program[:-1],
            f"inputs = [operands[i].requires_grad_() for i in {call.chosen!r}]",
            program[-1].replace("got = ", "outputs = inexact(") + ")",
            f"weights = [{', '.join(nested_literal(w) for w in weights)}]",
            "weights = [pb.tensor(w, dtype=o.dtype) for w, o in zip(weights, outputs)]",
            "got = pb.autograd.grad(outputs, inputs, weights, allow_unused=True)",
        ]
        _, grads = call.vjp(weights)
        floating = [i for i, t in enumerate(call.tensors) if t.dtype.category >= 2]
        wanted = dict(zip(floating, row.gradients, strict=True))
        for index, (chosen, grad) in enumerate(zip(call.chosen, grads, strict=True)):
            want = wanted[chosen]
            what = f"gradient {index} of row {number}"
            if want is not None:
                found = found.merged(_compare(case, what, f"got[{index}]", grad, want, source))
    if found.problem is not None:
        found.program = [*program, *found.program]
    return found


def _compare(
    case: Case, what: str, expression: str, result: Any, want: Any, source: str, *, signs: bool = False
) -> Finding:
    if result is None:
        result_array, dtype = np.zeros(want.shape, np.longdouble), case.dtype
    else:
        dtype = result.dtype
        result_array = wide_array(result) if dtype.category >= 2 else to_numpy(result)
    if (want.dtype.kind == "f") != (dtype.category == 2):
        return Finding(f"{what} has dtype {dtype.name}", program=[f"print({expression}.dtype)"])
    scale = None
    if want.dtype.kind == "f":
        size = np.where(np.isfinite(want), np.abs(want), 0.0)
        if kind_of(case.operation) in (Kind.GENERAL, Kind.LINEAR):
            size = np.broadcast_to(np.max(size, initial=0.0), size.shape)
        scale = np.maximum(size, FLOOR)
    signs = signs and not accuracy_of(case.operation, case.arguments).any_zero
    return compared(what, expression, result_array, want, dtype, scale, BOUND, oracle=source, zero_signs=signs)

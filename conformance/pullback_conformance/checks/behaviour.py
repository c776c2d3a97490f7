"""Checks of what an operation does besides computing: nothing to its operands, and the same thing every time."""

from __future__ import annotations

from typing import Final

from pullback.extend import Tensor
from pullback_conformance.case import Case
from pullback_conformance.checks.finding import Finding
from pullback_conformance.moving import bits_of, tensors_in, to_numpy

#: How often a call is repeated to see whether it gives the same.
_AGAIN: Final = 3


def unchanged(case: Case) -> Finding:
    """Compare the operands' bits after the operation, and after its derivative, with those before."""
    call = case.on(case.subject)
    original = [bits_of(t) for t in tensors_in((case.arguments.args, case.arguments.kwargs))]
    if case.has_gradients:
        call.vjp(case.oracle.cotangents)
    else:
        call.run()
    for number, (tensor, before) in enumerate(zip(call.tensors, original, strict=True)):
        if bits_of(tensor) != before:
            wanted = to_numpy(tensors_in((case.arguments.args, case.arguments.kwargs))[number]).astype(
                tensor_kind(tensor)
            )
            return Finding(
                f"operand {number} was changed",
                program=[
                    f"operand = operands[{number}]",
                    f"assert operand.reshape(-1).tolist() == {wanted.reshape(-1).tolist()!r}, operand",
                ],
            )
    return Finding()


def tensor_kind(tensor: Tensor) -> str:
    """The NumPy dtype whose elements have the values of a tensor's, and a literal."""
    return {0: "bool", 1: tensor.dtype.name, 2: "float64", 3: "complex128"}[tensor.dtype.category]


def deterministic(case: Case) -> Finding:
    """Run the same call a few times on the same operands and compare the bits."""
    call = case.on(case.subject)
    first = bits_of(call.run())
    for _ in range(_AGAIN):
        for number, (before, again) in enumerate(zip(first, bits_of(call.run()), strict=True)):
            if before != again:
                return Finding(
                    f"result {number} differs from one call to the next",
                    program=[
                        "results = [flat(run()) for _ in range(20)]",
                        f"seen = {{str(r[{number}].reshape(-1).tolist()) for r in results}}",
                        "assert len(seen) == 1, seen",
                    ],
                )
    return Finding()

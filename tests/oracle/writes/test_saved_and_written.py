"""An operation, a write in place of an operand or of a result, and backward: refused, or the gradient, as in PyTorch.

What PyTorch refuses because it saves more than its formula needs may work here; then the gradient is the right one.
"""

from __future__ import annotations

import zlib

import pytest

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

from saved_programs import (  # noqa: E402
    Program,
    comparable,
    function_of,
    outcome,
    programs_of,
    repeats,
    same_gradients,
)

import pullback as pb  # noqa: E402
from pullback.tensor.registry import registry  # noqa: E402

pytestmark = pytest.mark.oracle

#: How many programs each operation has on a backend. JAX compiles every one of them, so it has few, of some operations.
PROGRAMS = {"numpy": 12, "jax": 2}
NAMES = [name for name in registry if function_of(pb, name) and function_of(torch, name)]
CASES = [("numpy", name) for name in NAMES] + [("jax", name) for name in NAMES if zlib.crc32(name.encode()) % 12 == 0]

#: Operations whose derivative is another one than PyTorch's, with the reason.
OTHER_DERIVATIVES = {
    "adjoint": "conjugates at once, where PyTorch sets a flag",
    "bernoulli": "PyTorch has no derivative",
    "ldexp": "PyTorch's is wrong for integers and for complex numbers",
    "polar": "PyTorch's by the absolute value is wrong for negative ones",
    "var_mean": "of no degrees of freedom PyTorch's is zero",
    "std_mean": "of no degrees of freedom PyTorch's is zero",
    "vander": "PyTorch refuses what it has written itself",
    "xlogy": "PyTorch's has the dtype of the leaf alone where the other operand has no dimensions",
}
#: Operations built of others, whose nodes or saved tensors are others.
OTHER_NODES = {"aminmax", "std_mean", "var_mean", "linear", "take_along_dim"}


def disagreement(program: Program, backend: str) -> str | None:
    """What differs between the libraries; None for nothing."""
    expected = outcome(torch, program)
    if expected[0] == "call" or "not implemented" in str(expected[1]):
        return None
    with pb.use_backend(backend):
        found = outcome(pb, program)
    if found[0] == "call":  # a matter of other tests
        return None
    if found[0] == "done":
        right = expected if expected[0] == "done" else outcome(torch, program, writes=False)
        if right[0] == "done":
            return None if same_gradients(found[1], right[1]) else f"{found}, right is {right}"
        return None  # PyTorch fails without the write too
    if expected[0] == "done":
        return f"{found}, PyTorch has {expected}"
    same = program.name in OTHER_NODES or comparable(found[1]) == comparable(expected[1])
    return None if same and found[0] == expected[0] else f"{found}, PyTorch has {expected}"


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_what_is_saved_and_written(backend: str, name: str) -> None:
    if name in OTHER_DERIVATIVES:
        pytest.skip(OTHER_DERIVATIVES[name])
    if backend == "jax":
        pytest.importorskip("jax", reason="the jax extra installs it")
    for program in programs_of(name, PROGRAMS[backend]):
        if not repeats(program):
            assert disagreement(program, backend) is None, program

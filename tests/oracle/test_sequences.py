"""Evenly spaced numbers, with every sign of their ends and steps: PyTorch's, to the sign of a zero."""

from __future__ import annotations

import itertools
import math

import pytest

import pullback as pb

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="the oracle extra installs it")

ENDS = [0, 0.0, -0.0, 1, -1, 2.5, -2.5, 3, 1e-3, -5]
STEPS = [1, -1, 0.5, -0.5, 0.0, -0.0, 2, 0]
COUNTS = [0, 1, 2, 3, 5, 8]
DTYPES = ["int64", "int32", "uint8", "float16", "bfloat16", "float32", "float64", "complex64", None]


def outcome(lib, function, arguments, dtype):
    try:
        found = getattr(lib, function)(*arguments, **({} if dtype is None else {"dtype": getattr(lib, dtype)}))
    except Exception as error:
        return type(error).__name__
    return str(found.dtype), found.tolist()


def close(found, expected, tolerance):
    if isinstance(expected, complex):
        return close(found.real, expected.real, tolerance) and close(found.imag, expected.imag, tolerance)
    if expected == 0 and tolerance < 1e-2:
        return found == 0 and math.copysign(1, found) == math.copysign(1, expected)
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance) or (
        found != found and expected != expected
    )


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", ["arange", "linspace", "logspace"])
def test_every_pair_of_ends(function, dtype, backend):
    ends = ENDS if backend == "numpy" else ENDS[:6]
    tolerance = 2e-2 if dtype and "float16" in dtype else 3e-6
    with pb.use_backend(backend):
        for start, end, third in itertools.product(ends, ends, STEPS if function == "arange" else COUNTS):
            if function == "logspace" and dtype == "uint8" and not all(0 <= e <= math.log10(255) for e in (start, end)):
                continue  # beyond the dtype (a negative exponent wraps around first) the result is the processor's
            found = outcome(pb, function, (start, end, third), dtype)
            expected = outcome(torch, function, (start, end, third), dtype)
            if isinstance(expected, str):
                assert found == expected, (start, end, third)
                continue
            assert found[0] == expected[0], (start, end, third, found)
            assert len(found[1]) == len(expected[1])
            pairs = zip(found[1], expected[1], strict=True)
            assert all(close(own, theirs, tolerance) for own, theirs in pairs), (start, end, third, found, expected)
